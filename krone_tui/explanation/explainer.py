"""Explanations: a finding's evidence in a local model's words, streamed, grounded, cancellable."""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from krone_tui.errors import KroneError
from krone_tui.explanation.grammar import free_grammar, guided_grammar
from krone_tui.explanation.grounding import ground
from krone_tui.explanation.llm import NEEDS_LLAMA_CPP, Engine, llama_cpp_installed
from krone_tui.explanation.models import ModelFile, find_model, how_to_get_one
from krone_tui.explanation.prompt import PROMPT_VERSION, SYSTEM, build_prompt
from krone_tui.explanation.request import Chunk, Claim, Explanation, Prompt, Request
from krone_tui.settings import Settings

PROMPT_TOKENS = 520
"""Of the whole prompt: what the small model reads within 3 s on two cores. A small model makes no use of
more.
"""
ANSWER_TOKENS = 400
"""Three parts of one or two sentences; the grammar ends most answers well before."""
GUIDED_BELOW = 600 << 20
"""Bytes of the model file. Smaller models write sentences that are wrong more often than right: they only
choose which records and which evidence to point at."""


class Explainer:
    """Explains findings with the model that the settings name. Calls are made by one thread at a time;
    `cancel` by any.
    """

    def __init__(self, settings: Settings, prompt_tokens: int = PROMPT_TOKENS) -> None:
        self._settings = settings
        self._prompt_tokens = prompt_tokens
        self._engine = Engine()

    @property
    def missing(self) -> str:
        """One line on what an explanation lacks and how to get it; '' when nothing. Raises `KroneError` when the
        setting names no file.
        """
        if find_model(self._settings) is None:
            return f"There is no model to explain with. {how_to_get_one(self._settings)}"
        return "" if llama_cpp_installed() else NEEDS_LLAMA_CPP

    @property
    def model(self) -> ModelFile:
        """The model that would speak. Raises `KroneError`, with how to get one, when there is none."""
        found = find_model(self._settings)
        if found is None:
            raise KroneError(self.missing)
        return found

    def prepare(self) -> None:
        """Load the model and let it read the instructions: the first token of `explain` comes sooner."""
        self._engine.begin()
        self._load()
        self._engine.read(SYSTEM)

    def prompt(self, request: Request) -> Prompt:
        """Exactly what `explain` would give the model."""
        self._engine.begin()
        return self._prompt(request)

    def _prompt(self, request: Request) -> Prompt:
        self._load()
        return build_prompt(
            request, min(self._prompt_tokens, self._engine.context - ANSWER_TOKENS), self._engine.count
        )

    def explain(self, request: Request) -> Iterator[Chunk]:
        """Explain one finding: chunks of progress, then of text, the last one with the grounded explanation.

        Same request, model and prompt version: same text. Raises `KroneError`, and `Cancelled` once another
        thread cancels. A consumer that stops early ends the model's process by it. It can be
        cancelled from the moment that this returns, which is at once.
        """
        self._engine.begin()
        return self._speak(request)

    def _speak(self, request: Request) -> Iterator[Chunk]:
        started = time.monotonic()
        model = self.model
        prompt = self._prompt(request)
        answer: list[str] = []
        first_token = 0.0
        prompt_tokens = tokens = 0
        finished = False
        told = 0
        try:
            grammar = guided_grammar(prompt) if model.size < GUIDED_BELOW else free_grammar(prompt)
            for step in self._engine.generate(prompt.system, prompt.user, grammar, ANSWER_TOKENS):
                prompt_tokens = step.prompt_tokens
                if step.tokens is not None:
                    tokens = step.tokens
                    continue
                if step.text and not first_token:
                    first_token = time.monotonic() - started
                answer.append(step.text)
                claims: tuple[Claim, ...] = ()
                if "]" in step.text:
                    # Up to its references a sentence is whole: it can be held against them at once.
                    written = "".join(answer)
                    claims = ground(written[: written.rindex("]") + 1], prompt)[1][told:]
                    told += len(claims)
                yield Chunk(step.text, step.read / max(step.prompt_tokens, 1), claims)
            finished = True
        finally:
            if not finished:
                self._engine.close()
        verdict, sentences, complete = ground("".join(answer), prompt)
        explanation = Explanation(
            verdict=verdict,
            sentences=sentences,
            complete=complete,
            model=model.name,
            prompt_version=PROMPT_VERSION,
            seconds=time.monotonic() - started,
            first_token_seconds=first_token,
            prompt_tokens=prompt_tokens,
            tokens=tokens,
            left_out=prompt.left_out,
        )
        yield Chunk(explanation=explanation)

    def cancel(self) -> None:
        """Stop an explanation from any thread, within a few milliseconds: the model's process is killed."""
        self._engine.cancel()

    def close(self) -> None:
        """End the model's process."""
        self._engine.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _load(self) -> None:
        self._engine.load(self.model.path, self._settings.threads)
