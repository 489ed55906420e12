"""Bottom-up routing: each detector sees only what a cheaper one could not clear, each level what the lower left open."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from krone_tui.detection.local_context import LocalContext
from krone_tui.detection.onnx import Detector
from krone_tui.detection.population import (
    LEVELS,
    NESTED_EXECUTION_FEATURES,
    ExecutionView,
    LevelView,
    Population,
    view_executions,
    view_level,
)
from krone_tui.detection.sequences import FloatArray, IntArray, segment_max
from krone_tui.settings import Sensitivity

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Detectors:
    """The loaded models."""

    local_context: LocalContext
    nested_seq: Detector
    nested_execution: Detector


@dataclass
class Routed:
    """What became of every variant of one population."""

    score: FloatArray
    """[variants] 0…1; 0.5 is the threshold."""
    flagged: BoolArray
    level: list[str]
    """[variants] at which level it was decided: 'status', 'action', 'entity'; '' where it was not flagged."""
    seq: IntArray
    """[variants] index of the anomalous Seq of that level; -1 for the whole execution."""
    levels: dict[str, LevelView]
    executions: ExecutionView
    counts: dict[str, int] = field(default_factory=dict)
    """Distinct Seqs or variants judged by each detector, and cleared or stopped by each step."""


def route(
    population: Population,
    detectors: Detectors,
    unknown: dict[str, BoolArray],
    sensitivity: Sensitivity,
    exhaustive: bool,
) -> Routed:
    """Judge all variants of the log under analysis.

    `unknown` says for each level which variants have a Seq there that the knowledge base does not hold.
    """
    n = len(population.self_weight)
    levels = {level: view_level(population, level) for level in LEVELS}
    executions = view_executions(population, levels)
    judged = population.self_weight > 0
    counts: dict[str, int] = {}

    # Known Seqs at every level, put together as no known execution is, are left to the next detector: where a
    # hierarchy has few nodes, every Seq alone is soon known.
    new_profile = executions.features[:, NESTED_EXECUTION_FEATURES.index("profile_unknown")] > 0
    known = (
        judged
        & ~np.logical_or.reduce([unknown[level] for level in LEVELS])
        & ~new_profile
        & population.good_weight.any()
    )
    counts["variants known"] = int(known.sum())
    open_ = judged & ~known

    local = {
        level: detectors.local_context.score(levels[level].found, levels[level].sequences.count)
        for level in LEVELS
    }
    worst = np.maximum.reduce(
        [
            segment_max(local[level][population.levels[level].at_seq], population.levels[level].at_variant, n)
            for level in LEVELS
        ]
    )
    whole = detectors.local_context.score(executions.found, n)
    usual = open_ & (np.maximum(worst, whole) < detectors.local_context.threshold)
    counts["variants cleared by Local-Context"] = int(usual.sum())
    open_ &= ~usual

    score = np.zeros(n)
    score[usual] = 0.1
    level_of = [""] * n
    seq_of = np.full(n, -1)
    flagged = np.zeros(n, dtype=bool)
    early = _threshold(detectors.nested_seq, population, sensitivity)
    for level in LEVELS[:2]:
        seqs, view = population.levels[level], levels[level]
        at_open = open_[seqs.at_variant]
        candidates = np.unique(seqs.at_seq[at_open])
        candidates = candidates[(local[level][candidates] >= detectors.local_context.threshold)]
        seq_score = np.zeros(view.sequences.count)
        seq_score[candidates] = detectors.nested_seq.score(view.features[candidates])
        counts[f"{level} Seqs judged by Nested-Aware"] = len(candidates)
        place_score = seq_score[seqs.at_seq] * at_open
        top = segment_max(place_score, seqs.at_variant, n)
        hit = open_ & (top >= early)
        # The first place that has the variant's top score.
        for place in np.flatnonzero(hit[seqs.at_variant] & (place_score == top[seqs.at_variant]))[::-1]:
            seq_of[seqs.at_variant[place]] = seqs.at_seq[place]
        for variant in np.flatnonzero(hit):
            level_of[variant] = level
        flagged |= hit
        score[hit] = np.maximum(score[hit], _rescale(top[hit], early))
        counts[f"variants stopped at {level} level"] = int(hit.sum())
        if not exhaustive:
            open_ &= ~hit

    rest = np.flatnonzero(open_)
    counts["executions judged by Nested-Aware"] = len(rest)
    answer = detectors.nested_execution.score(executions.features[rest])
    threshold = _threshold(detectors.nested_execution, population, sensitivity)
    hit = answer >= threshold
    score[rest] = np.maximum(score[rest], _rescale(answer, threshold))
    for variant in rest[hit]:
        if not level_of[variant]:
            level_of[variant] = "entity"
    flagged[rest[hit]] = True
    counts["variants flagged at entity level"] = int(hit.sum())
    return Routed(score, flagged, level_of, seq_of, levels, executions, counts)


def _threshold(detector: Detector, population: Population, sensitivity: Sensitivity) -> float:
    """The threshold for this kind of population; chosen on simulated systems of the same kind."""
    kind = f"{'good' if population.good_weight.any() else 'self'}_{'windows' if population.windows else 'identifier'}"
    return detector.manifest.thresholds.get(kind, {}).get(sensitivity.value, detector.manifest.threshold)


def _rescale(score: FloatArray, threshold: float) -> FloatArray:
    """Move the threshold to 0.5, keeping 0, 1 and the order."""
    low = 0.5 * score / max(threshold, 1e-9)
    high = 0.5 + 0.5 * (score - threshold) / max(1.0 - threshold, 1e-9)
    return np.where(score < threshold, low, high)
