"""From simulated systems to rows of features and labels, through the very code that runs in the tool."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from systems import Execution, System, random_system

from krone_tui.detection.bursts import BINS
from krone_tui.detection.levels import WORDS
from krone_tui.detection.local_context import LocalContext
from krone_tui.detection.onnx import open_session
from krone_tui.detection.population import (
    ExecutionView,
    LevelView,
    Population,
    SeqsOfLevel,
    view_executions,
    view_level,
)
from krone_tui.detection.sequences import segment_max
from krone_tui.seqs.decompose import NodePath, decompose

EXECUTION_POWER = 0.75
"""A variant weighs by this power of its executions: recurring ones count more, yet do not drown the rest."""
MOST_NORMAL = 250
"""Normal variants kept of one system."""
LOCAL_CONTEXT = Path(__file__).resolve().parent.parent / "local_context.onnx"


@dataclass
class Rows:
    """Features and labels of one system."""

    execution_features: npt.NDArray[np.float32]
    execution_label: npt.NDArray[np.int8]
    execution_weight: npt.NDArray[np.float64]
    execution_count: npt.NDArray[np.float64]
    """Executions that a variant stands for."""
    local: npt.NDArray[np.float64]
    """Local-Context's surprise at each variant's most unusual place, at any level."""
    has_good: bool
    alarming_kinds: int
    """The log's uncommon templates that read as failure."""
    seq_features: npt.NDArray[np.float32]
    """S-Seqs and A-Seqs."""
    seq_label: npt.NDArray[np.int8]
    seq_weight: npt.NDArray[np.float64]
    seq_count: npt.NDArray[np.float64]


def split_baseline(rng: np.random.Generator, system: System, seed: int) -> npt.NDArray[np.bool_]:
    """Which executions are known to be good: of every other system none, else a random share of the normal ones, or the
    first of them.
    """
    normal = np.array([not execution.faulty for execution in system.executions])
    good = np.zeros(len(normal), dtype=bool)
    if seed % 2 == 0:
        return good
    share = float(rng.choice([0.01, 0.05, 0.2, 0.5, 0.8]))
    wanted = max(5, int(share * len(normal)))
    candidates = np.flatnonzero(normal)
    # Of another day, which knows nothing of what came after; or of any.
    good[candidates[:wanted] if rng.random() < 0.3 else rng.permutation(candidates)[:wanted]] = True
    return good


