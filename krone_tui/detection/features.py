"""What can be said of a sequence without knowing the application: the inputs of the Nested-Aware detector.

Every number compares a sequence with the reference: the known-good executions, where there are any, and the
other executions of the log itself. One execution never vouches for itself: its own weight is taken off first.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from krone_tui.detection.bursts import CAP, bursts, summed
from krone_tui.detection.sequences import FloatArray, IntArray, Sequences, segment_max, segment_sum, surprise

HARDLY_EXCEEDED = 0.99
"""Share of the executions with a step whose count of it makes a greater one far out."""
RARE_SHARE = 0.01
"""A step in fewer of the executions than this share counts as rare in the features that count rare steps."""


@dataclass(frozen=True)
class StepContext:
    """What is known of each step code, besides its use."""

    severity: FloatArray
    """[alphabet] 0…1: how surely its words report a failure."""
    entity: IntArray
    """[alphabet] the entity it belongs to."""
    action: IntArray
    """[alphabet] the action it belongs to."""


@dataclass(frozen=True)
class StepSurprise:
    """Per distinct (sequence, step) pair, and per distinct (sequence, transition): what detectors and evidence share."""

    pair_owner: IntArray
    pair_step: IntArray
    pair_count: IntArray
    """How often the step occurs in the sequence."""
    pair_rarity: FloatArray
    """Surprise that a sequence of this parent has the step at all."""
    pair_count_tail: FloatArray
    """Surprise of so high or so low a count, given the step is there."""
    pair_count_excess: FloatArray
    """Logarithm, to base 2, of the count against one that hardly any other sequence exceeds; 0 where it is no greater."""
    move_owner: IntArray
    move_from: IntArray
    """-1: the start."""
    move_to: IntArray
    """-1: the end."""
    move_rarity: FloatArray
    """Surprise of the transition, given the step it leaves."""
    move_id: IntArray
    """Equal for equal transitions under one parent."""
    length_tail: FloatArray
    """[n] surprise of so great or so small a length."""


def step_surprise(sequences: Sequences) -> StepSurprise:
    """Rarity of steps, transitions, counts and lengths in each sequence against the other ones of its parent."""
    owner, n = sequences.owner, sequences.count
    weight = sequences.self_weight + sequences.good_weight
    own = sequences.own_weight
    groups = int(sequences.group.max(initial=-1)) + 1
    total = segment_sum(weight, sequences.group, groups)[sequences.group] - own
    alphabet = int(sequences.steps.max(initial=-1)) + 1

    pair_code, pair_count = np.unique(owner * alphabet + sequences.steps, return_counts=True)
    pair_owner, pair_step = np.divmod(pair_code, max(alphabet, 1))
    support = segment_sum(weight[pair_owner], pair_step, alphabet)
    pair_support = support[pair_step] - own[pair_owner]
    pair_rarity = surprise(pair_support, total[pair_owner])
    pair_count_tail = _tail(pair_step, pair_count, weight[pair_owner], own[pair_owner])
    pair_count_excess = _excess_count(pair_step, pair_count, weight[pair_owner])

    # Transitions with the start and the end as steps of their own.
    starts, ends = sequences.offsets[:-1], sequences.offsets[1:] - 1
    inner = np.ones(len(sequences.steps), dtype=bool)
    inner[ends] = False
    inner_at = np.flatnonzero(inner)
    move_owner = np.concatenate([owner[inner_at], np.arange(n), np.arange(n)])
    move_from = np.concatenate([sequences.steps[inner_at], np.full(n, -1), sequences.steps[ends]])
    move_to = np.concatenate([sequences.steps[inner_at + 1], sequences.steps[starts], np.full(n, -1)])
    width = alphabet + 1
    code = (move_owner * width + (move_from + 1)) * width + (move_to + 1)
    kept = np.unique(code, return_index=True)[1]
    move_owner, move_from, move_to = move_owner[kept], move_from[kept], move_to[kept]
    # START and END belong to a parent: the same pair of codes under two parents is not the same transition.
    side = np.where((move_from < 0) | (move_to < 0), sequences.group[move_owner] + 1, 0)
    move_code = (side * width + (move_from + 1)) * width + (move_to + 1)
    move_id = np.unique(move_code, return_inverse=True)[1].reshape(-1).astype(np.int64)
    move_support = segment_sum(weight[move_owner], move_id, int(move_id.max(initial=-1)) + 1)[move_id]
    from_support = np.where(
        move_from < 0, total[move_owner], support[np.maximum(move_from, 0)] - own[move_owner]
    )
    move_rarity = surprise(move_support - own[move_owner], from_support)

    length_tail = _tail(sequences.group, sequences.lengths, weight, own)
    if sequences.cut is not None:
        move_rarity[sequences.cut[move_owner] & ((move_from < 0) | (move_to < 0))] = 0.0
        pair_count_tail[sequences.cut[pair_owner]] = 0.0
        length_tail[sequences.cut] = 0.0
    return StepSurprise(
        pair_owner,
        pair_step,
        pair_count,
        pair_rarity,
        pair_count_tail,
        pair_count_excess,
        move_owner,
        move_from,
        move_to,
        move_rarity,
        move_id,
        length_tail,
    )


def _tail(key: IntArray, value: IntArray, weight: FloatArray, own: FloatArray) -> FloatArray:
    """Surprise of a value as far out as this one, on its side, among the values with the same key."""
    order = np.lexsort((value, key))
    k, v, w, o = key[order], value[order], weight[order], own[order]
    new_key = np.r_[True, k[1:] != k[:-1]]
    new_value = new_key | np.r_[True, v[1:] != v[:-1]]
    key_index = np.cumsum(new_key) - 1
    value_index = np.cumsum(new_value) - 1
    cumulative = np.cumsum(w)
    before_key = (cumulative - w)[new_key][key_index]
    before_value = (cumulative - w)[new_value][value_index] - before_key
    key_total = np.bincount(key_index, weights=w)[key_index]
    value_total = np.bincount(value_index, weights=w)[value_index]
    at_most = before_value + value_total - o
    at_least = key_total - before_value - o
    result = np.empty(len(value))
    result[order] = surprise(np.minimum(at_most, at_least), key_total - o)
    return result


def _excess_count(step: IntArray, count: IntArray, weight: FloatArray) -> FloatArray:
    """log2 of a count against the one that `HARDLY_EXCEEDED` of the others with this step do not exceed, or 0.

    How rare a count is does not say how far out it is: of a loop with a long tail the greatest count always is.
    """
    order = np.lexsort((count, step))
    k, c, w = step[order], count[order], weight[order]
    new_key = np.r_[True, k[1:] != k[:-1]]
    key_index = np.cumsum(new_key) - 1
    cumulative = np.cumsum(w)
    within = cumulative - (cumulative - w)[new_key][key_index]
    total = np.bincount(key_index, weights=w)
    reached = np.flatnonzero(within >= (HARDLY_EXCEEDED * (total - 1.0))[key_index])
    keys, first = np.unique(key_index[reached], return_index=True)
    usual = np.ones(len(total))
    usual[keys] = c[reached[first]]
    result = np.empty(len(count))
    result[order] = np.maximum(np.log2(c / usual[key_index]), 0.0)
    return result


SEQ_FEATURES = (
    "seq_rarity", "step_rarity", "step_rarity_severe", "entity_rarity_severe", "entity_rarity", "action_rarity",
    "severity", "severe_share", "severe_records", "rare_steps", "move_rarity", "move_rarity_mean", "first_rarity",
    "last_rarity", "count_tail", "count_excess", "length_tail", "new_steps", "new_severity", "new_self_share", "unknown",
    "step_excess", "step_excess_severe", "move_excess",
    "burst", "step_burst", "step_burst_severe", "move_burst", "self_size", "good_size",
)  # fmt: skip
"""Names of the columns of `seq_features`, in order."""


def seq_features(sequences: Sequences, steps: StepContext, found: StepSurprise) -> npt.NDArray[np.float32]:
    """[n, len(SEQ_FEATURES)] for sequences at any level, each against those of the same parent."""
    n = sequences.count
    weight = sequences.self_weight + sequences.good_weight
    own = sequences.own_weight
    groups = int(sequences.group.max(initial=-1)) + 1
    group_total = segment_sum(weight, sequences.group, groups)
    total = group_total[sequences.group] - own
    good_total = segment_sum(sequences.good_weight, sequences.group, groups)[sequences.group]
    self_total = segment_sum(sequences.self_weight, sequences.group, groups)[sequences.group]

    owner, step = found.pair_owner, found.pair_step
    severity = steps.severity[step]
    alphabet = len(steps.severity)
    entity_rarity = _conditional_rarity(owner, step, steps.entity, weight, own, alphabet)
    action_rarity = _conditional_rarity(owner, step, steps.action, weight, own, alphabet)
    uncommon = found.pair_rarity > 1.0
    severe = severity * found.pair_count * uncommon

    good_support = segment_sum(sequences.good_weight[owner], step, alphabet)[step]
    is_new = (good_support == 0) & (good_total[owner] > 0)
    self_support = segment_sum(sequences.self_weight[owner], step, alphabet)[step]

    self_own = self_total[owner] - own[owner]
    excess = _excess(self_support - own[owner], self_own, good_support, good_total[owner])
    move_owner, move_id = found.move_owner, found.move_id
    moves_known = int(move_id.max(initial=-1)) + 1
    move_excess = _excess(
        segment_sum(sequences.self_weight[move_owner], move_id, moves_known)[move_id] - own[move_owner],
        self_total[move_owner] - own[move_owner],
        segment_sum(sequences.good_weight[move_owner], move_id, moves_known)[move_id],
        good_total[move_owner],
    )

    # Everybody's steps keep to no time; what few have may.
    totals = sequences.bins.sum(axis=0, dtype=np.float64)
    uncommon_seq = surprise(weight - own, total) > 1.0
    step_bins = summed(sequences.bins, owner, step, alphabet)
    step_burst = bursts(step_bins, totals)[step] * uncommon
    move_bins = summed(
        sequences.bins, found.move_owner, found.move_id, int(found.move_id.max(initial=-1)) + 1
    )
    move_burst = bursts(move_bins, totals)[found.move_id] * (found.move_rarity > 1.0)

    first = found.move_from < 0
    last = found.move_to < 0
    moves = segment_sum(np.ones(len(found.move_owner)), found.move_owner, n)
    columns = {
        "seq_rarity": surprise(weight - own, total),
        "step_rarity": segment_max(found.pair_rarity, owner, n),
        "step_rarity_severe": segment_max(found.pair_rarity * severity, owner, n),
        "entity_rarity_severe": segment_max(entity_rarity * severity, owner, n),
        "entity_rarity": segment_max(entity_rarity, owner, n),
        "action_rarity": segment_max(action_rarity, owner, n),
        "severity": segment_max(severity, owner, n),
        "severe_share": segment_sum(severe, owner, n) / sequences.lengths,
        "severe_records": np.log1p(segment_sum(severe, owner, n)),
        "rare_steps": np.log1p(
            segment_sum((found.pair_rarity > -np.log10(RARE_SHARE)).astype(np.float64), owner, n)
        ),
        "move_rarity": segment_max(found.move_rarity, found.move_owner, n),
        "move_rarity_mean": segment_sum(found.move_rarity, found.move_owner, n) / moves,
        "first_rarity": segment_max(found.move_rarity[first], found.move_owner[first], n),
        "last_rarity": segment_max(found.move_rarity[last], found.move_owner[last], n),
        "count_tail": segment_max(found.pair_count_tail, owner, n),
        "count_excess": segment_max(found.pair_count_excess, owner, n),
        "length_tail": found.length_tail,
        "new_steps": np.log1p(segment_sum(is_new.astype(np.float64), owner, n)),
        "new_severity": segment_max(severity * is_new, owner, n),
        "new_self_share": segment_max(is_new * self_support / np.maximum(self_total[owner], 1.0), owner, n),
        "unknown": ((sequences.good_weight == 0) & (good_total > 0)).astype(np.float64),
        "step_excess": segment_max(excess, owner, n),
        "step_excess_severe": segment_max(excess * severity, owner, n),
        "move_excess": segment_max(move_excess, move_owner, n),
        "burst": bursts(sequences.bins, totals) * uncommon_seq,
        "step_burst": segment_max(step_burst, owner, n),
        "step_burst_severe": segment_max(step_burst * severity, owner, n),
        "move_burst": segment_max(move_burst, found.move_owner, n),
        # Orders of magnitude only: a model must not learn to know a system again by its exact size.
        "self_size": np.round(np.log10(1.0 + self_total)),
        "good_size": np.round(np.log10(1.0 + good_total)),
    }
    assert tuple(columns) == SEQ_FEATURES
    if sequences.cut is not None:
        for name in ("seq_rarity", "unknown"):
            columns[name][sequences.cut] = 0.0
    return np.column_stack(list(columns.values())).astype(np.float32)


def _excess(
    self_support: FloatArray, self_total: FloatArray, good_support: FloatArray, good_total: FloatArray
) -> FloatArray:
    """0…6: how surely something is more frequent in the log under analysis than in the baseline; 0 without a baseline.

    −log10 of Chernoff's bound on the chance of such a share, were the rates the same. What a baseline never showed is
    no news where it is small, and is certain to be where it is large and the log shows it again and again.
    """
    both = self_support + good_support
    expected = self_total / np.maximum(self_total + good_total, 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(self_support > 0, self_support * np.log(self_support / (both * expected)), 0.0)
        ratio += np.where(
            good_support > 0, good_support * np.log(good_support / (both * (1.0 - expected))), 0.0
        )
    more = (self_support > both * expected) & (good_total > 0)
    return np.where(more, np.clip(ratio / np.log(10.0), 0.0, CAP), 0.0)


def _conditional_rarity(
    owner: IntArray, step: IntArray, parent: IntArray, weight: FloatArray, own: FloatArray, alphabet: int
) -> FloatArray:
    """Per pair: surprise of the step among the sequences that touch the step's parent node.

    What always happens to an entity that is itself rare is its way of working; what rarely happens to an entity
    that is often there is not.
    """
    parents = int(parent.max(initial=-1)) + 1
    touched = np.unique(owner * parents + parent[step])
    touched_owner, touched_parent = np.divmod(touched, max(parents, 1))
    parent_support = segment_sum(weight[touched_owner], touched_parent, parents)[parent[step]] - own[owner]
    step_support = segment_sum(weight[owner], step, alphabet)[step] - own[owner]
    return surprise(step_support, parent_support)
