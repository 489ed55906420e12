"""The detection stage: severity, then bottom-up routing of every variant, then failure modes."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from krone_tui.detection.bursts import BINS
from krone_tui.detection.deviation import SEVERE, Deviation, Deviations
from krone_tui.detection.failure_modes import ModeNames, order_modes
from krone_tui.detection.levels import LEVEL_SEVERITY, SAID_QUIETLY, WORDS
from krone_tui.detection.local_context import LocalContext
from krone_tui.detection.nearest import nearest_normal
from krone_tui.detection.onnx import Detector, DetectorFailed, load_detector, read_manifest
from krone_tui.detection.plugins import load_plugins
from krone_tui.detection.population import (
    LEVELS,
    NESTED_EXECUTION_FEATURES,
    NESTED_SEQ_FEATURES,
    Population,
    SeqsOfLevel,
)
from krone_tui.detection.routing import NESTED_WHOLE, Detectors, Routed, route, view
from krone_tui.detection.sequences import BoolArray, FloatArray, IntArray
from krone_tui.detection.severity import SeverityModel
from krone_tui.errors import KroneError
from krone_tui.progress import Progress, StageProgress, silent
from krone_tui.resources import data_folder
from krone_tui.settings import Settings
from krone_tui.store import Store
from krone_tui.store import detection as queries
from krone_tui.store.seqs import TemplateNodes, Variants, read_template_nodes, read_variants
from krone_tui.store.telling_numbers import without_zeros

LET_GO_SCORE = 0.45
"""The most that is scored by what is let go of as one among a few."""
FEW = 20
"""Windows below which nothing in them is usual, as what they hold together is chance; and executions that all differ."""
ALL_DIFFER = 0.5
"""Share of executions with a sequence of their own from which what one of them lacks or has says little."""
UNCOMMON = 1.0
"""Surprise from which a step is uncommon: under a tenth of the executions have it."""
PLAINLY = 0.8
"""Severity from which a step reads as failure without doubt."""
MOSTLY = 0.5
"""Share of the executions that were not flagged from which what they have is usual."""
ASIDE = frozenset(
    ("DEBUG", "TRACE", "VERBOSE", "FINE", "FINER", "FINEST", "DBG", "TRC", "VRB", "D", "T", "V")
)
"""Levels at which a program tells how it works, when it tells other things at others."""
SAID_ASIDE = 0.5
"""What words said there count: a program that means a failure says it louder."""
SAID_IN_WARNING = 0.85
"""What words of a warning count where the log has errors; less is said of what is no warning either."""
SHIPPED = ("severity", "local_context", "nested_aware_seq", *NESTED_WHOLE)
"""Names that no detector of the user's own may take."""


@dataclass(frozen=True)
class DetectionResult:
    """What the stage did."""

    flagged_executions: int
    failure_modes: int
    counts: dict[str, int]
    """What each detector judged, and what early exit and reuse saved."""
    seconds: float
    notes: tuple[str, ...] = ()
    """Which detectors take no part, and why; one sentence each."""


