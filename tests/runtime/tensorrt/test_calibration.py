"""Ranges of tensors for int8, against ranges taken by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from s2m_ros.runtime.tensorrt.calibration import calibrate
from s2m_ros.types import InputError


def read(path: Path) -> dict[str, float]:
    """The table by ONNX Runtime's own reader."""
    from onnxruntime.quantization.CalTableFlatBuffers.TrtTable import TrtTable

    table = TrtTable.GetRootAsTrtTable(path.read_bytes(), 0)
    entries = [table.Dict(i) for i in range(table.DictLength())]
    return {e.Key().decode(): float(e.Value()) for e in entries}


def test_ranges_are_the_greatest_values_on_all_frames(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    weights = rng.normal(size=(2, 3, 1, 1)).astype(np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["a"]), helper.make_node("Relu", ["a"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, "h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weights, "w")],
    )
    path = tmp_path / "g.onnx"
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    frames = [rng.normal(size=(1, 3, 8, 6)).astype(np.float32) for _ in range(4)]
    out = tmp_path / "deep" / "table"
    shapes = {"x": (1, 3, 8, 6)}
    assert calibrate(path, shapes, ({"x": frame} for frame in frames), out) >= 2
    found = read(out)
    values = [np.einsum("oc,nchw->nohw", weights[:, :, 0, 0], frame) for frame in frames]
    assert found["y"] == pytest.approx(max(v.max() for v in values), rel=1e-5)
    assert found["x"] >= max(frame.max() for frame in frames) - 1e-6
    with pytest.raises(InputError, match="has no image"):
        calibrate(path, shapes, iter(()), out)
