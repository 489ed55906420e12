"""Bottom-up routing: each detector sees only what a cheaper one could not clear, each level what the lower left open."""

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from krone_tui.detection.levels import kind_of_log
from krone_tui.detection.local_context import LocalContext
from krone_tui.detection.onnx import Detector
from krone_tui.detection.plugins import Plugin
from krone_tui.detection.population import (
    LEVELS,
    NESTED_EXECUTION_FEATURES,
    ExecutionView,
    LevelView,
    Population,
    view_executions,
    view_level,
)
from krone_tui.detection.sequences import BoolArray, FloatArray, IntArray, segment_max
from krone_tui.settings import Sensitivity

CLEARED = 0.1
"""Score of what Local-Context cleared."""
STANDS_OUT, STAND_OUT_SHARE = 0.15, 0.02
"""Answer of Nested-Aware from which an execution stands out where no more than that share of all does, without a baseline."""


NESTED_WHOLE = {
    "nested_aware": "where there is no baseline",
    "nested_aware_good": "where there is a baseline, and an identifier",
    "nested_aware_good_windows": "where there is a baseline, and windows",
}
"""The shipped detectors of whole executions, and where each is asked."""


def nested_aware_for(*, baseline: bool, windows: bool) -> str:
    """Which of `NESTED_WHOLE` judges: what is rare in a log means something else where a baseline says that it is usual, and
    what windows hold together is chance.
    """
    if not baseline:
        return "nested_aware"
    return "nested_aware_good_windows" if windows else "nested_aware_good"


@dataclass(frozen=True)
class Detectors:
    """The loaded models; None where one cannot be used."""

    local_context: LocalContext | None
    nested_seq: Detector | None
    nested_whole: dict[str, Detector]
    """Of whole executions, by name; `nested_aware_for` tells which is for which."""
    plugins: tuple[Plugin, ...] = ()

    def of(self, level: str, population: Population) -> list["_Judge"]:
        """Who judges at a level, in turn: the shipped one, then those plugged in."""
        whole = nested_aware_for(baseline=bool(population.good_weight.any()), windows=population.windows)
        shipped = self.nested_whole.get(whole) if level == "entity" else self.nested_seq
        judges = [] if shipped is None else [_Judge("Nested-Aware", shipped, None)]
        return judges + [
            _Judge(one.name, one.detector, one.columns) for one in self.plugins if one.level == level
        ]

    @property
    def judging(self) -> bool:
        """Whether anything can be flagged: Local-Context only clears."""
        return self.nested_seq is not None or bool(self.nested_whole) or bool(self.plugins)

    def without(self, name: str) -> "Detectors":
        """All but the one of that name."""
        seq = self.nested_seq
        return replace(
            self,
            local_context=None if name == LocalContext.name else self.local_context,
            nested_seq=None if seq is None or seq.manifest.name == name else seq,
            nested_whole={key: one for key, one in self.nested_whole.items() if key != name},
            plugins=tuple(one for one in self.plugins if one.name != name),
        )


@dataclass(frozen=True)
class Views:
    """One population as the detectors see it."""

    levels: dict[str, LevelView]
    executions: ExecutionView


@dataclass(frozen=True)
class _Judge:
    """A detector at one level."""

    label: str
    """What it is called where its work is counted."""
    detector: Detector
    columns: IntArray | None
    """Which of the level's features it takes; None for all."""

    @property
    def name(self) -> str:
        return self.detector.manifest.name

    def score(self, features: npt.NDArray[np.float32]) -> FloatArray:
        return self.detector.score(features if self.columns is None else features[:, self.columns])

    def threshold(self, population: Population, views: Views, sensitivity: Sensitivity) -> float:
        """The one for this kind of population; the shipped ones' were chosen on simulated systems of the same kind."""
        kind = kind_of_log(
            baseline=bool(population.good_weight.any()),
            windows=population.windows,
            executions=float(population.self_weight.sum()),
            alarming_kinds=views.executions.alarming_kinds,
        )
        known = self.detector.manifest.thresholds
        return known.get(kind, known.get("any", {})).get(sensitivity.value, self.detector.manifest.threshold)


