"""The process that runs llama.cpp: JSON lines in, JSON lines out, ends when its parent does.

`python -P worker.py` reads one command a line: `load`, `inspect`, `count`, `read`, `generate`, `weigh` (see
`llm.Engine`). It is run as a file, and imports nothing of krone_tui, so that it starts quickly. Nothing else
imports llama_cpp. It
opens no file but the model, and no socket.
"""

import codecs
import contextlib
import ctypes
import importlib
import io
import json
import os
import queue
import re
import sys
import threading
from collections.abc import Iterator
from typing import Any, TextIO

BATCH = 64
"""Tokens read between two reports of progress. Fixed, as other batches round differently and may choose
another word.
"""
_CANDIDATES = 64
"""Most probable tokens that the grammar is asked about first: nearly always one of them fits."""
_REPEAT_PENALTY = 1.0
"""Taken off the logit of a word written already: small models go round in circles without it."""
_REPEATED_RUN_PENALTY = 6.0
"""Taken off where the word would complete a run of four tokens written already."""


class Refusal(Exception):  # noqa: N818 - it is no error, but an answer
    """What cannot be done, in one sentence for the user."""


class Model:
    """One loaded GGUF."""

    def __init__(self, path: str, threads: int, context: int) -> None:
        self._api = llama_cpp = importlib.import_module("llama_cpp")
        self._messages = _native_messages(llama_cpp)
        try:
            self.llama = llama_cpp.Llama(
                path,
                n_ctx=context,
                n_batch=BATCH,
                n_ubatch=BATCH,
                n_threads=threads,
                n_threads_batch=threads,
                n_gpu_layers=0,
                seed=1,
                verbose=False,
            )
        except (ValueError, RuntimeError, OSError, AssertionError) as error:
            raise Refusal(_because(self._messages, error)) from error
        self._vocabulary = llama_cpp.llama_model_get_vocab(self.llama.model)
        self._template = _chat_template(self.llama.metadata)
        self.context = min(self.llama.n_ctx(), _trained_context(self.llama.metadata) or context)
        self._prefix: list[int] = []
        self._words: dict[int, bool] = {}

    def count(self, texts: list[str]) -> list[int]:
        """Tokens of each text."""
        return [len(self._tokens(text)) for text in texts]

    def _tokens(self, text: str, special: bool = False) -> list[int]:
        return list(self.llama.tokenize(text.encode(), add_bos=False, special=special))

    def chat_tokens(self, system: str, user: str) -> tuple[list[int], list[int]]:
        """The chat as tokens: up to the end of the system text, and the rest.

        The template is filled with place-holders and cut at them, and only its own pieces are read for
        special tokens: whatever the texts hold stays text, for any model's special tokens, known or not.
        """
        pieces = self._pieces(("\ue000", "\ue001"))
        if pieces is None:
            pieces = self._pieces(("", "\ue000\n\n\ue001"))
        if pieces is None:
            raise Refusal("is not a chat model that can be used: its chat template cannot be filled")
        before, between, after = (self._tokens(piece, special=True) for piece in pieces)
        first = self.llama.token_bos()
        has_first = self.llama.metadata.get("tokenizer.ggml.add_bos_token", "true") == "true" and first >= 0
        if has_first and before[:1] != [first]:
            before = [first, *before]
        return before + self._tokens(system), between + self._tokens(user) + after

    def _pieces(self, texts: tuple[str, str]) -> tuple[str, str, str] | None:
        """The template's text before, between and after the two place-holders; None where it has no room for
        both.
        """
        system, user = texts
        messages = ([{"role": "system", "content": system}] if system else []) + [
            {"role": "user", "content": user}
        ]
        try:
            formats = importlib.import_module("llama_cpp.llama_chat_format")
            ends = self._special(self.llama.token_eos()), self._special(self.llama.token_bos())
            fill = formats.Jinja2ChatFormatter(self._template, *ends)
            filled = fill(messages=messages, enable_thinking=False).prompt
        except (
            Exception
        ):  # The template is code from the model's file: whatever it raises, it cannot be used.
            return None
        found = re.fullmatch(
            "([^\ue000\ue001]*)\ue000([^\ue000\ue001]*)\ue001([^\ue000\ue001]*)", filled, re.DOTALL
        )
        return (found[1], found[2], found[3]) if found else None

    def _special(self, token: int) -> str:
        return self.llama.detokenize([token], special=True).decode("utf-8", "replace") if token >= 0 else ""

    def read(self, system: list[int], rest: list[int]) -> Iterator[tuple[int, int]]:
        """Evaluate a prompt; yields (tokens read, tokens in all). The system text is read once for all
        prompts.
        """
        total = len(system) + len(rest)
        if total >= self.context:
            raise Refusal(f"has room for {self.context:,} tokens; the prompt has {total:,}")
        # A recurrent state cannot be wound back to the end of the system text.
        if (
            self._prefix == system
            and not getattr(self.llama, "_is_recurrent", False)
            and not getattr(self.llama, "_is_hybrid", False)
        ):
            self.llama.n_tokens = len(system)
        else:
            self.llama.reset()
            self._prefix = []
            yield from self._evaluate(system, total)
            self._prefix = system
        yield from self._evaluate(rest, total)

    def _evaluate(self, tokens: list[int], total: int) -> Iterator[tuple[int, int]]:
        for start in range(0, len(tokens), BATCH):
            self.llama.eval(tokens[start : start + BATCH])
            yield self.llama.n_tokens, total

    def write(self, grammar: str, limit: int) -> Iterator[bytes]:
        """The answer, token by token: always the most probable one that the grammar allows."""
        api = self._api
        sampler = api.llama_sampler_init_grammar(self._vocabulary, grammar.encode(), b"root")
        if not sampler:
            raise Refusal(
                "cannot be held to the form of an explanation: "
                + _because(self._messages, "the grammar is not understood")
            )
        written: list[int] = []
        try:
            for _ in range(min(limit, self.context - self.llama.n_tokens - 1)):
                token = self._choose(sampler, written)
                if token is None or api.llama_vocab_is_eog(self._vocabulary, token):
                    return
                api.llama_sampler_accept(sampler, token)
                written.append(token)
                yield bytes(
                    self.llama.detokenize([token], prev_tokens=written[:-1] or [self.llama.token_bos()])
                )
                self.llama.eval([token])
        finally:
            api.llama_sampler_free(sampler)

    def weigh(self, choices: list[str]) -> list[float]:
        """The log-probability of each text as what comes next; nothing of it stays in the context."""
        import numpy as np

        start = self.llama.n_tokens
        first = self._log_probabilities()
        weights = []
        for choice in choices:
            tokens = self._tokens(choice)
            weight, next_word = 0.0, first
            for position, token in enumerate(tokens):
                weight += float(next_word[token])
                if position + 1 < len(tokens):
                    self.llama.eval([token])
                    next_word = self._log_probabilities()
            self.llama.n_tokens = start
            weights.append(weight if tokens else -np.inf)
        return weights

    def _log_probabilities(self) -> Any:
        import numpy as np

        logits = self._logits().astype(np.float64)
        logits -= logits.max()
        return logits - np.log(np.exp(logits).sum())

    def _logits(self) -> Any:
        import numpy as np

        pointer = self._api.llama_get_logits(self.llama.ctx)
        return np.ctypeslib.as_array(pointer, shape=(self.llama.n_vocab(),)).copy()

    def _choose(self, sampler: Any, written: list[int]) -> int | None:
        import numpy as np

        logits = self._logits()
        runs = {written[i + 3] for i in range(len(written) - 3) if written[i : i + 3] == written[-3:]}
        for token in set(written[-128:]):
            if self._is_word(token):  # Digits and marks of line numbers are repeated rightly.
                logits[token] -= _REPEATED_RUN_PENALTY if token in runs else _REPEAT_PENALTY
        allowed = self._allowed(sampler, most_probable(logits, _CANDIDATES), logits)
        if allowed is None:
            allowed = self._allowed(sampler, np.argsort(-logits, kind="stable")[_CANDIDATES:], logits)
        return allowed

    def _is_word(self, token: int) -> bool:
        if token not in self._words:
            text = self.llama.detokenize([token]).decode("utf-8", "ignore")
            self._words[token] = any(character.isalpha() for character in text)
        return self._words[token]

    def _allowed(self, sampler: Any, tokens: Any, logits: Any) -> int | None:
        """The first of the tokens that the grammar allows."""
        import numpy as np

        api = self._api
        entry = np.dtype([("id", np.intc), ("logit", np.single), ("p", np.single)], align=True)
        candidates = np.zeros(len(tokens), dtype=entry)
        candidates["id"] = tokens
        candidates["logit"] = logits[tokens]
        array = api.llama_token_data_array(
            data=candidates.ctypes.data_as(ctypes.POINTER(api.llama_token_data)),
            size=len(tokens),
            selected=-1,
            sorted=True,
        )
        api.llama_sampler_apply(sampler, ctypes.byref(array))
        left = np.flatnonzero(np.isfinite(candidates["logit"]))
        return int(candidates["id"][left[0]]) if left.size else None


