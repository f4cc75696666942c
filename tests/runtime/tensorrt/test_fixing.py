"""Graphs of fixed shapes give what the free ones give."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import toy_model
from onnx import TensorProto, helper

from s2m_ros.config import Model, TensorRT
from s2m_ros.runtime import manifest as manifests
from s2m_ros.runtime.graph import DTYPES, OnnxRuntimeGraph
from s2m_ros.runtime.tensorrt.fixing import fixed
from s2m_ros.runtime.tensorrt.shapes import PARTS, fixed_shapes, network_size, plan, template
from s2m_ros.runtime.trunk import TrunkEncoder, TrunkSegmenter
from s2m_ros.types import InputError, Prompts

CPU = ["CPUExecutionProvider"]
PLAIN = Model(providers=CPU)
SMALL = Model(width=160, height=96, tensorrt=TensorRT(boxes=4))


@pytest.mark.parametrize("part", PARTS)
def test_the_default_model_gives_the_same_with_fixed_shapes(
    repository: Path, tmp_path: Path, part: str
) -> None:
    manifest = manifests.read(repository / "models" / "apron_lite0")
    graph = manifest.file(part)
    shapes = fixed_shapes(graph, template(manifest, part, SMALL))
    target = tmp_path / "fixed.onnx"
    onnx.save(fixed(graph, shapes), str(target))
    free, bound = OnnxRuntimeGraph(graph, CPU, 1), OnnxRuntimeGraph(target, CPU, 1)
    assert bound.input_shapes == shapes
    rng = np.random.default_rng(3)
    feed = {}
    for name, shape in shapes.items():
        dtype = DTYPES[free.input_types[name][7:-1]]
        feed[name] = (rng.random(shape) * (255 if dtype == np.uint8 else 40)).astype(dtype)
    if part == "sampler":
        corners = np.sort(rng.uniform(0, 90, (4, 2, 2)), axis=1).reshape(4, 4)
        feed["boxes"] = corners.astype(np.float32)
        feed["windows"] = (corners + np.array([-6, -6, 6, 6])).astype(np.float32)
    names = free.outputs
    for mine, theirs in zip(bound.run(feed, names), free.run(feed, names), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-3)
    held = OnnxRuntimeGraph(target, CPU, 1, held_on=("cpu", 0))
    for _ in range(2):
        for mine, theirs in zip(held.run(feed, names), bound.run(feed, names), strict=True):
            np.testing.assert_array_equal(mine, theirs)


def test_an_eight_bit_image_is_cast_before_it_is_turned(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [
            helper.make_node("Transpose", ["image"], ["turned"], perm=[0, 3, 1, 2]),
            helper.make_node("Cast", ["turned"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("Relu", ["real"], ["out"]),
        ],
        "g",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "h", "w", 3])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, None)],
    )
    path = tmp_path / "g.onnx"
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path
    )
    model = fixed(path, {"image": (1, 4, 6, 3)})
    assert [node.op_type for node in model.graph.node] == ["Cast", "Transpose", "Relu"]
    image = np.random.default_rng(0).integers(0, 256, (1, 4, 6, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=CPU)
    (result,) = session.run(None, {"image": image})
    np.testing.assert_array_equal(result, image.transpose(0, 3, 1, 2).astype(np.float32))


def test_shapes_that_do_not_fit(repository: Path) -> None:
    encoder = repository / "models" / "apron_lite0" / "encoder.onnx"
    with pytest.raises(InputError, match=r"input 'image' is \[1, None, None, 3\], wanted \[2, 9"):
        fixed(encoder, {"image": (2, 96, 160, 3)})
    with pytest.raises(InputError, match="'image' has free dimensions and no shape was given"):
        fixed(encoder, {})
    with pytest.raises(InputError, match="dimensions that no setting fixes"):
        fixed_shapes(encoder, {})


def test_the_size_is_the_settings_or_the_models_own(tmp_path: Path) -> None:
    manifest = manifests.read(toy_model.write(tmp_path / "toy"))
    assert network_size(manifest, Model()) == (160, 96)
    assert network_size(manifest, Model(width=200, height=111)) == (192, 96)
    with pytest.raises(InputError, match="an engine has one input size"):
        network_size(manifest, Model(least_scale=0.5))


@pytest.mark.parametrize("count", [1, 4, 6])
def test_a_decoder_fixed_to_some_boxes_serves_any_number(
    repository: Path, tmp_path: Path, count: int
) -> None:
    source = manifests.read(repository / "models" / "apron_lite0")
    files = dict(source.files)
    for part in ("sampler", "decoder"):
        graph = source.file(part)
        shapes = fixed_shapes(graph, template(source, part, SMALL))
        path = tmp_path / f"{part}.onnx"
        onnx.save(fixed(graph, shapes), str(path))
        seal = {"sha256": manifests.sha256(path), "bytes": path.stat().st_size}
        files[part] = files[part].model_copy(update=seal)
    bound = source.model_copy(update={"folder": tmp_path, "files": files})
    places = [(20, 20, 50, 44), (90, 50, 130, 80), (60, 10, 84, 30), (4, 60, 30, 90)]
    encoder = TrunkEncoder(source, Model(width=160, height=96, providers=CPU))
    encoding = encoder.encode(toy_model.scene(places, (160, 96)))
    boxes = (
        np.float32([places[i % 4] for i in range(count)])
        + np.float32(np.arange(count) // 4)[:, None]
    )
    prompts = Prompts(
        boxes,
        boxes.reshape(count, 2, 2).mean(axis=1, keepdims=True),
        np.ones((count, 1), np.float32),
        np.ones(count, np.float32),
        np.ones(count, np.float32),
    )
    mine = TrunkSegmenter(bound, PLAIN)(encoding, prompts).items
    theirs = TrunkSegmenter(source, PLAIN)(encoding, prompts).items
    assert len(mine) == len(theirs) == count
    for one, two in zip(mine, theirs, strict=True):
        assert (one.x, one.y, one.bits.shape) == (two.x, two.y, two.bits.shape)
        assert (one.bits != two.bits).sum() <= 0.01 * one.bits.size
        assert one.predicted_iou == pytest.approx(two.predicted_iou, abs=1e-3)
    assert any(item.bits.any() for item in mine)
    cut = {"features": encoding.features["features"][..., :32]}
    wide = dataclasses.replace(encoding, features=cut)
    with pytest.raises(InputError, match=r"'features' is fixed to .*build engines of all graphs"):
        TrunkSegmenter(bound, PLAIN)(wide, prompts)
    many = Prompts(boxes, np.zeros((count, 4, 2), np.float32), np.ones((count, 4), np.float32),
                   np.ones(count, np.float32), np.ones(count, np.float32))  # fmt: skip
    with pytest.raises(InputError, match=r"tensorrt\.points: is 3, prompts have 4"):
        TrunkSegmenter(bound, PLAIN)(encoding, many)


def test_what_has_coordinates_in_it_keeps_its_bits(repository: Path, tmp_path: Path) -> None:
    default = manifests.read(repository / "models" / "apron_lite0")
    toy = manifests.read(toy_model.write(tmp_path / "toy"))  # without a sampler
    int8 = Model(tensorrt=TensorRT(precision="int8", calibration="table"))
    precisions = {
        (manifest.name, part): [plan(manifest, part, c).precision for c in (Model(), int8)]
        for manifest in (default, toy)
        for part in PARTS
    }
    assert precisions == {
        ("apron_lite0", "encoder"): ["fp16", "int8"],
        ("apron_lite0", "sampler"): ["fp32", "fp32"],
        ("apron_lite0", "decoder"): ["fp16", "fp16"],
        ("toy", "encoder"): ["fp16", "int8"],
        ("toy", "sampler"): ["fp32", "fp32"],
        ("toy", "decoder"): ["fp32", "fp32"],
    }
