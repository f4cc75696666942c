"""Masks from ground-truth boxes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy_model
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.cli.main import main
from s2m_ros.config import load
from s2m_ros.evaluation import boxes
from s2m_ros.runtime.build import build_perception
from s2m_ros.types import InputError

OBJECTS = [(20, 20, 60, 50), (100, 60, 180, 160), (250, 100, 262, 110)]


def ellipses() -> list[np.ndarray]:
    return [boxes.ellipse(np.float32(box), (192, 320)) for box in OBJECTS]


def test_polygons_cover_what_they_should() -> None:
    square = boxes.polygons([[10, 10, 30, 10, 30, 20, 10, 20]], (40, 50))
    assert square.sum() == 200
    assert square[10:20, 10:30].all()
    two = boxes.polygons([[0, 0, 5, 0, 5, 5, 0, 5], [3, 3, 9, 3, 9, 9, 3, 9]], (40, 50))
    assert two.sum() == 25 + 36 - 4
    beyond = boxes.polygons([[40, 30, 70, 30, 70, 60, 40, 60]], (40, 50))
    assert beyond.sum() == 100


@given(st.integers(0, 2**31), st.integers(3, 12))
@settings(deadline=None, max_examples=40)
def test_polygons_are_those_of_pycocotools(seed: int, corners: int) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.uniform(0, 2 * np.pi, corners))
    radius = rng.uniform(8, 30, corners)
    points = np.stack([50 + radius * np.cos(angle), 40 + radius * np.sin(angle)], axis=1)
    ours = boxes.polygons([points.ravel().tolist()], (80, 100))
    theirs = coco.decode(coco.merge(coco.frPyObjects([points.ravel().tolist()], 80, 100))) > 0
    edge = np.zeros((80, 100), np.uint8)
    cv2.polylines(edge, [np.rint(points - 0.5).astype(np.int32)], True, 1, thickness=3)
    assert not (ours ^ theirs)[edge == 0].any()  # they may part on pixels that an edge crosses
    assert abs(int(ours.sum()) - int(theirs.sum())) <= 0.1 * theirs.sum() + 8


@given(st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_iou_is_that_of_pycocotools(seed: int) -> None:
    coco = pytest.importorskip("pycocotools.mask")
    rng = np.random.default_rng(seed)
    a, b = (rng.random((30, 41)) < share for share in rng.uniform(0.05, 0.95, 2))
    encoded = [coco.encode(np.asfortranarray(mask.astype(np.uint8))) for mask in (a, b)]
    expected = coco.iou([encoded[0]], [encoded[1]], [0])[0, 0]
    assert boxes.iou(a, b) == pytest.approx(float(expected))


def test_box_is_tight() -> None:
    mask = np.zeros((9, 9), np.bool_)
    mask[2:5, 3:8] = True
    assert boxes.box_of(mask).tolist() == [3, 2, 8, 5]
    assert boxes.iou(mask, mask) == 1
    assert boxes.iou(mask, ~mask) == 0


def test_jitter_is_bounded_and_repeatable() -> None:
    given = np.float32(OBJECTS)
    moved = boxes.jittered(given, 4, (320, 192))
    sides = np.tile(given[:, 2:] - given[:, :2], 2)
    assert (np.abs(moved - given) <= boxes.JITTER * sides + 1e-4).all()
    assert (moved != given).any()
    assert np.array_equal(moved, boxes.jittered(given, 4, (320, 192)))


def test_inscribed_ellipse_has_its_area() -> None:
    assert boxes.ellipse(np.float32([10, 10, 90, 50]), (60, 100)).sum() == pytest.approx(
        np.pi * 40 * 20, rel=0.01
    )


def test_a_decoder_of_ellipses_finds_ellipses(tmp_path: Path) -> None:
    folder = toy_model.write(tmp_path / "toy", width=320, height=192)
    perception = build_perception(load(None, {"perception.model.path": str(folder)}).perception)
    cv2.imwrite(str(tmp_path / "a.png"), toy_model.scene([]))
    image = boxes.LabelledImage(tmp_path / "a.png", ellipses())
    results = boxes.measure(perception.encoder, perception.segmenter, [image], batch=2)
    assert len(results) == 3
    for result in results:
        assert result.exact > 0.85
        assert result.ellipse == 1
        assert result.jittered < result.exact + 0.05
    rows = boxes.summary(results)
    assert [rows[size]["objects"] for size in ("all", "small", "medium", "large")] == [3, 2, 1, 0]
    assert rows["large"]["exact"] is None


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    for kind in ("images", "masks"):
        (tmp_path / "davis" / kind / "dog").mkdir(parents=True)
    for i, mask in enumerate(ellipses()):
        cv2.imwrite(str(tmp_path / f"davis/images/dog/{i}.jpg"), toy_model.scene([]))
        cv2.imwrite(str(tmp_path / f"davis/masks/dog/{i}.png"), mask.astype(np.uint8) * 255)
    return tmp_path / "davis"


def test_davis_layout(davis: Path) -> None:
    items = list(boxes.davis(davis))
    assert [item.path.name for item in items] == ["0.jpg", "1.jpg", "2.jpg"]
    assert boxes.box_of(items[0].objects[0]).tolist() == list(OBJECTS[0])
    assert len(list(boxes.davis(davis, ["dog/1"]))) == 1
    with pytest.raises(InputError, match=r"dog/9\.png: cannot be read"):
        list(boxes.davis(davis, ["dog/9"]))


def test_coco_layout(tmp_path: Path) -> None:
    tree = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 40, "width": 50}],
        "annotations": [
            {"image_id": 1, "iscrowd": 0, "segmentation": [[10, 10, 30, 10, 30, 20, 10, 20]]},
            {"image_id": 1, "iscrowd": 1, "segmentation": {"counts": []}},
        ],
    }
    (tmp_path / "instances.json").write_text(json.dumps(tree))
    (item,) = boxes.coco(tmp_path)
    assert len(item.objects) == 1
    assert item.path == tmp_path / "images" / "a.jpg"
    assert list(boxes.coco(tmp_path, ["b.jpg"])) == []
    with pytest.raises(InputError, match=r"instances\.json: cannot be read"):
        list(boxes.coco(tmp_path / "none"))


def test_command(davis: Path, tmp_path: Path) -> None:
    folder = toy_model.write(tmp_path / "toy", width=320, height=192)
    with pytest.raises(SystemExit) as end:
        main(
            [
                *("eval-masks", "--dataset", "davis", "--root", str(davis), "--part", "all"),
                *("--model", str(folder), "--out", str(tmp_path / "out")),
            ]
        )
    assert not end.value.code
    tree = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (tree["images"], tree["objects"], tree["part"]) == (3, 3, "all")
    assert "| all | 3 |" in (tmp_path / "out" / "report.md").read_text()
    assert tree["iou"]["all"]["exact"] > 0.85
