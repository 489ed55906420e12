"""Detectors of the user's own: the page's example takes part, and what cannot be trusted is refused by name."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import TOP, Krone
from simple_logs import JOB_STEPS, UNSEEN_ERROR, jobs, render, write
from simple_logs import settings as stage_settings

from krone_tui.detection import onnx as runtime
from krone_tui.detection import plugins as plugins_module
from krone_tui.detection.plugins import load_plugins
from krone_tui.detection.population import NESTED_EXECUTION_FEATURES, NESTED_SEQ_FEATURES
from krone_tui.detection.stage import SHIPPED
from krone_tui.investigation import Investigation
from krone_tui.store import facts, views

onnx = pytest.importorskip("onnx", reason="the example needs onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
PAGE = (TOP / "docs" / "detectors.md").read_text(encoding="utf-8")
NAME = "length-watch"
LONG = (*JOB_STEPS[:4], JOB_STEPS[3], *JOB_STEPS[4:])
"""A job that writes one chunk more than all others: too little for the shipped detectors."""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the page's script writes."""
    folder = tmp_path_factory.mktemp("example")
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "make_detector.py").write_text(script, encoding="utf-8")
    subprocess.run([sys.executable, folder / "make_detector.py", folder / "models"], check=True)
    return folder / "models"


@pytest.fixture
def models(example: Path, tmp_path: Path) -> Path:
    """The example in a data folder of its own."""
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    for file in example.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("log") / "work.log", render(jobs(120, 3, {60: LONG})))


def graph(
    nodes: Sequence[object],
    weights: dict[str, np.ndarray] | None = None,
    *,
    inputs: Sequence[tuple[str, int, list[object]]] = (("features", FLOAT, ["n", 2]),),
    outputs: Sequence[tuple[str, int, list[object]]] = (("score", FLOAT, ["n", 1]),),
    **more: object,
) -> "onnx.ModelProto":
    built = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(*one) for one in inputs],
        [helper.make_tensor_value_info(*one) for one in outputs],
        [onnx.numpy_helper.from_array(value, name) for name, value in (weights or {}).items()],
    )
    model = helper.make_model(built, opset_imports=[helper.make_opsetid("", 17)], **more)
    model.ir_version = 9
    return model


def put(models: Path, model: "onnx.ModelProto | bytes", name: str = NAME) -> None:
    """Another graph in the example's place, with its hash in the manifest."""
    content = model if isinstance(model, bytes) else model.SerializeToString()
    (models / f"{name}.onnx").write_bytes(content)
    change(models, r'sha256 = "\w+"', f'sha256 = "{hashlib.sha256(content).hexdigest()}"')


def change(models: Path, pattern: str, to: str) -> None:
    path = models / f"{NAME}.toml"
    text, times = re.subn(pattern, to.replace("\\", r"\\"), path.read_text(encoding="utf-8"))
    assert times == 1
    path.write_text(text, encoding="utf-8")


def greatest(*axes: int, **shapes: object) -> "onnx.ModelProto":
    """Answers the greatest column of each row, or the greatest of all."""
    return graph(
        [helper.make_node("ReduceMax", ["features"], ["score"], axes=list(axes), keepdims=1)], **shapes
    )  # type: ignore[arg-type]


def through(operator: str, weights: np.ndarray) -> "onnx.ModelProto":
    """Answers a function of the first weight and the row's greatest column."""
    return graph(
        [
            helper.make_node("ReduceMax", ["features"], ["greatest"], axes=[1], keepdims=1),
            helper.make_node(operator, ["greatest", "w"], ["score"]),
        ],
        {"w": weights},
    )


def refusal(models: Path) -> str:
    """The one note about the one detector, which is refused."""
    plugins, notes = load_plugins(models, SHIPPED, 1)
    assert plugins == []
    (note,) = notes
    assert note.endswith(".")
    assert "\n" not in note
    return note


# What takes part