def view(population: Population) -> Views:
    """Compute every feature: what routing costs most, and the same whichever detectors there are."""
    levels = {level: view_level(population, level) for level in LEVELS}
    return Views(levels, view_executions(population, levels))


@dataclass
class Routed:
    """What became of every variant of one population."""

    score: FloatArray
    """[variants] 0…1; 0.5 is the threshold."""
    flagged: BoolArray
    level: list[str]
    """[variants] at which level it was first flagged: 'status', 'action', 'entity'; '' where it was not."""
    seq: IntArray
    """[variants] index of the anomalous Seq of that level; -1 for the whole execution."""
    detector: list[str]
    """[variants] name of the detector that flagged it first; '' where none did."""
    executions: ExecutionView
    counts: dict[str, int] = field(default_factory=dict)
    """Distinct Seqs or variants judged by each detector, and cleared or stopped by each step."""


def route(
    population: Population,
    views: Views,
    detectors: Detectors,
    unknown: dict[str, BoolArray],
    sensitivity: Sensitivity,
    exhaustive: bool,
) -> Routed:
    """Judge all variants of the log under analysis.

    `unknown` says for each level which variants have a Seq there that the knowledge base does not hold. Raises
    `DetectorFailed` when a detector misbehaves.
    """
    routing = _Routing(population, views, detectors, sensitivity, exhaustive)
    routing.leave_out_known(unknown)
    routing.clear_usual()
    for level in LEVELS[:2]:
        for judge in detectors.of(level, population):
            routing.judge_seqs(level, judge)
        if not exhaustive:
            routing.stop_flagged(level)
    for judge in detectors.of("entity", population):
        routing.judge_executions(judge)
    return routing.routed


