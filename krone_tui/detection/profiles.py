"""Whole executions as count profiles: how far the nearest normal ones are, and what they have that this one lacks."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from krone_tui.detection.sequences import FloatArray, IntArray, Sequences, surprise

MAX_STEPS = 384
"""Most frequent steps that span the profile space; bounds memory to executions × this many floats."""
MAX_REFERENCES = 1500
"""Heaviest distinct profiles a profile is compared with; bounds time to profiles × this × MAX_STEPS."""
RULE_STEPS = 256
"""Most frequent steps between which presence rules (a implies b) are sought."""
MASSES = (0.0, 0.001, 0.005, 0.02, 0.1)
"""Shares of the reference within which radius is measured; 0: the nearest other execution."""
EXPECTED = 1.0
"""Surprise of an absence from which a step was to be expected: under a tenth of the executions do without."""
TOLD = 0.5
"""Share of the executions with a step that do without another one, from which it tells why that one is not there."""
MOST_TOLD = 8
"""Steps most surely expected of which it is asked whether another step tells why they are not there."""
ABOUT_AS_SURE = 0.82
"""Share of the surest rule's surprise from which another one tells as well why a step is missed."""
BATCH = 4096
"""Profiles per matrix product; bounds the distance matrix to BATCH × MAX_REFERENCES floats."""

PROFILE_FEATURES = (
    *(f"radius_{mass}" for mass in MASSES), *(f"relative_radius_{mass}" for mass in MASSES),
    "missing", "missing_steps", "silently_missing", "profile_rarity", "set_rarity", "profile_unknown", "set_unknown",
)  # fmt: skip
"""Names of the columns of `ProfileComparison.features`, in order."""


@dataclass(frozen=True)
class ProfileComparison:
    """Executions against the reference, order left out."""

    features: npt.NDArray[np.float32]
    """[n, len(PROFILE_FEATURES)]"""
    missing_step: IntArray
    """[n] the step most surely expected and not there; -1: none."""
    missing_because: IntArray
    """[n] the present step that lets it be expected; -1: none."""
    missing_surprise: FloatArray
    """[n] surprise of its absence."""
    silent_step: IntArray
    """[n] of the steps whose absence no step tells, the one most surely expected; -1: none."""
    silent_because: IntArray
    """[n] the present step that lets it be expected; -1: none."""
    silent_surprise: FloatArray
    """[n] surprise of its absence."""


def compare_profiles(sequences: Sequences) -> ProfileComparison:
    """Every sequence's multiset of steps against those of the reference (all in one group).

    Order-free profiles are strong: a count-vector nearest neighbour reaches 0.97 to 0.99 on HDFS with 1 % of the
    normal data (Landauer et al., FSE 2024).
    """
    n = sequences.count
    weight = sequences.self_weight + sequences.good_weight
    own = sequences.own_weight
    total = float(weight.sum())
    alphabet = int(sequences.steps.max(initial=-1)) + 1
    code, count = np.unique(sequences.owner * max(alphabet, 1) + sequences.steps, return_counts=True)
    owner, step = np.divmod(code, max(alphabet, 1))
    support = np.bincount(step, weights=weight[owner], minlength=alphabet)

    profile_of, profile_first = _distinct_rows(owner, step * (count.max(initial=0) + 1) + count, n)
    set_of, _ = _distinct_rows(owner, step, n)
    profile_weight: FloatArray = np.bincount(profile_of, weights=weight).astype(np.float64)
    profile_good = np.bincount(profile_of, weights=sequences.good_weight)
    profile_own = (np.bincount(profile_of, weights=sequences.self_weight) > 0).astype(np.float64)
    set_weight = np.bincount(set_of, weights=weight)
    set_good = np.bincount(set_of, weights=sequences.good_weight)

    frequent = np.argsort(-support, kind="stable")[:MAX_STEPS]
    column = np.full(alphabet, -1)
    column[frequent] = np.arange(len(frequent))
    row_of_profile = np.full(n, -1)
    row_of_profile[profile_first] = np.arange(len(profile_first))
    use = (column[step] >= 0) & (row_of_profile[owner] >= 0)
    matrix = np.zeros((len(profile_first), len(frequent)), dtype=np.float32)
    matrix[row_of_profile[owner[use]], column[step[use]]] = np.log1p(count[use])

    radii = _radii(matrix, profile_weight, profile_own, total)
    norm = np.sqrt(np.square(matrix).sum(axis=1)) + 1e-6
    relative = radii / norm[:, None]

    present = (matrix[:, :RULE_STEPS] > 0).astype(np.float32)
    lacking = _missing(present, profile_weight)

    has_good = float(sequences.good_weight.sum() > 0)
    at = profile_of
    features = np.column_stack(
        [
            radii[at],
            relative[at],
            lacking.surprise[at],
            np.log1p(lacking.steps[at]),
            lacking.silent_surprise[at],
            surprise(profile_weight[at] - own, total - own),
            surprise(set_weight[set_of] - own, total - own),
            (profile_good[at] == 0) * has_good,
            (set_good[set_of] == 0) * has_good,
        ]
    ).astype(np.float32)

    whole = np.ones(n, dtype=bool) if sequences.cut is None else ~sequences.cut
    features[~whole] = 0.0

    def step_of(columns: IntArray) -> IntArray:
        return np.where(whole & (columns[at] >= 0), frequent[columns[at]], -1)

    return ProfileComparison(
        features,
        step_of(lacking.step),
        step_of(lacking.because),
        lacking.surprise[at] * whole,
        step_of(lacking.silent_step),
        step_of(lacking.silent_because),
        lacking.silent_surprise[at] * whole,
    )


