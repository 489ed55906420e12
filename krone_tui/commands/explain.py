"""`krone-tui explain LOG…`: the evidence of one execution, then a local model's words about it."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from krone_tui.commands.options import Paths, investigates
from krone_tui.commands.output import opened, print_lines
from krone_tui.errors import KroneError

if TYPE_CHECKING:
    from krone_tui.explanation import Claim, Explainer, Explanation, Sentence
    from krone_tui.settings import Settings
    from krone_tui.store import Store, views

_FORMATS = ("text", "json")


@investigates()
def explain(
    paths: Paths,
    settings: "Settings",
    execution: Annotated[
        str | None, typer.Option(metavar="ID", help="The execution with this value of the identifier.")
    ] = None,
    mode: Annotated[
        int | None, typer.Option(metavar="N", help="The failure mode with this number; otherwise the first.")
    ] = None,
    format_: Annotated[str, typer.Option("--format", metavar="text|json", help="How to write it.")] = "text",
    show_prompt: Annotated[
        bool, typer.Option("--show-prompt", help="Also show exactly what the model is given.")
    ] = False,
) -> None:
    """Show the evidence against an execution, then have a local model explain it.

    Each sentence of the model is held against the lines that it cites; what they do not bear out is marked.
    Ctrl-C stops the model. Without a model the evidence is shown.
    """
    from krone_tui.explanation import Explainer

    if format_ not in _FORMATS:
        raise KroneError(f"--format is one of {', '.join(_FORMATS)}, not '{format_}'.")
    if execution is not None and mode is not None:
        raise KroneError("Name an execution or a failure mode, not both: --execution or --mode.")
    with Explainer(settings) as explainer:
        # A model that is named and not there is said before the log is read.
        missing = explainer.missing
        with opened(paths, settings) as investigation:
            subject = _subject(investigation.store, execution, mode)
            if subject is None:
                _print(
                    ["Nothing was flagged: there is nothing to explain."] if format_ == "text" else ["null"]
                )
                return
            telling = _Telling(investigation.store, settings, explainer, subject, missing, show_prompt)
            if format_ == "json":
                _print([json.dumps(telling.document(), indent=2)])
            else:
                telling.tell()


def _print(lines: list[str]) -> None:
    print_lines(lines, always_utf8=False)


@dataclass(frozen=True)
class _Subject:
    """What is to be explained."""

    execution: "views.ExecutionRow"
    mode: "views.FailureModeRow | None"
    """None where the execution is not flagged."""
    evidence: "list[Sentence]"


def _subject(store: "Store", identifier: str | None, number: int | None) -> _Subject | None:
    """The execution that is named, or the one that shows a failure mode best; None where nothing is flagged."""
    from krone_tui.explanation import evidence
    from krone_tui.store import views

    modes = {mode.failure_mode_id: mode for mode in views.failure_modes(store)}
    if identifier is not None:
        chosen = views.find_execution(store, identifier)
        if chosen is None:
            raise KroneError(
                f"There is no execution '{identifier}'; `krone-tui scan LOG --all` lists them all."
            )
    elif number is not None and number not in modes:
        raise KroneError(
            f"There is no failure mode {number}; "
            + (f"this log has {', '.join(map(str, modes))}." if modes else "nothing was flagged in this log.")
        )
    elif not modes:
        return None
    else:
        mode = modes[number] if number is not None else next(iter(modes.values()))
        chosen = views.execution(store, mode.example_execution)
        assert chosen is not None
    of = modes.get(chosen.failure_mode_id) if chosen.failure_mode_id is not None else None
    return _Subject(chosen, of, evidence(store, chosen.execution_id))


@dataclass
class _Telling:
    """The evidence of one subject, and what the model says of it."""

    store: "Store"
    settings: "Settings"
    explainer: "Explainer"
    subject: _Subject
    missing: str
    """Why there is no model, in one line; '' when there is one."""
    show_prompt: bool
    kept: bool = False
    """The explanation was given before."""

    def tell(self) -> None:
        """As text, each part as soon as it is there."""
        _print(list(self._evidence()))
        if self._why_none():
            _print(["", self._why_none()])
            return
        if self.show_prompt:
            _print(["", "The prompt:", *(f"  {line}" for line in self._prompt().split("\n"))])
        explanation = None
        told: list[Claim] = []
        for verdict, claims, explanation in self._explained():
            if verdict:
                _print(["", f"Verdict: {verdict}"])
            # At last comes what the model did not finish.
            for claim in claims or (explanation.sentences[len(told) :] if explanation else ()):
                _print(
                    [*(["", claim.part] if not told or claim.part != told[-1].part else []), _sentence(claim)]
                )
                told.append(claim)
        assert explanation is not None
        _print(["", *self._about(explanation)])

    def document(self) -> dict[str, Any]:
        """As one JSON object."""
        from dataclasses import asdict

        one, mode = self.subject.execution, self.subject.mode
        explanation = None if self._why_none() else [last for _, _, last in self._explained()][-1]
        return {
            "execution": one.identifier,
            "source": one.source,
            "first_line": one.first_line,
            "last_line": one.last_line,
            "flagged": one.flagged,
            "failure_mode": mode.failure_mode_id if mode else None,
            "title": mode.title if mode else None,
            "path": mode.path if mode else None,
            "evidence": [
                {"text": sentence.text, "lines": list(sentence.lines)} for sentence in self.subject.evidence
            ],
            "prompt": self._prompt() if self.show_prompt and not self._why_none() else None,
            "explanation": asdict(explanation) | {"kept": self.kept} if explanation else None,
            "note": self._why_none() or None,
        }

    def _why_none(self) -> str:
        return (
            self.missing
            if self.subject.mode is not None
            else "It is not flagged: there is nothing to explain."
        )

    def _evidence(self) -> Iterator[str]:
        from krone_tui.report import printable

        one, mode = self.subject.execution, self.subject.mode
        if mode is not None:
            yield f"Failure mode {mode.failure_mode_id}: {printable(mode.title)}"
            yield f"{printable(mode.path)}, score {mode.score:.2f}"
        yield f"Execution {printable(one.identifier)}, {printable(one.source)} lines {one.first_line} to {one.last_line}:"
        for sentence in self.subject.evidence:
            yield f"- {printable(str(sentence))}"

    def _prompt(self) -> str:
        from krone_tui.explanation import request_for
        from krone_tui.report import printable

        request, _ = request_for(self.store, self.subject.execution.execution_id)
        return "\n".join(printable(line) for line in self.explainer.prompt(request).text.split("\n"))

    def _explained(self) -> "Iterator[tuple[str, tuple[Claim, ...], Explanation | None]]":
        """(the verdict once it is known, sentences as they become whole, the explanation at last)."""
        from krone_tui.explanation import KeptExplanations, places_of, request_for
        from krone_tui.report import printable

        request, seq_hash = request_for(self.store, self.subject.execution.execution_id)
        places = places_of(self.store, self.subject.execution.execution_id)
        keeper = KeptExplanations(self.settings)
        known = keeper.get(seq_hash, self.explainer.model, request, places)
        if known is not None:
            self.kept = True
            yield known.verdict, known.sentences, known
            return
        _report(f"{self.explainer.model.name} is loaded …")
        text = ""
        for chunk in self.explainer.explain(request):
            if chunk.explanation is not None:
                try:
                    keeper.put(seq_hash, self.explainer.model, chunk.explanation, request, places)
                except OSError as error:
                    sys.stderr.write(f"The explanation could not be kept: {error.strerror}.\n")
                yield "", (), chunk.explanation
                return
            if not chunk.text:
                _report(f"The model reads the evidence: {chunk.read:.0%}")
                continue
            _report("")
            first = "\n" not in text
            text += chunk.text
            verdict = text.partition("\n")[0].removeprefix("Verdict: ") if first and "\n" in text else ""
            yield printable(verdict), chunk.claims, None

    def _about(self, explanation: "Explanation") -> Iterator[str]:
        from krone_tui.report import printable

        if not explanation.complete:
            yield "The model stopped before the end."
        if explanation.left_out:
            yield f"Not shown to the model: {printable('; '.join(explanation.left_out))}."
        how = (
            "asked before, of an execution that failed this way; lines and quotations are this one's"
            if self.kept
            else f"{explanation.seconds:.0f} s"
        )
        yield f"By {printable(explanation.model)} ({how}). A model's words are a draft: the evidence decides."


def _sentence(claim: "Claim") -> str:
    from krone_tui.report import printable

    lines = f" [{', '.join(map(str, claim.lines))}]" if claim.lines else ""
    if claim.supported:
        return f"  {printable(claim.text)}{lines}"
    return f"? {printable(claim.text)}{lines}  (unsupported: {printable(claim.why_not)})"


def _report(what: str) -> None:
    """How far the model is, on a terminal's one line; '' clears it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{what}")
        sys.stderr.flush()
