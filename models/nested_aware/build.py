"""Builds the Local-Context and Nested-Aware detectors: `python models/nested_aware/build.py`.

Simulated systems only; the same seed gives the same files. Takes about an hour on two cores.
"""

import argparse
import hashlib
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from dataset import Rows, rows_of
from onnx import TensorProto, helper
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from krone_tui.detection.levels import kind_of_log
from krone_tui.detection.population import LOG_FEATURES, NESTED_EXECUTION_FEATURES, NESTED_SEQ_FEATURES
from krone_tui.detection.routing import NESTED_WHOLE, nested_aware_for

MODELS = Path(__file__).resolve().parent.parent
TOP = MODELS.parent
VERSION = 1
SYSTEMS = 7200
HELD_OUT = 0.15
OPSET, IR_VERSION = 17, 9

NOT_MONOTONE = frozenset({"new_self_share", "self_size", "good_size", "windows", *LOG_FEATURES}) | {
    name for name in (*NESTED_SEQ_FEATURES, *NESTED_EXECUTION_FEATURES) if "burst" in name
}
"""Features that describe a system or a size, and bursts: a storm that all hosts weather together is one as well. In all
others more is never less suspicious, and the trees must know."""
MODELS_OF = {"nested_aware_seq": "seq", **dict.fromkeys(NESTED_WHOLE, "execution")}
"""What each model scores."""
KINDS = ("self_identifier", "self_windows", "self_small", "self_quiet", "good_identifier", "good_windows")
BETA = 0.4
"""Of the F-score that thresholds maximise. At 3 a.m. a false alarm costs more than a further miss."""
FLAT = 0.01
"""Thresholds whose F-score is within this of the best are equally good."""
FITS = {"seq": 1, "execution": 4}
"""Models that are averaged, by what they score."""
CLEARED_FAULTS = 0.005
"""Share of faulty executions that Local-Context may clear."""

SOURCES = (
    "models/nested_aware/build.py",
    "models/nested_aware/dataset.py",
    "models/nested_aware/faults.py",
    "models/nested_aware/simulated.py",
    "models/nested_aware/systems.py",
    "models/nested_aware/windows.py",
    "models/nested_aware/workflows.py",
    "krone_tui/detection/bursts.py",
    "krone_tui/detection/features.py",
    "krone_tui/detection/invariants.py",
    "krone_tui/detection/levels.py",
    "krone_tui/detection/population.py",
    "krone_tui/detection/profiles.py",
    "krone_tui/detection/sequences.py",
    "krone_tui/seqs/decompose.py",
)
"""What the shipped files follow from: a test compares their digest with the one in the manifests."""


def source_digest() -> str:
    """One hash over all `SOURCES`."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update((TOP / name).read_bytes())
    return digest.hexdigest()


_training: dict[
    str, tuple[npt.NDArray[np.float32], npt.NDArray[np.int8], npt.NDArray[np.float64], list[int]]
] = {}
"""Features, labels, weights and monotone constraints of each kind: the processes that fit inherit them."""


def in_windows(rows: Rows) -> bool:
    """Whether a system's executions are windows."""
    return bool(rows.execution_features[0, NESTED_EXECUTION_FEATURES.index("windows")])


def teaches(rows: Rows, name: str) -> bool:
    """Whether a model learns from a system.

    What holds without a baseline holds beside a small one, too, where an identifier holds executions together; not in windows.
    """
    if name == "nested_aware":
        return not rows.has_good
    if name == "nested_aware_good":
        return rows.has_good or not in_windows(rows)
    return name == "nested_aware_seq" or rows.has_good


def fit(rows: list[Rows], kind: str, names: tuple[str, ...]) -> list[HistGradientBoostingClassifier]:
    """Boosted trees over all systems' rows, several times with other random features; each system weighs by the root of
    its size.
    """
    weight = [
        getattr(one, f"{kind}_weight") / max(getattr(one, f"{kind}_weight").sum(), 1.0) ** 0.5 for one in rows
    ]
    _training[kind] = (
        np.vstack([getattr(one, f"{kind}_features") for one in rows]),
        np.concatenate([getattr(one, f"{kind}_label") for one in rows]),
        np.concatenate(weight),
        [0 if name in NOT_MONOTONE else 1 for name in names],
    )
    with ProcessPoolExecutor(os.cpu_count(), get_context("fork")) as pool:
        return list(pool.map(_fit_one, [kind] * FITS[kind], range(FITS[kind])))


