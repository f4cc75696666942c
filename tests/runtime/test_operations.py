"""Counted operations, against sums by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from s2m_ros.config import Config
from s2m_ros.runtime import manifest as manifests
from s2m_ros.runtime.operations import cost
from s2m_ros.runtime.tensorrt.fixing import fixed
from s2m_ros.runtime.tensorrt.shapes import fixed_shapes, template


def model_of(
    node: onnx.NodeProto, shape: list[object], *weights: tuple[int, ...]
) -> onnx.ModelProto:
    tensors = [
        numpy_helper.from_array(np.zeros(w, np.float32), name)
        for name, w in zip(node.input[1:], weights, strict=True)
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    return helper.make_model(
        helper.make_graph([node], "g", [x], [y], tensors),
        opset_imports=[helper.make_opsetid("", 17)],
    )


@pytest.mark.parametrize(
    ("model", "macs", "weights", "activations"),
    [
        (  # 3x3 on 8x8 with padding, 4 to 6 channels
            model_of(helper.make_node("Conv", ["x", "w", "b"], ["y"], pads=[1] * 4),
                     [1, 4, 8, 8], (6, 4, 3, 3), (6,)),
            8 * 8 * 6 * 4 * 9, 6 * 4 * 9 + 6, 6 * 64,
        ),
        (  # depthwise, stride 2
            model_of(helper.make_node("Conv", ["x", "w"], ["y"], group=4, strides=[2, 2],
                                      pads=[1] * 4), [1, 4, 8, 8], (4, 1, 3, 3)),
            4 * 4 * 4 * 9, 36, 64,
        ),
        (
            model_of(helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[2, 2]),
                     [1, 4, 5, 5], (4, 3, 2, 2)),
            4 * 25 * 3 * 4, 48, 300,
        ),
        (model_of(helper.make_node("MatMul", ["x", "w"], ["y"]), [2, 7, 5], (5, 3)),
         2 * 7 * 5 * 3, 15, 42),
        (model_of(helper.make_node("Gemm", ["x", "w"], ["y"], transA=1), [5, 7], (5, 3)),
         7 * 5 * 3, 15, 21),
        (model_of(helper.make_node("Relu", ["x"], ["y"]), [2, 7]), 0, 0, 14),
    ],
)  # fmt: skip
def test_counts(model: onnx.ModelProto, macs: int, weights: int, activations: int) -> None:
    counted = cost(model)
    assert (counted.total_macs, counted.weights, counted.activations) == (
        macs,
        weights,
        activations,
    )


def test_a_free_shape_cannot_be_counted() -> None:
    with pytest.raises(ValueError, match="shape of 'y' not known"):
        cost(model_of(helper.make_node("Relu", ["x"], ["y"]), [2, "n"]))


def test_the_cost_of_the_encoder_grows_with_the_pixels(repository: Path) -> None:
    manifest = manifests.read(repository / "models" / "apron_lite0")
    graph, counts = manifest.file("encoder"), []
    for width, height in ((320, 192), (640, 384)):
        settings = Config().perception.model.model_copy(update={"width": width, "height": height})
        model = fixed(graph, fixed_shapes(graph, template(manifest, "encoder", settings)))
        counts.append(cost(model).total_macs)
    assert counts[1] == pytest.approx(4 * counts[0], rel=0.01)
