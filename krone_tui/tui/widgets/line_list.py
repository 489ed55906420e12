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

_CUT = "…"
"""At an edge behind which a line goes on."""


class LineList(ScrollView, can_focus=True):
    """Lines of text, one under the cursor, wider ones reached with ← and →."""

    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("list"), *keys.bindings("lines")]
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
        self._fixed = 0

    def show(self, lines: Sequence[Text], *, cursor: int = 0, centre: bool = False, fixed: int = 0) -> None:
        """Show other lines; `centre` puts the cursor's line in the middle, the first `fixed` columns never move sideways."""
        self._lines, self._fixed = list(lines), fixed
        self.virtual_size = Size(max((line.cell_len for line in self._lines), default=0), len(self._lines))
        self.set_reactive(LineList.cursor, max(0, min(cursor, len(self._lines) - 1)))
        # The scroll bar, and with it the place to scroll to, is known once the new size has been laid out.
        self.call_after_refresh(self._centre if centre else self._into_view)
        self.refresh()

    def go_to(self, line: int) -> None:
        """Put the cursor on a line; in the middle when it was not in sight."""
        in_sight = 0 <= line - self.scroll_offset.y < self.size.height
        self.cursor = line
        if not in_sight:
            self._centre()

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

    @property
    def _width(self) -> int:
        """Columns for lines: all but the scroll bar's."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        """One line of the window."""
        left, top = self.scroll_offset
        width = self._width
        line = top + y
        if line >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        style = self.rich_style
        if line == self.cursor:
            style += Style(reverse=True) if self.has_focus else Style(underline=True)
        # A text without spans renders without its own style.
        style += self.app.console.get_style(self._lines[line].style)
        segments = [segment for segment in self._lines[line].render(self.app.console) if segment.text != "\n"]
        whole = Strip(list(Segment.apply_style(segments, style)))
        begin, end = left + self._fixed, left + width
        parts = [whole.crop(0, self._fixed), whole.crop(begin, end)]
        # What is cut says so, at either edge.
        if left and whole.cell_length > self._fixed:
            parts[1:] = [Strip([Segment(_CUT, style)]), whole.crop(begin + 1, end)]
        strip = Strip.join(parts).extend_cell_length(width, style)
        if whole.cell_length > end:
            strip = Strip.join([strip.crop(0, width - 1), Strip([Segment(_CUT, style)])])
        return strip

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
        """See more of the lines, half of the width a step, as far as the longest in sight goes."""
        top = self.scroll_offset.y
        widest = max((line.cell_len for line in self._lines[top : top + self.size.height]), default=0)
        most = max(self.scroll_offset.x, widest - self._width)
        step = max(1, (self._width - self._fixed) // 2)
        x = max(0, min(self.scroll_offset.x + steps * step, most))
        self.scroll_to(x=x, animate=False, immediate=True, force=True)
