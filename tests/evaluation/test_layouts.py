"""Frames are found in each official layout; what is incomplete is named."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from s2m_ros.evaluation.layouts import (
    ade_ood,
    clean,
    fishyscapes,
    plain,
    read_label,
    road_anomaly,
    smiyc,
)
from s2m_ros.types import InputError


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.zeros((4, 6), np.uint8))
    return root


def pairs(samples) -> list[tuple[str, str]]:
    return [(s.image.name, s.label.name) for s in samples]


def test_plain_folders(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.jpg", "images/b.webp", "labels/a.png", "labels/b.png", "labels/c.png")
    got = plain(tmp_path / "images", tmp_path / "labels")
    assert pairs(got) == [("a.jpg", "a.png"), ("b.webp", "b.png")]


def test_plain_with_the_same_name_in_several_folders(tmp_path: Path) -> None:
    touch(tmp_path, "images/x/1.jpg", "images/y/1.jpg", "labels/x/1.png", "labels/y/1.png")
    got = plain(tmp_path / "images", tmp_path / "labels")
    assert [s.label.parent.name for s in got if s.label] == ["x", "y"]


def test_plain_incomplete(tmp_path: Path) -> None:
    touch(tmp_path, "images/a.jpg", "labels/b.png")
    with pytest.raises(InputError, match=r"a\.jpg: no label of this name"):
        plain(tmp_path / "images", tmp_path / "labels")
    with pytest.raises(InputError, match="no image in this folder"):
        plain(tmp_path / "nowhere", tmp_path / "labels")


def test_road_anomaly(tmp_path: Path) -> None:
    touch(tmp_path, "frames/cow.jpg", "frames/cow.labels/labels_semantic.png")
    assert pairs(road_anomaly(tmp_path)) == [("cow.jpg", "labels_semantic.png")]
    touch(tmp_path, "frames/dog.jpg")
    with pytest.raises(InputError, match="label is missing"):
        road_anomaly(tmp_path)


def test_smiyc_leaves_test_frames_out(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "images/validation0000.webp",
        "images/test0001.webp",
        "labels_masks/validation0000_labels_semantic.png",
        "labels_masks/validation0000_labels_semantic_color.png",
    )
    expected = [("validation0000.webp", "validation0000_labels_semantic.png")]
    assert pairs(smiyc(tmp_path)) == expected


def test_fishyscapes_lost_and_found(tmp_path: Path) -> None:
    name = "04_Maurener_Weg_8_000000_000030"
    touch(tmp_path, f"leftImg8bit/test/04_Maurener_Weg_8/{name}_leftImg8bit.png")
    touch(tmp_path, f"fishyscapes_lostandfound/0000_{name}_labels.png")
    assert pairs(fishyscapes(tmp_path)) == [(f"{name}_leftImg8bit.png", f"0000_{name}_labels.png")]
    touch(tmp_path, "fishyscapes_lostandfound/0001_elsewhere_labels.png")
    with pytest.raises(InputError, match=r"elsewhere_labels\.png: no image"):
        fishyscapes(tmp_path)


def test_fishyscapes_static(tmp_path: Path) -> None:
    touch(tmp_path, "0002_frankfurt_labels.png", "0002_frankfurt_rgb.jpg")
    assert pairs(fishyscapes(tmp_path)) == [("0002_frankfurt_rgb.jpg", "0002_frankfurt_labels.png")]


def test_ade_ood_and_clean(tmp_path: Path) -> None:
    touch(tmp_path, "images/1.jpg", "annotations/1.png")
    assert pairs(ade_ood(tmp_path)) == [("1.jpg", "1.png")]
    (sample,) = clean(tmp_path / "images")
    assert sample.label is None


@pytest.mark.parametrize("layout", [road_anomaly, smiyc, fishyscapes])
def test_an_empty_folder_is_no_data_set(tmp_path: Path, layout) -> None:
    with pytest.raises(InputError, match="no labelled frame of this layout"):
        layout(tmp_path)


def test_label_values(tmp_path: Path) -> None:
    path = tmp_path / "l.png"
    cv2.imwrite(str(path), np.uint8([[0, 1, 2, 255, 7]]))
    label = read_label(path)
    assert label.anomaly.tolist() == [[False, True, True, False, False]]
    assert label.ignore.tolist() == [[False, False, False, True, False]]
    other = read_label(path, (7,), (0, 2))
    assert other.anomaly.tolist() == [[False, False, False, False, True]]
    assert other.ignore.tolist() == [[True, False, True, False, False]]


def test_colour_labels_use_the_red_channel(tmp_path: Path) -> None:
    path = tmp_path / "l.png"
    cv2.imwrite(str(path), np.uint8([[[0, 9, 1], [1, 9, 0]]]))  # BGR
    assert read_label(path).anomaly.tolist() == [[True, False]]


def test_a_label_that_is_no_image(tmp_path: Path) -> None:
    (tmp_path / "l.png").write_text("no")
    with pytest.raises(InputError, match="not a label image"):
        read_label(tmp_path / "l.png")
