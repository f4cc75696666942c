"""Fusion on a small made scene: a plane, boxes on it, a wall behind; masks by projection."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from s2m_ros.config import Fusion as Settings
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.pipeline import Fusion
from s2m_ros.fusion.transforms import apply, from_yaw, invert
from s2m_ros.types import (
    EgoPose,
    Evidence,
    Float32,
    ObjectMask,
    ObjectMasks,
    Prompt,
    RangeSource,
    Role,
    RoleMap,
    State,
    Sweep,
)

SIZE = (960, 540)
MODEL = CameraModel.from_parameters(
    "test", SIZE, "plumb_bob", [700, 0, 479.5, 0, 700, 269.5, 0, 0, 1]
)
BASE_FROM_LIDAR = from_yaw(0.0, (1.0, 0.0, 1.9))
BASE_FROM_CAMERA = from_yaw(0.0, (1.5, 0.0, 1.5)) @ np.array(
    [[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]], float
)


def rig() -> Rig:
    return Rig({"lidar": BASE_FROM_LIDAR, "camera_optical_frame": BASE_FROM_CAMERA})


def box_points(x: float, y: float, size: float, height: float, step: float = 0.05) -> Float32:
    """Points on the two sides and the top of a box that a LiDAR at the origin can see."""
    across = np.arange(-size / 2, size / 2 + 1e-6, step)
    up = np.arange(0.02, height + 1e-6, step)
    front = np.array([(x - size / 2, y + a, z) for a in across for z in up])
    top = np.array([(x + a, y + b, height) for a in across for b in across])
    return np.concatenate([front, top]).astype(np.float32)


def plane_points(hidden: tuple[float, float, float] | None = None) -> Float32:
    azimuth, ranges = np.meshgrid(np.linspace(-0.7, 0.7, 600), np.geomspace(4, 45, 60))
    points = np.stack(
        [ranges * np.cos(azimuth), ranges * np.sin(azimuth), np.zeros_like(ranges)], -1
    ).reshape(-1, 3)
    if hidden:
        x, y, size = hidden
        points = points[~((np.abs(points[:, 1] - y) < size) & (points[:, 0] > x - size / 2))]
    return points.astype(np.float32)


def wall_points() -> Float32:
    y, z = np.meshgrid(np.linspace(-12, 12, 300), np.linspace(0.1, 4, 30))
    return np.stack([np.full_like(y, 30.0), y, z], -1).reshape(-1, 3).astype(np.float32)


def sweep_of(*parts: Float32, stamp_ns: int = 0) -> Sweep:
    points = apply(invert(BASE_FROM_LIDAR), np.concatenate(parts))
    noise = np.random.default_rng(0).normal(0, 0.01, points.shape)
    return Sweep(stamp_ns, "lidar", (points + noise).astype(np.float32))


def mask_of(x: float, y: float, size: float, height: float, number: int = 0) -> ObjectMask:
    """The silhouette of a box: the rectangle around its projected corners."""
    corners = np.array(
        [
            (x + a * size / 2, y + b * size / 2, z)
            for a in (-1, 1)
            for b in (-1, 1)
            for z in (0.0, height)
        ]
    )
    pixels, _ = MODEL.project(apply(invert(BASE_FROM_CAMERA), corners))
    x0, y0 = np.floor(pixels.min(axis=0)).astype(int)
    x1, y1 = np.ceil(pixels.max(axis=0)).astype(int)
    box = np.array([x0, y0, x1, y1], np.float32)
    empty = np.zeros((0, 2), np.float32)
    prompt = Prompt(box, empty, empty[:, 0], 1.0, 1.0)
    bits = np.ones((y1 - y0, x1 - x0), np.bool_)
    return ObjectMask(number, int(x0), int(y0), bits, box, 0.999, 1.0, 2.0, 0.8, 0.9, prompt)


def masks_of(*items: ObjectMask, role: Role = Role.SURFACE, stamp_ns: int = 0) -> ObjectMasks:
    roles = RoleMap(np.full((135, 240), role, np.uint8), SIZE)
    return ObjectMasks(stamp_ns, "front", "camera_optical_frame", SIZE, SIZE, items, roles, "test")


def fusion(**changes: object) -> Fusion:
    made = Fusion(Settings(**changes), rig())  # type: ignore[arg-type]
    made.set_camera("front", MODEL, "camera_optical_frame")
    return made


def test_a_box_is_placed_with_its_size() -> None:
    sweep = sweep_of(plane_points((12, 1, 0.8)), box_points(12, 1, 0.8, 0.6), wall_points())
    found = fusion().fuse([masks_of(mask_of(12, 1, 0.8, 0.6))], sweep, None, None)
    item = next(i for i in found.items if i.mask_id == 0)
    assert np.linalg.norm(item.position[:2] - (12, 1)) < 0.2
    assert item.range_source is RangeSource.LIDAR
    assert item.evidence == Evidence.CAMERA | Evidence.LIDAR
    assert item.height == pytest.approx(0.6, abs=0.08)
    assert 0.6 < item.size[:2].max() < 1.1
    assert found.frame_id == "base_link"


def test_points_of_the_wall_behind_do_not_pull_the_object() -> None:
    """The mask is half as large again as the box, so that most of its points are background."""
    slack = mask_of(12, 1, 1.4, 1.0)
    sweep = sweep_of(plane_points((12, 1, 0.6)), box_points(12, 1, 0.6, 0.5, 0.1), wall_points())
    item = fusion().fuse([masks_of(slack)], sweep, None, None).items[0]
    assert item.range_m == pytest.approx(11.8, abs=0.4)


@pytest.mark.parametrize("distance", [6.0, 12.0, 20.0])
def test_without_lidar_the_ground_gives_the_range_and_says_so(distance: float) -> None:
    mask = mask_of(distance, -1, 0.4, 0.4)
    item = fusion().fuse([masks_of(mask)], None, None, None).items[0]
    assert item.range_source is RangeSource.GROUND
    assert item.evidence == Evidence.CAMERA | Evidence.GROUND
    assert item.range_m == pytest.approx(np.hypot(distance, 1), rel=0.1)
    assert item.point_count == 0
    error = np.linalg.norm(item.position[:2] - (distance, -1))
    assert error < 3 * np.sqrt(item.covariance[:2, :2].trace())


def test_the_ground_range_gets_less_certain_with_distance() -> None:
    masks = masks_of(*(mask_of(d, 0, 0.4, 0.4, i) for i, d in enumerate((6.0, 12.0, 24.0))))
    spread = [
        np.trace(i.covariance[:2, :2]) for i in fusion().fuse([masks], None, None, None).items
    ]
    assert spread[0] < spread[1] < spread[2]


def test_a_mask_above_the_horizon_is_dropped_and_counted() -> None:
    mask = replace(mask_of(10, 0, 0.5, 0.5), y=20)
    found = fusion().fuse([masks_of(mask)], None, None, None)
    assert found.items == ()
    assert found.drops["above_horizon"] == 1


def test_paint_is_kept_and_called_flat() -> None:
    item = fusion().fuse([masks_of(mask_of(10, 0, 0.6, 0.0))], sweep_of(plane_points()), None, None)
    assert Evidence.FLAT in item.items[0].evidence
    assert item.items[0].range_m == pytest.approx(9.8, abs=0.5)


def test_a_standing_cluster_without_mask_is_found_by_the_lidar_alone() -> None:
    sweep = sweep_of(plane_points((12, 1, 0.8)), box_points(12, 1, 0.8, 0.6))
    found = fusion().fuse([masks_of()], sweep, None, None)
    assert [i.evidence for i in found.items] == [Evidence.LIDAR]
    assert np.linalg.norm(found.items[0].position[:2] - (12, 1)) < 0.35


def test_a_cluster_of_a_known_class_is_context_not_an_unknown() -> None:
    sweep = sweep_of(plane_points((12, 1, 0.8)), box_points(12, 1, 0.8, 0.6))
    found = fusion().fuse([masks_of(role=Role.VEHICLE)], sweep, None, None)
    assert [i.role for i in found.items] == [Role.VEHICLE]
    assert found.drops["cluster_explained"] >= 1


def test_with_odometry_the_motion_between_the_stamps_is_undone() -> None:
    """The vehicle drives 0.5 m between sweep and image; the object is where it was in odom."""
    sweep = sweep_of(plane_points((12, 1, 0.8)), box_points(12, 1, 0.8, 0.6), stamp_ns=0)
    still = np.zeros(3)
    before = EgoPose(0, from_yaw(0.3, (5, 5, 0)), still, still)
    after = EgoPose(50_000_000, before.odom_from_base @ from_yaw(0, (0.5, 0, 0)), still, still)
    masks = masks_of(mask_of(11.5, 1, 0.8, 0.6), stamp_ns=50_000_000)
    found = fusion().fuse([masks], sweep, after, before)
    expected = apply(before.odom_from_base, np.array([[12.0, 1.0, 0.3]]))[0]
    assert found.frame_id == "odom"
    assert np.linalg.norm(found.items[0].position[:2] - expected[:2]) < 0.2


def test_without_odometry_the_time_between_the_stamps_makes_positions_less_certain() -> None:
    points = plane_points((12, 1, 0.8)), box_points(12, 1, 0.8, 0.6)
    near, far = (
        fusion().fuse(
            [masks_of(mask_of(12, 1, 0.8, 0.6), stamp_ns=ns)], sweep_of(*points), None, None
        )
        for ns in (0, 50_000_000)
    )
    grown = far.items[0].covariance - near.items[0].covariance
    assert np.sqrt(grown[0, 0]) > 0.2
    assert grown[2, 2] == 0


def test_two_cameras_that_see_one_object_give_one() -> None:
    made = fusion()
    made.set_camera("second", MODEL, "camera_optical_frame")
    sweep = sweep_of(plane_points((12, 1, 0.8)), box_points(12, 1, 0.8, 0.6))
    first = masks_of(mask_of(12, 1, 0.8, 0.6))
    found = made.fuse([first, replace(first, camera="second")], sweep, None, None)
    assert len([i for i in found.items if i.mask_id >= 0]) == 1
    assert found.drops["merged_views"] == 1


def test_the_same_input_gives_the_same_output() -> None:
    sweep = sweep_of(plane_points((12, 1, 0.8)), box_points(12, 1, 0.8, 0.6), wall_points())
    masks = masks_of(mask_of(12, 1, 0.8, 0.6))
    one, two = (fusion().fuse([masks], sweep, None, None) for _ in range(2))
    for a, b in zip(one.items, two.items, strict=True):
        assert np.array_equal(a.position, b.position)
        assert np.array_equal(a.covariance, b.covariance)
    assert one.state is State.OK