def _fit_one(kind: str, seed: int) -> HistGradientBoostingClassifier:
    features, label, weight, monotone = _training[kind]
    model = HistGradientBoostingClassifier(
        max_iter=200,
        learning_rate=0.08,
        max_leaf_nodes=24,
        min_samples_leaf=80,
        max_features=0.4,
        l2_regularization=5.0,
        monotonic_cst=monotone,
        early_stopping=False,
        random_state=seed,
    )
    # There is a process for each processor: threads of their own would only wait for each other.
    with threadpool_limits(1):
        return model.fit(features, label, sample_weight=weight)


def probability(
    models: list[HistGradientBoostingClassifier], features: npt.NDArray[np.float32]
) -> npt.NDArray[np.float64]:
    """What the exported graph answers: the sigmoid of the mean of the models' sums."""
    if not len(features):
        return np.zeros(0)
    mean = np.mean([model.decision_function(features) for model in models], axis=0)
    return 1.0 / (1.0 + np.exp(-mean))


def kind_of(rows: Rows, kind: str, names: tuple[str, ...]) -> str:
    """Which of `KINDS` a system is."""
    first = getattr(rows, f"{kind}_features")[0]
    return kind_of_log(
        baseline=rows.has_good,
        windows=bool(first[names.index("windows")]),
        executions=float(rows.execution_count.sum()),
        alarming_kinds=rows.alarming_kinds,
    )


def counts(
    rows: list[Rows], scores: list[npt.NDArray[np.float64]], kind: str, threshold: float
) -> npt.NDArray[np.float64]:
    """[systems, 3] true positives, false positives, false negatives, in executions."""
    result = []
    for one, score in zip(rows, scores, strict=True):
        label = getattr(one, f"{kind}_label") > 0
        weight = getattr(one, f"{kind}_count")
        flagged = score >= threshold
        result.append(
            [weight[label & flagged].sum(), weight[~label & flagged].sum(), weight[label & ~flagged].sum()]
        )
    return np.array(result).reshape(-1, 3)


def f_score(table: npt.NDArray[np.float64], beta: float = 1.0) -> float:
    """Mean over systems that have faults: a log counts as one, however large, as it is somebody's only one."""
    square = beta * beta
    has = (table[:, 0] + table[:, 2]) > 0
    per = (
        (1 + square)
        * table[:, 0]
        / np.maximum((1 + square) * table[:, 0] + table[:, 1] + square * table[:, 2], 1e-9)
    )
    return float(per[has].mean())


def thresholds(
    rows: list[Rows], scores: list[npt.NDArray[np.float64]], kind: str, names: tuple[str, ...], strict: bool
) -> dict[str, dict[str, float]]:
    """For each kind of population and sensitivity. `strict`: for early exit, where only near certainty may stop."""
    grid = np.round(np.arange(0.05, 0.99, 0.01), 2)
    result = {}
    for which in KINDS:
        at = [
            index
            for index, one in enumerate(rows)
            if len(getattr(one, f"{kind}_label")) and kind_of(one, kind, names) == which
        ]
        if not at:
            continue
        tables = {float(t): counts([rows[i] for i in at], [scores[i] for i in at], kind, t) for t in grid}
        pooled = {t: table.sum(axis=0) for t, table in tables.items()}

        def least(precision: float, pooled: dict[float, npt.NDArray[np.float64]] = pooled) -> float:
            fits = [t for t, (tp, fp, _) in pooled.items() if tp / max(tp + fp, 1e-9) >= precision]
            return min(fits) if fits else 0.98

        if strict:
            certain = {"low": 0.99, "normal": 0.97, "high": 0.93}
            result[which] = {level: max(least(precision), 0.5) for level, precision in certain.items()}
            continue
        score = {t: f_score(table, BETA) for t, table in tables.items()}
        # The top is flat and the systems are a sample: its middle is a better choice than its highest point.
        best = float(np.median([t for t in score if score[t] >= max(score.values()) - FLAT]).round(2))
        low = max(best, min(least(0.95), 0.95))
        high = min(best, max(tables, key=lambda t: f_score(tables[t], 2.0)))
        result[which] = {"low": low, "normal": best, "high": high}
    return result


