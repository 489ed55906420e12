"""A finding in a local model's words, as they arrive, each sentence with the lines it rests on."""

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message
from textual.worker import get_current_worker

from krone_tui.errors import Cancelled, KroneError
from krone_tui.explanation import Explanation, KeptExplanations, Places, Request, places_of, request_for
from krone_tui.store import views
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.text import safe
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.explanation_panel import ExplanationPanel


class ExplanationScreen(KroneScreen):
    """Asks the model once it is opened; leaving stops it."""

    PLACE = "explanation"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("explanation")]

    @dataclass
    class Reading(Message):
        """The model reads the prompt."""

        share: float

        def can_replace(self, message: Message) -> bool:
            """Only the newest share counts."""
            return isinstance(message, ExplanationScreen.Reading)

    @dataclass
    class Said(Message):
        """The model wrote a piece of text."""

        text: str

    @dataclass
    class Ended(Message):
        """The explanation is whole, or there is none and `why` says so."""

        explanation: Explanation | None
        kept: bool = False
        why: str = ""

    def __init__(self, execution_id: int) -> None:
        super().__init__()
        self._execution_id = execution_id
        self._speaking = False
        self._request: Request | None = None

    def compose(self) -> ComposeResult:
        """Title, text, keys."""
        yield PaneTitle("Explanation")
        yield ExplanationPanel()
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Ask."""
        self.fill(self._ask(), group="ask", exclusive=True)

    async def _ask(self) -> None:
        panel = self.query_one(ExplanationPanel)
        execution = await self.desk.ask(views.execution, self._execution_id)
        if execution is not None:
            self.query_one(PaneTitle).title = f"Explanation of {safe(execution.identifier, 50)}"
        try:
            self._request, seq_hash = await self.desk.ask(request_for, self._execution_id)
            places = await self.desk.ask(places_of, self._execution_id)
            model = self.krone.explainer.model
        except KroneError as error:
            panel.finish(_without(str(error)))
            return
        panel.begin(f"{model.name} is reading the evidence …")
        self._speak(self._request, seq_hash, places)

    @work(thread=True, group="speak", exclusive=True)
    def _speak(self, request: Request, seq_hash: int, places: Places) -> None:
        """In a thread: never touches a widget."""
        explainer = self.krone.explainer
        kept = KeptExplanations(self.krone.settings)
        worker = get_current_worker()
        self._speaking = True
        try:
            known = kept.get(seq_hash, explainer.model, request, places)
            if known is not None:
                self.post_message(self.Ended(known, kept=True))
                return
            for chunk in explainer.explain(request):
                if worker.is_cancelled:
                    return
                if chunk.explanation is not None:
                    kept.put(seq_hash, explainer.model, chunk.explanation, request, places)
                    self.post_message(self.Ended(chunk.explanation))
                elif chunk.text:
                    self.post_message(self.Said(chunk.text))
                else:
                    self.post_message(self.Reading(chunk.read))
        except Cancelled:
            pass
        except OSError as error:
            self.post_message(self.Ended(None, why=f"The explanation could not be kept: {error.strerror}."))
        except KroneError as error:
            self.post_message(self.Ended(None, why=str(error)))
        finally:
            self._speaking = False

    def on_explanation_screen_reading(self, message: Reading) -> None:
        """How far the model has read."""
        self.query_one(ExplanationPanel).begin(f"The model reads the evidence: {message.share:.0%}")

    def on_explanation_screen_said(self, message: Said) -> None:
        """Text as it comes."""
        self.query_one(ExplanationPanel).feed(message.text)

    def on_explanation_screen_ended(self, message: Ended) -> None:
        """The final wording, or why there is none."""
        panel = self.query_one(ExplanationPanel)
        if message.explanation is None:
            panel.finish(_without(message.why))
        else:
            panel.finish(_final(message.explanation, kept=message.kept))

    def action_prompt(self) -> None:
        """Exactly what the model was given."""
        if self._request is None or self._speaking:
            self.krone.say("The prompt can be shown once the model has finished.")
            return
        self._show_prompt(self._request)

    @work(thread=True, group="speak", exclusive=True)
    def _show_prompt(self, request: Request) -> None:
        try:
            text = self.krone.explainer.prompt(request).text
        except KroneError as error:
            self.post_message(self.Ended(None, why=str(error)))
            return
        self.app.call_from_thread(
            self.query_one(ExplanationPanel).show, Text("\n".join(safe(line) for line in text.split("\n")))
        )

    def on_unmount(self) -> None:
        """Nobody listens any more."""
        if self._speaking:
            self.krone.explainer.cancel()


def _without(why: str) -> Text:
    return Text(f"{safe(why)}\n\nThe evidence needs no model: it is on the screen before this one (Esc).")


def _final(explanation: Explanation, *, kept: bool) -> Text:
    """Verdict, sentences by part, what is unsupported marked in words, and who spoke."""
    text = Text()
    text.append(f"Verdict: {safe(explanation.verdict)}\n", "bold")
    part = ""
    for claim in explanation.sentences:
        if claim.part != part:
            part = claim.part
            text.append(f"\n{safe(part)}\n", "bold")
        mark = "  " if claim.supported else "? "
        lines = f" [{', '.join(str(line) for line in claim.lines)}]" if claim.lines else ""
        text.append(f"{mark}{safe(claim.text)}{lines}")
        text.append("\n" if claim.supported else f"  (unsupported: {safe(claim.why_not)})\n", "italic")
    if not explanation.complete:
        text.append("\nThe model stopped before the end.\n", "italic")
    if explanation.left_out:
        text.append(f"\nNot shown to the model: {safe('; '.join(explanation.left_out))}.", "italic")
    how = (
        "asked before, of an execution that failed this way; lines and quotations are this one's"
        if kept
        else f"{explanation.seconds:.0f} s"
    )
    text.append(
        f"\nBy {safe(explanation.model)} ({how}). A model's words are a draft: the evidence (Esc) decides.",
        "italic",
    )
    return text