def population_of(
    system: System, good: npt.NDArray[np.bool_], noise: np.random.Generator
) -> tuple[Population, list[list[Execution]]]:
    """The population of a system, and for each variant the executions of the log under analysis."""
    variants: dict[tuple[int, ...], int] = {}
    members: list[list[Execution]] = []
    self_weight: list[float] = []
    good_weight: list[float] = []
    place: list[tuple[int, int]] = []
    judged = np.cumsum(~good)
    for number, (execution, is_good) in enumerate(zip(system.executions, good, strict=True)):
        at = variants.setdefault(tuple(execution.steps), len(variants))
        if at == len(members):
            members.append([])
            self_weight.append(0.0)
            good_weight.append(0.0)
        if is_good:
            good_weight[at] += 1
        else:
            self_weight[at] += 1
            members[at].append(execution)
            place.append((at, int((judged[number] - 1) * BINS // judged[-1])))
    bins = np.zeros((len(variants), BINS), dtype=np.float32)
    np.add.at(bins, tuple(np.array(place, dtype=np.int64).reshape(-1, 2).T), 1.0)
    alphabet = system.alphabet
    entity = np.array(alphabet.entity) + 1
    action = np.array(alphabet.action) + 100_000
    status = np.arange(len(entity)) + 1_000_000
    templates = np.array([step for variant in variants for step in variant], dtype=np.int64)
    offsets = np.r_[0, np.cumsum([len(variant) for variant in variants])].astype(np.int64)
    levels = {
        level.value: SeqsOfLevel(seqs.steps, seqs.offsets, seqs.parent, seqs.at_variant, seqs.at_seq)
        for level, seqs in decompose(templates, offsets, NodePath(entity, action, status)).items()
    }
    # What words say is read with some error; levels are not.
    severity = np.array(alphabet.severity)
    words = np.clip(severity + noise.normal(0, 0.02, len(entity)), 0, WORDS)
    severity = np.where(severity > WORDS, severity, words)
    population = Population(
        templates,
        offsets,
        np.array(self_weight),
        np.array(good_weight),
        bins,
        severity,
        entity,
        action,
        status,
        levels,
        system.windows,
    )
    return population, members


def rows_of(seed: int) -> Rows:
    """One system's rows: its variants that occur in the log under analysis, and their S-Seqs and A-Seqs."""
    rng = np.random.default_rng(seed)
    system = random_system(rng)
    population, members = population_of(system, split_baseline(rng, system, seed), rng)
    levels = {level: view_level(population, level) for level in population.levels}
    executions = view_executions(population, levels)
    judged = population.self_weight > 0
    label = np.array([any(execution.faulty for execution in group) for group in members], dtype=np.int8)
    seq_features, seq_label, seq_count = [], [], []
    for level in ("status", "action"):
        seqs, view = population.levels[level], levels[level]
        touched = np.zeros(len(view.features), dtype=np.int8)
        clean = np.zeros(len(view.features))
        starts = _span_starts(population, level)
        for variant, seq, (begin, end) in zip(seqs.at_variant, seqs.at_seq, starts, strict=True):
            for execution in members[variant][:1]:
                if execution.faulty and any(begin <= at < end for at in execution.touched):
                    touched[seq] = 1
                elif not execution.faulty:
                    clean[seq] += 1
        # A Seq that normal executions have too says nothing, even where a fault touched it.
        touched[clean > 0] = 0
        seen = view.sequences.self_weight > 0
        ambiguous = (touched == 0) & (clean == 0)
        keep = seen & ~ambiguous
        seq_features.append(view.features[keep])
        seq_label.append(touched[keep])
        seq_count.append(view.sequences.self_weight[keep])
    judged &= _kept(rng, population, label)
    scale = _scale(population, label, judged)
    return Rows(
        executions.features[judged],
        label[judged],
        population.self_weight[judged] ** EXECUTION_POWER * scale,
        population.self_weight[judged] * scale,
        _local(population, levels, executions)[judged],
        bool(population.good_weight.any()),
        executions.alarming_kinds,
        np.vstack(seq_features),
        np.concatenate(seq_label),
        np.concatenate(seq_count) ** EXECUTION_POWER,
        np.concatenate(seq_count),
    )


def _kept(
    rng: np.random.Generator, population: Population, label: npt.NDArray[np.int8]
) -> npt.NDArray[np.bool_]:
    """All faulty variants and enough of the normal ones: many systems teach more than many variants of one."""
    normal = np.flatnonzero((label == 0) & (population.self_weight > 0))
    kept = label > 0
    kept[rng.permutation(normal)[:MOST_NORMAL]] = True
    return kept


def _scale(
    population: Population, label: npt.NDArray[np.int8], kept: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """[kept] what each variant stands for, so that those left out still count."""
    normal = (label == 0) & (population.self_weight > 0)
    stands_for = normal.sum() / max((normal & kept).sum(), 1)
    return np.where(label[kept] > 0, 1.0, stands_for)


def _local(
    population: Population, levels: dict[str, LevelView], executions: ExecutionView
) -> npt.NDArray[np.float64]:
    """What the router compares with Local-Context's threshold."""
    count = len(population.self_weight)
    detector = LocalContext(open_session(LOCAL_CONTEXT, 1), 0.0)
    worst = np.maximum(detector.score(executions.found, count), executions.remarkable)
    for level, view in levels.items():
        seqs = population.levels[level]
        surprise = detector.score(view.found, view.sequences.count)
        worst = np.maximum(worst, segment_max(surprise[seqs.at_seq], seqs.at_variant, count))
    return worst


def _span_starts(population: Population, level: str) -> list[tuple[int, int]]:
    seqs = decompose(
        population.templates,
        population.offsets,
        NodePath(population.entity, population.action, population.status),
    )
    at = next(found for key, found in seqs.items() if key.value == level)
    return [(int(p), int(p + n)) for p, n in zip(at.at_position, at.at_length, strict=True)]
