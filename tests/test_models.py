"""The shipped detectors: what their manifests promise, and what is said of one that cannot be trusted."""

import hashlib
import importlib.util
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simple_logs import JOB_STEPS, UNSEEN_ERROR, grouped, jobs, render, write
from simple_logs import settings as stage_settings

from krone_tui.detection import DetectionResult, detect
from krone_tui.detection.bursts import BINS
from krone_tui.detection.features import step_surprise
from krone_tui.detection.levels import QUIET_KINDS, SMALL_LOG, kind_of_log
from krone_tui.detection.local_context import LocalContext
from krone_tui.detection.onnx import Detector, load_detector
from krone_tui.detection.population import NESTED_EXECUTION_FEATURES, NESTED_SEQ_FEATURES
from krone_tui.detection.routing import NESTED_WHOLE
from krone_tui.detection.sequences import Sequences
from krone_tui.errors import KroneError
from krone_tui.resources import data_folder
from krone_tui.seqs import build_seqs
from krone_tui.settings import Sensitivity

MODELS = data_folder("models")
NESTED = {
    "nested_aware_seq": NESTED_SEQ_FEATURES,
    **dict.fromkeys(NESTED_WHOLE, NESTED_EXECUTION_FEATURES),
}


def manifest(name: str, folder: Path = MODELS) -> dict[str, object]:
    return tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The shipped models in a folder of their own, to be damaged."""
    folder = tmp_path / "models"
    folder.mkdir()
    for file in (*MODELS.glob("*.onnx"), *MODELS.glob("*.toml")):
        shutil.copy(file, folder)
    return folder


def replace_graph(folder: Path, name: str, graph: bytes) -> None:
    """Put another graph in a detector's place, with a manifest that gives its hash."""
    old = str(manifest(name, folder)["sha256"])
    path = folder / f"{name}.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace(old, hashlib.sha256(graph).hexdigest()), encoding="utf-8"
    )
    (folder / f"{name}.onnx").write_bytes(graph)


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.toml")), ids=lambda path: path.stem)
def test_each_manifest_gives_the_hash_of_its_file(path: Path) -> None:
    stated = tomllib.loads(path.read_text(encoding="utf-8"))
    assert stated["name"] == path.stem
    assert stated["sha256"] == hashlib.sha256((MODELS / stated["file"]).read_bytes()).hexdigest()


def test_each_shipped_graph_has_a_manifest_and_a_card() -> None:
    described = {manifest(path.stem)["file"] for path in MODELS.glob("*.toml")}
    assert described == {path.name for path in MODELS.glob("*.onnx")}
    assert {path.stem for path in MODELS.glob("*.md")} >= {"severity", "nested_aware"}


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    """The script that builds the detectors; it needs what only developers install."""
    pytest.importorskip("onnx", reason="the build script needs onnx")
    pytest.importorskip("sklearn", reason="the build script needs scikit-learn")
    folder = Path(__file__).parents[1] / "models" / "nested_aware"
    spec = importlib.util.spec_from_file_location("nested_aware_build", folder / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(folder))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(folder))
    yield module
    for name in ("dataset", "systems"):
        sys.modules.pop(name, None)


def test_the_simulated_systems_have_failures_that_only_change_an_order(build: ModuleType) -> None:
    workflow_system = build.rows_of.__globals__["random_system"].__globals__["workflow_system"]
    found = 0
    for seed in range(14):
        system = workflow_system(np.random.default_rng(seed))
        usual = {tuple(sorted(one.steps)) for one in system.executions if not one.faulty}
        found += sum(one.faulty and tuple(sorted(one.steps)) in usual for one in system.executions)
    assert found > 3


def load(path: Path) -> Detector:
    """A detector, asked for as the tool does."""
    if path.stem == "local_context":
        return load_detector(path, "local_context", (), inputs=("table", "index"))
    kind = "nested_seq" if path.stem == "nested_aware_seq" else "nested_execution"
    return load_detector(path, kind, NESTED[path.stem])


