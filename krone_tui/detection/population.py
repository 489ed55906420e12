"""All executions of an investigation as the detectors see them: distinct variants, their Seqs, their supports."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from krone_tui.detection.bursts import bursts, summed
from krone_tui.detection.features import SEQ_FEATURES, StepContext, StepSurprise, seq_features, step_surprise
from krone_tui.detection.invariants import INVARIANT_FEATURES, SURE, Invariants, compare_pairs
from krone_tui.detection.levels import ALARMING, WORDS
from krone_tui.detection.profiles import PROFILE_FEATURES, ProfileComparison, compare_profiles
from krone_tui.detection.sequences import (
    BoolArray,
    FloatArray,
    IntArray,
    Sequences,
    segment_max,
    segment_sum,
    surprise,
)

LEVELS = ("status", "action", "entity")
"""Bottom-up."""

NESTED_SEQ_FEATURES = (*SEQ_FEATURES, "windows")
"""Columns of the features of an S-Seq or A-Seq."""

RANKED = (
    "seq_rarity", "step_rarity", "step_rarity_severe", "entity_rarity_severe", "severity", "severe_share", "severe_records",
    "move_rarity", "last_rarity", "count_tail", "count_excess", "length_tail", "radius_0.001", "radius_0.02", "relative_radius_0.02",
    "missing", "silently_missing", "precedence", "unequal", "silently_broken", "profile_rarity", "set_rarity", "status_seq_rarity", "action_seq_rarity", "entity_seq_rarity",
)  # fmt: skip
"""Features that are given a second time as how unusual their value is among all executions: what is noise in one
system, such as order in one whose workers run in parallel, is a signal in another."""

NESTED_OF_SEQS = ("seq_rarity", "step_rarity", "move_rarity", "unknown", "burst", "move_burst")
"""Features of an execution's Seqs whose greatest value at each level is one of the execution's own."""

CUT_WEIGHT = 0.001
"""What an execution counts as an example of what is usual that the log began or ended amid."""
FEW_WHOLE = 0.5
"""Share of executions so cut from which they count like the others: there is little else to go by."""

RULE_BURSTS = ("missing_burst", "precedence_burst", "unequal_burst")
"""How much executions that break the same rule (a step that others have, an order or a count they keep to) keep to one
stretch of time: what is optional is left out all day long, what failed is not."""

LOG_FEATURES = ("other_alarms", "other_errors", "alarmed_share", "diversity")
"""What the log as a whole is like: where it complains of much, one complaint more says little, unless it keeps its error
levels for failures; and where no two executions are alike, an odd one says little."""

_RAW_EXECUTION_FEATURES = (
    *SEQ_FEATURES,
    *PROFILE_FEATURES,
    *INVARIANT_FEATURES,
    "silently_broken",
    *RULE_BURSTS,
    *(f"{level}_{name}" for level in LEVELS for name in NESTED_OF_SEQS),
    *LOG_FEATURES,
    "windows",
)
NESTED_EXECUTION_FEATURES = (*_RAW_EXECUTION_FEATURES, *(f"{name}_rank" for name in RANKED))
"""Columns of the features of an E-Seq with everything nested in it."""


@dataclass(frozen=True)
class SeqsOfLevel:
    """The distinct Seqs of one level and the variants they occur in."""

    steps: IntArray
    """[total] node ids, of one level below the parent."""
    offsets: IntArray
    """[seqs + 1]"""
    parent: IntArray
    """[seqs] node id of the parent."""
    at_variant: IntArray
    """[occurrences]"""
    at_seq: IntArray
    """[occurrences]"""


@dataclass(frozen=True)
class Population:
    """Distinct variants with their supports, and the hierarchy over their templates."""

    templates: IntArray
    """[total] template indices, 0 … T-1, of all variants one after another."""
    offsets: IntArray
    """[variants + 1]"""
    self_weight: FloatArray
    """[variants] executions of the log under analysis."""
    good_weight: FloatArray
    """[variants] executions of the known-good baseline."""
    bins: npt.NDArray[np.float32]
    """[variants, BINS] executions of the log under analysis by part of its time."""
    severity: FloatArray
    """[T] 0…1."""
    entity: IntArray
    """[T] node id."""
    action: IntArray
    """[T] node id."""
    status: IntArray
    """[T] node id."""
    levels: dict[str, SeqsOfLevel]
    windows: bool
    """Executions are windows of time, so that what they hold together is chance."""
    cut: BoolArray | None = None
    """[variants] whether the log began or ended amid each of its executions; None: no such one."""

    @property
    def counted(self) -> FloatArray:
        """[variants] executions of the log under analysis that tell what is usual: whole ones, unless few are whole."""
        cut = self.cut
        if cut is None or self.self_weight[cut].sum() > FEW_WHOLE * self.self_weight.sum():
            return self.self_weight
        return np.where(cut, CUT_WEIGHT * self.self_weight, self.self_weight)

    @property
    def flat(self) -> Sequences:
        """The variants as sequences of templates under the root."""
        groups = np.zeros(len(self.offsets) - 1, dtype=np.int64)
        return Sequences(
            self.templates, self.offsets, groups, self.counted, self.good_weight, self.bins, self.cut
        )


@dataclass(frozen=True)
class LevelView:
    """One level's Seqs with their features."""

    sequences: Sequences
    found: StepSurprise
    features: npt.NDArray[np.float32]
    """[seqs, len(NESTED_SEQ_FEATURES)]"""


