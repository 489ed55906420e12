"""The knowledge base of one investigation: found, asked, told, and its verdicts laid over what the detectors found."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from krone_tui.errors import KroneError
from krone_tui.settings import Settings
from krone_tui.store import facts, overlay, verdicts
from krone_tui.store.connection import Store
from krone_tui.store.knowledge import SUFFIX, KnowledgeBase
from krone_tui.store.overlay import Change, Word
from krone_tui.store.targets import Target
from krone_tui.store.verdicts import PERSON, Verdict, VerdictRow

ENOUGH = 0.5
"""Share of a log's records that a knowledge base must have met for it to be the application's."""
_ENDINGS = re.compile(r"(\.(log|txt|json|jsonl|out|gz|bz2|xz|zst|\d+))+$", re.IGNORECASE)


@dataclass(frozen=True)
class _Step:
    """What one thing the reader did changed, so that it can be taken back."""

    said: str
    added: tuple[int, ...] = ()
    taken_back: tuple[int, ...] = ()


class Judging:
    """Gives verdicts and takes them back. Every method is handed the store whose thread it runs in."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.path: Path | None = None
        """The file of the knowledge base in force; None before the first verdict where none was recognised."""
        self.how = ""
        """Why it is this one, in a few words."""
        self._steps: list[_Step] = []

    @property
    def name(self) -> str:
        """The knowledge base's name, '' where there is none yet."""
        return self.path.name.removesuffix(SUFFIX) if self.path is not None else ""

    def begin(self, store: Store) -> tuple[str, ...]:
        """Find the knowledge base and let its verdicts count. Returns notes, one sentence each."""
        if not self._settings.use_knowledge:
            self.how = "switched off"
            return ()
        notes: list[str] = []
        try:
            words = self._find(store, notes)
            if words:
                overlay.apply(store, words)
            elif self.path is not None and not self.path.exists():
                notes.append(
                    f"There is no knowledge base '{self._settings.knowledge}' yet; the first verdict makes it."
                )
        except KroneError as error:
            notes.append(f"No verdict counts: {error}")
        return tuple(notes)

    def give(self, store: Store, target: Target, verdict: str, comment: str | None) -> Change:
        """A person's verdict. Raises `KroneError` when it cannot be kept; nothing changes then."""
        given = Verdict(
            target.scope,
            target.key,
            verdict,
            PERSON,
            verdicts.now(),
            comment or None,
            target.title,
            target.path,
        )
        return self._add(store, given)

    def revise(self, store: Store, row: Verdict, verdict: str, comment: str | None) -> Change:
        """A person's new verdict on what an earlier one was on."""
        given = Verdict(
            row.scope,
            row.key,
            verdict,
            PERSON,
            verdicts.now(),
            comment or None,
            row.title,
            row.path,
            row.detail,
        )
        return self._add(store, given)

    def forget(self, store: Store, rows: Sequence[VerdictRow]) -> Change:
        """Take verdicts back for good."""
        with KnowledgeBase.writing(self._existing()) as base:
            ids = verdicts.forget(base, [row.verdict_id for row in rows])
        self._steps.append(_Step(f"forgot {_named(rows)}", taken_back=tuple(ids)))
        return self._take(store)

    def bring_in(self, store: Store, given: Sequence[Verdict]) -> tuple[int, Change]:
        """Import verdicts; returns how many were new."""
        ids = self._write(store, given, imported=True)
        if ids:
            self._steps.append(_Step(f"imported {len(ids):,} verdicts", added=tuple(ids)))
        return len(ids), self._take(store)

    def undo(self, store: Store) -> tuple[str, Change] | None:
        """Take back the last thing done in this session: (what it was, what changes); None when there is none."""
        if not self._steps:
            return None
        step = self._steps[-1]
        with KnowledgeBase.writing(self._existing()) as base:
            verdicts.retract(base, step.added)
            verdicts.restore(base, step.taken_back)
        self._steps.pop()
        return step.said, self._take(store)

    def listed(self, store: Store) -> list[VerdictRow]:
        """Every verdict kept, the latest first; those that other processes gave meanwhile count from here on."""
        if self.path is None or not self.path.exists():
            return []
        with KnowledgeBase.reading(self.path) as base:
            rows = verdicts.listed(base)
        self._take(store)
        return rows

    def keep(self, store: Store, given: Sequence[Verdict]) -> None:
        """Keep verdicts of a model, which `undo` leaves alone; they count from the next `count_again` on."""
        self._write(store, given)

    def count_again(self, store: Store) -> Change:
        """Let what is kept by now count; returns what is different from what counted before."""
        return Change(0, 0) if self.path is None or not self.path.exists() else self._take(store)

    def _add(self, store: Store, given: Verdict) -> Change:
        ids = self._write(store, [given])
        self._steps.append(_Step(f"{given.verdict}, {given.title}", added=tuple(ids)))
        return self._take(store)

    def _write(self, store: Store, given: Sequence[Verdict], *, imported: bool = False) -> list[int]:
        if not self._settings.use_knowledge:
            raise KroneError(
                "Verdicts are switched off (--no-knowledge); open the log without it to give one."
            )
        path = self.path or self._new(store)
        texts = [str(row[0]) for row in store.rows("SELECT text FROM template")]
        with KnowledgeBase.writing(path) as base:
            ids = verdicts.bring_in(base, given) if imported else verdicts.add(base, given)
            verdicts.remember_templates(base, texts)
        self.path = path
        return ids

    def _take(self, store: Store) -> Change:
        """Read the verdicts and let them count."""
        with KnowledgeBase.reading(self._existing()) as base:
            words = verdicts.words(base)
        return overlay.apply(store, words)

    def _existing(self) -> Path:
        if self.path is None:
            raise KroneError("There is no knowledge base yet; the first verdict makes it.")
        return self.path

    def _find(self, store: Store, notes: list[str]) -> list[Word]:
        """Decide which knowledge base is in force; returns what counts in it."""
        if self._settings.knowledge:
            self.path = KnowledgeBase.locate(self._settings.knowledge, self._settings)
            self.how = "named"
            return _look(self.path, store)[1] if self.path.exists() else []
        best, problems, words = ENOUGH, [], []
        for name in KnowledgeBase.names(self._settings):
            path = KnowledgeBase.locate(name, self._settings)
            try:
                known, found = _look(path, store)
            except KroneError as error:
                problems.append(str(error))
                continue
            if known >= best and (known > best or self.path is None):
                best, self.path, words = known, path, found
                self.how = f"it has met {known:.0%} of the records"
        if self.path is None and problems:
            notes.append(f"No verdict counts: {problems[0]}")
        return words

    def _new(self, store: Store) -> Path:
        """The file for the first verdict: one that another process has made for this application meanwhile, or a new one."""
        self._find(store, [])
        if self.path is not None:
            return self.path
        stem = _stem(facts.log_paths(store))
        number = 1
        while True:
            name = stem if number == 1 else f"{stem}-{number}"
            path = self._settings.data_dir / "knowledge" / f"{name}{SUFFIX}"
            if not path.exists() or _knows(path, store):
                self.how = "made for this log"
                return path
            number += 1


def _look(path: Path, store: Store) -> tuple[float, list[Word]]:
    """(share of the log's records that a knowledge base has met, what counts in it), in one opening of its file."""
    with KnowledgeBase.reading(path) as base:
        return verdicts.coverage(base, store), verdicts.words(base)


def _knows(path: Path, store: Store) -> bool:
    try:
        return _look(path, store)[0] >= ENOUGH
    except KroneError:
        return False


def _stem(paths: Sequence[str]) -> str:
    """What a knowledge base is called after a log: `orders` for `/var/log/orders.log.2.gz`."""
    name = _ENDINGS.sub("", Path(paths[0]).name) if paths else ""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:60] or "log"


def _named(rows: Sequence[VerdictRow]) -> str:
    return rows[0].title if len(rows) == 1 else f"{len(rows):,} verdicts"