def detect(
    store: Store, settings: Settings, progress: Progress = silent, models: Path | None = None
) -> DetectionResult:
    """Judge every variant, and write severities, verdicts, findings and failure modes.

    A detector that cannot be used takes no part, and a note says so; the others judge without it. `models` is the folder
    of the shipped ones; the user's own are looked for in the folder `models` of `settings.data_dir`.
    """
    started = time.perf_counter()
    models = models or data_folder("models")
    variants = read_variants(store)
    nodes = read_template_nodes(store)
    progress(StageProgress("detection", 0, len(variants.variant_id), "variants"))
    severity, notes = _severity(store, models, settings, len(nodes.status))
    detectors, refused = load_detectors(
        models, settings.data_dir / "models", settings.threads or os.cpu_count() or 1
    )
    notes += refused
    seqs = {level: queries.read_seqs(store, level) for level in LEVELS}
    unknown = _unknown(store, variants)
    bins = queries.executions_over_time(store, len(variants.variant_id), BINS)

    outcomes: list[_Outcome] = []
    populations = []
    for windows in (False, True):
        chosen = np.flatnonzero(variants.is_window == windows)
        if len(chosen):
            population = _population(variants, nodes, severity, bins, seqs, chosen, windows)
            populations.append((chosen, population, view(population)))
    while True:
        # One that fails while it judges has a part in nothing: all is judged again without it.
        try:
            for chosen, population, views in populations:
                routed = route(
                    population,
                    views,
                    detectors,
                    {level: mask[chosen] for level, mask in unknown.items()},
                    settings.sensitivity,
                    settings.exhaustive,
                )
                _let_go_among_few(population, routed)
                outcomes.append(_Outcome(chosen, population, routed, seqs, np.full(len(chosen), -1)))
                progress(StageProgress("detection", len(chosen), len(variants.variant_id), "variants"))
            break
        except DetectorFailed as failed:
            outcomes.clear()
            detectors = detectors.without(failed.name)
            notes.append(f"{str(failed).rstrip('.')}; it takes no part.")
    if not detectors.judging:
        notes.append("No detector can be used, so nothing is judged: the log is shown without findings.")
    counts: dict[str, int] = {}
    for outcome in outcomes:
        for name, count in outcome.routed.counts.items():
            counts[name] = counts.get(name, 0) + count
    modes = _write(store, variants, nodes, severity, outcomes)
    flagged = int(sum(one.population.self_weight[one.routed.flagged].sum() for one in outcomes))
    judged = int(variants.executions.sum())
    counts["executions judged once for all equal ones"] = judged - int((variants.executions > 0).sum())
    return DetectionResult(flagged, modes, counts, time.perf_counter() - started, tuple(notes))


def load_detectors(models: Path, plugged_in: Path, threads: int) -> tuple[Detectors, list[str]]:
    """The shipped detectors and those of the user's own; and a sentence for each that cannot be used."""
    notes = []

    def load(name: str, kind: str, features: tuple[str, ...], *inputs: str) -> Detector | None:
        try:
            return load_detector(models / f"{name}.toml", kind, features, threads, inputs or ("features",))
        except KroneError as error:
            notes.append(f"{str(error).rstrip('.')}; it takes no part.")
            return None

    local = load(LocalContext.name, "local_context", (), "table", "index")
    seq = load("nested_aware_seq", "nested_seq", NESTED_SEQ_FEATURES)
    loaded = {name: load(name, "nested_execution", NESTED_EXECUTION_FEATURES) for name in NESTED_WHOLE}
    whole = {name: one for name, one in loaded.items() if one is not None}
    plugins, refused = load_plugins(plugged_in, SHIPPED, threads)
    context = None if local is None else LocalContext(local.session, local.manifest.threshold)
    return Detectors(context, seq, whole, tuple(plugins)), notes + refused


@dataclass(frozen=True)
class _Outcome:
    """One population's verdicts with the way back to the store's ids."""

    variants: IntArray
    population: Population
    routed: Routed
    seqs: dict[str, queries.SeqTables]
    nearest: IntArray
    """[variants] of flagged ones, the nearest normal one; filled when findings are written."""


def _severity(store: Store, models: Path, settings: Settings, size: int) -> tuple[FloatArray, list[str]]:
    """[size] by template_id, 0 where there is no template; and a sentence where levels alone had to do."""
    words = queries.template_words(store)
    notes = []
    try:
        _, path = read_manifest(models / "severity.toml", "severity")
        model = SeverityModel(path, settings.threads or 1)
        # What a class of HTTP answers means stands in no word of the message.
        texts = [without_zeros(text).replace("5xx", "internal server error") for _, text, _, _ in words]
        said = model.score(texts).astype(np.float64)
    except KroneError as error:
        notes.append(f"{str(error).rstrip('.')}; how severe a record reads is told from its level alone.")
        said = np.zeros(len(words))
    levels = [(level or "").upper() for _, _, level, _ in words]
    level = np.array([LEVEL_SEVERITY.get(one, 0.0) for one in levels])
    aside = np.array([one in ASIDE for one in levels])
    if not aside.all():
        said[aside] *= SAID_ASIDE
    if (level > WORDS).any():
        quieter = np.array([bool(one) for one in levels]) & (level <= WORDS) & ~aside
        said[quieter] *= np.where(level[quieter] > 0, SAID_IN_WARNING, SAID_QUIETLY)
    ids = np.array([template_id for template_id, *_ in words], dtype=np.int64)
    severity = np.zeros(size)
    severity[ids] = np.maximum(WORDS * said, level)
    queries.write_severity(store, ids, severity[ids])
    return severity, notes


