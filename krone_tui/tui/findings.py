"""The failure modes and flagged executions in sight, and the walk through them: state of the screen, no widgets."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from krone_tui.store import Store, views
from krone_tui.store import screen as queries
from krone_tui.store.relations import Related, related_modes
from krone_tui.store.screen import TimeRange
from krone_tui.tui.narrowing import Filter, describe
from krone_tui.tui.screens.mode_rows import SPARK

IntArray = NDArray[np.int64]


@dataclass
class Findings:
    """What there is to walk through, under the filter and the range of time in force."""

    modes: list[views.FailureModeRow]
    timelines: dict[int, list[int]]
    related: dict[int, Related]
    places: dict[int, str]
    components: dict[int, str]
    counts: dict[int, int] = field(default_factory=dict)
    """failure_mode_id → executions in the range of time."""
    filter: Filter = field(default_factory=Filter)
    within: TimeRange = field(default_factory=TimeRange)
    _all_modes: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    _all_executions: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    _walk_modes: IntArray = field(default_factory=lambda: np.empty(0, np.int64))
    _walk_executions: IntArray = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def read(cls, store: Store) -> "Findings":
        """Everything, nothing narrowed."""
        findings = cls(
            views.failure_modes(store),
            views.mode_timeline(store, SPARK),
            related_modes(store),
            queries.mode_places(store),
            queries.mode_components(store),
        )
        findings.take(
            TimeRange(), queries.mode_counts(store, TimeRange()), queries.worklist(store, TimeRange())
        )
        return findings

    def take(self, within: TimeRange, counts: dict[int, int], worklist: pa.Table) -> None:
        """Take the executions of a range of time."""
        self.within, self.counts = within, counts
        self._all_modes = worklist.column("failure_mode_id").to_numpy()
        self._all_executions = worklist.column("execution_id").to_numpy()
        self.narrow(self.filter)

    def narrow(self, filter_: Filter) -> None:
        """Take another filter."""
        self.filter = filter_
        shown = np.array([mode.failure_mode_id for mode in self.shown_modes()[0]], np.int64)
        kept = np.isin(self._all_modes, shown)
        self._walk_modes, self._walk_executions = self._all_modes[kept], self._all_executions[kept]

    def shown_modes(self) -> tuple[list[views.FailureModeRow], dict[int, int]]:
        """(failure modes in sight, executions of each)."""
        narrowed = self.within != TimeRange()
        modes = [
            mode
            for mode in self.modes
            if self.filter.admits(mode, self.places, self.components)
            and (not narrowed or self.counts.get(mode.failure_mode_id))
        ]
        return modes, self.counts

    def describe(self) -> str:
        """The filters in force, in words."""
        parts = [
            f"filter {self.filter.written}" if self.filter.written else "",
            f"time {describe(self.within)}" if describe(self.within) else "",
        ]
        return ", ".join(part for part in parts if part)

    def mode(self, failure_mode_id: int | None) -> views.FailureModeRow | None:
        """One failure mode."""
        return next((mode for mode in self.modes if mode.failure_mode_id == failure_mode_id), None)

    def mode_of(self, execution_id: int) -> int | None:
        """The failure mode of an execution in sight."""
        at = np.flatnonzero(self._walk_executions == execution_id)
        return int(self._walk_modes[at[0]]) if len(at) else None

    def executions_of(self, failure_mode_id: int | None) -> IntArray:
        """execution_id of each execution in sight of a failure mode, the most suspicious first."""
        found: IntArray = self._walk_executions[self._walk_modes == failure_mode_id]
        return found

    def place(self, execution_id: int) -> tuple[str, str]:
        """(`1 of 8`, of its failure mode; `83 of 209 flagged`), in the order of the walk; blank when it is not in sight."""
        at = np.flatnonzero(self._walk_executions == execution_id)
        if not len(at):
            return "", ""
        alike = self._walk_modes == self._walk_modes[at[0]]
        return (
            f"{np.count_nonzero(alike[: at[0]]) + 1:,} of {np.count_nonzero(alike):,}",
            f"{at[0] + 1:,} of {len(self._walk_executions):,} flagged",
        )

    def step(self, execution_id: int | None, step: int) -> tuple[int, int] | None:
        """(failure_mode_id, execution_id) of the next flagged execution, or the one before for -1; None at the ends."""
        at = (
            np.flatnonzero(self._walk_executions == execution_id)
            if execution_id is not None
            else np.empty(0, np.int64)
        )
        index = int(at[0]) + step if len(at) else 0
        if not 0 <= index < len(self._walk_executions):
            return None
        return int(self._walk_modes[index]), int(self._walk_executions[index])