@pytest.mark.parametrize("name", ["local_context", *NESTED])
def test_the_shipped_detectors_are_built_from_the_sources_beside_them(build: ModuleType, name: str) -> None:
    assert manifest(name)["built_from"] == build.source_digest()


def test_building_local_context_again_gives_the_same_bytes(build: ModuleType) -> None:
    assert build.export_local_context() == (MODELS / "local_context.onnx").read_bytes()


@pytest.mark.parametrize("name", NESTED)
def test_a_nested_aware_detector_takes_just_the_features_that_are_computed(name: str) -> None:
    assert load(MODELS / f"{name}.toml").manifest.features == NESTED[name]


@pytest.mark.parametrize("name", NESTED)
def test_thresholds_of_every_kind_of_log_fall_as_sensitivity_rises(build: ModuleType, name: str) -> None:
    thresholds = load(MODELS / f"{name}.toml").manifest.thresholds
    judged = {
        "nested_aware_seq": set(build.KINDS),
        "nested_aware": {kind for kind in build.KINDS if kind.startswith("self_")},
        "nested_aware_good": {"good_identifier"},
        "nested_aware_good_windows": {"good_windows"},
    }
    assert set(thresholds) == judged[name]
    for by_sensitivity in thresholds.values():
        low, normal, high = (by_sensitivity[sensitivity.value] for sensitivity in Sensitivity)
        assert 1 > low >= normal >= high > 0


@pytest.mark.parametrize("name", NESTED)
def test_more_of_what_deviates_is_never_less_suspicious(build: ModuleType, name: str) -> None:
    detector = load(MODELS / f"{name}.toml")
    rng = np.random.default_rng(7)
    rows = rng.gamma(0.7, 1.0, (200, len(NESTED[name]))).astype(np.float32)
    before = detector.score(rows)
    assert before.std() > 0
    for column, feature in enumerate(NESTED[name]):
        if feature in build.NOT_MONOTONE:
            continue
        more = rows.copy()
        more[:, column] += rng.gamma(0.7, 2.0, len(rows)).astype(np.float32)
        assert (detector.score(more) >= before - 1e-6).all(), feature


@pytest.mark.parametrize("name", NESTED)
def test_what_looks_like_all_others_scores_below_every_threshold(name: str) -> None:
    detector = load(MODELS / f"{name}.toml")
    row = np.zeros((1, len(NESTED[name])), dtype=np.float32)
    row[0, [NESTED[name].index("self_size")]] = 3.0
    assert detector.score(row)[0] < min(
        min(levels.values()) for levels in detector.manifest.thresholds.values()
    )


