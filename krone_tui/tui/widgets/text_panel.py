"""A pane of wrapped text that can be scrolled with the keyboard."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from krone_tui.tui import keys

_AS_LIST = {"cursor_down": "scroll_down", "cursor_up": "scroll_up"}


class TextPanel(VerticalScroll, can_focus=True):
    """Text, wrapped, from the top."""

    BINDINGS: ClassVar[list[BindingType]] = [
        (binding.key, _AS_LIST.get(binding.action, binding.action), binding.description)
        for binding in keys.bindings("list")
    ]
    DEFAULT_CSS = """
    TextPanel { height: 1fr; background: ansi_default; color: ansi_default; scrollbar-size-vertical: 1; padding: 0 1; }
    TextPanel > Static { background: ansi_default; color: ansi_default; width: 1fr; height: auto; }
    """

    def compose(self) -> ComposeResult:
        """One block of text."""
        yield Static(markup=False)

    def show(self, text: Text) -> None:
        """Show another text, from its top."""
        self.query_one(Static).update(text)
        self.scroll_to(y=0, animate=False, immediate=True, force=True)
