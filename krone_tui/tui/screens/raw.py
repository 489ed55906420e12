"""The raw log around a record, the execution's own records marked, and those that deviate."""

from bisect import bisect_right
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType

from krone_tui.store import views
from krone_tui.tui import deviations, keys
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
_MOST_WRAPPED = 4_000
"""Of one line where lines are wrapped: what a screen or two hold."""
_NEAR_BLANK = 16
"""Columns from the edge within which a line is broken at a blank."""
_OWN = "▌"


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
        self._fetched: list[tuple[int, int, int, int | None, str, str]] = []
        self._marks: dict[int, str] = {}
        """record_id → what stands in front of it."""
        self._own_lines: list[int] = []
        self._records: list[tuple[int, int]] = []
        """(record_id, its first row in the list), in order."""
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
        found = await self.desk.ask(views.findings, execution.variant_id)
        self._marks = await self.desk.ask(deviations.marks, self._execution_id, found)
        position = self._position
        if position is None:
            position = await self.desk.ask(deviations.place, self._execution_id, found[0]) if found else 0
        records = await self.desk.ask(views.records, self._execution_id, position, 1)
        if not records:
            return
        centre = records[0].record_id
        if self._position is None and self._marks and centre not in self._marks:
            # What lacks something need not stand where that is missed.
            centre = next(iter(self._marks))
        said = {deviations.DEVIATES: "deviates", deviations.LACKS: "lacks what comes with it"}
        signs = [f"  {sign} {words}" for sign, words in said.items() if sign in self._marks.values()]
        source = end_of(safe(execution.source), self.size.width // 3)
        self.query_one(PaneTitle).title = f"{source}{''.join(signs)}  {_OWN} {safe(execution.identifier, 60)}"
        await self._load(centre, centre - AROUND, centre + AROUND)

    async def _load(self, centre: int, first: int, last: int) -> None:
        rows = await self.desk.ask(views.raw_around, centre, centre - first, last - centre)
        self._ends = (not rows or rows[0][0] > first, not rows or rows[-1][0] < last)
        self._first, self._last = first, last
        self._fetched = rows
        self._draw(centre)

    def _draw(self, centre: int) -> None:
        """Show what was fetched, the cursor on a record."""
        width = len(f"{self._fetched[-1][2]}") if self._fetched else 1
        fixed = width + 3
        # One column is the scroll bar's.
        room = max(8, self.size.width - 1 - fixed) if self.krone.wrapped else None
        lines: list[Text] = []
        self._own_lines, self._records = [], []
        for record_id, first_line, _, execution_id, text, says in self._fetched:
            own = execution_id == self._execution_id
            style = "bold" if own else ""
            self._records.append((record_id, len(lines)))
            if own:
                self._own_lines.append(len(lines))
            sign = self._marks.get(record_id, _OWN if own else "")
            # What a line of JSON says stands in front of it: few can read that from the line itself.
            whole = f"{says}   {text}" if says else text
            for offset, part in enumerate(safe_lines(whole)):
                number = f"{first_line + offset}"
                for piece in _pieces(part, room):
                    line = Text(no_wrap=True, end="").append(f"{sign:<2}", "bold")
                    line.append(f"{number:>{width}} ", "dim").append(piece, style)
                    lines.append(line)
                    number, sign = "", _OWN if own else ""
        at = next((line for record_id, line in self._records if record_id == centre), 0)
        self.query_one(LineList).show(lines, cursor=at, centre=True, fixed=fixed)

    def _under_cursor(self) -> int:
        """The record under the cursor."""
        line = self.query_one(LineList).cursor
        at = bisect_right(self._records, line, key=lambda record: record[1]) - 1
        return self._records[at][0] if at >= 0 else self._first

    def on_resize(self) -> None:
        """Wrap to the new width."""
        if self._fetched and self.krone.wrapped:
            self._draw(self._under_cursor())

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        """Fetch more near an end."""
        lines = self.query_one(LineList)
        at_start, at_end = (
            event.line < _NEAR_EDGE and not self._ends[0],
            event.line > lines.virtual_size.height - _NEAR_EDGE and not self._ends[1],
        )
        if at_start or at_end:
            centre = self._under_cursor()
            self.fill(
                self._load(centre, centre - 2 * AROUND, centre + 2 * AROUND), group="fill", exclusive=True
            )

    def action_wrap(self) -> None:
        """Break long lines, or cut them; so it stays until it is asked for again."""
        self.krone.wrapped = not self.krone.wrapped
        self.query_one(LineList).scroll_to(x=0, animate=False, immediate=True, force=True)
        if self._fetched:
            self._draw(self._under_cursor())

    def action_sideways(self, steps: int) -> None:
        """See more of long lines."""
        self.query_one(LineList).action_sideways(steps)

    def action_next_deviating(self) -> None:
        """Next record that deviates, also one that is yet to be fetched."""
        here = self._under_cursor()
        self._go_to(min((record for record in self._marks if record > here), default=None))

    def action_previous_deviating(self) -> None:
        """The one before."""
        here = self._under_cursor()
        self._go_to(max((record for record in self._marks if record < here), default=None))

    def _go_to(self, record_id: int | None) -> None:
        if record_id is None:
            return
        line = next((line for known, line in self._records if known == record_id), None)
        if line is not None:
            self.query_one(LineList).go_to(line)
        else:
            self.fill(
                self._load(record_id, record_id - AROUND, record_id + AROUND), group="fill", exclusive=True
            )

    def action_next_own(self) -> None:
        """Next record of the execution."""
        lines = self.query_one(LineList)
        lines.cursor = next((line for line in self._own_lines if line > lines.cursor), lines.cursor)

    def action_previous_own(self) -> None:
        """The one before."""
        lines = self.query_one(LineList)
        lines.cursor = next((line for line in reversed(self._own_lines) if line < lines.cursor), lines.cursor)


def _pieces(line: str, room: int | None) -> list[str]:
    """What stands on a row each of a line of the log: all of it on one where no `room` is given."""
    most = _MOST_CHARACTERS if room is None else _MOST_WRAPPED
    shown = line if len(line) <= most else line[: most - 1] + "…"
    if room is None or len(shown) <= room // 2:
        return [shown]
    if cell_len(shown) != len(shown):
        return chop_cells(shown, room)
    pieces = []
    while len(shown) > room:
        # At a blank where one is near, so that few words are torn.
        end = shown.rfind(" ", room - _NEAR_BLANK, room) + 1 or room
        pieces.append(shown[:end])
        shown = shown[end:]
    return [*pieces, shown]