@dataclass(frozen=True)
class ExecutionView:
    """The variants with their features."""

    found: StepSurprise
    profiles: ProfileComparison
    invariants: Invariants
    features: npt.NDArray[np.float32]
    """[variants, len(NESTED_EXECUTION_FEATURES)]"""
    alarming_kinds: int
    """Uncommon templates that read as failure."""

    @property
    def remarkable(self) -> FloatArray:
        """[variants] surprise of the surest rule it breaks (a step that others have, an order or a count they keep to), or
        twice that of a step which reads as failure.
        """
        names = ("missing", "precedence", "unequal", "step_rarity_severe")
        columns = self.features[:, [NESTED_EXECUTION_FEATURES.index(name) for name in names]].astype(
            np.float64
        )
        result: FloatArray = np.max(columns * (1.0, 1.0, 1.0, 2.0), axis=1, initial=0.0)
        return result


def view_level(population: Population, level: str) -> LevelView:
    """The Seqs of a level, each weighed by the executions that contain it, with their features."""
    seqs = population.levels[level]
    nodes, steps = np.unique(seqs.steps, return_inverse=True)
    group = np.unique(seqs.parent, return_inverse=True)[1]
    count = len(seqs.offsets) - 1
    seen = np.unique(seqs.at_seq * (len(population.offsets)) + seqs.at_variant)
    in_seq, in_variant = np.divmod(seen, len(population.offsets))
    sequences = Sequences(
        steps.astype(np.int64),
        seqs.offsets,
        group.astype(np.int64),
        segment_sum(population.counted[in_variant], in_seq, count),
        segment_sum(population.good_weight[in_variant], in_seq, count),
        summed(population.bins, in_variant, in_seq, count).astype(np.float32),
        None if population.cut is None else ~np.isin(np.arange(count), in_seq[~population.cut[in_variant]]),
    )
    found = step_surprise(sequences)
    context = _step_context(population, level, nodes)
    features = seq_features(sequences, context, found)
    windows = np.full((count, 1), population.windows, dtype=np.float32)
    return LevelView(sequences, found, np.hstack([features, windows]))


def _step_context(population: Population, level: str, nodes: IntArray) -> StepContext:
    """Severity, entity and action of each of the sorted node ids of a level.

    An action or entity is as severe as the least severe of its templates: it reads as failure only where all of it does.
    """
    node_of_template = {
        "status": population.status,
        "action": population.action,
        "entity": population.entity,
    }[level]
    at = np.searchsorted(nodes, node_of_template).clip(max=len(nodes) - 1)
    known = nodes[at] == node_of_template
    severity = np.full(len(nodes), 1.0)
    np.minimum.at(severity, at[known], population.severity[known])
    entity = np.zeros(len(nodes), dtype=np.int64)
    action = np.zeros(len(nodes), dtype=np.int64)
    entity[at[known]] = np.unique(population.entity, return_inverse=True)[1].reshape(-1)[known]
    action[at[known]] = np.unique(population.action, return_inverse=True)[1].reshape(-1)[known]
    return StepContext(severity, entity, action)


