"""The model in the repository: intact, repeatable, and good on real frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from s2m_ros.config import Model
from s2m_ros.config import Perception as Settings
from s2m_ros.evaluation.evaluate import at_label_size
from s2m_ros.evaluation.layouts import plain, read_label
from s2m_ros.evaluation.pixel import PixelPool
from s2m_ros.perception.images import at_image_size, read_rgb
from s2m_ros.perception.interfaces import Candidate
from s2m_ros.perception.pipeline import Perception
from s2m_ros.perception.selection import overlap
from s2m_ros.runtime.build import build_perception
from s2m_ros.runtime.manifest import find, read
from s2m_ros.runtime.trunk import TrunkEncoder, TrunkSegmenter
from s2m_ros.types import Prompts, State


@pytest.fixture(scope="module")
def perception() -> Perception:
    return build_perception(Settings())


def test_loads_and_says_what_it_is(perception: Perception) -> None:
    info = perception.info
    assert info["model"] == "apron_lite0"
    assert info["provider"] in ("OpenVINOExecutionProvider", "CPUExecutionProvider")
    assert len(info["sha256"]) == 12


def test_the_same_frame_gives_the_same_bits(perception: Perception) -> None:
    rng = np.random.default_rng(3)
    image = np.repeat(np.repeat(rng.integers(0, 255, (12, 20, 3)), 24, 0), 24, 1).astype(np.uint8)
    one, two = perception.perceive(image), build_perception(Settings()).perceive(image)
    assert np.array_equal(one.raw, two.raw)
    assert [m.evidence for m in one.masks.items] == [m.evidence for m in two.masks.items]
    assert one.masks.state == State.OK
    assert one.masks.roles is not None


def in_both_precisions(part: Any) -> tuple[Any, Any]:
    """A part of the default model by OpenVINO, and by ONNX Runtime."""
    pytest.importorskip("openvino", reason="the intel extra is not installed")
    manifest = read(find("apron_lite0"))
    exact = part(manifest, Model(providers=["CPUExecutionProvider"]))
    fast = part(manifest, Model(providers=["OpenVINOExecutionProvider", "CPUExecutionProvider"]))
    assert fast.info["provider"] != exact.info["provider"]
    return fast, exact


def test_the_decoder_may_run_in_half_precision(perception: Perception) -> None:
    fast, exact = in_both_precisions(TrunkSegmenter)
    rng = np.random.default_rng(5)
    image = np.full((352, 640, 3), 110, np.uint8)
    image[100:180, 200:320] = rng.integers(150, 250, (80, 120, 3))
    encoding = perception.encoder.encode(image)
    for count in (1, 5, 2):
        boxes = np.tile(np.float32([195, 95, 325, 185]), (count, 1))
        prompts = Prompts(
            boxes,
            np.tile(np.float32([260, 140]), (count, 1, 1)),
            np.ones((count, 1), np.float32),
            *np.ones((2, count), np.float32),
        )
        ours, theirs = fast(encoding, prompts), exact(encoding, prompts)
        assert len(ours.items) == count
        for a, b in zip(ours.items, theirs.items, strict=True):
            assert abs(a.predicted_iou - b.predicted_iou) < 0.02
            assert mask_iou(a, b) > 0.97


def test_the_encoder_may_run_in_half_precision() -> None:
    fast, exact = in_both_precisions(TrunkEncoder)
    rng = np.random.default_rng(7)
    small = rng.integers(0, 255, (8, 14, 3)).astype(np.uint8)
    image = cv2.resize(small, (224, 128), interpolation=cv2.INTER_CUBIC)
    ours, theirs = fast.encode(image), exact.encode(image)
    fast.encode(255 - image)  # does not write over what the first call gave
    assert ours.anomaly is not None
    for mine, given in (
        (ours.anomaly, theirs.anomaly),
        (ours.logits, theirs.logits),
        (ours.features["features"], theirs.features["features"]),
    ):
        assert mine is not None
        assert given is not None
        assert mine.shape == given.shape
        assert mine.dtype == given.dtype == np.float32
        assert np.corrcoef(mine.ravel(), given.ravel())[0, 1] > 0.99


def mask_iou(a: Candidate, b: Candidate) -> float:
    both = overlap(a, b)
    return both / (a.bits.sum() + b.bits.sum() - both)


@pytest.mark.data
def test_objects_on_roads_stand_out_and_get_masks(perception: Perception, data_dir: Path) -> None:
    root = data_dir / "ood" / "road_anomaly"
    samples = [
        s for s in plain(root / "images", root / "labels") if s.name in ("022", "026", "044", "050")
    ]
    pool = PixelPool()
    overlaps = []
    for sample in samples:
        frame = perception.perceive(read_rgb(sample.image))
        assert sample.label is not None
        label = read_label(sample.label)
        pool.add(at_label_size(frame.raw, label), label.anomaly, label.ignore)
        found = np.zeros(label.anomaly.shape, np.bool_)
        for item in frame.masks.items:
            found |= at_image_size(frame.masks, item)
        overlaps.append((found & label.anomaly).sum() / (found | label.anomaly).sum())
    assert pool.metrics().ap > 0.8
    assert np.mean(overlaps) > 0.6


@pytest.mark.data
def test_clean_runway_is_quiet(perception: Perception, data_dir: Path) -> None:
    paths = sorted((data_dir / "airside" / "runway_simulated").rglob("*.jpg"))[::8]
    assert paths
    false = [len(perception.perceive(read_rgb(path)).masks.items) for path in paths]
    assert sum(false) <= 1
