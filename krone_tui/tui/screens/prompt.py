"""One line at the bottom that asks for a text: what to search, what to filter, which range of time."""

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from krone_tui.errors import KroneError
from krone_tui.tui.text import safe
from krone_tui.tui.widgets.text_line import TextLine


class Prompt(ModalScreen[str | None]):
    """Asks for a text; None when the user thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "cancel"), ("ctrl+c", "cancel", "cancel")]
    AUTO_FOCUS = "Input"
    DEFAULT_CSS = """
    Prompt { background: transparent; align: left bottom;
        & > Vertical { height: auto; width: 100%; background: ansi_default; color: ansi_default; border-top: solid ansi_default; }
        Static { height: auto; background: ansi_default; color: ansi_default; padding: 0 1; }
        Input { height: 1; border: none; padding: 0 1; background: ansi_default; color: ansi_default; }
        Input:focus { border: none; background-tint: ansi_default 0%; }
    }
    """

    def __init__(
        self, question: str, hint: str, value: str = "", check: Callable[[str], object] | None = None
    ) -> None:
        """`check` raises `KroneError` on a text that will not do; its sentence is shown and the prompt stays."""
        super().__init__()
        self._question, self._hint, self._value, self._check = question, hint, value, check

    def compose(self) -> ComposeResult:
        """The question, the line, how to write it."""
        with Vertical():
            yield Static(Text(self._question, "bold"), markup=False)
            yield TextLine(self._value, select_on_focus=False)
            yield Static(Text(self._hint, "dim"), id="hint", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer, or say what is wrong with it."""
        event.stop()
        try:
            if self._check is not None:
                self._check(event.value)
        except KroneError as error:
            self.query_one("#hint", Static).update(Text(safe(str(error)), "bold"))
            return
        self._answer(event.value)

    def action_cancel(self) -> None:
        """Leave all as it is."""
        self._answer(None)

    def _answer(self, value: str | None) -> None:
        # Enter may have been pressed twice before the first one was taken: the second would close the screen below.
        if self.is_current:
            self.dismiss(value)
