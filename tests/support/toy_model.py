"""A tiny model of the true signature: what is redder than it is green is an anomaly.

Encoder: anomaly = (R - G) / 16 averaged over 4x4 pixels; logits from the mean brightness; features
the mean colour. Decoder: the ellipse inscribed in each box, on a 32x32 grid over the grown box.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import yaml
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

CLASSES = (("Sky", "sky"), ("Road", "surface"), ("Car", "vehicle"))
MARGIN = 0.25
SIDE = 32


def write(folder: Path, *, width: int = 160, height: int = 96) -> Path:
    """Write encoder.onnx, decoder.onnx and model.yaml; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(encoder(), folder / "encoder.onnx")
    onnx.save(decoder(), folder / "decoder.onnx")
    table = {
        "probabilities": [0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0],
        "values": [-4.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0],
    }
    manifest = {
        "name": folder.name,
        "version": "1.0",
        "files": {
            key: {
                "path": f"{key}.onnx",
                "sha256": hashlib.sha256((folder / f"{key}.onnx").read_bytes()).hexdigest(),
                "bytes": (folder / f"{key}.onnx").stat().st_size,
            }
            for key in ("encoder", "decoder")
        },
        "input": {"width": width, "height": height, "multiple_of": 32},
        "stride": 4,
        "classes": [{"name": name, "role": role} for name, role in CLASSES],
        "encoder": {"outputs": ["anomaly", "logits", "features"]},
        "decoder": {
            "inputs": ["features", "boxes", "points", "point_labels"],
            "margin": MARGIN,
            "min_box_px": 1.0,
        },
        "calibration": {
            "scorer": "learned",
            "id_quantiles": table,
            "quantiles": dict.fromkeys(("learned", "max_logit", "msp", "energy"), table),
        },
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False))
    return folder


def scene(
    objects: list[tuple[int, int, int, int]], size: tuple[int, int] = (320, 192)
) -> NDArray[np.uint8]:
    """Grey road with slight noise and a red ellipse in each box (x0, y0, x1, y1)."""
    width, height = size
    noise = np.random.default_rng(7).integers(-4, 5, (height, width, 1))
    image = np.repeat(120 + noise, 3, axis=2).astype(np.uint8)
    y, x = np.mgrid[:height, :width] + 0.5
    for x0, y0, x1, y1 in objects:
        inside = ((2 * x - x0 - x1) / (x1 - x0)) ** 2 + ((2 * y - y0 - y1) / (y1 - y0)) ** 2 <= 1
        image[inside] = (220, 60, 60)
    return image


def encoder() -> onnx.ModelProto:
    weights = {
        "redness": np.float32([1, -1, 0]).reshape(1, 3, 1, 1) / 16,
        "mixing": np.float32([[0.1, 0.1, 0.1], [0.02, 0.02, 0.02], [-0.1, -0.1, -0.1]]).reshape(
            3, 3, 1, 1
        ),
        "bias": np.float32([-45, 4, 10]),
    }
    pool = {"kernel_shape": [4, 4], "strides": [4, 4]}
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["features"], **pool),
        helper.make_node("Conv", ["features", "redness"], ["anomaly"]),
        helper.make_node("Conv", ["features", "mixing", "bias"], ["logits"]),
    ]
    inputs = [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "H", "W", 3])]
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, "h", "w"])
        for name, channels in (("anomaly", 1), ("logits", len(CLASSES)), ("features", 3))
    ]
    return model(nodes, inputs, outputs, weights)


def decoder() -> onnx.ModelProto:
    axis = (np.arange(SIDE) + 0.5) / SIDE * (1 + 2 * MARGIN) - 0.5 - MARGIN
    radius = np.hypot(axis[None, :], axis[:, None])
    weights = {
        "ellipse": (40 * (0.5 - radius)).astype(np.float32)[None, None],
        "none": np.zeros((4, 1), np.float32),
        "certain": np.float32([0.9]),
        "spatial": np.int64([-1, 1, 1, 1]),
        "flat": np.int64([-1]),
    }
    nodes = [
        helper.make_node("MatMul", ["boxes", "none"], ["zeros"]),
        helper.make_node("Reshape", ["zeros", "spatial"], ["zeros4"]),
        helper.make_node("Reshape", ["zeros", "flat"], ["zeros1"]),
        helper.make_node("Add", ["zeros4", "ellipse"], ["masks"]),
        helper.make_node("Add", ["zeros1", "certain"], ["iou"]),
    ]
    value = helper.make_tensor_value_info
    inputs = [
        value("features", TensorProto.FLOAT, [1, 3, "h", "w"]),
        value("boxes", TensorProto.FLOAT, ["N", 4]),
        value("points", TensorProto.FLOAT, ["N", "P", 2]),
        value("point_labels", TensorProto.FLOAT, ["N", "P"]),
    ]
    outputs = [
        value("masks", TensorProto.FLOAT, ["N", 1, SIDE, SIDE]),
        value("iou", TensorProto.FLOAT, ["N"]),
    ]
    return model(nodes, inputs, outputs, weights)


def model(
    nodes: list[onnx.NodeProto],
    inputs: list[onnx.ValueInfoProto],
    outputs: list[onnx.ValueInfoProto],
    weights: dict[str, NDArray],
    opset: int = 17,
) -> onnx.ModelProto:
    constants = [numpy_helper.from_array(array, name) for name, array in weights.items()]
    graph = helper.make_graph(nodes, "toy", inputs, outputs, constants)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    made.ir_version = 8
    onnx.checker.check_model(made)
    return made
