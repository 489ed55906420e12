"""Which graphs of a user's detector are run, and which are refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from detector_graphs import FLOAT, NAME, graph, greatest, helper, onnx, put, refusal, through, written

from krone_tui.detection import onnx as runtime
from krone_tui.detection.plugins import load_plugins
from krone_tui.detection.stage import SHIPPED


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the page's script writes."""
    return written(tmp_path_factory.mktemp("example"))


@pytest.fixture
def models(example: Path, tmp_path: Path) -> Path:
    """The example in a data folder of its own."""
    folder = tmp_path / "data" / "models"
    folder.mkdir(parents=True)
    for file in example.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


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
