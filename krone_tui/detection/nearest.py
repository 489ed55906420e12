"""The nearest normal execution of each flagged one: what evidence and the comparison show beside it."""

import numpy as np
import numpy.typing as npt

from krone_tui.detection.sequences import IntArray, Sequences

MAX_NORMAL = 1500
"""Best supported normal variants that are compared; a rarer one would be a weak witness anyway."""
MAX_STEPS = 384
"""Most frequent steps compared."""
SUPPORT_BONUS = 0.05
"""What a tenfold support is worth in distance: of two about equally near variants the commoner convinces."""

OTHER_BEGINNING = 1.0
"""What another first step costs in distance: as much as two steps that one has and the other has not."""


def nearest_normal(
    sequences: Sequences, flagged: npt.NDArray[np.bool_], doubtful: npt.NDArray[np.bool_], *, windows: bool
) -> IntArray:
    """[sequences] index of the nearest sequence that was not flagged, for flagged ones; -1 otherwise or without any.

    `doubtful`: [sequences] which were not flagged and yet are no picture of health; they are taken where there is no other.
    `windows`: where one begins is chance.
    """
    weight = sequences.self_weight + sequences.good_weight
    result = np.full(sequences.count, -1)
    normal = np.flatnonzero(~flagged | (sequences.good_weight > 0))
    sound = normal[~doubtful[normal] | (sequences.good_weight[normal] > 0)]
    normal = sound if len(sound) else normal
    normal = normal[np.argsort(-weight[normal], kind="stable")][:MAX_NORMAL]
    wanted = np.flatnonzero(flagged)
    if not len(normal) or not len(wanted):
        return result
    alphabet = int(sequences.steps.max()) + 1
    use = np.bincount(sequences.steps, minlength=alphabet)
    column = np.full(alphabet, -1)
    frequent = np.argsort(-use, kind="stable")[:MAX_STEPS]
    column[frequent] = np.arange(len(frequent))

    def matrix(rows: IntArray) -> npt.NDArray[np.float32]:
        place = np.full(sequences.count, -1)
        place[rows] = np.arange(len(rows))
        here = (place[sequences.owner] >= 0) & (column[sequences.steps] >= 0)
        counts = np.zeros((len(rows), len(frequent)), dtype=np.float32)
        np.add.at(counts, (place[sequences.owner[here]], column[sequences.steps[here]]), 1.0)
        return np.log1p(counts)

    reference = matrix(normal)
    first = sequences.steps[sequences.offsets[:-1]]
    bonus = SUPPORT_BONUS * np.log10(weight[normal] + 1.0)
    for start in range(0, len(wanted), 2048):
        rows = wanted[start : start + 2048]
        block = matrix(rows)
        square = (
            np.square(block).sum(axis=1)[:, None]
            + np.square(reference).sum(axis=1)
            - 2.0 * (block @ reference.T)
        )
        distance = np.sqrt(np.maximum(square, 0.0)) - bonus
        if not windows:
            distance += OTHER_BEGINNING * (first[rows][:, None] != first[normal])
        result[rows] = normal[distance.argmin(axis=1)]
    return result