def test_a_quiet_log_a_small_one_and_any_other_have_thresholds_of_their_own() -> None:
    def kind(executions: float, alarming: int, *, windows: bool = False, baseline: bool = False) -> str:
        return kind_of_log(baseline=baseline, windows=windows, executions=executions, alarming_kinds=alarming)

    assert kind(5000, QUIET_KINDS) == kind(5, 0) == "self_quiet"
    assert kind(5000, QUIET_KINDS + 1) == "self_identifier"
    assert kind(SMALL_LOG - 1, QUIET_KINDS + 1) == "self_small"
    assert kind(5000, 0, windows=True) == "self_quiet"
    assert kind(5, 0, baseline=True) == "good_identifier"


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_local_context_answers_the_greatest_surprise_of_each_seq(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.choice([1, 2, 3, 9, 40, 150, 900], rng.integers(1, 12))
    steps = rng.integers(0, 700, lengths.sum())
    found = step_surprise(
        Sequences(
            steps,
            np.r_[0, np.cumsum(lengths)],
            np.zeros(len(lengths), dtype=np.int64),
            rng.integers(0, 50, len(lengths)).astype(np.float64),
            rng.integers(1, 9, len(lengths)).astype(np.float64),
            np.zeros((len(lengths), BINS), dtype=np.float32),
        )
    )
    expected = np.maximum(found.length_tail, 0.0)
    np.maximum.at(expected, found.pair_owner, np.maximum(found.pair_rarity, found.pair_count_tail))
    np.maximum.at(expected, found.move_owner, found.move_rarity)
    loaded = load(MODELS / "local_context.toml")
    answer = LocalContext(loaded.session, loaded.manifest.threshold).score(found, len(lengths))
    np.testing.assert_allclose(answer, expected, rtol=1e-6)


def wrong_hash(folder: Path, name: str) -> None:
    path = folder / f"{name}.onnx"
    path.write_bytes(path.read_bytes() + b"\0")


def not_a_graph(folder: Path, name: str) -> None:
    replace_graph(folder, name, b"this is no graph")


def cut_short(folder: Path, name: str) -> None:
    graph = (folder / f"{name}.onnx").read_bytes()
    replace_graph(folder, name, graph[: len(graph) // 2])


def no_file(folder: Path, name: str) -> None:
    (folder / f"{name}.onnx").unlink()


def no_manifest(folder: Path, name: str) -> None:
    (folder / f"{name}.toml").unlink()


def broken_manifest(folder: Path, name: str) -> None:
    (folder / f"{name}.toml").write_text("name = [", encoding="utf-8")


def incomplete_manifest(folder: Path, name: str) -> None:
    (folder / f"{name}.toml").write_text(f'name = "{name}"\n', encoding="utf-8")


def binary_manifest(folder: Path, name: str) -> None:
    (folder / f"{name}.toml").write_bytes(b"\xff\xfe\x00name")


DAMAGES = (
    wrong_hash,
    not_a_graph,
    cut_short,
    no_file,
    no_manifest,
    broken_manifest,
    incomplete_manifest,
    binary_manifest,
)


@pytest.mark.parametrize("name", ["local_context", *NESTED])
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_detector_is_refused_by_name(
    copy: Path, name: str, damage: Callable[[Path, str], None]
) -> None:
    damage(copy, name)
    with pytest.raises(KroneError, match=rf"\b{name}\b") as refused:
        load(copy / f"{name}.toml")
    assert str(refused.value).endswith(".")
    assert "\n" not in str(refused.value)


def test_a_graph_of_another_shape_is_refused_by_name(copy: Path) -> None:
    replace_graph(copy, "nested_aware", (copy / "nested_aware_seq.onnx").read_bytes())
    with pytest.raises(KroneError, match=rf"'nested_aware'.*{len(NESTED_EXECUTION_FEATURES)} columns"):
        load(copy / "nested_aware.toml")


def test_a_file_outside_the_manifest_s_folder_is_not_read(copy: Path, tmp_path: Path) -> None:
    shutil.move(copy / "nested_aware.onnx", tmp_path / "nested_aware.onnx")
    path = copy / "nested_aware.toml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"nested_aware.onnx"', '"../nested_aware.onnx"'),
        encoding="utf-8",
    )
    with pytest.raises(KroneError, match="'nested_aware' cannot be read"):
        load(path)


def answering(copy: Path, value: float) -> Detector:
    """A detector whose every answer is the same number."""
    onnx = pytest.importorskip("onnx")
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    width = len(NESTED_SEQ_FEATURES)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceSum", ["features", "axes"], ["sum"], keepdims=1),
            helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
            helper.make_node("Add", ["nothing", "value"], ["probability"]),
        ],
        "constant",
        [helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, ["n", width])],
        [helper.make_tensor_value_info("probability", onnx.TensorProto.FLOAT, ["n", 1])],
        [
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axes"),
            numpy_helper.from_array(np.array(0, dtype=np.float32), "zero"),
            numpy_helper.from_array(np.array(value, dtype=np.float32), "value"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    replace_graph(copy, "nested_aware_seq", model.SerializeToString())
    return load(copy / "nested_aware_seq.toml")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.5, 1.5])
def test_an_answer_that_is_no_probability_is_refused_by_name(copy: Path, value: float) -> None:
    with pytest.raises(KroneError, match="'nested_aware_seq' gave a score that is no probability"):
        answering(copy, value).score(np.zeros((3, len(NESTED_SEQ_FEATURES)), dtype=np.float32))


def test_an_answer_that_is_a_probability_is_taken(copy: Path) -> None:
    scores = answering(copy, 0.25).score(np.zeros((3, len(NESTED_SEQ_FEATURES)), dtype=np.float32))
    assert scores.tolist() == [0.25] * 3


def test_no_rows_are_scored_without_asking_the_graph(copy: Path) -> None:
    assert (
        len(answering(copy, float("nan")).score(np.zeros((0, len(NESTED_SEQ_FEATURES)), dtype=np.float32)))
        == 0
    )


BROKEN = (*JOB_STEPS[:3], UNSEEN_ERROR, JOB_STEPS[6])


@pytest.fixture(scope="module")
def jobs_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two hundred jobs, of which five run into an error never seen."""
    odd = dict.fromkeys(range(20, 120, 20), BROKEN)
    return write(tmp_path_factory.mktemp("log") / "work.log", render(jobs(200, 1, odd)))


def judged_with(log: Path, models: Path) -> tuple[DetectionResult, list[tuple[str]]]:
    """What detection says with the shipped detectors in a folder, and who signed the findings."""
    with grouped([log]) as (store, _):
        build_seqs(store)
        result = detect(store, stage_settings(), models=models)
        return result, store.rows("SELECT DISTINCT detector FROM finding")


@pytest.mark.parametrize("name", ["local_context", *NESTED, "severity"])
@pytest.mark.parametrize("damage", [wrong_hash, not_a_graph, no_manifest], ids=lambda damage: damage.__name__)
def test_detection_goes_on_without_a_detector_that_it_cannot_trust(
    copy: Path, jobs_log: Path, name: str, damage: Callable[[Path, str], None]
) -> None:
    damage(copy, name)
    result, signed = judged_with(jobs_log, copy)
    (note,) = result.notes
    assert re.search(rf"\b{name}\b", note)
    assert note.endswith(" alone." if name == "severity" else "; it takes no part.")
    # Nested-Aware of Seqs alone is sure of next to nothing; all others still find the five.
    assert result.flagged_executions == 5 or name == "nested_aware"
    assert (name,) not in signed


@pytest.mark.parametrize("name", ["local_context", "nested_aware_seq", "nested_aware", "severity"])
def test_detection_goes_on_without_a_detector_that_fails_while_it_judges(
    copy: Path, jobs_log: Path, name: str
) -> None:
    onnx = pytest.importorskip("onnx")
    model = onnx.load(copy / f"{name}.onnx")
    output = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["right" if one == output else one for one in node.output]
    nan = onnx.helper.make_node("Constant", [], ["nan"], value_float=float("nan"))
    model.graph.node.extend([nan, onnx.helper.make_node("Add", ["right", "nan"], [output])])
    replace_graph(copy, name, model.SerializeToString())
    result, signed = judged_with(jobs_log, copy)
    (note,) = result.notes
    assert re.search(rf"\b{name}\b", note)
    assert result.flagged_executions == 5 or name == "nested_aware"
    assert (name,) not in signed


def test_without_any_detector_the_log_is_shown_without_findings(copy: Path, jobs_log: Path) -> None:
    for name in ("local_context", *NESTED, "severity"):
        no_file(copy, name)
    result, signed = judged_with(jobs_log, copy)
    assert result.flagged_executions == result.failure_modes == 0
    assert signed == []
    assert len(result.notes) == len(NESTED) + 3
    assert result.notes[-1].startswith("No detector can be used")


def test_a_detector_made_for_features_in_another_order_is_refused_by_name(copy: Path) -> None:
    path = copy / "nested_aware.toml"
    first, second = (f'"{feature}"' for feature in NESTED_EXECUTION_FEATURES[:2])
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(f"{first}, {second}", f"{second}, {first}"), encoding="utf-8")
    with pytest.raises(KroneError, match="'nested_aware' is refused: it was made for other features"):
        load(path)


def test_a_detector_of_another_kind_is_refused_by_name(copy: Path) -> None:
    path = copy / "nested_aware.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"nested_execution"', '"severity"'), encoding="utf-8")
    with pytest.raises(KroneError, match="'nested_aware' is refused: it is of kind 'severity'"):
        load(path)
