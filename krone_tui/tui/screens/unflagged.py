"""What reads as failure, but was not flagged: listed apart, each with the record to look at."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType

from krone_tui.report.unflagged import TITLE, how_often, judged
from krone_tui.store.unflagged import UnflaggedFailure, unflagged_failures
from krone_tui.store.views import Summary
from krone_tui.tui import keys
from krone_tui.tui.screens.base import WIDE, KroneScreen
from krone_tui.tui.screens.mode_rows import short_title
from krone_tui.tui.text import count, moment, safe, short_count
from krone_tui.tui.widgets.arrow_table import ArrowTable
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.text_panel import TextPanel

_EXAMPLE = 2_000
"""Characters of a record that are shown below the list."""
_LISTED = 6
"""Templates that triage itself names; of more, how many there are."""


_NEED_FINDINGS = frozenset(
    {
        "compare",
        "explain",
        "raw",
        "next_finding",
        "normal",
        "anomalous",
        "export",
        "app.filter",
        "app.time_range",
    }
)
"""Actions of triage that have nothing to act on where nothing is flagged."""


class UnflaggedScreen(KroneScreen):
    """The templates, most severe first; below them the first record of the one under the cursor."""

    PLACE = "unflagged"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("unflagged")]
    DEFAULT_CSS = "UnflaggedScreen TextPanel { height: 8; }"

    def __init__(self) -> None:
        super().__init__()
        self._unflagged: list[UnflaggedFailure] = []

    def compose(self) -> ComposeResult:
        """Title, templates, one in full, keys."""
        yield PaneTitle(TITLE)
        yield ArrowTable(["what"], [None])
        yield TextPanel()
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Fetch the templates."""
        self.fill(self._fill())

    async def _fill(self) -> None:
        self._unflagged = await self.desk.ask(unflagged_failures)
        self.query_one(PaneTitle).title = f"{TITLE}: {count(len(self._unflagged), 'kind')}"
        self._draw()

    def on_resize(self) -> None:
        """More columns on a wide terminal."""
        if self._unflagged:
            self._draw()

    def _draw(self) -> None:
        days, found = self.krone.several_days, self._unflagged
        seen = 14 if days else 8
        columns: list[tuple[str, int | None, list[str]]] = [
            ("level", 7, [one.level or "" for one in found]),
            ("execs", 5, [short_count(one.executions).rjust(5) for one in found]),
            ("records", 7, [short_count(one.records).rjust(7) for one in found]),
            ("first", seen, [moment(one.first_seen, day=days) for one in found]),
        ]
        if self.size.width >= WIDE:
            columns.append(("last", seen, [moment(one.last_seen, day=days) for one in found]))
        columns.append(("what", None, [short_title(one.text) for one in found]))
        self.query_one(ArrowTable).show_columns(columns)
        self._follow()

    def on_data_table_row_highlighted(self, event: ArrowTable.RowHighlighted) -> None:
        """The panel follows the cursor."""
        event.stop()
        self._follow()

    @property
    def _selected(self) -> UnflaggedFailure | None:
        row = self.query_one(ArrowTable).cursor_row
        return self._unflagged[row] if 0 <= row < len(self._unflagged) else None

    def _follow(self) -> None:
        one, found = self._selected, self.krone.summary
        text = Text("Nothing reads as failure that no finding names.")
        if one is not None and found is not None:
            text = (
                Text().append(safe(one.example, _EXAMPLE), "bold").append(f"\n{safe(how_often(one, found))}")
            )
        self.query_one(TextPanel).show(text)

    def action_open(self) -> None:
        """Open the execution of the first record."""
        if self._selected is not None:
            self.krone.open_execution(self._selected.execution_id, self._selected.position)

    def action_raw(self) -> None:
        """The raw log around the first record."""
        if self._selected is not None:
            self.krone.open_raw(self._selected.execution_id, self._selected.position)


def why_none(found: Summary | None, unflagged: Sequence[UnflaggedFailure]) -> str:
    """Why triage lists no failure mode; where nothing is flagged, what was judged and what reads as failure all the same."""
    if found is None:
        return ""
    if found.flagged:
        return "No failure mode passes the filters; x clears them."
    if found.verdicts:
        return "Nothing is flagged any more: K shows the verdicts, u undoes the last one."
    return f"{safe(judged(found))}\n{_unflagged_words(unflagged, found)}"


def idle_keys(found: Summary | None, unflagged: Sequence[UnflaggedFailure]) -> frozenset[str]:
    """Actions that would do nothing in triage."""
    if found is None or found.flagged:
        return frozenset()
    return _NEED_FINDINGS if unflagged else _NEED_FINDINGS | {"open"}


def _unflagged_words(unflagged: Sequence[UnflaggedFailure], found: Summary) -> str:
    """A line each, and the key that lists them."""
    if not unflagged:
        return "No record of it reads as failure either."
    lines = [f"{TITLE} ({count(len(unflagged), 'kind')}; Enter lists them):"]
    lines += [f" · {safe(one.example, 100)}: {safe(how_often(one, found))}" for one in unflagged[:_LISTED]]
    if len(unflagged) > _LISTED:
        lines.append(f" … and {count(len(unflagged) - _LISTED, 'more kind')}")
    return "\n".join(lines)
