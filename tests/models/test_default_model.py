"""The default model as it is shipped: sealed files, the promised signature, figures that hold."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
import yaml

from s2m_ros.evaluation.layouts import plain, read_label
from s2m_ros.evaluation.pixel import PixelPool
from s2m_ros.perception.windows import crops, windows_of

ROLES = {"surface", "structure", "vegetation", "sky", "vehicle", "person", "sign", "aircraft"}
SCORERS = {"max_logit", "msp", "energy"}


@pytest.fixture(scope="module")
def folder(repository: Path) -> Path:
    return repository / "models" / "apron_lite0"


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "model.yaml").read_text())


@pytest.fixture(scope="module")
def encoder(folder: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(folder / "encoder.onnx", providers=["CPUExecutionProvider"])


class Decoder:
    """The two graphs one after the other: the sampler's outputs are the decoder's inputs."""

    def __init__(self, folder: Path) -> None:
        self.parts = [
            onnxruntime.InferenceSession(folder / name, providers=["CPUExecutionProvider"])
            for name in ("sampler.onnx", "decoder.onnx")
        ]

    def __call__(self, **given: Any) -> dict[str, np.ndarray]:
        for part in self.parts:
            feed = {item.name: given[item.name] for item in part.get_inputs()}
            names = [item.name for item in part.get_outputs()]
            given = dict(zip(names, part.run(names, feed), strict=True))
        return given


@pytest.fixture(scope="module")
def decoder(folder: Path) -> Decoder:
    return Decoder(folder)


def test_files_are_the_ones_of_the_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    for entry in manifest["files"].values():
        content = (folder / entry["path"]).read_bytes()
        assert len(content) == entry["bytes"]
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
    assert sum(entry["bytes"] for entry in manifest["files"].values()) < 30e6


def test_every_class_has_a_role(manifest: dict[str, Any]) -> None:
    assert len(manifest["classes"]) == 13
    assert {item["role"] for item in manifest["classes"]} == ROLES


def test_calibration_rises(manifest: dict[str, Any]) -> None:
    calibration = manifest["calibration"]
    assert set(calibration["quantiles"]) >= SCORERS
    for table in (calibration["id_quantiles"], *calibration["quantiles"].values()):
        probabilities, values = np.array(table["probabilities"]), np.array(table["values"])
        assert probabilities[0] == 0
        assert probabilities[-1] == 1
        assert (np.diff(probabilities) > 0).all()
        assert (np.diff(values) > 0).all()
        assert (probabilities >= 0.9999).sum() >= 5, "the tail is where thresholds lie"


@pytest.mark.parametrize(("height", "width"), [(64, 96), (160, 128)])
def test_encoder_takes_any_size(
    encoder: onnxruntime.InferenceSession, manifest: dict[str, Any], height: int, width: int
) -> None:
    image = np.zeros((1, height, width, 3), np.uint8)
    anomaly, logits, features = encoder.run(["anomaly", "logits", "features"], {"image": image})
    cells = (height // 4, width // 4)
    assert anomaly.shape == (1, 1, *cells)
    assert logits.shape == (1, len(manifest["classes"]), *cells)
    assert features.shape[0] == 1
    assert features.shape[2:] == cells
    assert anomaly.dtype == logits.dtype == features.dtype == np.float32


@pytest.mark.parametrize(("count", "points"), [(1, 1), (5, 3)])
def test_decoder_takes_any_number_of_prompts(
    encoder: onnxruntime.InferenceSession,
    decoder: Decoder,
    manifest: dict[str, Any],
    count: int,
    points: int,
) -> None:
    image = np.full((1, 128, 160, 3), 90, np.uint8)
    maps = dict(
        zip(manifest["encoder"]["outputs"], encoder.run(None, {"image": image}), strict=True)
    )
    part = manifest["decoder"]
    boxes = np.tile(np.array([[20, 30, 60, 50]], np.float32), (count, 1))
    given = {
        **maps,
        "patches": np.full((count, part["patch_px"], part["patch_px"], 3), 90, np.uint8),
        "windows": windows_of(boxes, part["margin"], part["min_box_px"]),
        "boxes": boxes,
        "points": np.full((count, points, 2), 40, np.float32),
        "point_labels": np.full((count, points), -1, np.float32),
    }
    answer = decoder(**given)
    masks, iou = answer["masks"], answer["iou"]
    assert masks.shape[:2] == (count, 1)
    assert masks.shape[2] == masks.shape[3]
    assert iou.shape == (count,)
    assert ((iou >= 0) & (iou <= 1)).all()


def test_points_and_boxes_are_answered_one_by_one(
    encoder: onnxruntime.InferenceSession,
    decoder: Decoder,
    manifest: dict[str, Any],
) -> None:
    """A prompt's mask does not depend on what else is asked, and does depend on its points."""
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 96, 128, 3), np.uint8)
    features, anomaly = encoder.run(["features", "anomaly"], {"image": image})
    part = manifest["decoder"]

    def masks(boxes: list[list[float]], label: float) -> np.ndarray:
        asked = np.array(boxes, np.float32)
        windows = windows_of(asked, part["margin"], part["min_box_px"])
        given = {
            "patches": crops(image[0], windows, part["patch_px"]),
            "features": features,
            "anomaly": anomaly,
            "windows": windows,
            "boxes": asked,
            "points": np.full((len(boxes), 1, 2), 40, np.float32),
            "point_labels": np.full((len(boxes), 1), label, np.float32),
        }
        return decoder(**given)["masks"]

    first, second = [20.0, 20.0, 60.0, 60.0], [50.0, 10.0, 90.0, 80.0]
    np.testing.assert_allclose(masks([first, second], -1)[:1], masks([first], -1), atol=1e-3)
    assert np.abs(masks([first], 1) - masks([first], -1)).max() > 0.01


def test_obstacles_on_the_road_stand_out(
    encoder: onnxruntime.InferenceSession, data_dir: Path
) -> None:
    root = data_dir / "ood" / "smiyc_obstacle21"
    if not root.is_dir():
        pytest.skip(f"no RoadObstacle21 frames in {root}")
    pool = PixelPool()
    for sample in plain(root / "images", root / "labels")[:4]:
        image = cv2.cvtColor(cv2.imread(str(sample.image)), cv2.COLOR_BGR2RGB)
        small = cv2.resize(image, (1280, 736), interpolation=cv2.INTER_AREA)
        score = encoder.run(["anomaly"], {"image": small[None]})[0][0, 0]
        label = read_label(sample.label, (1,), (255,))
        height, width = label.anomaly.shape
        pool.add(cv2.resize(score, (width, height)), label.anomaly, label.ignore)
    assert pool.metrics().ap > 0.8
