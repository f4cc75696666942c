"""Labels from the truth of a simulated drive."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import toy_model

from s2m_ros.bags.writer import BagWriter
from s2m_ros.evaluation.drives import label_bags
from s2m_ros.evaluation.layouts import plain, read_categories, read_label
from s2m_ros.types import InputError, Role
from s2m_ros.wire import topics
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.image import encode_image
from s2m_ros.wire.truth import (
    TRUTH,
    TruthFrame,
    TruthObject,
    encode_instances,
    encode_truth,
    instances,
)

STAMPS = (1_000_000_000, 1_500_000_000, 2_000_000_000)
PARTS = {7: ("fod", Role.UNKNOWN), 8: ("cone", Role.UNKNOWN), 300: ("vehicle", Role.VEHICLE)}


def ids() -> np.ndarray:
    found = np.zeros((192, 320), np.uint16)
    for i, number in enumerate(PARTS):
        found[50:60, 40 * i + 10 : 40 * i + 30] = number
    return found


def write_drive(path: Path, *, with_instances: bool = True) -> Path:
    """Three images; of the last one there is no truth."""
    factory = RosbagsFactory()
    here = np.zeros(3)
    items = tuple(
        TruthObject(number, f"thing_{number}", role, here, np.ones(3), 0.0, category=category)
        for number, (category, role) in PARTS.items()
    )
    with BagWriter(path) as bag:
        for ns in STAMPS:
            image = encode_image(factory, ns, "optical", toy_model.scene([]), "rgb8")
            bag.write(topics.image("front"), image, ns)
            if ns == STAMPS[-1]:
                continue
            bag.write(TRUTH, encode_truth(factory, TruthFrame(ns, "odom", items)), ns)
            if with_instances:
                picture = encode_instances(factory, ns, "optical", ids())
                bag.write(instances("front"), picture, ns)
    return path


def test_each_category_has_its_value_and_what_is_known_has_none(tmp_path: Path) -> None:
    bags = [write_drive(tmp_path / name) for name in ("a", "b")]
    out = label_bags(bags, tmp_path / "out")
    samples = plain(out / "images", out / "labels")
    assert len(samples) == 4  # the images without truth are left out
    names = read_categories(out / "categories.yaml")
    assert sorted(names.values()) == ["cone", "small FOD"]
    by_name = {name: value for value, name in names.items()}
    for sample in samples:
        assert sample.label is not None
        label = read_label(sample.label, tuple(names))
        assert np.array_equal(label.values == by_name["small FOD"], ids() == 7)
        assert np.array_equal(label.anomaly, (ids() == 7) | (ids() == 8))
        assert np.array_equal(cv2.imread(str(sample.image))[..., ::-1], toy_model.scene([]))


def test_a_bag_without_truth_pixel_by_pixel(tmp_path: Path) -> None:
    bag = write_drive(tmp_path / "bag", with_instances=False)
    with pytest.raises(InputError, match="no image with its truth"):
        label_bags([bag], tmp_path / "out")