def export(models: list[HistGradientBoostingClassifier], width: int) -> bytes:
    """The trees as one ONNX TreeEnsembleRegressor, then a sigmoid: float [n, width] → float [n, 1]."""
    keys = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    nodes: dict[str, list[object]] = {f"nodes_{key}": [] for key in keys}
    target: dict[str, list[object]] = {
        "target_treeids": [], "target_nodeids": [], "target_ids": [], "target_weights": [],
    }  # fmt: skip
    predictors = [predictor for model in models for (predictor,) in model._predictors]
    for tree, predictor in enumerate(predictors):
        for index, node in enumerate(predictor.nodes):
            leaf = bool(node["is_leaf"])
            values = (
                tree, index, int(node["feature_idx"]), 0.0 if leaf else float(np.float32(node["num_threshold"])),
                "LEAF" if leaf else "BRANCH_LEQ", 0 if leaf else int(node["left"]), 0 if leaf else int(node["right"]),
            )  # fmt: skip
            for key, value in zip(keys, values, strict=True):
                nodes[f"nodes_{key}"].append(value)
            if leaf:
                for key, value in zip(
                    target, (tree, index, 0, float(node["value"]) / len(models)), strict=True
                ):
                    target[key].append(value)
    trees = helper.make_node(
        "TreeEnsembleRegressor",
        ["features"],
        ["raw"],
        domain="ai.onnx.ml",
        n_targets=1,
        base_values=[float(np.mean([np.ravel(model._baseline_prediction)[0] for model in models]))],
        **nodes,
        **target,
    )
    sigmoid = helper.make_node("Sigmoid", ["raw"], ["probability"])
    return _model(
        [trees, sigmoid],
        [("features", TensorProto.FLOAT, ["n", width])],
        [("probability", TensorProto.FLOAT, ["n", 1])],
    )


def export_local_context() -> bytes:
    """Look the entries up and take the greatest of each row."""
    gather = helper.make_node("Gather", ["table", "index"], ["entries"], axis=0)
    reduce = helper.make_node("ReduceMax", ["entries"], ["surprise"], axes=[1], keepdims=0)
    inputs = [("table", TensorProto.FLOAT, ["entries"]), ("index", TensorProto.INT64, ["rows", "width"])]
    return _model([gather, reduce], inputs, [("surprise", TensorProto.FLOAT, ["rows"])])