def test_the_page_names_just_the_features_there_are() -> None:
    tables = "".join(line for line in PAGE.splitlines(keepends=True) if line.startswith("| `"))
    named = re.findall(r"`([a-z_0-9.]+)`", "".join(line.split("|")[1] for line in tables.splitlines()))
    assert sorted(named) == sorted(NESTED_EXECUTION_FEATURES)
    assert set(NESTED_SEQ_FEATURES) <= set(named)


def test_the_manifest_on_the_page_is_one(models: Path) -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    digest = hashlib.sha256((models / f"{NAME}.onnx").read_bytes()).hexdigest()
    (models / f"{NAME}.toml").write_text(text.replace('"…"', f'"{digest}"'), encoding="utf-8")
    plugins, notes = load_plugins(models, SHIPPED, 1)
    assert notes == []
    assert plugins[0].detector.manifest.thresholds == {"any": {"low": 0.8, "high": 0.3}}


def open_log(log: Path, models: Path, **given: object) -> Investigation:
    """Investigated with the detectors in a folder, at a sensitivity at which the shipped ones flag least."""
    given = {"sensitivity": "low", "data_dir": models.parent, **given}
    return Investigation.open([str(log)], stage_settings(**given))


def counters(found: Investigation) -> dict[str, float]:
    return {
        counter: value for stage, _, counter, value in facts.read_work(found.store) if stage == "detection"
    }


def test_the_example_finds_what_the_shipped_detectors_let_pass_and_signs_it(
    models: Path, log: Path, tmp_path: Path
) -> None:
    signed = "SELECT DISTINCT detector, score >= 0.5 FROM finding"
    with open_log(log, tmp_path / "none" / "models") as found:
        assert found.store.rows(signed) == []
    with open_log(log, models) as found:
        assert found.opened.notes == ()
        assert found.store.rows(signed) == [(NAME, True)]
        assert [mode.executions for mode in views.failure_modes(found.store)] == [1]
        counted = counters(found)
        assert (
            counted[f"executions judged by {NAME}"]
            >= counted[f"variants flagged at entity level by {NAME}"]
            == 1
        )


@pytest.mark.parametrize("level", ["status", "action"])
def test_a_detector_of_seqs_stops_executions_at_its_level(models: Path, level: str, tmp_path: Path) -> None:
    # A status once more, or an action of the same entity once more.
    odd = LONG if level == "status" else (*JOB_STEPS[:4], JOB_STEPS[0], *JOB_STEPS[4:])
    log = write(tmp_path / "work.log", render(jobs(120, 3, {60: odd})))
    change(models, '"entity"', f'"{level}"')
    change(models, r"inputs = .*", 'inputs = ["seq_rarity", "count_tail"]')
    with open_log(log, models) as found:
        assert found.opened.notes == ()
        counted = counters(found)
        stopped = counted[f"variants stopped at {level} level"]
        assert stopped == counted[f"variants flagged at {level} level by {NAME}"] == 1
        assert (
            1 <= counted[f"{level} Seqs judged by {NAME}"] <= counted["variants judged by Local-Context"] * 4
        )
        assert found.store.rows("SELECT detector FROM finding") == [(NAME,)]
        assert (
            found.store.rows("SELECT level FROM variant_verdict WHERE flagged AND failure_mode_id IS NULL")
            == []
        )


def test_a_threshold_moves_with_the_sensitivity_where_the_manifest_says_so(models: Path, log: Path) -> None:
    path = models / f"{NAME}.toml"
    path.write_text(path.read_text() + "[thresholds]\nlow = 1.0\n", encoding="utf-8")
    with open_log(log, models) as found:
        assert found.store.rows("SELECT * FROM finding WHERE detector = 'length-watch'") == []


def test_what_shipped_detectors_flagged_is_left_to_them(models: Path, tmp_path: Path) -> None:
    broken = (*JOB_STEPS[:3], UNSEEN_ERROR, *[JOB_STEPS[3]] * 3)
    log = write(tmp_path / "work.log", render(jobs(120, 3, {40: broken})))
    with open_log(log, models, sensitivity="normal") as found:
        assert found.store.rows("SELECT DISTINCT starts_with(detector, 'nested_aware') FROM finding") == [
            (True,)
        ]
    with open_log(log, models, sensitivity="normal", exhaustive=True) as found:
        # It is asked all the same, and the first word stands.
        assert counters(found)[f"executions judged by {NAME}"] >= 1
        assert found.store.rows("SELECT DISTINCT starts_with(detector, 'nested_aware') FROM finding") == [
            (True,)
        ]


