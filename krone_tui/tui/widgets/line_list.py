"""A long list of styled lines with a cursor; only those in sight are drawn."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from krone_tui.tui import keys

_SIDEWAYS = 20
"""Columns that one step to the side moves."""


class LineList(ScrollView, can_focus=True):
    """Lines of text, one under the cursor, wider ones reached with ← and →."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *keys.bindings("list"),
        ("right,l", "sideways(1)", "right"),
        ("left", "sideways(-1)", "left"),
    ]
    DEFAULT_CSS = """
    LineList { height: 1fr; background: ansi_default; color: ansi_default; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 0; }
    """

    cursor = reactive(0, repaint=False)

    class Moved(Message):
        """The cursor is on another line."""

        def __init__(self, line: int) -> None:
            super().__init__()
            self.line = line

        def can_replace(self, message: Message) -> bool:
            """Only the latest place matters."""
            return isinstance(message, LineList.Moved)

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._lines: list[Text] = []

    def show(self, lines: Sequence[Text], *, cursor: int = 0, centre: bool = False) -> None:
        """Show other lines; `centre` puts the cursor's line in the middle."""
        self._lines = list(lines)
        self.virtual_size = Size(max((line.cell_len for line in self._lines), default=0), len(self._lines))
        self.set_reactive(LineList.cursor, max(0, min(cursor, len(self._lines) - 1)))
        # The scroll bar, and with it the place to scroll to, is known once the new size has been laid out.
        self.call_after_refresh(self._centre if centre else self._into_view)
        self.refresh()

    def _centre(self) -> None:
        self.scroll_to(
            y=max(0, self.cursor - self.size.height // 2), animate=False, immediate=True, force=True
        )

    def validate_cursor(self, line: int) -> int:
        """Stay on the lines there are."""
        return max(0, min(line, len(self._lines) - 1))

    def watch_cursor(self, before: int, after: int) -> None:
        """Redraw the two lines concerned."""
        for line in (before, after):
            self.refresh(Region(0, line - self.scroll_offset.y, self.size.width, 1))
        self._into_view()
        if before != after:
            self.post_message(self.Moved(after))

    def _into_view(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, immediate=True, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, immediate=True, force=True)

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        left, top = self.scroll_offset
        width = self.size.width
        line = top + y
        if line >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        style = self.rich_style
        if line == self.cursor:
            style += Style(reverse=True) if self.has_focus else Style(underline=True)
        # A text without spans renders without its own style.
        style += self.app.console.get_style(self._lines[line].style)
        segments = [segment for segment in self._lines[line].render(self.app.console) if segment.text != "\n"]
        strip = Strip(list(Segment.apply_style(segments, style))).crop(left, left + width)
        return strip.extend_cell_length(width, style)

    def action_cursor_down(self) -> None:
        """Next line."""
        self.cursor += 1

    def action_cursor_up(self) -> None:
        """Previous line."""
        self.cursor -= 1

    def action_page_down(self) -> None:
        """One page down."""
        self.cursor += max(1, self.size.height - 1)

    def action_page_up(self) -> None:
        """One page up."""
        self.cursor -= max(1, self.size.height - 1)

    def action_scroll_home(self) -> None:
        """First line."""
        self.cursor = 0

    def action_scroll_end(self) -> None:
        """Last line."""
        self.cursor = len(self._lines) - 1

    def action_sideways(self, steps: int) -> None:
        """See more of long lines."""
        self.scroll_to(
            x=max(0, self.scroll_offset.x + steps * _SIDEWAYS), animate=False, immediate=True, force=True
        )
