"""What holds between two steps in nearly every execution: which comes first, and that both occur equally often.

Invariants mined from the executions themselves (Beschastnikh et al., "Leveraging existing instrumentation to automatically
infer invariant-constrained models", FSE 2011; Lou et al., "Mining invariants from console logs", USENIX ATC 2010). They see
what single steps and transitions do not: parallel work makes rare transitions every day, but nothing is shipped before it is
paid.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from krone_tui.detection.sequences import FloatArray, IntArray, Sequences, surprise

STEPS = 128
"""Most frequent steps between which invariants are sought."""
REFERENCES = 4000
"""Heaviest variants that invariants are mined from; bounds time to this × STEPS²."""
SURE = 1.0
"""Surprise of an exception from which something is an invariant: under a tenth of the executions break it."""
COUNTED = 9
"""Counts from here on are one."""
BLOCK = 8192
"""Variants compared at once; bounds memory to this × STEPS."""

INVARIANT_FEATURES = ("precedence", "precedences", "unequal", "unequals")
"""Names of the columns of `Invariants.features`, in order."""


@dataclass(frozen=True)
class Invariants:
    """Executions against what holds between pairs of steps in the others."""

    features: npt.NDArray[np.float32]
    """[n, len(INVARIANT_FEATURES)]: the surprise of the most surprising pair, and the logarithm of one more than how many
    pairs are broken, of order and of counts."""
    early: IntArray
    """[n] the step that comes too early, before `late`; -1: none."""
    late: IntArray
    """[n] the step that always comes first elsewhere; -1: none."""
    unequal: IntArray
    """[n] the step that occurs more or less often than `partner`; -1: none."""
    partner: IntArray
    """[n] the step that elsewhere occurs as often as `unequal`; -1: none."""

    def precedence_surprise(self, index: int) -> float:
        """Of the pair `early`, `late`."""
        return float(self.features[index, INVARIANT_FEATURES.index("precedence")])

    def unequal_surprise(self, index: int) -> float:
        """Of the step `unequal`."""
        return float(self.features[index, INVARIANT_FEATURES.index("unequal")])


def compare_pairs(sequences: Sequences, *, windows: bool) -> Invariants:
    """Every sequence against the pairwise invariants of all, itself left out (all in one group).

    What windows hold together is chance, and so is its order: there nothing is compared.
    """
    n = sequences.count
    none = np.full(n, -1)
    if windows or n == 0:
        return Invariants(np.zeros((n, len(INVARIANT_FEATURES)), dtype=np.float32), none, none, none, none)
    weight = sequences.self_weight + sequences.good_weight
    alphabet = int(sequences.steps.max(initial=-1)) + 1
    owner = sequences.owner
    code, first, count = np.unique(owner * alphabet + sequences.steps, return_index=True, return_counts=True)
    pair_owner, pair_step = np.divmod(code, alphabet)
    support = np.bincount(pair_step, weights=weight[pair_owner], minlength=alphabet)
    frequent = np.argsort(-support, kind="stable")[:STEPS]
    column = np.full(alphabet, -1)
    column[frequent] = np.arange(len(frequent))
    use = column[pair_step] >= 0
    row, at = pair_owner[use], column[pair_step[use]]
    # Not a number, before which and after which nothing is, where a step is absent.
    place = np.full((n, len(frequent)), np.nan, dtype=np.float32)
    place[row, at] = first[use] - sequences.offsets[row]
    often = np.zeros((n, len(frequent)), dtype=np.int8)
    often[row, at] = np.minimum(count[use], COUNTED)

    mined = np.argsort(-weight, kind="stable")[:REFERENCES]
    order = _order_rules(place[mined], weight[mined])
    counts = _count_rules(often[mined], weight[mined])
    having = [np.flatnonzero(often[:, a] > 0) for a in range(len(frequent))]
    precedence, precedences, early, late = _broken(
        order, having, lambda rows, a, bs: place[rows, a][:, None] < place[np.ix_(rows, bs)], n
    )
    unequal, unequals, differing, partner = _broken(
        counts,
        having,
        lambda rows, a, bs: (
            (often[np.ix_(rows, bs)] > 0) & (often[rows, a][:, None] != often[np.ix_(rows, bs)])
        ),
        n,
    )
    if sequences.cut is not None:
        unequal[sequences.cut], unequals[sequences.cut] = 0.0, 0.0
        differing[sequences.cut], partner[sequences.cut] = -1, -1
    step = np.r_[frequent, -1]
    features = np.column_stack([precedence, np.log1p(precedences), unequal, np.log1p(unequals)])
    return Invariants(features.astype(np.float32), step[early], step[late], step[differing], step[partner])


def _order_rules(place: npt.NDArray[np.float32], weight: FloatArray) -> FloatArray:
    """[steps, steps] surprise that the first a comes before the first b, given both, the execution at hand left out."""
    steps = place.shape[1]
    before = np.empty((steps, steps))
    for a in range(steps):
        before[a] = weight @ (place[:, [a]] < place)
    return surprise(np.maximum(before - 1.0, 0.0), np.maximum(before + before.T - 1.0, 0.0))


def _count_rules(often: npt.NDArray[np.int8], weight: FloatArray) -> FloatArray:
    """[steps, steps] surprise that a and b occur a different number of times, given both, the execution at hand left out."""
    equal = np.zeros((often.shape[1], often.shape[1]))
    for count in range(1, COUNTED + 1):
        has = (often == count).astype(np.float64)
        equal += (has * weight[:, None]).T @ has
    present = (often > 0).astype(np.float64)
    both = (present * weight[:, None]).T @ present
    return surprise(np.maximum(both - equal - 1.0, 0.0), np.maximum(both - 1.0, 0.0))


def _broken(
    rules: FloatArray,
    having: list[IntArray],
    breaks: Callable[[IntArray, int, IntArray], npt.NDArray[np.bool_]],
    n: int,
) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """[n] the greatest surprise of a rule that each breaks, how many it breaks, and the greatest one's two steps or -1.

    having: for each step the rows that have it; breaks: whether each of some rows breaks the rule of a step with others.
    """
    most, number = np.zeros(n), np.zeros(n)
    left, right = np.full(n, -1), np.full(n, -1)
    for a, mine in enumerate(having):
        others = np.flatnonzero(rules[a] > SURE)
        if not len(others):
            continue
        for start in range(0, len(mine), BLOCK):
            rows = mine[start : start + BLOCK]
            broken = breaks(rows, a, others)
            any_ = broken.any(axis=1)
            rows, broken = rows[any_], broken[any_]
            if not len(rows):
                continue
            number[rows] += broken.sum(axis=1)
            strength = np.where(broken, rules[a, others], 0.0)
            best = strength.argmax(axis=1)
            value = strength[np.arange(len(rows)), best]
            better = value > most[rows]
            at = rows[better]
            most[at], left[at], right[at] = value[better], a, others[best[better]]
    return most, number, left, right