# What is refused


@pytest.mark.parametrize(
    ("pattern", "to", "reason"),
    [
        (r"\A", "name = [", "its manifest is not TOML"),
        (r"\A", "\x00", "its manifest is not TOML"),
        (r'name = ".*"\n', "", "does not give 'name'"),
        (r'name = ".*"', 'name = "a\\u001b]0;x"', "gives 'name' as"),
        (r'name = ".*"', 'name = "nested_aware"', "there is another detector of that name"),
        (r'name = ".*"', 'name = "Severity"', "there is another detector of that name"),
        (r'"entity"', '"record"', "gives 'level' as 'record'"),
        (r'"entity"', '"status"', None),
        (r"inputs = .*", 'inputs = ["radius_0.1", "loudness"]', "takes 'loudness', which is no feature of the level 'entity'"),
        (r"inputs = .*", 'inputs = ["length_tail", "length_tail"]', "takes a feature twice"),
        (r"inputs = .*", "inputs = []", "gives 'inputs' as"),
        (r"inputs = .*", 'inputs = ["length_tail"]', "its input must be one tensor(float) ['n', 1]"),
        (r"version = 1", 'version = "new"', "gives 'version' as 'new'"),
        (r'sha256 = "\w', 'sha256 = "x', "gives 'sha256' as"),
        (r'sha256 = "\w{6}', 'sha256 = "000000', "is not the file that its manifest describes"),
        (r"threshold = 0.5", "threshold = 0.0", "gives 'threshold' as 0.0"),
        (r"threshold = 0.5", "threshold = nan", "gives 'threshold' as nan"),
        (r"threshold = 0.5", "threshold = 0.5\nurl = 'x'", "its manifest has 'url', and there is only name, level"),
        (r"\Z", "file = '../length-watch.onnx'", "is not in the folder of its manifest"),
        (r"\Z", "file = '/etc/passwd'", "is not in the folder of its manifest"),
        (r"\Z", "file = 'other.onnx'", "other.onnx is not there"),
        (r"\Z", "file = '..'", "is not in the folder of its manifest"),
        (r"\Z", "[thresholds]\nloud = 0.3", "its manifest gives 'thresholds.loud"),
        (r"\Z", "a = " + "[" * 5000 + "]" * 5000, "nests too deeply"),
        (r"\Z", "#" * (65 << 10), "length-watch.toml is longer than 64 kB"),
    ],
)  # fmt: skip
def test_a_manifest_that_cannot_be_followed_is_refused_by_name(
    models: Path, pattern: str, to: str, reason: str | None
) -> None:
    change(models, pattern, to)
    if reason is None:
        assert load_plugins(models, SHIPPED, 1)[1] == []
        return
    note = refusal(models)
    assert reason in note
    assert re.search(
        r"The detector '(length-watch(\.toml)?|nested_aware|Severity)' in .*models is refused: ", note
    )


def outside() -> "onnx.ModelProto":
    """Its weights are in another file."""
    model = through("Mul", np.zeros((2, 1), dtype=np.float32))
    weights = model.graph.initializer[0]
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    entry = weights.external_data.add()
    entry.key, entry.value = "location", "../../secret"
    return model


def outside_of_a_branch() -> "onnx.ModelProto":
    """The same, in a constant inside a subgraph."""
    constant = helper.make_node("Constant", [], ["score"], value=outside().graph.initializer[0])
    branch = helper.make_graph([constant], "b", [], [helper.make_tensor_value_info("score", FLOAT, None)])
    choice = helper.make_node("If", ["true"], ["score"], then_branch=branch, else_branch=branch)
    return graph([choice], {"true": np.array(True)})


def of_a_library() -> "onnx.ModelProto":
    return graph([helper.make_node("Guess", ["features"], ["score"], domain="com.acme")])


