"""The raw log around a record, the execution's own records marked."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType

from krone_tui.store import views
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.text import end_of, safe, safe_lines
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.line_list import LineList

AROUND = 300
"""Records before and after that are fetched at a time."""
_NEAR_EDGE = 20
"""Lines from the first or last one at which more are fetched."""
_MOST_CHARACTERS = 20_000
"""Of one line; a longer one ends in …"""


class RawScreen(KroneScreen):
    """The log as it was read; more is fetched when the cursor comes near an end."""

    PLACE = "raw"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("raw")]

    def __init__(self, execution_id: int, position: int | None) -> None:
        """`position` of the record in the middle; None: the deviation, or the first record."""
        super().__init__()
        self._execution_id = execution_id
        self._position = position
        self._first = self._last = 0
        self._own_lines: list[int] = []
        self._records: list[tuple[int, int]] = []
        """(record_id, its first line in the list), in order."""
        self._ends = (False, False)

    def compose(self) -> ComposeResult:
        """Title, lines, keys."""
        yield PaneTitle("Raw log")
        yield LineList()
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Show the surroundings."""
        self.fill(self._open(), group="fill", exclusive=True)

    async def _open(self) -> None:
        execution = await self.desk.ask(views.execution, self._execution_id)
        if execution is None:
            return
        if self._position is None:
            found = await self.desk.ask(views.findings, execution.variant_id)
            self._position = found[0].position if found else 0
        records = await self.desk.ask(views.records, self._execution_id, self._position, 1)
        if not records:
            return
        record = records[0]
        around = f"{end_of(safe(execution.source), self.size.width // 3)}, around line {record.first_line:,}"
        self.query_one(PaneTitle).title = f"{around}  ▌ = records of {safe(execution.identifier, 60)}"
        await self._load(record.record_id, record.record_id - AROUND, record.record_id + AROUND)

    async def _load(self, centre: int, first: int, last: int) -> None:
        rows = await self.desk.ask(views.raw_around, centre, centre - first, last - centre)
        self._ends = (not rows or rows[0][0] > first, not rows or rows[-1][0] < last)
        self._first, self._last = first, last
        width = len(f"{rows[-1][2]}") if rows else 1
        lines: list[Text] = []
        self._own_lines, self._records = [], []
        for record_id, first_line, _, execution_id, text in rows:
            own = execution_id == self._execution_id
            self._records.append((record_id, len(lines)))
            if own:
                self._own_lines.append(len(lines))
            for offset, part in enumerate(safe_lines(text)):
                line = Text(no_wrap=True, end="").append("▌" if own else " ", "bold")
                line.append(f"{first_line + offset:>{width}} ", "dim")
                line.append(part[:_MOST_CHARACTERS], "bold" if own else "")
                lines.append(line)
        at = next((line for record_id, line in self._records if record_id == centre), 0)
        self.query_one(LineList).show(lines, cursor=at, centre=True)

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        """Fetch more near an end."""
        lines = self.query_one(LineList)
        at_start, at_end = (
            event.line < _NEAR_EDGE and not self._ends[0],
            event.line > lines.virtual_size.height - _NEAR_EDGE and not self._ends[1],
        )
        if at_start or at_end:
            centre = next(
                (record_id for record_id, line in reversed(self._records) if line <= event.line), self._first
            )
            self.fill(
                self._load(centre, centre - 2 * AROUND, centre + 2 * AROUND), group="fill", exclusive=True
            )

    def action_next_own(self) -> None:
        """Next record of the execution."""
        lines = self.query_one(LineList)
        lines.cursor = next((line for line in self._own_lines if line > lines.cursor), lines.cursor)

    def action_previous_own(self) -> None:
        """The one before."""
        lines = self.query_one(LineList)
        lines.cursor = next((line for line in reversed(self._own_lines) if line < lines.cursor), lines.cursor)
