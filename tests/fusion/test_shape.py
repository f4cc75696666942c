"""Oriented boxes of points against minimal rectangles by OpenCV and, where it is there, Open3D."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.fusion.groups import Groups
from s2m_ros.fusion.shape import Boxes, boxes_of_points, headings
from s2m_ros.fusion.transforms import apply, from_yaw
from s2m_ros.types import Float64

LENGTHS = st.floats(0.5, 6.0)
YAWS = st.floats(-1.5, 1.5)


def outline(length: float, width: float, yaw: float, seed: int) -> Float64:
    """Points (N, 2) all along the sides of a rectangle, with the noise of a LiDAR."""
    rng = np.random.default_rng(seed)
    along = rng.uniform(-0.5, 0.5, (400, 2)) * (length, width)
    side = rng.integers(0, 4, 400)
    along[side < 2, 0] = np.where(side[side < 2] == 0, -0.5, 0.5) * length
    along[side >= 2, 1] = np.where(side[side >= 2] == 2, -0.5, 0.5) * width
    turned = apply(from_yaw(yaw, (9.0, 2.0, 0.0)), np.column_stack([along, np.zeros(400)]))
    return turned[:, :2] + rng.normal(0, 0.01, (400, 2))


def box_of(xy: Float64) -> Boxes:
    """As of a flat thing: nothing is added to what the points show."""
    groups = Groups.of(np.arange(len(xy)), np.zeros(len(xy), np.intp))
    one, none = np.ones(1), np.zeros(1)
    return boxes_of_points(groups, xy, none, one, none, none, none, none, one > 0)


@given(length=LENGTHS, share=st.floats(0.35, 0.8), yaw=YAWS, seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_agrees_with_the_smallest_rectangle(
    length: float, share: float, yaw: float, seed: int
) -> None:
    xy = outline(length, share * length, yaw, seed)
    (x, y), sides, _ = cv2.minAreaRect(xy.astype(np.float32))
    box = box_of(xy)
    np.testing.assert_allclose(box.position[0, :2], (x, y), atol=0.04 + 0.03 * length)
    np.testing.assert_allclose(box.size[0, :2], sorted(sides)[::-1], atol=0.05 + 0.06 * length)
    corners = np.abs(box.footprint[0] - box.footprint[0].mean(axis=0))
    assert corners.max() <= np.hypot(*box.size[0, :2]) / 2 + 1e-9
    edges = np.roll(box.footprint[0], -1, axis=0) - box.footprint[0]
    following = np.roll(edges, -1, axis=0)
    assert (edges[:, 0] * following[:, 1] - edges[:, 1] * following[:, 0] > 0).all()


@pytest.mark.parametrize("yaw", [-1.2, 0.3, 0.9])
def test_agrees_with_open3d(yaw: float) -> None:
    """Its minimal oriented box in space, of the outline at two heights."""
    open3d = pytest.importorskip(
        "open3d", reason="Open3D is not installed: pip install open3d; OpenCV's box is compared"
    )
    xy = outline(4.2, 1.8, yaw, 3)
    prism = np.concatenate([np.insert(xy, 2, z, axis=1) for z in (0.0, 1.0)])
    found = open3d.geometry.OrientedBoundingBox.create_from_points_minimal(
        open3d.utility.Vector3dVector(prism)
    )
    box = box_of(xy)
    np.testing.assert_allclose(box.position[0, :2], found.center[:2], atol=0.1)
    ours = np.sort([*box.size[0, :2], 1.0])
    np.testing.assert_allclose(ours, np.sort(found.extent), atol=0.25)


@given(yaw=YAWS, seed=st.integers(0, 99))
@settings(max_examples=30, deadline=None)
def test_two_sides_seen_at_a_corner_give_the_heading(yaw: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    t = np.sort(rng.uniform(0, 1, 80))
    shape = np.where(t[:, None] < 0.6, np.column_stack([t * 5, 0 * t]),
                     np.column_stack([0 * t + 3.0, (t - 0.6) * 4.5]))  # fmt: skip
    turned = apply(from_yaw(yaw), np.column_stack([shape, 0 * t]))[:, :2]
    groups = Groups.of(np.arange(80), np.zeros(80, np.intp))
    angle = headings(groups, turned + rng.normal(0, 0.01, (80, 2)))[0]
    off = (angle - yaw + np.pi / 4) % (np.pi / 2) - np.pi / 4
    assert abs(off) < np.radians(5)