def forever() -> "onnx.ModelProto":
    """A loop whose condition always holds."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["again"]), helper.make_node("Identity", ["x"], ["y"])],
        "b",
        [
            helper.make_tensor_value_info("i", onnx.TensorProto.INT64, []),
            helper.make_tensor_value_info("go", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("again", onnx.TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", FLOAT, None),
        ],
    )
    loop = helper.make_node("Loop", ["", "true", "start"], ["score"], body=body)
    start = helper.make_node("ReduceMax", ["features"], ["start"], axes=[1], keepdims=1)
    return graph([start, loop], {"true": np.array(True)})


GRAPHS: dict[str, tuple[Callable[[], "onnx.ModelProto | bytes"], str]] = {
    "no graph": (lambda: b"this is no graph", "it is not an ONNX file"),
    "empty": (lambda: b"", "it is not an ONNX file"),
    "cut short": (lambda: greatest(1).SerializeToString()[:-20], "it is not an ONNX file"),
    "external data": (outside, "it keeps numbers in another file"),
    "external data in a branch": (outside_of_a_branch, "it keeps numbers in another file"),
    "custom operator": (of_a_library, "its operator 'Guess' comes from a library ('com.acme')"),
    "more columns": (lambda: greatest(1, inputs=[("features", FLOAT, ["n", 3])]), "its input must be one"),
    "fixed rows": (lambda: greatest(1, inputs=[("features", FLOAT, [1, 2])]), "its input must be one"),
    "doubles": (
        lambda: greatest(1, inputs=[("features", 11, ["n", 2])], outputs=[("score", 11, ["n", 1])]),
        "its input must be one tensor(float) ['n', 2], and is tensor(double)",
    ),
    "two inputs": (
        lambda: graph(
            [helper.make_node("Add", ["features", "more"], ["both"]), helper.make_node("ReduceMax", ["both"], ["score"], axes=[1])],
            inputs=[("features", FLOAT, ["n", 2]), ("more", FLOAT, ["n", 2])],
        ),
        "its input must be one",
    ),
    "a column for each": (
        lambda: graph([helper.make_node("Sigmoid", ["features"], ["score"])], outputs=[("score", FLOAT, ["n", 2])]),
        "its output must be one",
    ),
    "one score for all": (lambda: greatest(0, 1), "its output must be one"),
    "fewer scores than rows": (
        lambda: graph(
            [helper.make_node("Mul", ["features", "zero"], ["zeros"]), helper.make_node("Unique", ["zeros"], ["score"])],
            {"zero": np.float32(0)[None]},
            outputs=[("score", FLOAT, ["m"])],
        ),
        "it gave 1 scores for 3 rows",
    ),
    "nan": (lambda: through("Mul", np.array([[np.nan]], dtype=np.float32)), "it gave a score that is no probability"),
    "infinite": (lambda: through("Add", np.array([[np.inf]], dtype=np.float32)), "it gave a score that is no probability"),
    "beyond 1": (lambda: greatest(1), "it gave a score that is no probability"),
    "an error": (
        lambda: graph(
            [
                helper.make_node("ReduceMax", ["features"], ["greatest"], axes=[1], keepdims=1),
                helper.make_node("Cast", ["greatest"], ["index"], to=onnx.TensorProto.INT64),
                helper.make_node("Gather", ["table", "index"], ["score"]),
            ],
            {"table": np.zeros(3, dtype=np.float32)},
        ),
        "it failed: ",
    ),
    "a loop without end": (forever, "it took longer than"),
}  # fmt: skip


@pytest.mark.parametrize("which", GRAPHS)
def test_a_graph_that_cannot_be_trusted_is_refused_by_name(
    models: Path, which: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime, "SECONDS", 0.2)
    make, reason = GRAPHS[which]
    (models.parent.parent / "secret").write_bytes(b"\0" * 64)
    put(models, make())
    note = refusal(models)
    assert f"The detector '{NAME}' in {models} is refused: " in note
    assert f": {reason}" in note


def test_a_function_that_the_file_defines_may_be_used(models: Path) -> None:
    function = helper.make_function(
        "own", "Watch", ["x"], ["y"],
        [helper.make_node("ReduceMax", ["x"], ["m"], axes=[1], keepdims=1), helper.make_node("Sigmoid", ["m"], ["y"])],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    model = graph([helper.make_node("Watch", ["features"], ["score"], domain="own")], functions=[function])
    model.opset_import.append(helper.make_opsetid("own", 1))
    put(models, model)
    assert load_plugins(models, SHIPPED, 1)[1] == []


def test_a_model_that_is_too_long_is_refused_by_name(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins_module, "MODEL_BYTES", 100)
    assert "length-watch.onnx is longer than" in refusal(models)


def test_pipes_folders_and_files_that_may_not_be_read_are_no_manifests(models: Path) -> None:
    for file in list(models.iterdir()):
        file.unlink()
    os.mkfifo(models / "pipe.toml")
    (models / "folder.toml").mkdir()
    (models / "lost.toml").symlink_to(models / "nowhere")
    (models / os.fsdecode(b"\xff\n.onnx")).write_bytes(b"")
    plugins, notes = load_plugins(models, SHIPPED, 1)
    assert plugins == []
    assert len(notes) == 4
    assert all(note.isprintable() and note.encode() for note in notes)


def test_of_two_detectors_of_one_name_the_first_stays(models: Path) -> None:
    for ending in (".toml", ".onnx"):
        (models / f"second{ending}").write_bytes((models / f"{NAME}{ending}").read_bytes())
    plugins, notes = load_plugins(models, SHIPPED, 1)
    assert [one.detector.manifest.file for one in plugins] == [f"{NAME}.onnx"]
    assert len(notes) == 1
    assert "another detector of that name; give the one in second.toml its own" in notes[0]


def test_one_that_is_refused_leaves_the_others_in_peace_and_a_repaired_one_is_used_at_once(
    krone: Krone, models: Path, log: Path
) -> None:
    """Also when the investigation was kept: the cache is named by the detectors too."""
    data = {"KRONE_TUI_DATA_DIR": str(models.parent), "KRONE_TUI_SENSITIVITY": "low"}
    good = (models / f"{NAME}.onnx").read_bytes()
    (models / f"{NAME}.onnx").write_bytes(good[:-1])
    ran = krone("scan", log, "--format", "jsonl", **data).worked()
    assert f"The detector '{NAME}' in {models} is refused: {NAME}.onnx is not the file" in ran.err
    assert ran.out == ""
    again = krone.here("scan", log, "--format", "jsonl", **data).worked()
    assert (again.err, again.out) == (ran.err, "")
    (models / f"{NAME}.onnx").write_bytes(good)
    repaired = krone.here("scan", log, "--format", "jsonl", **data).worked()
    assert repaired.err == ""
    assert len(repaired.out.splitlines()) == 1


def test_one_that_fails_while_it_judges_has_a_part_in_nothing(
    models: Path, log: Path, tmp_path: Path
) -> None:
    """NaN only between a surprise of 1.5 and 3, where it is not tried at the start."""
    sum_of = [
        helper.make_node("ReduceMax", ["features"], ["x"], axes=[1], keepdims=1),
        helper.make_node("Sub", ["x", "low"], ["above"]),
        helper.make_node("Sub", ["x", "high"], ["below"]),
        helper.make_node("Mul", ["above", "below"], ["product"]),
        helper.make_node("Sqrt", ["product"], ["root"]),
        helper.make_node("Sigmoid", ["root"], ["score"]),
    ]
    put(
        models,
        graph(sum_of, {"low": np.array([1.5], dtype=np.float32), "high": np.array([3.0], dtype=np.float32)}),
    )
    assert load_plugins(models, SHIPPED, 1)[1] == []
    verdicts = "SELECT variant_id, flagged, score FROM variant_verdict ORDER BY ALL"
    with open_log(log, models) as with_it, open_log(log, tmp_path / "none" / "models") as without:
        assert with_it.opened.notes == (
            f"The detector '{NAME}' gave a score that is no probability; it takes no part.",
        )
        assert with_it.store.rows(verdicts) == without.store.rows(verdicts)
        assert not any(NAME in counter for counter in counters(with_it))
