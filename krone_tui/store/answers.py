"""The file that keeps a model's short answers, so that what was asked once is not asked again."""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from krone_tui.store.alone import alone

MOST_KEPT = 50_000
"""Answers kept in the file; the oldest go first. One takes about 100 bytes."""


@dataclass(frozen=True)
class Asker:
    """Whose answers: the same question put to another model, or in other words, is another one."""

    kind: str
    """What is asked: 'place' of a template, 'verdict' on a Seq."""
    model: str
    """The model file's identity."""
    prompt_version: int


class AnswerCache:
    """Answers in a file of JSON lines, readable by its owner alone, that several processes may add to at once.

    Each answer is on the disk from the moment that `put` returns: a run that is stopped loses none.
    """

    def __init__(self, data_dir: Path, asker: Asker) -> None:
        self._path = data_dir / "answers.jsonl"
        self._asker = asker
        self._known: dict[str, str] | None = None

    def get(self, question: str) -> str | None:
        """The answer to a question, of any length, that was put before; None where it was not."""
        if self._known is None:
            self._known = dict(self._lines())
        return self._known.get(self._key(question))

    def put(self, question: str, answer: str) -> None:
        """Keep an answer; raises `OSError` where the file cannot be written."""
        key = self._key(question)
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        line = json.dumps({"question": key, "answer": answer}) + "\n"
        with alone(self._path):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "rb+") as file:
                size = file.seek(0, os.SEEK_END)
                # A line that a full disk cut short stays alone.
                file.seek(max(0, size - 1))
                torn = size > 0 and file.read(1) != b"\n"
                file.write((("\n" if torn else "") + line).encode())
        if self._known is not None:
            self._known[key] = answer
            if len(self._known) > MOST_KEPT:
                self._shorten()

    def _key(self, question: str) -> str:
        text = json.dumps([self._asker.kind, self._asker.model, self._asker.prompt_version, question])
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()

    def _lines(self) -> Iterator[tuple[str, str]]:
        """(key, answer), oldest first; a line that does not parse is passed over."""
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                yield str(row["question"]), str(row["answer"])

    def _shorten(self) -> None:
        """Write the newer half of the answers aside, and put it in the file's place."""
        with alone(self._path):
            kept = list(dict(self._lines()).items())[-MOST_KEPT // 2 :]
            aside = self._path.with_name(f".{self._path.name}.{os.getpid()}.partial")
            try:
                descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    file.writelines(
                        json.dumps({"question": key, "answer": answer}) + "\n" for key, answer in kept
                    )
                    file.flush()
                    os.fsync(file.fileno())
                aside.replace(self._path)
            finally:
                aside.unlink(missing_ok=True)
        self._known = dict(kept)
