"""Top-down decomposition of executions into nested KRONE Seqs (paper, section on decomposition).

Works on distinct variants, not on executions: executions with equal template sequences have equal Seqs.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


class Level(StrEnum):
    """The level of the nodes a Seq is made of."""

    ENTITY = "entity"
    ACTION = "action"
    STATUS = "status"


@dataclass(frozen=True)
class LevelSeqs:
    """The distinct Seqs of one level, and where they occur."""

    level: Level
    steps: IntArray
    """[total] node ids of all distinct Seqs, one after another."""
    offsets: IntArray
    """[seqs + 1] where each Seq starts in `steps`."""
    parent: IntArray
    """[seqs] node id of the parent; the root is 0."""
    at_variant: IntArray
    """[occurrences] index of the variant, ascending."""
    at_seq: IntArray
    """[occurrences] index of the Seq."""
    at_position: IntArray
    """[occurrences] position of the span's first record in the execution."""
    at_length: IntArray
    """[occurrences] records in the span."""


@dataclass(frozen=True)
class NodePath:
    """For each template index, its nodes in the hierarchy."""

    entity: IntArray
    action: IntArray
    status: IntArray


def decompose(templates: IntArray, offsets: IntArray, path: NodePath) -> dict[Level, LevelSeqs]:
    """Cut variants into E-Seqs (runs of entities), A-Seqs (runs of actions) and S-Seqs (statuses, not collapsed).

    `templates` is [total] indices into `path`, `offsets` is [variants + 1]. Every record of every variant lies in
    exactly one S-Seq, one A-Seq and one E-Seq.
    """
    lengths = np.diff(offsets)
    variant = np.repeat(np.arange(len(lengths)), lengths)
    position = np.arange(len(templates)) - np.repeat(offsets[:-1], lengths)
    entity, action, status = path.entity[templates], path.action[templates], path.status[templates]

    new_variant = _changes(variant)
    new_entity = new_variant | _changes(entity)
    new_action = new_entity | _changes(action)
    every = np.ones(len(templates), dtype=bool)
    root = np.zeros(len(templates), dtype=np.int64)
    return {
        Level.STATUS: _level(Level.STATUS, new_action, every, status, action, variant, position),
        Level.ACTION: _level(Level.ACTION, new_entity, new_action, action, entity, variant, position),
        Level.ENTITY: _level(Level.ENTITY, new_variant, new_entity, entity, root, variant, position),
    }


def _changes(values: IntArray) -> npt.NDArray[np.bool_]:
    """True where a value differs from the one before it, and at the first."""
    result = np.ones(len(values), dtype=bool)
    result[1:] = values[1:] != values[:-1]
    return result


def _level(
    level: Level,
    span_start: npt.NDArray[np.bool_],
    step_start: npt.NDArray[np.bool_],
    node: IntArray,
    parent: IntArray,
    variant: IntArray,
    position: IntArray,
) -> LevelSeqs:
    """Spans begin at `span_start`; their steps are the nodes at `step_start`."""
    first = np.flatnonzero(span_start)
    span_length = np.diff(np.r_[first, len(node)])
    step_at = np.flatnonzero(step_start)
    span_offsets = np.asarray(np.searchsorted(step_at, np.append(first, len(node))), dtype=np.int64)
    span_steps = node[step_at]
    span_parent = parent[first]
    seq_of_span, first_span = distinct_sequences(span_steps, span_offsets, span_parent)
    seq_lengths = np.diff(span_offsets)[first_span]
    offsets = np.r_[0, np.cumsum(seq_lengths)]
    take = np.repeat(span_offsets[first_span] - offsets[:-1], seq_lengths) + np.arange(offsets[-1])
    return LevelSeqs(
        level,
        span_steps[take],
        offsets,
        span_parent[first_span],
        variant[first],
        seq_of_span,
        position[first],
        span_length,
    )


def distinct_sequences(steps: IntArray, offsets: IntArray, parent: IntArray) -> tuple[IntArray, IntArray]:
    """[n] class of each sequence under its parent, and [classes] the first sequence of each class.

    Classes are numbered in the order of their first sequence. Equality is decided by two independent 64-bit
    polynomial hashes and the length: a collision needs about 2^64 sequences.
    """
    lengths = np.diff(offsets)
    place = np.arange(len(steps)) - np.repeat(offsets[:-1], lengths)
    longest = int(lengths.max(initial=1))
    keys: list[npt.NDArray[np.uint64]] = [parent.astype(np.uint64), lengths.astype(np.uint64)]
    with np.errstate(over="ignore"):
        for base in (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)):
            powers = np.cumprod(np.full(longest + 1, base, dtype=np.uint64))
            # An odd multiplier mixed with the step itself, so that equal sums of different orders differ.
            spread = (steps.astype(np.uint64) + np.uint64(1)) * base
            mixed = np.asarray((spread ^ (spread >> np.uint64(29))) * powers[place], dtype=np.uint64)
            total = np.zeros(len(mixed) + 1, dtype=np.uint64)
            np.cumsum(mixed, out=total[1:])
            keys.append(total[offsets[1:]] - total[offsets[:-1]])
    order = np.lexsort(keys)
    sorted_keys = np.stack(keys)[:, order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (sorted_keys[:, 1:] != sorted_keys[:, :-1]).any(axis=0)
    label = np.empty(len(order), dtype=np.int64)
    label[order] = np.cumsum(new) - 1
    _, first = np.unique(label, return_index=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    return rank[label], np.sort(first)
