"""What each part of the detection is worth, and how far executions are taken: `python benchmarks/ablation.py [SYSTEMS]`.

Both labelled sets at p = 80 and without any baseline, with the published trees, and simulated systems whose seeds training
never used. One part at a time is left out. `seconds` is the processor's time of features and routing on one thread. Data of the
sets from KRONE_TUI_BENCH_DATA (default ../shared/data).
"""

import argparse
import functools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from accuracy import SETS, TOP, published_sequences

from krone_tui.detection.bursts import BINS
from krone_tui.detection.levels import WORDS
from krone_tui.detection.population import LEVELS, NESTED_EXECUTION_FEATURES, Population, SeqsOfLevel
from krone_tui.detection.routing import CLEARED, NESTED_WHOLE, Detectors, Views, route, view
from krone_tui.detection.severity import SeverityModel
from krone_tui.detection.stage import load_detectors
from krone_tui.resources import data_folder
from krone_tui.seqs.decompose import NodePath, decompose
from krone_tui.settings import Sensitivity

sys.path.insert(0, str(TOP / "models" / "nested_aware"))
from dataset import split_baseline
from systems import random_system

FIRST_SEED = 10_000_000
"""Training uses the seeds from 0 to `SYSTEMS` in models/nested_aware/build.py."""
UNDECIDED = (0.4, 0.6)
"""Scores, the threshold being 0.5, between which a further opinion would be asked for: a fifth of the scale."""

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """One log: its executions, and what is known of them."""

    sequences: list[tuple[int, ...]]
    """By execution: template numbers."""
    faulty: BoolArray
    good: BoolArray
    """Known to be good, hence not judged."""
    entity: IntArray
    action: IntArray
    severity: npt.NDArray[np.float64]
    windows: bool


