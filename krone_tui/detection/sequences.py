"""Sequences of nodes as flat arrays: what every detector computes on."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sequences:
    """n sequences, each of at least one step, each under one parent, each with its numbers of occurrences."""

    steps: IntArray
    """[total] step codes, 0 … alphabet-1; equal codes mean the same node under the same parent."""
    offsets: IntArray
    """[n + 1] where each sequence starts in `steps`, and the end."""
    group: IntArray
    """[n] the parent under which a sequence is compared with others, 0 … groups-1."""
    self_weight: FloatArray
    """[n] executions of the log under analysis that contain the sequence; hardly any where the log's edge cut them."""
    good_weight: FloatArray
    """[n] executions of the known-good baseline that contain it."""
    bins: npt.NDArray[np.float32]
    """[n, BINS] executions of the log under analysis that contain it, by part of the log's time."""
    cut: BoolArray | None = None
    """[n] whether the log began or ended amid it, so that what it lacks tells nothing; None: no such one."""

    @property
    def count(self) -> int:
        """How many sequences there are."""
        return len(self.offsets) - 1

    @property
    def own_weight(self) -> FloatArray:
        """[n] what a sequence must not count for itself: one execution, where it stems from the log under analysis."""
        return np.minimum(self.self_weight, 1.0)

    @property
    def lengths(self) -> IntArray:
        """[n] steps in each."""
        return np.diff(self.offsets)

    @property
    def owner(self) -> IntArray:
        """[total] the sequence each step belongs to."""
        return np.repeat(np.arange(self.count), self.lengths)


def segment_max(values: FloatArray, owner: IntArray, count: int) -> FloatArray:
    """[count] the greatest of the `values` (all ≥ 0) that belong to each owner; 0 where there is none."""
    result = np.zeros(count)
    np.maximum.at(result, owner, values)
    return result


def segment_sum(values: FloatArray, owner: IntArray, count: int) -> FloatArray:
    """[count] the sum of the `values` of each owner."""
    return np.bincount(owner, weights=values, minlength=count).astype(np.float64)


def surprise(support: FloatArray | float, total: FloatArray | float) -> FloatArray:
    """−log10 of a support's share with half a case of doubt: 0 when all share it, about log10(2·total) when none does.

    A share estimated on few cases cannot become very surprising, so nothing needs a cut-off for small logs.
    """
    return np.maximum(
        -np.log10((np.asarray(support, dtype=np.float64) + 0.5) / (np.asarray(total) + 1.0)), 0.0
    )