class _Routing:
    """The state of one routing."""

    def __init__(
        self,
        population: Population,
        views: Views,
        detectors: Detectors,
        sensitivity: Sensitivity,
        exhaustive: bool,
    ) -> None:
        n = len(population.self_weight)
        self._population = population
        self._views = views
        self._local_context = detectors.local_context
        self._sensitivity = sensitivity
        self._exhaustive = exhaustive
        self._open = population.self_weight > 0
        """[variants] not yet known, cleared or stopped."""
        self._unusual = {level: np.ones(views.levels[level].sequences.count, dtype=bool) for level in LEVELS}
        """[seqs] that Local-Context could not clear."""
        self.routed = Routed(
            np.zeros(n), np.zeros(n, dtype=bool), [""] * n, np.full(n, -1), [""] * n, views.executions
        )
        self._counts = self.routed.counts

    def leave_out_known(self, unknown: dict[str, BoolArray]) -> None:
        """Known Seqs at every level, put together as no known execution is, are left to the next detector: where a
        hierarchy has few nodes, every Seq alone is soon known.
        """
        features = self._views.executions.features
        new_profile = features[:, NESTED_EXECUTION_FEATURES.index("profile_unknown")] > 0
        new_seq = np.logical_or.reduce([unknown[level] for level in LEVELS])
        known = self._open & ~new_seq & ~new_profile & self._population.good_weight.any()
        self._count("variants known", known)
        self._open &= ~known

    def clear_usual(self) -> None:
        """Local-Context clears a variant whose every Seq, and which itself, is usual, and that is not remarkable as a whole."""
        usual = np.zeros(len(self._open), dtype=bool)
        judge = self._local_context
        if judge is not None:
            worst = judge.score(self._views.executions.found, len(self._open))
            worst = np.maximum(worst, self._views.executions.remarkable)
            for level in LEVELS:
                seqs, seen = self._population.levels[level], self._views.levels[level]
                surprise = judge.score(seen.found, seen.sequences.count)
                self._unusual[level] = surprise >= judge.threshold
                worst = np.maximum(
                    worst, segment_max(surprise[seqs.at_seq], seqs.at_variant, len(self._open))
                )
            self._count("variants judged by Local-Context", self._open)
            usual = self._open & (worst < judge.threshold)
        self._count("variants cleared by Local-Context", usual)
        self.routed.score[usual] = CLEARED
        self._open &= ~usual

    def judge_seqs(self, level: str, judge: _Judge) -> None:
        """Judge the distinct unusual Seqs of the variants still open at a level."""
        seqs, seen = self._population.levels[level], self._views.levels[level]
        left = self._left()
        at_left = left[seqs.at_variant]
        candidates = np.unique(seqs.at_seq[at_left])
        candidates = candidates[self._unusual[level][candidates]]
        threshold = judge.threshold(self._population, self._views, self._sensitivity)
        seq_score = np.zeros(seen.sequences.count)
        seq_score[candidates] = judge.score(seen.features[candidates])
        self._count(f"{level} Seqs judged by {judge.label}", candidates)
        place_score = seq_score[seqs.at_seq] * at_left
        top = segment_max(place_score, seqs.at_variant, len(left))
        hit = left & (top >= threshold)
        seq_of = np.full(len(left), -1)
        # The first place that has the variant's top score.
        places = np.flatnonzero(hit[seqs.at_variant] & (place_score == top[seqs.at_variant]))[::-1]
        seq_of[seqs.at_variant[places]] = seqs.at_seq[places]
        self._flag(level, judge, hit, seq_of)
        self.routed.score[hit] = np.maximum(self.routed.score[hit], _rescale(top[hit], threshold))

    def judge_executions(self, judge: _Judge) -> None:
        """Judge the variants still open as wholes."""
        rest = np.flatnonzero(self._left())
        answer = judge.score(self._views.executions.features[rest])
        self._count(f"executions judged by {judge.label}", rest)
        threshold = judge.threshold(self._population, self._views, self._sensitivity)
        if judge.name == "nested_aware" and self._few_stand_out(rest, answer):
            threshold = min(threshold, STANDS_OUT)
        self.routed.score[rest] = np.maximum(self.routed.score[rest], _rescale(answer, threshold))
        hit = np.zeros(len(self._open), dtype=bool)
        hit[rest[answer >= threshold]] = True
        self._flag("entity", judge, hit, np.full(len(hit), -1))

    def _few_stand_out(self, rest: IntArray, answer: FloatArray) -> bool:
        """Whether hardly any of the executions that an identifier holds together scores more than next to nothing: then it needs
        no certainty to say which ones are unlike the others.
        """
        weight = self._population.self_weight
        few = weight[rest][answer >= STANDS_OUT].sum() <= STAND_OUT_SHARE * weight.sum()
        return bool(few) and not self._population.windows and self._sensitivity is not Sensitivity.LOW

    def stop_flagged(self, level: str) -> None:
        """Early exit: what was judged anomalous is not taken to a higher level."""
        self._count(f"variants stopped at {level} level", self._open & self.routed.flagged)
        self._open &= ~self.routed.flagged

    def _left(self) -> BoolArray:
        """What a detector is to judge: what is open and, unless every level is asked for, not flagged yet."""
        return self._open if self._exhaustive else self._open & ~self.routed.flagged

    def _flag(self, level: str, judge: _Judge, hit: BoolArray, seq: IntArray) -> None:
        """The lowest level and the first detector decide, whatever others find later."""
        for variant in np.flatnonzero(hit & ~self.routed.flagged).tolist():
            self.routed.level[variant] = level
            self.routed.detector[variant] = judge.name
            self.routed.seq[variant] = seq[variant]
        self._count(f"variants flagged at {level} level by {judge.label}", hit)
        self.routed.flagged |= hit

    def _count(self, name: str, what: BoolArray | IntArray) -> None:
        """A mask counts what is true in it, a list of indices its length."""
        number = int(what.sum()) if what.dtype == bool else len(what)
        self._counts[name] = self._counts.get(name, 0) + number


def _rescale(score: FloatArray, threshold: float) -> FloatArray:
    """Move the threshold to 0.5, keeping 0, 1 and the order."""
    low = 0.5 * score / max(threshold, 1e-9)
    high = 0.5 + 0.5 * (score - threshold) / max(1.0 - threshold, 1e-9)
    return np.where(score < threshold, low, high)