def _unknown(store: Store, variants: Variants) -> dict[str, BoolArray]:
    unknown = {}
    for level in LEVELS:
        mask = np.zeros(len(variants.variant_id), dtype=bool)
        mask[queries.variants_with_unknown_seqs(store, level)] = True
        unknown[level] = mask
    return unknown


def _population(
    variants: Variants,
    nodes: TemplateNodes,
    severity: FloatArray,
    bins: npt.NDArray[np.float32],
    seqs: dict[str, queries.SeqTables],
    chosen: IntArray,
    windows: bool,
) -> Population:
    """The variants of one kind, renumbered from 0."""
    cut = variants.is_cut[chosen]
    lengths = np.diff(variants.offsets)
    at = np.full(len(variants.variant_id), -1)
    at[chosen] = np.arange(len(chosen))
    in_chosen = np.repeat(at >= 0, lengths)
    levels = {}
    for level, table in seqs.items():
        here = at[table.at_variant] >= 0
        used, at_seq = np.unique(table.at_seq[here], return_inverse=True)
        seq_lengths = np.diff(table.offsets)[used]
        offsets = np.r_[0, np.cumsum(seq_lengths)]
        take = np.repeat(table.offsets[used] - offsets[:-1], seq_lengths) + np.arange(offsets[-1])
        levels[level] = SeqsOfLevel(
            table.steps[take],
            offsets,
            table.parent[used],
            at[table.at_variant[here]],
            at_seq.reshape(-1).astype(np.int64),
        )
    return Population(
        variants.template_ids[in_chosen],
        np.r_[0, np.cumsum(lengths[chosen])].astype(np.int64),
        variants.executions[chosen].astype(np.float64),
        variants.good_executions[chosen].astype(np.float64),
        bins[chosen],
        severity,
        nodes.entity,
        nodes.action,
        nodes.status,
        levels,
        windows,
        cut if cut.any() else None,
    )


def _write(
    store: Store, variants: Variants, nodes: TemplateNodes, severity: FloatArray, outcomes: list[_Outcome]
) -> int:
    """Find what deviates in each flagged variant, join equal deviations to failure modes, and write all of it."""
    found: list[tuple[_Outcome, int, Deviation]] = []
    for outcome in outcomes:
        deviations = Deviations(outcome.population, outcome.routed)
        outcome.nearest[:] = nearest_normal(
            outcome.population.flat,
            outcome.routed.flagged,
            _doubtful(outcome.population, outcome.routed),
            windows=outcome.population.windows,
        )
        found.extend(
            (outcome, local, deviations.of(local, _decided_span(outcome, local)))
            for local in np.flatnonzero(outcome.routed.flagged).tolist()
        )
    names = ModeNames(nodes.keys)
    weight = [float(outcome.population.self_weight[local]) for outcome, local, _ in found]
    score = [float(outcome.routed.score[local]) for outcome, local, _ in found]
    bins = np.array([outcome.population.bins[local] for outcome, local, _ in found]).reshape(-1, BINS)
    totals = np.sum([outcome.population.bins.sum(axis=0) for outcome in outcomes], axis=0)
    number, modes = order_modes(
        [deviation for *_, deviation in found], score, weight, severity, names, bins, totals
    )

    mode_of: dict[int, int] = {}
    rows = []
    for index, (outcome, local, deviation) in enumerate(found):
        variant = int(outcome.variants[local])
        mode_of[variant] = number[index]
        nearest = int(outcome.nearest[local])
        rows.append(
            {
                "finding_id": index,
                "variant_id": variant,
                "seq_id": _seq_at(outcome, variant, deviation),
                "level": deviation.level,
                "kind": deviation.kind,
                "position": deviation.position,
                "length": deviation.length,
                "template_ids": list(deviation.templates),
                "score": score[index],
                "detector": outcome.routed.detector[local],
                "nearest_variant": int(outcome.variants[nearest]) if nearest >= 0 else None,
                "failure_mode_id": number[index],
            }
        )
    verdicts = {
        "variant_id": np.concatenate([one.variants for one in outcomes]),
        "flagged": np.concatenate([one.routed.flagged for one in outcomes]),
        "score": np.concatenate([one.routed.score for one in outcomes]),
    }
    levels = {rows_["variant_id"]: rows_["level"] for rows_ in rows}
    verdict_table = pa.table(
        {
            **verdicts,
            "level": pa.array([levels.get(int(v)) for v in verdicts["variant_id"]], pa.string()),
            "failure_mode_id": pa.array([mode_of.get(int(v)) for v in verdicts["variant_id"]], pa.int32()),
        }
    )
    finding_schema = pa.schema(
        [
            ("finding_id", pa.int32()), ("variant_id", pa.int32()), ("seq_id", pa.int32()), ("level", pa.string()),
            ("kind", pa.string()), ("position", pa.int32()), ("length", pa.int32()), ("template_ids", pa.list_(pa.int32())),
            ("score", pa.float64()), ("detector", pa.string()), ("nearest_variant", pa.int32()), ("failure_mode_id", pa.int32()),
        ]
    )  # fmt: skip
    queries.write_verdicts(store, verdict_table, pa.Table.from_pylist(rows, schema=finding_schema))
    if modes:
        queries.write_failure_modes(store, pa.Table.from_pylist(modes))
    return len(modes)


