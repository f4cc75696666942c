"""Adapters of promptable segmenters, on tiny graphs of each family's true signature.

Each tiny decoder answers a box with the box itself, computed from the point coordinates it gets,
and puts the mean of the embedding into its quality: so a wrong scale, a wrong order of inputs or a
wrong normalisation shows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
import toy_model
from onnx import TensorProto, helper

from s2m_ros.config import Model, load
from s2m_ros.perception.interfaces import Candidates, Encoding
from s2m_ros.runtime.build import build_perception
from s2m_ros.runtime.promptable import SAM_MEAN, SAM_STD, PromptableSegmenter
from s2m_ros.types import InputError, Prompts

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
SIZE = (320, 192)
GRID = (160, 96)
SIDE = 64  # of the tiny low-resolution masks

BOXES = np.float32([[40, 100, 88, 140], [200, 20, 300, 170], [0, 0, 64, 32]])

# decoder inputs (name, type, shape) without the embedding, as each family exports them
POINTS = [("point_coords", FLOAT, ["L", "N", 2]), ("point_labels", FLOAT, ["L", "N"])]
MASK = [("mask_input", FLOAT, [1, 1, 256, 256]), ("has_mask_input", FLOAT, [1])]
MASKS = [("mask_input", FLOAT, ["L", 1, 256, 256]), ("has_mask_input", FLOAT, ["L"])]
BATCHED = [
    ("batched_point_coords", FLOAT, [1, 1, "P", 2]),
    ("batched_point_labels", FLOAT, [1, 1, "P"]),
]
FAMILIES = {
    "EfficientSAM": {
        "image": ("batched_images", [1, 3, "H", "W"]),
        "inputs": [*BATCHED, ("orig_im_size", INT64, [2])],
        "outputs": ("output_masks", "iou_predictions", "low_res"),
        "span": None,
    },
    "SAM": {
        "image": ("image", [1, 3, 1024, 1024]),
        "inputs": [*POINTS, *MASK, ("orig_im_size", FLOAT, [2])],
        "outputs": ("masks", "iou_predictions", "low_res_masks"),
        "span": (1024, 1024),
    },
    "NanoSAM": {
        "image": ("image", [1, 3, 1024, 1024]),
        "inputs": [*POINTS, *MASK],
        "outputs": ("iou_predictions", "low_res_masks"),
        "span": (1024, 1024),
    },
    "EdgeSAM": {
        "image": ("image", [1, 3, 1024, 1024]),
        "inputs": POINTS,
        "outputs": ("scores", "masks"),
        "span": (1024, 1024),
    },
    "EfficientViT-SAM": {
        "image": ("input_image", [1, 3, 512, 512]),
        "inputs": POINTS,
        "outputs": ("masks", "iou_predictions"),
        "span": (1024, 1024),
    },
    "SAM 2": {
        "image": ("image", [1, 3, 1024, 1024]),
        "inputs": [*POINTS, *MASKS],
        "outputs": ("masks", "iou_predictions"),
        "span": (1024, 1024),
    },
}


def embeddings(family: str) -> list[str]:
    if family == "SAM 2":
        return ["high_res_feats_0", "high_res_feats_1", "image_embed"]
    return ["image_embeddings"]


def encoder(family: str) -> onnx.ModelProto:
    name, shape = FAMILIES[family]["image"]
    nodes = [
        helper.make_node("GlobalAveragePool", [name], [output]) for output in embeddings(family)
    ]
    value = helper.make_tensor_value_info
    inputs = [value(name, FLOAT, shape)]
    outputs = [value(output, FLOAT, [1, 3, 1, 1]) for output in embeddings(family)]
    return toy_model.model(nodes, inputs, outputs, {})


def decoder(family: str) -> onnx.ModelProto:
    """Four (or three, or one) masks: the box of the points; others are smaller and rated lower."""
    spec = FAMILIES[family]
    count = {"EfficientSAM": 3, "EdgeSAM": 4}.get(family, 1)
    span = spec["span"] or SIZE
    x, y = ((np.arange(SIDE) + 0.5) / SIDE * s for s in span)
    batched = family == "EfficientSAM"
    coords, axes = ("batched_point_coords", [-1, 1, 1]) if batched else ("point_coords", [-1, 1, 1])
    shrink = np.arange(count, dtype=np.float32).reshape(1, count, 1, 1) * 15
    weights = {
        "x": np.broadcast_to(x.astype(np.float32), (1, 1, SIDE, SIDE)).copy(),
        "y": np.broadcast_to(y.astype(np.float32)[:, None], (1, 1, SIDE, SIDE)).copy(),
        "shrink": shrink,
        "rows": np.int64([-1, 4]),
        "cells": np.int64([*axes, 1]),
        "share": np.float32([0.25]),
        "rating": (-0.1 * np.arange(count, dtype=np.float32)).reshape(1, count),
        "one": np.int64([1, 1]),
        "zero": np.float32([0]),
    }
    node = helper.make_node
    nodes = [
        node("Reshape", [coords, "rows"], ["flat"]),
        node("Split", ["flat"], ["x0r", "y0r", "x1r", "y1r"], axis=1, num_outputs=4),
        *(node("Reshape", [f"{n}r", "cells"], [n]) for n in ("x0", "y0", "x1", "y1")),
        node("Sub", ["x", "x0"], ["left"]),
        node("Sub", ["x1", "x"], ["right"]),
        node("Sub", ["y", "y0"], ["up"]),
        node("Sub", ["y1", "y"], ["down"]),
        node("Min", ["left", "right", "up", "down"], ["inside"]),
        node("Sub", ["inside", "shrink"], ["logits"]),
        # quality: the mean of the embedding for each box, falling from mask to mask
        node("ReduceMean", [embeddings(family)[-1]], ["level"], keepdims=0),
        node("Mul", ["x0r", "zero"], ["none"]),
        node("Add", ["none", "level"], ["each"]),
        node("Add", ["each", "rating"], ["quality"]),
    ]
    value = helper.make_tensor_value_info
    inputs = [value(n, FLOAT, [1, 3, 1, 1]) for n in embeddings(family)]
    inputs += [value(n, kind, shape) for n, kind, shape in spec["inputs"]]
    outputs = []
    for name in spec["outputs"]:
        source = "quality" if name in ("iou_predictions", "scores") else "logits"
        nodes.append(node("Identity", [source], [name]))
        outputs.append(value(name, FLOAT, list("abcd") if source == "logits" else list("ab")))
    return toy_model.model(nodes, inputs, outputs, weights, opset=18)


def write(folder: Path, family: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(encoder(family), folder / "tiny_encoder.onnx")
    onnx.save(decoder(family), folder / "tiny_decoder.onnx")
    return folder


def ask(segmenter: PromptableSegmenter, image: np.ndarray, boxes: np.ndarray) -> Candidates:
    n = len(boxes)
    prompts = Prompts(
        boxes,
        np.zeros((n, 1, 2), np.float32),
        np.full((n, 1), -1, np.float32),
        np.zeros(n, np.float32),
        np.zeros(n, np.float32),
    )
    return segmenter(Encoding(image, np.zeros((1, 96, 160, 3), np.uint8), None, None), prompts)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_each_box_comes_back_where_it_was(family: str, tmp_path: Path) -> None:
    segmenter = PromptableSegmenter(write(tmp_path / "m", family), Model())
    assert segmenter.info["segmenter"] == family
    found = ask(segmenter, toy_model.scene([], SIZE), BOXES)
    assert found.grid_size == GRID
    assert [item.prompt for item in found.items] == [0, 1, 2]
    for item, box in zip(found.items, BOXES / 2, strict=True):
        h, w = item.bits.shape
        got = [item.x, item.y, item.x + w, item.y + h]
        np.testing.assert_allclose(got, box, atol=2.6)
        assert item.bits.mean() > 0.9


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_the_encoder_gets_the_image_normalised_as_its_family_wants(
    family: str, tmp_path: Path
) -> None:
    segmenter = PromptableSegmenter(write(tmp_path / "m", family), Model())
    colour = np.float32([200, 180, 160])
    image = np.broadcast_to(colour.astype(np.uint8), (192, 320, 3)).copy()
    if family == "EfficientSAM":
        expected = (colour / 255).mean()
    else:
        normal = ((colour - SAM_MEAN) / SAM_STD).mean()
        expected = normal if family == "SAM 2" else normal * 192 / 320  # the rest is padding
    (item,) = ask(segmenter, image, BOXES[:1]).items
    assert item.predicted_iou == pytest.approx(min(expected, 1), abs=0.01)


def test_nothing_asked_nothing_encoded(tmp_path: Path) -> None:
    segmenter = PromptableSegmenter(write(tmp_path / "m", "SAM"), Model())
    assert ask(segmenter, toy_model.scene([], SIZE), BOXES[:0]).items == ()


def test_masks_at_the_size_of_the_image_are_not_padded(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", "SAM")
    graph = onnx.load(folder / "tiny_decoder.onnx")
    keep = [o for o in graph.graph.output if o.name != "low_res_masks"]
    del graph.graph.output[:]
    graph.graph.output.extend(keep)
    onnx.save(graph, folder / "tiny_decoder.onnx")
    segmenter = PromptableSegmenter(folder, Model())
    square = toy_model.scene([], (SIDE, SIDE))  # masks of 64x64: the image's own size
    (item,) = ask(segmenter, square, np.float32([[16, 8, 48, 24]])).items
    np.testing.assert_allclose([item.x, item.y], [40, 12], atol=2)


def test_plugs_into_the_pipeline_by_its_folder(tmp_path: Path) -> None:
    model = toy_model.write(tmp_path / "toy", width=320, height=192)
    folder = write(tmp_path / "sam", "EfficientSAM")
    settings = load(
        None, {"perception.model.path": str(model), "perception.segmenter": str(folder)}
    ).perception
    perception = build_perception(settings)
    frame = perception.perceive(toy_model.scene([(40, 100, 88, 140)], SIZE))
    assert perception.info["segmenter_segmenter"] == "EfficientSAM"
    assert len(frame.masks.items) == 1


@pytest.mark.parametrize(
    ("remove", "problem"),
    [("tiny_encoder.onnx", r"expected one \*encoder\*"), ("tiny_decoder.onnx", "decoder")],
)
def test_incomplete_folders(remove: str, problem: str, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", "SAM")
    (folder / remove).unlink()
    with pytest.raises(InputError, match=problem):
        PromptableSegmenter(folder, Model())


def test_a_decoder_of_no_known_family(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", "SAM")
    onnx.save(toy_model.decoder(), folder / "tiny_decoder.onnx")
    with pytest.raises(InputError, match=r"no known decoder: inputs .*features"):
        PromptableSegmenter(folder, Model())


def test_encoder_and_decoder_of_two_models(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", "SAM 2")
    onnx.save(encoder("SAM"), folder / "tiny_encoder.onnx")
    segmenter = PromptableSegmenter(folder, Model())
    with pytest.raises(InputError, match=r"needs .*high_res_feats_0"):
        ask(segmenter, toy_model.scene([], SIZE), BOXES)
