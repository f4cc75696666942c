"""Which nodes of a fixed graph TensorRT would not take, by the table ``operators.yaml``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...documents import read_yaml

if TYPE_CHECKING:
    import onnx

MOST_RANK = 8
"""nvinfer1::Dims::MAX_DIMS."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A node (or an input, or the graph) and why TensorRT does not take it."""

    where: str
    operator: str
    reason: str

    def __str__(self) -> str:
        return f"{self.operator} '{self.where}': {self.reason}"


@dataclass(frozen=True)
class Table:
    """types: element types by operator. limits: what else must hold."""

    tensorrt: str
    types: dict[str, list[str]]
    limits: dict[str, dict[str, Any]]


@cache
def table() -> Table:
    """The committed table."""
    tree: Any = read_yaml(Path(__file__).with_name("operators.yaml"))
    types = {
        name: group["types"] for group in tree["elements"] for name in group["operators"].split()
    }
    return Table(str(tree["tensorrt"]), types, tree["limits"])


def problems(model: onnx.ModelProto) -> list[Problem]:
    """All reasons why TensorRT would refuse the graph or leave nodes of it to others."""
    return list(_Check(model).all())


@dataclass
class _Check:
    """What is known of the values of a graph: element type and shape, constant or not."""

    model: onnx.ModelProto
    elements: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, list[int | None]] = field(default_factory=dict)
    constants: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        from onnx import shape_inference

        graph = shape_inference.infer_shapes(self.model, data_prop=True).graph
        for value in (*graph.input, *graph.output, *graph.value_info):
            kind = value.type.tensor_type
            self.elements[value.name] = _name(kind.elem_type)
            if kind.HasField("shape"):
                self.shapes[value.name] = [
                    d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim
                ]
        for tensor in graph.initializer:
            self.elements[tensor.name] = _name(tensor.data_type)
            self.shapes[tensor.name] = list(tensor.dims)
        self.constants = {tensor.name for tensor in graph.initializer}
        self.constants |= {n.output[0] for n in graph.node if n.op_type == "Constant"}

    def all(self) -> Iterator[Problem]:
        graph = self.model.graph
        for value in graph.input:
            yield from self._static(value.name, value.name, "input")
            readers = {n.op_type for n in graph.node if value.name in n.input} - {"Cast"}
            if self.elements[value.name] == "uint8" and readers:
                reason = f"8-bit integers may go to Cast alone, this goes to {sorted(readers)}"
                yield Problem(value.name, "input", reason)
        for node in graph.node:
            yield from self._node(node)

    def _node(self, node: onnx.NodeProto) -> Iterator[Problem]:
        where = node.name or node.output[0]
        known = table()
        if node.domain not in ("", "ai.onnx"):
            yield Problem(where, node.op_type, f"operator of the foreign domain '{node.domain}'")
            return
        if node.op_type not in known.types:
            yield Problem(where, node.op_type, f"not taken by TensorRT {known.tensorrt}")
            return
        for name in node.output:
            yield from self._static(name, where, node.op_type)
        limits = known.limits.get(node.op_type, {})
        roles = _roles(node, self.model)
        for role, name in zip(roles, node.input, strict=False):
            if role in limits.get("constants", ()) and name and name not in self.constants:
                yield Problem(where, node.op_type, f"'{role}' is computed, it must be constant")
        told = set()
        for name in (*node.input[:1], *node.output):
            kind = self.elements.get(name, "unknown")
            usual = _boolean(node.op_type) if name in node.output else ()
            if name and kind not in (*known.types[node.op_type], *usual) and kind not in told:
                told.add(kind)
                yield Problem(where, node.op_type, f"of {kind}, takes {known.types[node.op_type]}")
        shape = self.shapes.get(node.input[0]) if node.input else None
        if shape is not None and len(shape) not in limits.get("rank", (len(shape),)):
            yield Problem(where, node.op_type, f"of rank {len(shape)}, takes {limits['rank']}")
        if len([name for name in node.output if name]) > limits.get("outputs", len(node.output)):
            yield Problem(where, node.op_type, "a second output is not given")
        yield from self._attributes(node, where, limits)

    def _attributes(
        self, node: onnx.NodeProto, where: str, limits: dict[str, Any]
    ) -> Iterator[Problem]:
        for attribute in node.attribute:
            allowed = limits.get("attributes", {}).get(attribute.name)
            value = attribute.s.decode(errors="replace")
            if allowed is not None and value not in allowed:
                yield Problem(where, node.op_type, f"{attribute.name} '{value}', takes {allowed}")

    def _static(self, name: str, where: str, operator: str) -> Iterator[Problem]:
        if not name:
            return
        shape = self.shapes.get(name)
        if shape is None or None in shape:
            told = "unknown" if shape is None else str(shape).replace("None", "?")
            yield Problem(where, operator, f"shape of '{name}' is not fixed: {told}")
        elif len(shape) > MOST_RANK:
            yield Problem(where, operator, f"{len(shape)} dimensions, at most {MOST_RANK}")


def _boolean(operator: str) -> tuple[str, ...]:
    """Comparisons give truth values, searches give indices, whatever they take."""
    if operator in ("Equal", "Greater", "GreaterOrEqual", "IsNaN", "Less", "LessOrEqual"):
        return ("bool",)
    return ("int64",) if operator in ("ArgMax", "ArgMin", "TopK") else ()


def _roles(node: onnx.NodeProto, model: onnx.ModelProto) -> list[str]:
    """The names that ONNX gives to the inputs of an operator."""
    from onnx import defs

    version = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 1)
    return [given.name for given in defs.get_schema(node.op_type, version).inputs]


def _name(element: int) -> str:
    import onnx

    return str(onnx.TensorProto.DataType.Name(element)).lower()