def most_probable(logits: Any, number: int) -> Any:
    """So many tokens, the most probable first, and of equals the one with the lesser number.

    To sort all of a vocabulary would take a fifth of the time that a token takes.
    """
    import numpy as np

    if len(logits) <= number:
        return np.argsort(-logits, kind="stable")
    last = np.partition(-logits, number - 1)[number - 1]
    tokens = np.flatnonzero(-logits <= last)
    return tokens[np.argsort(-logits[tokens], kind="stable")][:number]


def inspect(path: str) -> dict[str, Any]:
    """What a GGUF says of itself, without loading its weights."""
    llama_cpp = importlib.import_module("llama_cpp")
    messages = _native_messages(llama_cpp)
    try:
        model = llama_cpp.Llama(path, vocab_only=True, verbose=False)
    except (ValueError, RuntimeError, OSError, AssertionError) as error:
        raise Refusal(_because(messages, error)) from error
    metadata = {str(key): str(value) for key, value in model.metadata.items()}
    model.close()
    return {
        "context": _trained_context(metadata),
        "name": metadata.get("general.name", ""),
        "chat": "tokenizer.chat_template" in metadata,
    }


def _chat_template(metadata: dict[str, str]) -> str:
    template = metadata.get("tokenizer.chat_template")
    if not template:
        raise Refusal("is not a chat model: it has no chat template")
    return template


