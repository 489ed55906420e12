"""What windows are made of: of the records that carry no identifier, or of a log in which none holds executions together."""

import math

from krone_tui.executions.as_learnt import WindowCut
from krone_tui.settings import Settings
from krone_tui.store import Store
from krone_tui.store import executions as queries
from krone_tui.store.identifiers import record_count

WINDOW_RECORDS = 512
"""Records at which a window ends in any case: what a person can look through, and what bounds an execution."""
LEAST_WINDOW = 3
"""Records that the windows of each host, or between pauses, should hold in the mean; else they say nothing."""
WINDOWFUL = (8, 40)
"""Least and most records a window should hold where no pauses divide the log."""
CROWDED = 3
"""Times a windowful that windows of the best length may hold in the mean: fuller ones hide what is in them."""
WINDOWS = 50
"""Windows that a small log should have: one can only be told from many others."""
TUMBLING_SECONDS = (1, 5, 10, 30, 60, 300, 600, 1800, 3600, 21_600, 86_400)
"""Lengths of windows a person would choose."""


def window_cut(store: Store, settings: Settings, keyed: bool, filled: dict[str, float]) -> WindowCut:
    """What the windows of the records without the key are made of.

    Windows of each host, unless they would hold next to nothing; ended by pauses where pauses divide the records, else
    as long as it takes for a windowful. Neither length where the log has no times, or crowds most records into few windows.
    """
    by: tuple[str, ...] = ("host", "source_id") if filled["host"] > 0 else ("source_id",)
    windowful = _windowful(record_count(store))
    if filled["time"] == 0:
        return WindowCut(by, None, None, windowful)
    count, groups, histogram = queries.pauses(store, by)
    if settings.idle_gap > 0:
        return WindowCut(by, settings.idle_gap, None, WINDOW_RECORDS)
    gap = valley(histogram)
    if len(by) > 1 and count < LEAST_WINDOW * groups:
        by = ("source_id",)
        count, groups, histogram = queries.pauses(store, by)
        gap = valley(histogram)
    if gap is not None and not keyed and count >= LEAST_WINDOW * (groups + _rests(histogram, gap)):
        return WindowCut(by, gap, None, WINDOW_RECORDS)
    wanted = queries.seconds_covered(store) * windowful * groups / max(count, 1)
    length = min(TUMBLING_SECONDS, key=lambda length: abs(math.log(length / max(wanted, 0.5))))
    if not keyed and CROWDED * queries.tumbling_windows(store, by, length) * windowful < count:
        return WindowCut(by, None, None, windowful)
    return WindowCut(by, None, float(length), WINDOW_RECORDS)


def _windowful(records: int) -> int:
    """Records that a window of a log with so many should hold."""
    least, most = WINDOWFUL
    return min(most, max(least, records // WINDOWS))


def _rests(histogram: list[tuple[int, int]], gap: float | None) -> int:
    """How many pauses are longer than the gap."""
    return sum(count for bin_, count in histogram if gap is not None and 2.0 ** (bin_ / 2.0) > gap)


def valley(histogram: list[tuple[int, int]]) -> float | None:
    """The pause that divides bursts from rests, in seconds; None where pauses of all lengths are as common.

    The histogram has half-octave bins of seconds. A valley is a stretch of lengths, at least an octave and a half wide,
    with under a tenth of the pauses that are longer, both bursts and rests being frequent.
    """
    counts = dict(histogram)
    if not counts:
        return None
    top = max(counts)
    total = sum(counts.values())
    best: tuple[float, float] | None = None
    for begin in range(2, top):
        for width in range(3, 14):
            inside = sum(counts.get(bin_, 0) for bin_ in range(begin, begin + width))
            longer = sum(count for bin_, count in counts.items() if bin_ >= begin + width)
            if longer < max(0.002 * total, 5):
                break
            if inside > 0.1 * longer:
                break
            quality = width * (1.0 - inside / longer)
            if best is None or quality > best[0]:
                best = (quality, 2.0 ** ((begin + width / 2.0) / 2.0))
    return round(best[1], 1) if best else None
