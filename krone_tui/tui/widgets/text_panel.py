"""A pane of wrapped text that can be scrolled with the keyboard."""

from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.binding import BindingType
from textual.reactive import reactive
from textual.strip import Strip
from textual.widget import Widget

from krone_tui.tui import keys


class TextPanel(Widget, can_focus=True):
    """Text, wrapped, from the top; its last line says when there is more.

    It draws its lines itself: a text that follows a cursor then costs the pane's lines, not a layout of the screen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("list")]
    DEFAULT_CSS = "TextPanel { height: 1fr; background: ansi_default; color: ansi_default; }"

    top = reactive(0)
    """The first line in sight."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text = Text()
        self._lines: list[Text] = []

    @property
    def text(self) -> str:
        """All of it, in sight or not."""
        return self._text.plain

    def show(self, text: Text, *, at_end: bool = False) -> None:
        """Show another text, from its top, or its end."""
        self._text = text
        self._wrap()
        self.top = self._last_top if at_end else 0
        self.refresh()

    def _wrap(self) -> None:
        width = max(8, self.size.width - 2)
        self._lines = list(self._text.wrap(self.app.console, width)) if self._text.plain else []

    @property
    def _last_top(self) -> int:
        return max(0, len(self._lines) - self.size.height)

    def on_resize(self) -> None:
        """Wrap to the new width."""
        self._wrap()
        self.top = min(self.top, self._last_top)
        self.refresh()

    def validate_top(self, line: int) -> int:
        """Never past the last page."""
        return max(0, min(line, self._last_top))

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        width, style = self.size.width, self.rich_style
        at = self.top + y
        if at >= len(self._lines):
            return Strip.blank(width, style)
        line = self._lines[at]
        segments = [Segment(" "), *line.render(self.app.console, end="")]
        strip = Strip(list(Segment.apply_style(segments, style))).extend_cell_length(width, style)
        more = len(self._lines) - at - 1
        if y == self.size.height - 1 and more > 0:
            sign = f" … {more} more "
            strip = Strip([*strip.crop(0, width - len(sign)), Segment(sign, style)])
        return strip

    def action_cursor_down(self) -> None:
        """One line on."""
        self.top += 1

    def action_cursor_up(self) -> None:
        """One line back."""
        self.top -= 1

    def action_page_down(self) -> None:
        """One page on."""
        self.top += max(1, self.size.height - 1)

    def action_page_up(self) -> None:
        """One page back."""
        self.top -= max(1, self.size.height - 1)

    def action_scroll_home(self) -> None:
        """To the start."""
        self.top = 0

    def action_scroll_end(self) -> None:
        """To the end."""
        self.top = self._last_top