def population_of(case: Case, flat: bool = False) -> tuple[Population, IntArray]:
    """As the stage makes it, and the variant of each execution. `flat`: all templates under one action of one entity."""
    variants: dict[tuple[int, ...], int] = {}
    of = np.array([variants.setdefault(one, len(variants)) for one in case.sequences])
    templates = np.array([step for one in variants for step in one], dtype=np.int64)
    offsets = np.r_[0, np.cumsum([len(one) for one in variants])].astype(np.int64)
    entity, action = (
        (np.ones_like(one) for one in (case.entity, case.action)) if flat else (case.entity, case.action)
    )
    action = action + 100_000
    status = np.arange(len(entity)) + 1_000_000
    levels = {
        level.value: SeqsOfLevel(seqs.steps, seqs.offsets, seqs.parent, seqs.at_variant, seqs.at_seq)
        for level, seqs in decompose(templates, offsets, NodePath(entity, action, status)).items()
    }
    weight = [
        np.bincount(of[mask], minlength=len(variants)).astype(float) for mask in (~case.good, case.good)
    ]
    judged = np.flatnonzero(~case.good)
    bins = np.zeros((len(variants), BINS), dtype=np.float32)
    np.add.at(bins, (of[judged], np.arange(len(judged)) * BINS // max(len(judged), 1)), 1.0)
    return Population(
        templates, offsets, *weight, bins, case.severity, entity, action, status, levels, case.windows
    ), of  # fmt: skip


def unknown_of(population: Population) -> dict[str, BoolArray]:
    """Variants with a Seq that no known-good execution has, level by level."""
    unknown = {}
    for level in LEVELS:
        seqs = population.levels[level]
        known = np.zeros(len(seqs.offsets) - 1, dtype=bool)
        known[seqs.at_seq[population.good_weight[seqs.at_variant] > 0]] = True
        unknown[level] = (
            np.bincount(seqs.at_variant[~known[seqs.at_seq]], minlength=len(population.offsets) - 1) > 0
        )
    return unknown


@dataclass
class Sums:
    """Over all cases of one row."""

    true: int = 0
    false: int = 0
    missed: int = 0
    judged: int = 0
    """Rows that Nested-Aware scored: Seqs and executions."""
    seconds: float = 0.0
    executions: int = 0
    reached: int = 0
    """Executions that are neither known nor cleared by Local-Context."""
    undecided: int = 0
    undecided_variants: int = 0
    f1s: list[float] = field(default_factory=list)

    def add(self, case: Case, of: IntArray, flagged: BoolArray) -> None:
        """Count one case's verdicts, by execution."""
        hit = flagged[of] & ~case.good
        true, false = int((hit & case.faulty).sum()), int((hit & ~case.faulty).sum())
        missed = int((case.faulty & ~hit & ~case.good).sum())
        self.true, self.false, self.missed = self.true + true, self.false + false, self.missed + missed
        if true + missed:
            self.f1s.append(2 * true / (2 * true + false + missed))


def without_severity(case: Case) -> Case:
    return replace(case, severity=np.zeros_like(case.severity))


def drop(*names: str) -> Callable[[Detectors], Detectors]:
    return lambda detectors: functools.reduce(Detectors.without, names, detectors)


@dataclass(frozen=True)
class Variation:
    """What is left out."""

    title: str
    case: Callable[[Case], Case] = lambda case: case
    flat: bool = False
    exhaustive: bool = False
    reuse: bool = True
    known: bool = True
    detectors: Callable[[Detectors], Detectors] = lambda detectors: detectors


VARIATIONS = (
    Variation("all of it"),
    Variation("flat sequences, no hierarchy", flat=True),
    Variation("no early exit", exhaustive=True),
    Variation("no reuse", reuse=False),
    Variation("no knowledge of Seqs", known=False),
    Variation("no Local-Context", detectors=drop("local_context")),
    Variation("no Nested-Aware of Seqs", detectors=drop("nested_aware_seq")),
    Variation("no Nested-Aware of executions", detectors=drop(*NESTED_WHOLE)),
    Variation("no severity", case=without_severity),
)


def run(cases: list[Case], variation: Variation, detectors: Detectors) -> Sums:
    """Judge all cases with one part left out."""
    sums = Sums()
    detectors = variation.detectors(detectors)
    for plain in cases:
        case = variation.case(plain)
        population, of = population_of(case, variation.flat)
        unknown = unknown_of(population)
        if not variation.known:
            unknown = {level: np.ones_like(mask) for level, mask in unknown.items()}
        started = time.process_time()
        views = view(population)
        routed = route(population, views, detectors, unknown, Sensitivity.NORMAL, variation.exhaustive)
        judged = sum(
            number for name, number in routed.counts.items() if name.endswith("judged by Nested-Aware")
        )
        reached = _reached(population, views, unknown, routed.score)
        if not variation.reuse:
            judged = _score_every_one(population, views, detectors, reached)
        sums.seconds += time.process_time() - started
        sums.judged += judged
        weight = population.self_weight
        undecided = (routed.score > UNDECIDED[0]) & (routed.score < UNDECIDED[1]) & (weight > 0)
        sums.executions += int(weight.sum())
        sums.reached += int(weight[reached].sum())
        sums.undecided += int(weight[undecided].sum())
        sums.undecided_variants += int(undecided.sum())
        sums.add(case, of, routed.flagged)
    return sums


def _reached(
    population: Population, views: Views, unknown: dict[str, BoolArray], score: npt.NDArray[np.float64]
) -> BoolArray:
    """Variants under analysis that were neither known nor cleared."""
    new_profile = views.executions.features[:, NESTED_EXECUTION_FEATURES.index("profile_unknown")] > 0
    known = ~np.logical_or.reduce(list(unknown.values())) & ~new_profile & population.good_weight.any()
    return (population.self_weight > 0) & ~known & (score != CLEARED)


def _score_every_one(population: Population, views: Views, detectors: Detectors, reached: BoolArray) -> int:
    """What it costs to ask for each Seq of each execution again; the answers are the same. Features are still made once."""
    assert detectors.nested_seq is not None
    (whole,) = (one.detector for one in detectors.of("entity", population))
    weight = (population.self_weight * reached).astype(np.int64)
    rows = 0
    for level in LEVELS[:2]:
        seqs = population.levels[level]
        every = np.repeat(seqs.at_seq, weight[seqs.at_variant])
        detectors.nested_seq.score(views.levels[level].features[every])
        rows += len(every)
    every = np.repeat(np.arange(len(weight)), weight)
    whole.score(views.executions.features[every])
    return rows + len(every)


def published(name: str, percent: int) -> Case:
    """One of the labelled sets."""
    frame, texts, tree = published_sequences(name)
    good = np.zeros(len(frame), dtype=bool)
    if percent:
        good[frame[frame.Label == 0].sample(n=int(percent / 100 * 20000), random_state=0).index] = True
    ids = sorted({one for row in frame.ids for one in row}, key=int)
    number = {one: index for index, one in enumerate(ids)}
    paths = []
    for one in ids:
        entity, action = (
            f"none {one}" if str(tree.loc[one][key]).startswith("none") else str(tree.loc[one][key])
            for key in ("entity_1", "action_1")
        )
        paths.append((entity, (entity, action)))
    entity, action = (
        np.array([list(dict.fromkeys(column)).index(one) + 1 for one in column], dtype=np.int64)
        for column in zip(*paths, strict=True)
    )
    said = SeverityModel(data_folder("models") / "severity.onnx").score(
        [str(texts.get(one, "")) for one in ids]
    )
    return Case(
        [tuple(number[one] for one in row) for row in frame.ids],
        frame.Label.to_numpy() == 1, good, entity, action, WORDS * said.astype(np.float64), SETS[name],
    )  # fmt: skip


def simulated(systems: int) -> list[Case]:
    """Systems that no training has seen."""
    cases = []
    for seed in range(FIRST_SEED, FIRST_SEED + systems):
        rng = np.random.default_rng(seed)
        system = random_system(rng)
        good = split_baseline(rng, system, seed)
        alphabet = system.alphabet
        noise = rng.normal(0, 0.02, len(alphabet.severity))
        cases.append(
            Case(
                [tuple(one.steps) for one in system.executions],
                np.array([one.faulty for one in system.executions]),
                good,
                np.array(alphabet.entity) + 1,
                np.array(alphabet.action),
                np.clip(np.array(alphabet.severity) + noise, 0, 1),
                system.windows,
            )
        )
    return cases


def sets(systems: int) -> Iterator[tuple[str, list[Case]]]:
    for name in SETS:
        yield f"{name}, p = 80", [published(name, 80)]
        yield f"{name}, self", [published(name, 0)]
    cases = simulated(systems)
    yield f"{systems} simulated systems, {sum(one.good.any() for one in cases)} with a baseline", cases


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("systems", nargs="?", type=int, default=120)
    asked = parser.parse_args()
    detectors, notes = load_detectors(data_folder("models"), Path("/nonexistent"), 1)
    if notes:
        raise SystemExit("\n".join(notes))
    for title, cases in sets(asked.systems):
        print(f"\n### {title}\n")
        print(
            "| left out | F1 | mean F1 | FP | FN | judged by Nested-Aware | seconds | executions that reach it | undecided executions | undecided variants |"
        )
        print("|---|---|---|---|---|---|---|---|---|---|")
        for variation in VARIATIONS:
            sums = run(cases, variation, detectors)
            f1 = 2 * sums.true / max(2 * sums.true + sums.false + sums.missed, 1)
            shares = (f"{number / sums.executions:.1%}" for number in (sums.reached, sums.undecided))
            print(
                f"| {variation.title} | {f1:.4f} | {np.mean(sums.f1s):.4f} | {sums.false} | {sums.missed} | {sums.judged:,} | {sums.seconds:.2f} "
                f"| {' | '.join(shares)} | {sums.undecided_variants} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
