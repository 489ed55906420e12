"""A small form: the entity, action and status of a template, or the name of a node above templates."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from krone_tui.tui.text import safe
from krone_tui.tui.widgets.text_line import TextLine

_MOST_CHARACTERS = 80
"""Of a name."""


class PlaceForm(ModalScreen[tuple[str, ...] | None]):
    """Asks for one name a level; None when the user thought better of it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "cancel", "cancel"), ("ctrl+c", "cancel", "cancel")]
    AUTO_FOCUS = "Input"
    DEFAULT_CSS = """
    PlaceForm { background: transparent; align: left bottom;
        & > Vertical { height: auto; width: 100%; background: ansi_default; color: ansi_default; border-top: solid ansi_default; }
        Static { height: auto; background: ansi_default; color: ansi_default; padding: 0 1; }
        Input { height: 1; border: none; padding: 0 1; background: ansi_default; color: ansi_default; }
        Input:focus { border: none; background-tint: ansi_default 0%; text-style: underline; }
    }
    """

    def __init__(self, what: str, levels: Sequence[str], names: Sequence[str]) -> None:
        """`what` is edited, in words; `levels` and their present `names`, outermost first."""
        super().__init__()
        self._what, self._levels, self._names = what, levels, names

    def compose(self) -> ComposeResult:
        """What is edited, a line for every level, how to go on."""
        with Vertical():
            yield Static(Text(safe(self._what, 300), "bold"), markup=False)
            for level, name in zip(self._levels, self._names, strict=True):
                yield Static(Text(level), markup=False)
                yield TextLine(name, select_on_focus=False, max_length=_MOST_CHARACTERS)
            yield Static(
                Text("Tab to the next line, Enter keeps it, Esc leaves it as it is.", "dim"),
                id="hint",
                markup=False,
            )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer, where no line is empty."""
        event.stop()
        names = tuple(" ".join(line.value.split()) for line in self.query(Input))
        if not all(names):
            self.query_one("#hint", Static).update(Text("Every level needs a name.", "bold"))
            return
        self._answer(names)

    def action_cancel(self) -> None:
        """Leave all as it is."""
        self._answer(None)

    def _answer(self, names: tuple[str, ...] | None) -> None:
        # Enter may have been pressed twice before the first one was taken.
        if self.is_current:
            self.dismiss(names)