def _trained_context(metadata: dict[str, str]) -> int:
    return int(metadata.get(f"{metadata.get('general.architecture', '')}.context_length", "0"))


_callback: Any = None


def _native_messages(api: Any) -> list[str]:
    """A list that llama.cpp's own error messages are appended to from here on."""
    global _callback  # noqa: PLW0603 - C keeps a bare pointer to it, so it must outlive the call
    messages: list[str] = []

    def keep(level: int, text: bytes, _data: object) -> None:
        if level >= 4:
            messages.append(text.decode("utf-8", "replace").strip())

    _callback = api.llama_log_callback(keep)
    api.llama_log_set(_callback, ctypes.c_void_p(0))
    return messages


def _because(messages: list[str], error: object) -> str:
    """The reason in llama.cpp's words, its function names taken off."""
    said = [re.sub(r"^\w+: ", "", message) for message in messages if message]
    return f"cannot be loaded: {said[0] if said else error}"


class Worker:
    """Serves one parent."""

    def __init__(self, commands: "queue.Queue[dict[str, Any]]", answers: TextIO) -> None:
        self._commands = commands
        self._answers = answers
        self._model: Model | None = None

    def serve(self) -> None:
        """Answer commands for ever; the reader of standard input ends the process."""
        while True:
            command = self._commands.get()
            try:
                getattr(self, "do_" + command.pop("do"))(**command)
            except Refusal as refusal:
                self._say(refused=str(refusal))
            except MemoryError:
                self._say(refused="does not fit into memory")

    def _say(self, **answer: object) -> None:
        self._answers.write(json.dumps(answer) + "\n")
        self._answers.flush()

    def do_inspect(self, path: str) -> None:
        """A model file's own description."""
        self._say(done=inspect(path))

    def do_load(self, path: str, threads: int, context: int) -> None:
        """Load a model."""
        self._model = Model(path, threads, context)
        self._say(done={"context": self._model.context})

    def _loaded(self) -> Model:
        assert self._model is not None, "load comes first"
        return self._model

    def do_count(self, texts: list[str]) -> None:
        """Token counts."""
        self._say(done={"counts": self._loaded().count(texts)})

    def do_read(self, system: str) -> None:
        """Read the system text ahead of the first prompt."""
        model = self._loaded()
        for _ in model.read(model.chat_tokens(system, "")[0], []):
            pass
        self._say(done={})

    def do_generate(self, system: str, user: str, grammar: str, limit: int) -> None:
        """Read a prompt, then write the answer."""
        model = self._loaded()
        head, rest = model.chat_tokens(system, user)
        for read, total in model.read(head, rest):
            self._say(read=read, of=total)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        tokens = 0
        for piece in model.write(grammar, limit):
            tokens += 1
            self._say(text=decoder.decode(piece))
        self._say(done={"prompt_tokens": len(head) + len(rest), "tokens": tokens})

    def do_weigh(self, system: str, user: str, choices: list[str]) -> None:
        """Read a prompt, then say how probable each answer is."""
        model = self._loaded()
        head, rest = model.chat_tokens(system, user)
        for read, total in model.read(head, rest):
            self._say(read=read, of=total)
        weights = model.weigh(choices)
        self._say(done={"prompt_tokens": len(head) + len(rest), "tokens": len(choices), "weights": weights})


def main() -> None:
    """Serve the parent at the other end of standard input and output."""
    # Native code may print: only this worker's answers reach the parent.
    answers = io.TextIOWrapper(os.fdopen(os.dup(1), "wb"), encoding="utf-8")
    os.dup2(2, 1)
    commands: queue.Queue[dict[str, Any]] = queue.Queue()

    def listen() -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in sys.stdin.buffer:
                commands.put(json.loads(line))
        os._exit(0)  # The parent is gone, however it went; a computation that runs does not matter to anyone.

    threading.Thread(target=listen, daemon=True).start()
    try:
        Worker(commands, answers).serve()
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