def _distinct_rows(owner: IntArray, value: IntArray, n: int) -> tuple[IntArray, IntArray]:
    """Which of n sorted sets of values are equal: [n] class of each, and [classes] a first member of each.

    Compared by a 128-bit sum of mixed values: two different sets collide once in 2^128.
    """
    mixed = np.stack([_mix(value, 0x9E3779B97F4A7C15), _mix(value, 0xC2B2AE3D27D4EB4F)])
    sums = np.zeros((2, n), dtype=np.uint64)
    np.add.at(sums[0], owner, mixed[0])
    np.add.at(sums[1], owner, mixed[1])
    pairs = np.rec.fromarrays([sums[0], sums[1]])
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    return inverse.reshape(-1), first


def _mix(value: IntArray, seed: int) -> npt.NDArray[np.uint64]:
    """splitmix64's finalizer: spreads small integers over 64 bits."""
    with np.errstate(over="ignore"):
        z = value.astype(np.uint64) + np.uint64(seed)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def _radii(matrix: npt.NDArray[np.float32], weight: FloatArray, own: FloatArray, total: float) -> FloatArray:
    """[profiles, len(MASSES)] radius that holds each share of the other executions."""
    profiles = len(matrix)
    references = np.argsort(-weight, kind="stable")[:MAX_REFERENCES]
    reference = matrix[references]
    reference_square = np.square(reference).sum(axis=1)
    radii = np.empty((profiles, len(MASSES)))
    for start in range(0, profiles, BATCH):
        rows = slice(start, min(start + BATCH, profiles))
        block = matrix[rows]
        square = np.square(block).sum(axis=1)[:, None] + reference_square - 2.0 * (block @ reference.T)
        distance = np.sqrt(np.maximum(square, 0.0))
        itself = references[None, :] == np.arange(rows.start, rows.stop)[:, None]
        distance[itself] = 0.0
        others = np.where(itself, weight[references] - own[rows][:, None], weight[references])
        order = np.argsort(distance, axis=1, kind="stable")
        sorted_distance = np.take_along_axis(distance, order, axis=1)
        mass = np.cumsum(np.take_along_axis(others, order, axis=1), axis=1)
        for index, share in enumerate(MASSES):
            needed = max(share * total, 1.0)
            at = np.minimum((mass < needed).sum(axis=1), mass.shape[1] - 1)
            radii[rows, index] = sorted_distance[np.arange(len(block)), at]
    return radii


@dataclass
class _Lacking:
    """What profiles lack, steps as columns; -1: none."""

    surprise: FloatArray
    step: IntArray
    because: IntArray
    steps: FloatArray
    """[profiles] how many are so missing (surprise over 1.5: under about 3 % exceptions)."""
    silent_surprise: FloatArray
    silent_step: IntArray
    silent_because: IntArray


def _missing(present: npt.NDArray[np.float32], weight: FloatArray) -> _Lacking:
    """For each profile the step b most surely implied by a present step a, yet absent.

    A rule a ⇒ b is as sure as its exceptions are rare: surprise of an exception among the executions with a. Of the silent
    ones no step tells why it is absent: none is there with which it mostly is. A request that is declined leaves steps out, and
    says so.
    """
    steps = present.shape[1]
    together = (present * weight[:, None].astype(np.float32)).T @ present
    support = np.diag(together).copy()
    exceptions = support[:, None] - together
    # rule[a, b]: surprise of an exception, the execution at hand (itself an exception) taken off.
    rule = surprise(np.maximum(exceptions - 1.0, 0.0), np.maximum(support[:, None] - 1.0, 0.0)) * (
        exceptions >= 0
    )
    rule[np.arange(steps), np.arange(steps)] = 0.0
    telling: dict[tuple[int, int], npt.NDArray[np.bool_]] = {}

    def tells(a: int, b: int) -> npt.NDArray[np.bool_]:
        """[steps] those with which, where a is, b mostly is absent; the execution at hand taken off."""
        if (a, b) not in telling:
            without = (present[:, a] > 0) & (present[:, b] == 0)
            absent = weight[without].astype(np.float32) @ present[without]
            telling[a, b] = (together[a] >= 2.0) & (absent - 1.0 >= TOLD * (together[a] - 1.0))
        return telling[a, b]

    n = len(present)
    found = _Lacking(
        np.zeros(n), np.full(n, -1), np.full(n, -1), np.zeros(n), np.zeros(n), np.full(n, -1), np.full(n, -1)
    )
    for row in range(n):
        has = np.flatnonzero(present[row] > 0)
        lacks = np.flatnonzero(present[row] == 0)
        if not len(has) or not len(lacks):
            continue
        strength = rule[np.ix_(has, lacks)]
        per_b = strength.max(axis=0)

        def because(b: int, strength: FloatArray = strength, has: IntArray = has) -> int:
            """Of the steps that let it be expected about as surely, the most frequent one: columns come by frequency."""
            return int(has[(strength[:, b] >= ABOUT_AS_SURE * strength[:, b].max()).argmax()])

        b = int(per_b.argmax())
        found.surprise[row], found.step[row], found.because[row] = per_b[b], lacks[b], because(b)
        found.steps[row] = float((per_b > 1.5).sum())
        for b in np.argsort(-per_b, kind="stable")[:MOST_TOLD].tolist():
            if per_b[b] < EXPECTED:
                break
            if not tells(int(has[strength[:, b].argmax()]), int(lacks[b]))[has].any():
                found.silent_surprise[row], found.silent_step[row] = per_b[b], lacks[b]
                found.silent_because[row] = because(b)
                break
    return found
