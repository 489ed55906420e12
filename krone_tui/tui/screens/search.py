"""Where a text occurs: identifiers, then records whose message or template has it."""

from typing import ClassVar

import pyarrow as pa
from textual.app import ComposeResult
from textual.binding import BindingType

from krone_tui.store import Store
from krone_tui.store import screen as queries
from krone_tui.tui import keys
from krone_tui.tui.screens.base import KroneScreen
from krone_tui.tui.text import moment, safe
from krone_tui.tui.widgets.arrow_table import ArrowTable
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle

MOST = 5000
"""Hits that are listed, of identifiers and of records each."""
REGEX_PREFIX = "re:"


class SearchScreen(KroneScreen):
    """The hits of one search."""

    PLACE = "search"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("search")]

    def __init__(self, pattern: str) -> None:
        super().__init__()
        self._pattern = pattern
        self._hits: list[tuple[int, int]] = []
        """(execution_id, position) of each."""
        self.searching = False

    def compose(self) -> ComposeResult:
        """Title, hits, keys."""
        yield PaneTitle(f"Searching {safe(self._pattern, 60)} … (Esc stops)")
        yield ArrowTable(["in", "line", "time", "text"], [10, 9, 8, None])
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Search."""
        self.fill(self._search())

    async def _search(self) -> None:
        regex = self._pattern.startswith(REGEX_PREFIX)
        pattern = self._pattern.removeprefix(REGEX_PREFIX) if regex else self._pattern
        title = self.query_one(PaneTitle)
        self.searching = True
        try:
            found = await self.desk.long.ask(queries.search, pattern, regex=regex, limit=MOST)
        except Store.QueryError as error:
            title.title = f"{safe(self._pattern, 60)}: {safe(str(error).splitlines()[0], 200)}"
            return
        finally:
            self.searching = False
        self._hits = list(
            zip(found.column("execution_id").to_pylist(), found.column("position").to_pylist(), strict=True)
        )
        more = " (the first ones)" if len(self._hits) >= MOST else ""
        title.title = f"{safe(self._pattern, 60)}: {len(self._hits):,} {'hit' if len(self._hits) == 1 else 'hits'}{more}"
        days = self.krone.several_days
        self.query_one(ArrowTable).show(
            widths=[10, 9, 14 if days else 8, None],
            labels=["in", "line", "time", "text"],
            rows=pa.table(
                {
                    "in": found.column("kind"),
                    "line": pa.array(
                        [f"{line:,}".rjust(9) for line in found.column("line").to_pylist()], pa.string()
                    ),
                    "time": pa.array(
                        [moment(time, day=days) for time in found.column("time").to_pylist()], pa.string()
                    ),
                    "text": found.column("text"),
                }
            ),
        )

    def stop(self) -> bool:
        """Stop searching; False when nothing was under way."""
        if self.searching:
            self.desk.long.interrupt()
        return self.searching

    def _selected(self) -> tuple[int, int] | None:
        row = self.query_one(ArrowTable).cursor_row
        return self._hits[row] if 0 <= row < len(self._hits) else None

    def action_open(self) -> None:
        """Open the execution at the hit."""
        hit = self._selected()
        if hit is not None:
            self.krone.open_execution(*hit)

    def action_raw(self) -> None:
        """The raw log around the hit."""
        hit = self._selected()
        if hit is not None:
            self.krone.open_raw(*hit)