def _model(
    nodes: list[onnx.NodeProto],
    inputs: list[tuple[str, int, list[object]]],
    outputs: list[tuple[str, int, list[object]]],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "krone_tui",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="krone-tui")
    model.ir_version = IR_VERSION
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write(
    name: str,
    kind: str,
    graph: bytes,
    threshold: float,
    table: dict[str, dict[str, float]],
    features: tuple[str, ...],
) -> None:
    """The .onnx file and its manifest."""
    (MODELS / f"{name}.onnx").write_bytes(graph)
    lines = [
        f'name = "{name}"',
        f'kind = "{kind}"',
        f"version = {VERSION}",
        f'file = "{name}.onnx"',
        f'sha256 = "{hashlib.sha256(graph).hexdigest()}"',
        f'built_from = "{source_digest()}"',
        f"threshold = {threshold}",
        "features = [" + ", ".join(f'"{feature}"' for feature in features) + "]",
    ]
    for which, levels in table.items():
        lines += ["", f"[thresholds.{which}]", *(f"{level} = {value}" for level, value in levels.items())]
    (MODELS / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--systems", type=int, default=SYSTEMS)
    systems = parser.parse_args().systems
    (MODELS / "local_context.onnx").write_bytes(export_local_context())
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        rows = list(pool.map(rows_of, range(systems), chunksize=8))
    held = rows[: int(systems * HELD_OUT)]
    seen = rows[len(held) :]

    local = np.concatenate([one.local for one in seen])
    faulty = np.concatenate([one.execution_label for one in seen]) > 0
    local_threshold = float(np.round(np.quantile(local[faulty], CLEARED_FAULTS), 2))
    write("local_context", "local_context", export_local_context(), local_threshold, {}, ())

    card = [
        "# Local-Context and Nested-Aware",
        "",
        CARD.format(systems=systems, held=len(held), rows=sum(len(r.execution_label) for r in rows)),
    ]
    normal = np.concatenate([one.local[one.execution_label == 0] for one in held])
    broken = np.concatenate([one.local[one.execution_label == 1] for one in held])
    card += [
        LOCAL_CARD.format(
            threshold=local_threshold,
            normal=(normal < local_threshold).mean(),
            broken=(broken < local_threshold).mean(),
        ),
        "",
    ]
    features = {"seq": NESTED_SEQ_FEATURES, "execution": NESTED_EXECUTION_FEATURES}
    # Before anything is scored: a process that has used OpenMP must not fork.
    fitted = {
        name: fit([one for one in seen if teaches(one, name)], kind, features[kind])
        for name, kind in MODELS_OF.items()
    }
    for name, kind in MODELS_OF.items():
        names, models = features[kind], fitted[name]
        tested = [
            one
            for one in held
            if kind == "seq" or name == nested_aware_for(baseline=one.has_good, windows=in_windows(one))
        ]
        scores = [probability(models, getattr(one, f"{kind}_features")) for one in tested]
        table = thresholds(tested, scores, kind, names, strict=kind == "seq")
        card += [
            f"## {name}",
            "",
            "| kind of log | systems | threshold | mean F1 | pooled F1 | precision | recall |",
            "|---|---|---|---|---|---|---|",
        ]
        for which in table:
            at = [
                i
                for i, one in enumerate(tested)
                if len(getattr(one, f"{kind}_label")) and kind_of(one, kind, names) == which
            ]
            found = counts([tested[i] for i in at], [scores[i] for i in at], kind, table[which]["normal"])
            tp, fp, fn = found.sum(axis=0)
            mean = f_score(found)
            card.append(
                f"| {which.replace('_', ', ')} | {len(at)} | {table[which]['normal']:.2f} | {mean:.3f} | {2 * tp / max(2 * tp + fp + fn, 1):.3f} "
                f"| {tp / max(tp + fp, 1):.3f} | {tp / max(tp + fn, 1):.3f} |"
            )
        card.append("")
        write(name, f"nested_{kind}", export(models, len(names)), 0.5, table, names)
        print("\n".join(card[-len(table) - 5 :]))
    (MODELS / "nested_aware.md").write_text("\n".join(card), encoding="utf-8")


CARD = """\
Local-Context looks up how unusual a Seq's steps, transitions, counts and length are; Nested-Aware judges a Seq with
everything nested in it from features that hold for any application (`krone_tui/detection/features.py`, `profiles.py`,
`population.py`). `nested_aware_seq` judges S-Seqs and A-Seqs and may end the judging of an execution early;
the others judge the whole execution: `nested_aware` without a baseline, `nested_aware_good` with one, `nested_aware_good_windows`
with one in windows. Boosted trees, monotone in every feature that measures a deviation.

Trained on {systems} simulated systems ({rows:,} distinct sequences), of which {held} were held out to choose the
thresholds and for the scores below: random applications and workflows with branches, loops, parallel parts, benign
retries and rare harmless steps; windows of hosts with background jobs, boots and daemons that always complain; faults:
missing, extra, repeated, reordered, truncated and foreign steps, error statuses, floods; half of them without a baseline,
half with one of five to thousands of executions. No real log, and nothing of any benchmark. Built by `python models/nested_aware/build.py`.

The scores are low where they are because many simulated faults leave next to no trace: an error whose words read
harmless, in a log with a hundred executions, a step repeated where loops are common.
"""

LOCAL_CARD = """\
Local-Context clears below a surprise of {threshold}: on the systems held out, {normal:.1%} of the normal variants and
{broken:.2%} of the faulty ones."""

if __name__ == "__main__":
    main()
