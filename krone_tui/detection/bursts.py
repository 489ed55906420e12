"""How much something keeps to one part of the log's time: what an incident does, and what its everyday noise does not.

A scan statistic (Kulldorff, 1997, of the Bernoulli kind) over equal parts of the log: the stretch that holds more of the
thing's executions than its share of all executions explains.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from krone_tui.detection.sequences import FloatArray, IntArray

BINS = 32
"""Parts of the log's time, each with the same number of executions."""
CAP = 6.0
"""Surprise beyond which more says nothing more."""
_LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
"""Stretches looked at, in parts."""
_LOOKS = float(np.log(sum(BINS - length + 1 for length in _LENGTHS)))
"""What looking so often costs: the greatest of many ratios is great by chance."""


def bursts(counts: npt.NDArray[np.floating[Any]], totals: FloatArray) -> FloatArray:
    """[things] 0…6: how surely and how wholly each keeps to one stretch.

    counts: [things, BINS] executions that have it; totals: [BINS] all executions. The surprise (−log10) of the best stretch,
    times the share of the thing's executions that it holds beyond what chance would put there.
    """
    best = np.zeros(len(counts))
    everything = totals.sum()
    if everything <= 0 or not len(counts):
        return best
    have = counts.sum(axis=1)
    upto = np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)
    upto_all = np.r_[0.0, np.cumsum(totals)]
    for length in _LENGTHS:
        share = (upto_all[length:] - upto_all[:-length]) / everything
        usable = (share > 0) & (share < 1)
        inside = (upto[:, length:] - upto[:, :-length])[:, usable]
        share = share[usable]
        ratio = _log_ratio(inside, have[:, None], share[None, :])
        if not ratio.shape[1]:
            continue
        at = ratio.argmax(axis=1)
        top = ratio[np.arange(len(counts)), at]
        excess = (inside[np.arange(len(counts)), at] / np.maximum(have, 1.0) - share[at]) / (1.0 - share[at])
        value = np.clip((top - _LOOKS) / np.log(10.0), 0.0, CAP) * np.clip(excess, 0.0, 1.0)
        better = value > best
        best[better] = value[better]
    return best


def _log_ratio(inside: FloatArray, have: FloatArray, share: FloatArray) -> FloatArray:
    """Log likelihood of a rate of its own inside the stretch over one rate everywhere; 0 where it is not higher inside."""
    outside = have - inside
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(inside > 0, inside * np.log(inside / (have * share)), 0.0)
        ratio += np.where(outside > 0, outside * np.log(outside / (have * (1.0 - share))), 0.0)
    return np.where(inside > have * share, ratio, 0.0)


def summed(bins: npt.NDArray[np.float32], row: IntArray, key: IntArray, count: int) -> FloatArray:
    """[count, BINS] the `bins` rows that each pair (row, key) adds to its key."""
    result = np.empty((count, BINS))
    for part in range(BINS):
        result[:, part] = np.bincount(key, weights=bins[row, part], minlength=count)
    return result
