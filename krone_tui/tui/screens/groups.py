"""What the records could be grouped by, with what was measured; choosing one shows what that changes."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType

from krone_tui.store.groupings import CandidateRow, candidates
from krone_tui.tui import keys
from krone_tui.tui.screens.base import WIDE, KroneScreen
from krone_tui.tui.text import safe, short_count
from krone_tui.tui.widgets.arrow_table import ArrowTable
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.text_panel import TextPanel


class GroupsScreen(KroneScreen):
    """The grouping candidates, the chosen one first; below them what was found of the one under the cursor."""

    PLACE = "groups"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("groups")]

    DEFAULT_CSS = "GroupsScreen TextPanel { height: 4; }"

    def __init__(self) -> None:
        super().__init__()
        self._candidates: list[CandidateRow] = []

    def compose(self) -> ComposeResult:
        """Title, candidates, keys."""
        yield PaneTitle("Group records by another identifier; Enter shows what that changes")
        yield ArrowTable(["identifier"], [None])
        yield TextPanel()
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Fetch the candidates."""
        self.fill(self._fill())

    async def _fill(self) -> None:
        self._candidates = await self.desk.ask(candidates)
        self._draw()

    def on_resize(self) -> None:
        """More columns on a wide terminal."""
        if self._candidates:
            self._draw()

    def _draw(self) -> None:
        found = self._candidates
        columns: list[tuple[str, int | None, list[str]]] = [
            ("identifier", 22, [("▶ " if one.chosen else "  ") + one.name for one in found]),
            ("score", 5, [f"{one.score:.2f}" for one in found]),
            ("in", 4, [f"{one.coverage:.0%}".rjust(4) for one in found]),
            ("values", 6, [short_count(one.executions).rjust(6) for one in found]),
            ("records", 7, [_records(one).rjust(7) for one in found]),
        ]
        if self.size.width >= WIDE:
            columns += [
                ("templates", 9, [f"{one.variety:.1f}".rjust(9) for one in found]),
                ("begins alike", 12, [f"{one.start_concentration:.0%}".rjust(12) for one in found]),
                ("short-lived", 11, [f"{one.locality:.0%}".rjust(11) for one in found]),
            ]
        columns.append(("why", None, [one.reason for one in found]))
        self.query_one(ArrowTable).show_columns(columns)
        self._follow()

    def on_data_table_row_highlighted(self, event: ArrowTable.RowHighlighted) -> None:
        """The panel follows the cursor."""
        event.stop()
        self._follow()

    def _follow(self) -> None:
        row = self.query_one(ArrowTable).cursor_row
        if 0 <= row < len(self._candidates):
            one = self._candidates[row]
            text = Text().append(safe(one.name), "bold").append(f": {safe(one.reason)}")
            self.query_one(TextPanel).show(text)

    def action_open(self) -> None:
        """Group by the candidate under the cursor, in the background."""
        row = self.query_one(ArrowTable).cursor_row
        if not 0 <= row < len(self._candidates):
            return
        chosen = self._candidates[row]
        if chosen.chosen:
            self.krone.say(f"Records are grouped by {chosen.name} now.")
            return
        settings = self.krone.settings.model_copy(update={"group_by": chosen.name})
        self.krone.rerun(settings, f"grouped by {chosen.name}")


def _records(one: CandidateRow) -> str:
    """The median of records with one value; windows have none."""
    return f"{one.records_per_execution:,.0f}" if one.records_per_execution else ""
