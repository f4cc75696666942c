"""Learned prompts from a model folder: a graph of the true signature that always sees two boxes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import toy_model
import yaml
from onnx import TensorProto, helper

from s2m_ros.config import Model, load
from s2m_ros.perception.pipeline import Perception
from s2m_ros.runtime import manifest as manifests
from s2m_ros.runtime.build import build_perception
from s2m_ros.runtime.prompter import LearnedBoxes
from s2m_ros.types import InputError

OBJECT = (40, 100, 88, 140)  # px of the image of 320 x 192; a cell of the toy's map is 8 px


def graph(output: str = "boxes") -> onnx.ModelProto:
    """Two boxes, and the highest rarity of the map as the confidence of both."""
    weights = {
        "constant": np.float32([[5, 12.5, 11, 17.5], [30, 2, 34, 6]]),
        "scale": np.float32([[[[1 / 6.5]]]]),
        "two": np.int64([2]),
        "flat": np.int64([1]),
    }
    nodes = [
        helper.make_node("Identity", ["constant"], [output]),
        helper.make_node("GlobalMaxPool", ["rarity"], ["highest"]),
        helper.make_node("Mul", ["highest", "scale"], ["share"]),
        helper.make_node("Reshape", ["share", "flat"], ["one"]),
        helper.make_node("Expand", ["one", "two"], ["confidence"]),
    ]
    inputs = [helper.make_tensor_value_info("rarity", TensorProto.FLOAT, [1, 1, "h", "w"])]
    outputs = [
        helper.make_tensor_value_info(output, TensorProto.FLOAT, [2, 4]),
        helper.make_tensor_value_info("confidence", TensorProto.FLOAT, [2]),
    ]
    return toy_model.model(nodes, inputs, outputs, weights)


def with_prompter(folder: Path, made: onnx.ModelProto) -> Path:
    toy_model.write(folder)
    onnx.save(made, folder / "prompter.onnx")
    content = (folder / "prompter.onnx").read_bytes()
    tree = yaml.safe_load((folder / "model.yaml").read_text())
    tree["files"]["prompter"] = {
        "path": "prompter.onnx",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(tree))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_prompter(tmp_path_factory.mktemp("models") / "toy", graph())


def perception(folder: Path, kind: str) -> Perception:
    chosen = {"perception.model.path": str(folder), "perception.prompting.kind": kind}
    return build_perception(load(None, chosen).perception)


def test_boxes_come_in_cells_and_leave_in_pixels(folder: Path) -> None:
    frame = perception(folder, "learned").perceive(toy_model.scene([OBJECT]))
    assert len(frame.prompts) == 1  # the other box holds nothing that could give evidence
    np.testing.assert_allclose(frame.prompts.boxes[0], OBJECT)
    assert frame.prompts.omitted == 1
    assert frame.masks.drops["weak_prompt"] == 1


@pytest.mark.parametrize("kind", ["topology", "learned", "both"])
def test_each_kind_finds_the_object_once(folder: Path, kind: str) -> None:
    masks = perception(folder, kind).perceive(toy_model.scene([OBJECT])).masks
    assert len(masks.items) == 1
    np.testing.assert_allclose(masks.items[0].box, OBJECT, atol=8)


def test_no_confidence_no_prompt(folder: Path) -> None:
    detect = LearnedBoxes(manifests.read(folder), Model())
    boxes, confidence = detect(np.zeros((24, 40), np.float32))
    assert boxes.dtype == confidence.dtype == np.float32
    assert boxes.shape == (2, 4)
    np.testing.assert_array_equal(confidence, 0)


def test_a_model_without_prompter_still_loads_and_says_what_it_lacks(tmp_path: Path) -> None:
    folder = toy_model.write(tmp_path / "plain")
    assert perception(folder, "topology").perceive(toy_model.scene([OBJECT])).masks.items
    for kind in ("learned", "both"):
        with pytest.raises(InputError, match=r"no prompter.*kind to topology"):
            perception(folder, kind)


def test_a_foreign_graph_is_refused(tmp_path: Path) -> None:
    folder = with_prompter(tmp_path / "foreign", graph("other"))
    with pytest.raises(InputError, match=r"expected input 'rarity' and outputs .*'boxes'"):
        perception(folder, "learned")


def test_a_damaged_prompter_is_refused(tmp_path: Path) -> None:
    folder = with_prompter(tmp_path / "damaged", graph())
    path = folder / "prompter.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(InputError, match="expected sha256"):
        perception(folder, "learned")
