"""Masks from ground-truth boxes."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy_model

from s2m_ros.cli.main import main
from s2m_ros.config import load
from s2m_ros.evaluation import boxes
from s2m_ros.runtime.build import build_perception
from s2m_ros.types import InputError

OBJECTS = [(20, 20, 60, 50), (100, 60, 180, 160), (250, 100, 262, 110)]


def ellipses() -> list[np.ndarray]:
    return [boxes.ellipse(np.float32(box), (192, 320)) for box in OBJECTS]


def test_polygon_fill_is_the_even_area() -> None:
    square = boxes.polygons([[10, 10, 30, 10, 30, 20, 10, 20]], (40, 50))
    assert square.sum() == pytest.approx(200, abs=35)
    assert square[15, 20]
    assert not square[15, 40]
    two = boxes.polygons([[0, 0, 5, 0, 5, 5, 0, 5], [20, 20, 30, 20, 30, 30, 20, 30]], (40, 50))
    assert two[2, 2]
    assert two[25, 25]


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
    tree = json.loads((tmp_path / "out" / "masks.json").read_text())
    assert tree["images"] == 3
    assert tree["iou"]["all"]["exact"] > 0.85
