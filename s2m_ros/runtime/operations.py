"""What one run of a graph costs: multiply-accumulates, weights, activations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True, slots=True)
class Cost:
    """macs: multiply-accumulates by operator. weights: numbers that the graph holds, and
    activations: numbers that its nodes write, each once."""

    nodes: int
    macs: Mapping[str, int]
    weights: int
    activations: int

    @property
    def total_macs(self) -> int:
        return sum(self.macs.values())


def cost(model: onnx.ModelProto) -> Cost:
    """Count a graph of fixed shapes. A multiply and its add are one; other arithmetic (activations,
    sums, resizing) is not counted: it moves data, which ``activations`` tells.

    Raises ValueError for a shape that is not known.
    """
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes: dict[str, tuple[int, ...]] = {t.name: tuple(t.dims) for t in graph.initializer}
    for value in (*graph.input, *graph.output, *graph.value_info):
        dimensions = value.type.tensor_type.shape.dim
        if all(d.HasField("dim_value") for d in dimensions):
            shapes[value.name] = tuple(d.dim_value for d in dimensions)
    macs: Counter[str] = Counter()
    activations = 0
    for node in graph.node:
        try:
            written = [shapes[name] for name in node.output if name]
            read = [shapes.get(name, ()) for name in node.input]
        except KeyError as error:
            raise ValueError(f"{node.op_type} '{node.name}': shape of {error} not known") from None
        activations += sum(prod(shape) for shape in written)
        count = _macs(node, read, written[0])
        if count:
            macs[node.op_type] += count
    weights = sum(prod(t.dims) for t in graph.initializer)
    return Cost(len(graph.node), dict(macs), weights, activations)


def _macs(node: onnx.NodeProto, read: list[tuple[int, ...]], written: tuple[int, ...]) -> int:
    if node.op_type == "Conv":  # weights (out, in / groups, kernel...): each output sums over them
        return prod(written) * prod(read[1][1:])
    if node.op_type == "ConvTranspose":  # weights (in, out / groups, kernel...): each input spreads
        return prod(read[0]) * prod(read[1][1:])
    if node.op_type == "MatMul":
        return prod(written) * read[0][-1]
    if node.op_type == "Gemm":
        turned = next((a.i for a in node.attribute if a.name == "transA"), 0)
        return prod(written) * read[0][0 if turned else 1]
    return 0
