"""What an .onnx file asks for, read before any of it is run.

ONNX Runtime brings no reader of its own format for Python, and `onnx` is too much to install for one look. Of ONNX's
schema (onnx.proto) only the fields that can point outside the file or nest are declared here; protobuf, which ONNX
Runtime needs anyway, skips all others.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

STANDARD_DOMAINS = frozenset({b"", b"ai.onnx", b"ai.onnx.ml"})
"""Of operators that every ONNX Runtime has; all others come from libraries, which are never loaded."""
_EXTERNAL = 1
"""`TensorProto.DataLocation.EXTERNAL`"""

_FIELDS = {
    "Entry": ((1, "key", "text", False),),
    "Tensor": ((13, "external_data", "Entry", True), (14, "data_location", "number", False)),
    "Sparse": ((1, "values", "Tensor", False), (2, "indices", "Tensor", False)),
    "Attribute": (
        (5, "t", "Tensor", False),
        (6, "g", "Graph", False),
        (10, "tensors", "Tensor", True),
        (11, "graphs", "Graph", True),
        (22, "sparse_tensor", "Sparse", False),
        (23, "sparse_tensors", "Sparse", True),
    ),
    "Node": ((4, "op_type", "text", False), (5, "attribute", "Attribute", True), (7, "domain", "text", False)),
    "Graph": ((1, "node", "Node", True), (5, "initializer", "Tensor", True), (15, "sparse_initializer", "Sparse", True)),
    "Function": ((1, "name", "text", False), (7, "node", "Node", True), (10, "domain", "text", False)),
    "Training": ((1, "initialization", "Graph", False), (2, "algorithm", "Graph", False)),
    "Model": (
        (7, "graph", "Graph", False),
        (20, "training_info", "Training", True),
        (25, "functions", "Function", True),
    ),
}  # fmt: skip
"""By message: number, name and type of its fields, and whether they repeat."""


def objection(content: bytes) -> str | None:
    """Why the graph in an .onnx file's bytes must not be run; None where nothing speaks against it.

    It may name no file but itself, and no operator that neither ONNX defines nor the file itself.
    """
    from google.protobuf.message import DecodeError

    model = _message("Model")
    try:
        model.ParseFromString(content)
    except DecodeError:
        return "it is not an ONNX file, or nests too deeply"
    if not model.graph.node:
        return "it is not an ONNX file with a graph"
    functions = {(function.domain, function.name) for function in model.functions}
    graphs = [model.graph, *model.functions]
    for training in model.training_info:
        graphs += [training.initialization, training.algorithm]
    for node, tensors in _walk(graphs):
        for tensor in tensors:
            if tensor.data_location == _EXTERNAL or tensor.external_data:
                return "it keeps numbers in another file; save it as one file"
        if (
            node is not None
            and node.domain not in STANDARD_DOMAINS
            and (node.domain, node.op_type) not in functions
        ):
            return f"its operator '{_shown(node.op_type)}' comes from a library ('{_shown(node.domain)}'), and none is loaded"
    return None


def _shown(name: bytes) -> str:
    return name[:60].decode("utf-8", "backslashreplace")


def _walk(graphs: list[Any]) -> Iterator[tuple[Any, list[Any]]]:
    """Each node and each graph (as None) with the tensors it holds itself; protobuf has bounded the depth."""
    waiting = list(graphs)
    while waiting:
        graph = waiting.pop()
        # A function is a graph without initializers.
        if hasattr(graph, "initializer"):
            sparse = [part for one in graph.sparse_initializer for part in (one.values, one.indices)]
            yield None, [*graph.initializer, *sparse]
        for node in graph.node:
            tensors: list[Any] = []
            for attribute in node.attribute:
                tensors += [attribute.t, *attribute.tensors]
                for one in (attribute.sparse_tensor, *attribute.sparse_tensors):
                    tensors += [one.values, one.indices]
                waiting += [attribute.g, *attribute.graphs]
            yield node, tensors


def _message(name: str) -> Any:
    from google.protobuf import message_factory

    return message_factory.GetMessageClass(_pool().FindMessageTypeByName(f"krone.{name}"))()


@lru_cache(maxsize=1)
def _pool() -> Any:
    from google.protobuf import descriptor_pb2, descriptor_pool

    kinds = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="krone.proto", package="krone", syntax="proto2")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for number, field, kind, repeats in fields:
            added = message.field.add(name=field, number=number)
            added.label = kinds.LABEL_REPEATED if repeats else kinds.LABEL_OPTIONAL
            if kind in _FIELDS:
                added.type, added.type_name = kinds.TYPE_MESSAGE, f".krone.{kind}"
            else:
                # Bytes, because a hostile name need not be UTF-8.
                added.type = kinds.TYPE_BYTES if kind == "text" else kinds.TYPE_INT32
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool
