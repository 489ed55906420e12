"""Executions that the log began or ended amid: what they lack may stand before or after it."""

import numpy as np
import numpy.typing as npt

from krone_tui.store import Store
from krone_tui.store.edges import Ends, Pauses, edges

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

GOES_ON = 0.5
"""Chance from which an execution is taken to go on where the log holds no more of it."""


def cut_by_the_log(store: Store) -> IntArray:
    """Ids of the executions that probably began before the log, or go on after it; windows are cut in any case, and none of them."""
    found = edges(store)
    if found is None:
        return np.array([], dtype=np.int64)
    (begin, end), (before, after) = found
    return begin.execution[goes_on(begin, before) | goes_on(end, after)]


def goes_on(end: Ends, pauses: Pauses) -> npt.NDArray[np.bool_]:
    """[executions] whether an execution probably goes on beyond the log, from its outermost record's template and the seconds
    from there to the log's edge.

    Of the records of that template after which as long nothing came, those that then did go on against those that were an
    execution's last. A template that no other execution holds says nothing: there all templates tell.
    """
    on, over = _at_least(end, pauses.template, pauses.seconds, pauses.share)
    known = _number(end.template, pauses.template) + _number(end.template, end.template) > 1
    all_alike = Ends(end.execution, np.zeros_like(end.template), end.seconds)
    on_all, over_all = _at_least(all_alike, np.zeros_like(pauses.template), pauses.seconds, pauses.share)
    on, over = np.where(known, on, on_all), np.where(known, over, over_all)
    result: npt.NDArray[np.bool_] = on / np.maximum(on + over, 1e-9) >= GOES_ON
    return result


def _at_least(
    end: Ends, template: IntArray, seconds: FloatArray, share: float
) -> tuple[FloatArray, FloatArray]:
    """[executions] each: pauses after the same template that were no shorter than the time to the log's edge, and executions
    that end with it and had longer to go on."""
    on, over = np.zeros(len(end.template)), np.zeros(len(end.template))
    order = np.lexsort((seconds, template))
    template, seconds = template[order], seconds[order]
    rows = np.argsort(end.template, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(end.template[rows]) != 0])
    for group in np.split(rows, starts[1:]) if len(rows) else []:
        one = end.template[group[0]]
        begin, stop = np.searchsorted(template, [one, one + 1])
        left = np.sort(end.seconds[group])
        on[group] = (stop - begin - np.searchsorted(seconds[begin:stop], end.seconds[group])) / share
        over[group] = len(left) - np.searchsorted(left, end.seconds[group], side="right")
    return on, over


def _number(wanted: IntArray, among: IntArray) -> IntArray:
    """[wanted] how often each occurs among others."""
    counts = np.bincount(among, minlength=int(wanted.max(initial=0)) + 1)
    result: IntArray = counts[wanted]
    return result
