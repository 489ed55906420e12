"""Triage: the shape of the incident, failure modes most suspicious first, executions and evidence of the selected one."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import ClassVar

import numpy as np
import pyarrow as pa
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical

from krone_tui.explanation import Sentence
from krone_tui.report import Timeline
from krone_tui.store import screen as queries
from krone_tui.store import views
from krone_tui.store.targets import mode_target
from krone_tui.store.unflagged import UnflaggedFailure, unflagged_failures
from krone_tui.store.verdicts import ANOMALOUS, NORMAL
from krone_tui.tui import keys
from krone_tui.tui.findings import IntArray
from krone_tui.tui.screens.base import WIDE, KroneScreen
from krone_tui.tui.screens.mode_rows import evidence_title, mode_table, mode_words
from krone_tui.tui.screens.related import related_words
from krone_tui.tui.screens.unflagged import idle_keys, why_none
from krone_tui.tui.text import clock, count, duration
from krone_tui.tui.widgets.arrow_table import ArrowTable, Shown
from krone_tui.tui.widgets.bars import KeyBar, PaneTitle
from krone_tui.tui.widgets.evidence_panel import EvidencePanel
from krone_tui.tui.widgets.histogram import Histogram
from krone_tui.tui.widgets.incident_header import IncidentHeader

_LISTED = 5000
"""Executions of one failure mode in the list; n and N walk through all of them."""
_FRAME = 6
"""Rows of header, histogram and keys."""
_EVIDENCE = 9
"""Rows that the evidence has at least on a narrow terminal."""
_HELD = 0.1
"""Seconds after a move within which another one is that of a held key: they repeat every 20 to 50 ms."""
_PAUSE = 0.06
"""Seconds a cursor moved by a held key must rest before what follows it is fetched."""
_READING = 0.05
"""Seconds after which what may be told next is made ready: what has been told is painted by then."""


class TriageScreen(KroneScreen):
    """The first screen."""

    PLACE = "triage"
    BINDINGS: ClassVar[list[BindingType]] = [*keys.bindings("triage")]
    DEFAULT_CSS = """
    TriageScreen {
        #panes { layout: grid; grid-size: 2 2; grid-columns: 1fr 40; height: 1fr; background: ansi_default; }
        #modes { column-span: 2; height: 100%; }
        #evidence { column-span: 2; }
        #executions { display: none; }
        Vertical { background: ansi_default; }
        &.-listing #evidence { column-span: 1; }
        &.-listing #executions { display: block; }
        &.-wide #panes { grid-columns: 1fr 64; }
        &.-wide #evidence { column-span: 1; }
        &.-wide #executions { display: block; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.modes: list[views.FailureModeRow] = []
        """Those in sight, in the order of the table."""
        self._executions = np.empty(0, np.int64)
        """Of the failure mode that the panes follow, in the order of the walk."""
        self._followed_mode: int | None = None
        self._row, self._step = 0, 1
        """Where the cursor of the failure modes stands, and which way it went there."""
        self._at = 0
        """Which of them is looked at."""
        self._listed: IntArray | None = None
        """Those that stand in the list: `_executions` once they have been fetched, at most `_LISTED` of them."""
        self._moved_at = 0.0
        """When a cursor was moved last, on the monotonic clock."""
        self._list_rows = 0
        """Of the failure modes, with their head."""
        self._unflagged: list[UnflaggedFailure] = []
        """What reads as failure and is not flagged."""
        self._told = True
        """Whether the evidence in sight is whole: on another screen a question may have stopped it."""

    def compose(self) -> ComposeResult:
        """Header, histogram, three panes, keys."""
        yield IncidentHeader()
        yield Histogram()
        with Container(id="panes"):
            yield ArrowTable(["#"], [None], id="modes")
            with Vertical(id="evidence"):
                yield PaneTitle("Evidence", id="evidence-title")
                yield EvidencePanel(id="evidence-panel")
            with Vertical(id="executions"):
                yield PaneTitle("Executions", id="executions-title")
                yield ArrowTable(
                    ["execution", "start", "lasts", "records"], [28, 8, 7, None], id="executions-table"
                )
        yield KeyBar(self.PLACE)

    def on_mount(self) -> None:
        """Fill everything."""
        self.fill(self._open())

    async def _open(self) -> None:
        self._fill_header()
        if self._nothing_flagged:
            # There it is all there is to tell.
            await self._fill_unflagged()
        self.show_modes()
        self.query_one("#modes").focus()
        if not self._nothing_flagged:
            await self._fill_unflagged()

    @property
    def _nothing_flagged(self) -> bool:
        return self.krone.summary is not None and not self.krone.summary.flagged

    async def _fill_unflagged(self) -> None:
        self._unflagged = await self.desk.ask(unflagged_failures)
        self.query_one(IncidentHeader).unflagged = tuple(self._unflagged)
        self.query_one(KeyBar).idle = idle_keys(self.krone.summary, self._unflagged)

    def _fill_header(self) -> None:
        header = self.query_one(IncidentHeader)
        header.summary = self.krone.summary
        header.note = " ".join(self.desk.investigation.opened.notes)

    async def renew(self) -> None:
        """Show what verdicts have changed, the cursor on its failure mode or on the one that comes in its place."""
        self._fill_header()
        await self._fill_unflagged()
        self.show_modes(keep=True)
        await self._fill_histogram(self.query_one(Histogram).size.width)

    def on_histogram_width_changed(self, event: Histogram.WidthChanged) -> None:
        """Fetch the histogram in the new width."""
        self.fill(self._fill_histogram(event.columns), group="histogram", exclusive=True)

    async def _fill_histogram(self, columns: int) -> None:
        slices = await self.desk.ask(views.histogram, max(1, columns))
        found = self.krone.summary
        self.query_one(Histogram).timeline = Timeline.of(slices, found.end if found else None)

    def on_resize(self) -> None:
        """More columns on a wide terminal."""
        self.show_modes(keep=True)

    def show_modes(self, *, keep: bool = False) -> None:
        """Show the failure modes that the filters admit; `keep` the cursor on its failure mode."""
        table = self.query_one("#modes", ArrowTable)
        current, row = (self.selected_mode, table.cursor_row) if keep else (None, 0)
        self.modes, counts = self.krone.findings.shown_modes()
        self.query_one(IncidentHeader).narrowed = self.krone.findings.describe()
        rows, labels, widths = mode_table(self.modes, counts, self.krone.findings.timelines, self.size.width)
        at = next(
            (
                index
                for index, mode in enumerate(self.modes)
                if current and mode.failure_mode_id == current.failure_mode_id
            ),
            row,
        )
        self._share_rows(len(self.modes))
        table.show(rows, labels=labels, widths=widths, cursor=at)
        if not keep or self.selected_mode != current:
            self._follow_mode()
        elif not np.array_equal(self._executions, self._executions_in_sight()):
            self._follow_mode(self.selected_execution)
        else:
            self._list_executions()

    def _share_rows(self, modes: int) -> None:
        """The list is as high as its rows, up to its share; the evidence has the others."""
        panes = self.query_one("#panes")
        height = self.size.height - _FRAME
        most = height * 3 // 5 if self.wide else height - _EVIDENCE
        wanted = max(2, min(modes + 1, most))
        if self._list_rows != wanted:
            self._list_rows = wanted
            panes.styles.grid_rows = f"{wanted} 1fr"

    @property
    def selected_mode(self) -> views.FailureModeRow | None:
        """Under the cursor; None where nothing is listed."""
        row = self.query_one("#modes", ArrowTable).cursor_row
        return self.modes[row] if 0 <= row < len(self.modes) else None

    @property
    def selected_execution(self) -> int | None:
        """The one looked at, of the failure mode under the cursor."""
        return int(self._executions[self._at]) if self._at < len(self._executions) else None

    def on_data_table_row_highlighted(self, event: ArrowTable.RowHighlighted) -> None:
        """The other panes follow the cursor."""
        event.stop()
        if event.data_table.id == "modes":
            if self._mode_id != self._followed_mode:
                self._follow_mode()
        elif self._is_listed and event.cursor_row != self._at:
            self._at = event.cursor_row
            self._follow()

    @property
    def _mode_id(self) -> int | None:
        mode = self.selected_mode
        return mode.failure_mode_id if mode else None

    @property
    def _is_listed(self) -> bool:
        """Whether the executions that are followed stand in the list."""
        return self._listed is self._executions

    def _executions_in_sight(self) -> IntArray:
        return self.krone.findings.executions_of(self._mode_id)

    def _follow_mode(self, execution_id: int | None = None) -> None:
        """Go to an execution of the failure mode under the cursor; None: to the most suspicious one."""
        row = self.query_one("#modes", ArrowTable).cursor_row
        self._row, self._step = row, -1 if row < self._row else 1
        self._followed_mode = self._mode_id
        self._executions = self._executions_in_sight()
        self._at = _index(self._executions, execution_id)
        self._list_executions()
        self._follow()

    def _list_executions(self) -> None:
        """Fill the list unless it is out of sight: on a narrow terminal it is there while it has the focus."""
        if (self.wide or self.has_class("-listing")) and not self._is_listed:
            self.fill(self._fill_executions(self._pause()), group="list", exclusive=True)

    async def _fill_executions(self, pause: float) -> None:
        wanted, mode_id = self._executions, self._followed_mode
        rows = _NO_EXECUTIONS
        if mode_id is not None:
            await asyncio.sleep(pause)
            within = self.krone.findings.within
            rows = await self.desk.ask(queries.executions_of_mode, mode_id, within, _LISTED)
        if wanted is not self._executions:
            return
        self.query_one("#executions-table", ArrowTable).show(rows, cursor=self._at, shown=_SHOWN)
        self._listed = wanted
        first = " (first ones)" if rows.num_rows == _LISTED else ""
        title = f"{count(rows.num_rows, 'execution')}{first}" if mode_id is not None else "Executions"
        self.query_one("#executions-title", PaneTitle).title = title

    def _pause(self) -> float:
        """Seconds to wait before asking for what follows the cursor: none after a rest, so that a single step is answered at once."""
        return _PAUSE if monotonic() - self._moved_at < _HELD else 0.0

    def _follow(self) -> None:
        """Fill the evidence of the execution looked at."""
        self.fill(self._fill_evidence(self._pause()), group="follow", exclusive=True)
        self._moved_at = monotonic()

    async def _fill_evidence(self, pause: float) -> None:
        mode, execution_id = self.selected_mode, self.selected_execution
        panel = self.query_one("#evidence-panel", EvidencePanel)
        if mode is None:
            panel.show_evidence([], why_none(self.krone.summary, self._unflagged))
        if mode is None or execution_id is None:
            return
        await asyncio.sleep(pause)
        self.krone.current_execution = execution_id
        place = f"{self._at + 1:,} of {len(self._executions):,}"
        heading, related = mode_words(mode), related_words(mode, self.krone.findings)

        def show(execution: views.ExecutionRow, sentences: Sequence[Sentence]) -> None:
            self.query_one("#evidence-title", PaneTitle).title = evidence_title(execution, place)
            panel.show_evidence(sentences, heading, related)

        self._told = False
        self._told = await self.desk.evidence.tell(execution_id, show)
        if self._told:
            await self._look_ahead()

    async def _look_ahead(self) -> None:
        """Have the evidence ready of the failure mode that another step in the same direction comes to."""
        at = self._row + self._step
        if self.query_one("#modes").has_focus and 0 <= at < len(self.modes):
            await asyncio.sleep(_READING)
            for first in self.krone.findings.executions_of(self.modes[at].failure_mode_id)[:1]:
                await self.desk.evidence.look_ahead(int(first))

    def select(self, failure_mode_id: int, execution_id: int) -> None:
        """Put the cursors on an execution of a failure mode."""
        at = next(
            (index for index, mode in enumerate(self.modes) if mode.failure_mode_id == failure_mode_id), None
        )
        if at is None:
            return
        if self._followed_mode != failure_mode_id:
            self.query_one("#modes", ArrowTable).move_cursor(row=at)
            self._follow_mode(execution_id)
            return
        self._at = _index(self._executions, execution_id)
        if self._is_listed:
            self.query_one("#executions-table", ArrowTable).move_cursor(row=self._at)
        self._follow()

    def on_screen_resume(self) -> None:
        """Back from another screen: stand where the user walked to."""
        current = self.krone.current_execution
        if current is not None and current != self.selected_execution:
            mode = self.krone.findings.mode_of(current)
            if mode is not None:
                self.select(mode, current)
                return
        if not self._told:
            self._follow()

    def next_pane(self, step: int) -> None:
        """Failure modes, executions, evidence, in turn; on a narrow terminal executions show while they have the focus."""
        panes = ["modes", "executions-table", "evidence-panel"]
        focused = self.focused.id if self.focused is not None else None
        pane = panes[(panes.index(focused) + step) % 3] if focused in panes else "modes"
        self.set_class(pane == "executions-table", "-listing")
        self._list_executions()
        self.query_one("#executions-title", PaneTitle).active = pane == "executions-table"
        self.query_one("#evidence-title", PaneTitle).active = pane == "evidence-panel"
        self.query_one(f"#{pane}").focus(scroll_visible=False)

    def action_open(self) -> None:
        """Open the execution as a tree."""
        if self.selected_execution is not None:
            self.krone.open_execution(self.selected_execution)
        elif self._nothing_flagged and self._unflagged:
            self.krone.action_unflagged()

    def action_compare(self) -> None:
        """Compare the execution with a normal one."""
        if self.selected_execution is not None:
            self.krone.open_comparison(self.selected_execution)

    def action_explain(self) -> None:
        """Ask the local model."""
        if self.selected_execution is not None:
            self.krone.open_explanation(self.selected_execution)

    def action_raw(self) -> None:
        """The raw log around the deviation."""
        if self.selected_execution is not None:
            self.krone.open_raw(self.selected_execution, None)

    def action_normal(self) -> None:
        """The failure mode is normal."""
        self._judge(NORMAL)

    def action_anomalous(self) -> None:
        """The failure mode is anomalous."""
        self._judge(ANOMALOUS)

    def _judge(self, verdict: str) -> None:
        if self.selected_mode is not None:
            self.fill(self._ask_verdict(self.selected_mode.failure_mode_id, verdict))

    async def _ask_verdict(self, failure_mode_id: int, verdict: str) -> None:
        target = await self.desk.ask(mode_target, failure_mode_id)
        self.krone.judge([target] if target else [], 0, verdict)

    def action_next_finding(self) -> None:
        """The next execution with a finding."""
        self._walk(1)

    def action_previous_finding(self) -> None:
        """The one before."""
        self._walk(-1)

    def _walk(self, step: int) -> None:
        found = self.krone.findings.step(self.selected_execution, step)
        if found is not None:
            self.select(*found)

    def action_export(self) -> None:
        """Take a summary along."""
        if self.selected_execution is not None:
            self.krone.export(self.selected_execution)

    @property
    def wide(self) -> bool:
        """Whether panes stand side by side."""
        return self.size.width >= WIDE


_NO_EXECUTIONS = pa.table(
    {name: pa.array([], pa.string()) for name in ("identifier", "start_time", "seconds", "records")}
)
_SHOWN: dict[str, Shown] = {"start_time": clock, "seconds": duration, "records": "{:,}".format}
"""How the columns of the executions are written."""


def _index(executions: IntArray, execution_id: int | None) -> int:
    """Where an execution stands; 0 where it does not."""
    return int(np.argmax(executions == execution_id)) if execution_id in executions else 0