def view_executions(population: Population, levels: dict[str, LevelView]) -> ExecutionView:
    """The variants with features of their own and of everything nested in them."""
    flat = population.flat
    found = step_surprise(flat)
    context = StepContext(population.severity, _dense(population.entity), _dense(population.action))
    own = seq_features(flat, context, found)
    profiles = compare_profiles(flat)
    invariants = compare_pairs(flat, windows=population.windows)
    # What is left out, or done again, and no word of it.
    broken = np.maximum(
        profiles.features[:, PROFILE_FEATURES.index("silently_missing")],
        invariants.features[:, INVARIANT_FEATURES.index("unequal")],
    )
    nested = [broken.astype(np.float64), *_rule_bursts(population, profiles, invariants)]
    names = [SEQ_FEATURES.index(name) for name in NESTED_OF_SEQS]
    for level in LEVELS:
        seqs = population.levels[level]
        view = levels[level]
        nested.extend(
            segment_max(view.features[seqs.at_seq, column].astype(np.float64), seqs.at_variant, flat.count)
            for column in names
        )
    severity = population.severity[found.pair_step]
    alarming = (severity >= ALARMING) & (found.pair_rarity > 1.0)
    nested.extend(_log_features(population, found, alarming, alarming & (severity > WORDS)))
    nested.append(np.full(flat.count, float(population.windows)))
    features = np.hstack(
        [own, profiles.features, invariants.features, np.column_stack(nested).astype(np.float32)]
    )
    ranks = [_rank(features[:, _RAW_EXECUTION_FEATURES.index(name)], population) for name in RANKED]
    return ExecutionView(
        found,
        profiles,
        invariants,
        np.hstack([features, np.column_stack(ranks).astype(np.float32)]),
        len(np.unique(found.pair_step[alarming])),
    )


def _rule_bursts(
    population: Population, profiles: ProfileComparison, invariants: Invariants
) -> list[FloatArray]:
    """[variants] each of `RULE_BURSTS`; 0 where no rule worth the name is broken."""
    totals = population.bins.sum(axis=0).astype(np.float64)
    count = len(population.bins)
    rows = np.arange(count)

    def kept_to(rule: IntArray, broken: npt.NDArray[np.bool_]) -> FloatArray:
        """rule: [variants] number of the one that is broken."""
        result = np.zeros(count)
        rules, at = np.unique(rule[broken], return_inverse=True)
        result[broken] = bursts(summed(population.bins, rows[broken], at.reshape(-1), len(rules)), totals)[at]
        return result

    steps = int(population.templates.max(initial=0)) + 1
    return [
        # Whichever step lets it be expected.
        kept_to(profiles.missing_step, profiles.missing_surprise > SURE),
        kept_to(invariants.early * steps + invariants.late, invariants.early >= 0),
        kept_to(invariants.unequal * steps + invariants.partner, invariants.unequal >= 0),
    ]


def _log_features(
    population: Population,
    found: StepSurprise,
    alarming: npt.NDArray[np.bool_],
    errors: npt.NDArray[np.bool_],
) -> list[FloatArray]:
    """[variants] each: logarithms of one more than how many uncommon templates that read as failure are in others but not in
    it, and how many whose level says so; share of the other executions that have any; share of all executions whose
    variant is theirs alone. `alarming`, `errors`: [pairs] which of `found`'s pairs are of such templates.
    """
    weight = population.counted + population.good_weight
    own = np.minimum(population.counted, 1.0)
    alarmed = np.bincount(found.pair_owner[alarming], minlength=len(weight)) > 0
    others = np.maximum(weight.sum() - own, 1.0)

    def kinds_of_others(pairs: npt.NDArray[np.bool_]) -> FloatArray:
        its_own = np.bincount(found.pair_owner[pairs], minlength=len(weight))
        kinds: FloatArray = np.log1p(len(np.unique(found.pair_step[pairs])) - its_own).astype(np.float64)
        return kinds

    return [
        kinds_of_others(alarming),
        kinds_of_others(errors),
        (weight[alarmed].sum() - own * alarmed) / others,
        np.full(len(weight), weight[weight <= 1.0].sum() / max(weight.sum(), 1.0)),
    ]


def _rank(value: npt.NDArray[np.float32], population: Population) -> FloatArray:
    """[variants] surprise of a value at least as great among the other executions."""
    weight = population.counted + population.good_weight
    own = np.minimum(population.counted, 1.0)
    # Rounding keeps float noise from making a rank out of equal values.
    rounded = np.round(value.astype(np.float64), 3)
    levels, at = np.unique(rounded, return_inverse=True)
    at_least = np.cumsum(np.bincount(at, weights=weight, minlength=len(levels))[::-1])[::-1]
    return surprise(at_least[at].astype(np.float64) - own, weight.sum() - own)


def _dense(ids: IntArray) -> IntArray:
    return np.unique(ids, return_inverse=True)[1].reshape(-1).astype(np.int64)
