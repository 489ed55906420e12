"""Flagged executions over the log's time, with the onset marked."""

from rich.text import Text
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from krone_tui.report import Timeline
from krone_tui.tui.text import BARS, clock

ROWS = 2
"""Lines of bars; each tells eight heights apart."""


class Histogram(Widget):
    """Two lines of bars and a line with the times."""

    DEFAULT_CSS = f"Histogram {{ height: {ROWS + 1}; background: ansi_default; color: ansi_default; }}"

    timeline: reactive[Timeline | None] = reactive(None)

    class WidthChanged(Message):
        """Another number of columns can be shown."""

        def __init__(self, columns: int) -> None:
            super().__init__()
            self.columns = columns

        def can_replace(self, message: Message) -> bool:
            """Only the last width matters."""
            return isinstance(message, Histogram.WidthChanged)

    def on_resize(self) -> None:
        """Ask for data of the new width."""
        self.post_message(self.WidthChanged(self.size.width))

    def render(self) -> Text:
        """Bars, from the bottom up, then the axis."""
        width = self.size.width
        line = Text(no_wrap=True, end="", overflow="crop")
        timeline = self.timeline
        if timeline is None:
            return line
        if not timeline.slices:
            return line.append("This log has no times.")
        flagged = [bad for _, _, bad in timeline.slices][:width]
        most = max(flagged)
        heights = [0 if bad == 0 else max(1, round(bad / most * 8 * ROWS)) for bad in flagged]
        inside = range(timeline.onset.first, timeline.onset.end) if timeline.onset else range(0)
        for row in reversed(range(ROWS)):
            for column, height in enumerate(heights):
                line.append(BARS[max(0, min(8, height - 8 * row))], "bold" if column in inside else "")
            line.append("\n")
        return line.append(self._axis(timeline, width, most))

    @staticmethod
    def _axis(timeline: Timeline, width: int, most: int) -> Text:
        days = timeline.end is not None and timeline.end.date() != timeline.slices[0][0].date()
        left = clock(timeline.slices[0][0], day=days)
        right = f"peak {most:,}  {clock(timeline.end, day=days)}"
        started = timeline.onset.first if timeline.onset is not None else 0
        if started == 0:
            # What is there from the start has no beginning that the log could tell.
            return Text(left.ljust(width - len(right)) + right, "dim", no_wrap=True, end="")
        when = f"started {clock(timeline.onset_time, day=days)}"
        before, mark = (
            (started, f"↑ {when}")
            if started + len(when) + 2 < width - len(right)
            else (started - len(when) - 1, f"{when} ↑")
        )
        if before <= len(left):
            left = ""
        axis = left.ljust(before) + mark
        if len(axis) + 1 + len(right) <= width:
            axis = axis.ljust(width - len(right)) + right
        return Text(axis[:width], no_wrap=True, end="")
