"""The check of graphs before a build: what the product runs passes, what must fail fails."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import pytest
from onnx import TensorProto, defs, helper

from s2m_ros.config import Config
from s2m_ros.runtime import manifest as manifests
from s2m_ros.runtime.tensorrt.fixing import fixed
from s2m_ros.runtime.tensorrt.shapes import PARTS, fixed_shapes, template
from s2m_ros.runtime.tensorrt.support import problems, table


@pytest.mark.parametrize("part", PARTS)
def test_tensorrt_takes_each_node_of_the_default_model(repository: Path, part: str) -> None:
    manifest = manifests.read(repository / "models" / "apron_lite0")
    graph, settings = manifest.file(part), Config().perception.model
    model = fixed(graph, fixed_shapes(graph, template(manifest, part, settings)))
    assert len(model.graph.node) > 20
    assert problems(model) == []


def test_the_default_model_as_exported_is_not_for_tensorrt(repository: Path) -> None:
    wrong = problems(onnx.load(str(repository / "models" / "apron_lite0" / "encoder.onnx")))
    told = "\n".join(map(str, wrong))
    assert "input 'image': shape of 'image' is not fixed: [1, ?, ?, 3]" in told


def graph_of(
    operator: str,
    shape: list[Any],
    *more: str,
    element: int = TensorProto.FLOAT,
    outputs: int = 1,
    domain: str = "",
    **attributes: Any,
) -> onnx.ModelProto:
    """One node between an input 'x', further inputs 'more' of int64, and outputs."""
    outs = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(operator, ["x", *more], outs, name="node", domain=domain, **attributes)
    inputs = [helper.make_tensor_value_info("x", element, shape)]
    inputs += [helper.make_tensor_value_info(m, TensorProto.INT64, [1]) for m in more if m]
    results = [helper.make_tensor_value_info(y, element, None) for y in outs]
    graph = helper.make_graph([node], "g", inputs, results)
    opsets = [helper.make_opsetid("", 17)]
    if domain:
        opsets.append(helper.make_opsetid(domain, 1))
    return helper.make_model(graph, opset_imports=opsets)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (graph_of("NonZero", [2, 3]), "NonZero 'node': not taken by TensorRT"),
        (graph_of("Gelu", [2, 3], domain="com.microsoft"), "foreign domain 'com.microsoft'"),
        (graph_of("Relu", [1, "h"]), r"Relu 'node': shape of 'y0' is not fixed: [1, ?]"),
        (graph_of("Sigmoid", [2], element=TensorProto.DOUBLE), "of double, takes"),
        (graph_of("Sqrt", [2], element=TensorProto.DOUBLE), "of double, takes"),
        (graph_of("MaxPool", [1, 3, 8], kernel_shape=[2]), "of rank 3, takes [4, 5]"),
        (graph_of("MaxPool", [1, 3, 8, 8], outputs=2, kernel_shape=[2, 2]), "a second output"),
        (graph_of("Expand", [1], "shape"), "shape of 'y0' is not fixed"),
        (graph_of("Reshape", [4], "shape"), "'shape' is computed, it must be constant"),
        (graph_of("Pad", [1, 2], "pads", mode="wrap"), "mode 'wrap', takes"),
        (graph_of("Relu", [1] * 9), "9 dimensions, at most 8"),
        (
            graph_of("Transpose", [1, 2], element=TensorProto.UINT8),
            "8-bit integers may go to Cast alone, this goes to ['Transpose']",
        ),
    ],
)
def test_what_must_fail_fails_with_the_reason(model: onnx.ModelProto, told: str) -> None:
    assert any(told in str(problem) for problem in problems(model)), problems(model)


def test_what_is_fine_passes() -> None:
    assert problems(graph_of("Relu", [1, 3, 8, 8])) == []
    assert problems(graph_of("Cast", [1, 3], element=TensorProto.UINT8, to=TensorProto.UINT8)) == []
    assert problems(graph_of("MaxPool", [1, 3, 8, 8], kernel_shape=[2, 2])) == []


def test_the_table_names_operators_inputs_and_attributes_of_onnx() -> None:
    known = table()
    for operator in known.types:
        assert defs.has(operator), operator
    for operator, limits in known.limits.items():
        schema = defs.get_schema(operator, 13 if operator != "GridSample" else 20)
        if operator == "Upsample":
            schema = defs.get_schema(operator, 9)
        assert operator in known.types
        assert set(limits) <= {"attributes", "constants", "rank", "outputs"}
        assert set(limits.get("attributes", {})) <= set(schema.attributes)
        assert set(limits.get("constants", ())) <= {given.name for given in schema.inputs}