def _let_go_among_few(population: Population, routed: Routed) -> None:
    """Of a few windows none can lack anything, or have too much of it, and neither can a few executions which all differ:
    only what reads as failure is told."""
    if population.self_weight.sum() + population.good_weight.sum() >= FEW:
        return
    alike = not population.windows and bool((_feature(routed, "diversity") < ALL_DIFFER).all())
    if alike:
        return
    let_go = routed.flagged & (_feature(routed, "severity") < SEVERE)
    routed.flagged[let_go] = False
    routed.score[let_go] = np.minimum(routed.score[let_go], LET_GO_SCORE)


def _doubtful(population: Population, routed: Routed) -> BoolArray:
    """[variants] what is no picture of health though it was not flagged: cut by the log's edge, an uncommon failure in it,
    or one that reads so plainly, unless most executions have such a one."""
    uncommon = _feature(routed, "step_rarity_severe") > UNCOMMON
    plain: BoolArray = ~routed.flagged & (_feature(routed, "severity") >= PLAINLY)
    weight = population.self_weight + population.good_weight
    if population.cut is not None:
        uncommon = uncommon | population.cut
    usual = weight[plain].sum() >= MOSTLY * weight[~routed.flagged].sum()
    return uncommon if usual else uncommon | plain


def _feature(routed: Routed, name: str) -> npt.NDArray[np.float32]:
    """[variants] a feature of the whole executions."""
    column: npt.NDArray[np.float32] = routed.executions.features[:, NESTED_EXECUTION_FEATURES.index(name)]
    return column


def _decided_span(outcome: _Outcome, local: int) -> tuple[int, int] | None:
    """Where the Seq lies that a lower level judged anomalous; None where the whole execution was judged."""
    level, seq = outcome.routed.level[local], int(outcome.routed.seq[local])
    if seq < 0 or level not in LEVELS[:2]:
        return None
    places, table = outcome.population.levels[level], outcome.seqs[level]
    at = np.flatnonzero((places.at_variant == local) & (places.at_seq == seq))[0]
    # Places of one kind of variants keep the order they have among all.
    variant = int(outcome.variants[local])
    all_places = np.flatnonzero(table.at_variant == variant)
    nth = int(at - np.flatnonzero(places.at_variant == local)[0])
    place = all_places[nth]
    return int(table.at_position[place]), int(table.at_length[place])


def _seq_at(outcome: _Outcome, variant: int, deviation: Deviation) -> int:
    """The Seq, of the deviation's level, at the deviation's position."""
    table = outcome.seqs[deviation.level]
    begin, end = np.searchsorted(table.at_variant, [variant, variant + 1])
    place = begin + int(np.searchsorted(table.at_position[begin:end], deviation.position, side="right")) - 1
    return int(table.seq_id[table.at_seq[place]])
