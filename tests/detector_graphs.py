"""The example of docs/detectors.md, and graphs to put in its place."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import TOP

from krone_tui.detection.plugins import load_plugins
from krone_tui.detection.stage import SHIPPED

onnx = pytest.importorskip("onnx", reason="the example needs onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
PAGE = (TOP / "docs" / "detectors.md").read_text(encoding="utf-8")
NAME = "length-watch"


def written(folder: Path) -> Path:
    """The folder of models that the page's script writes, below one of its own."""
    (script,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (folder / "make_detector.py").write_text(script, encoding="utf-8")
    subprocess.run([sys.executable, folder / "make_detector.py", folder / "models"], check=True)
    return folder / "models"


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
