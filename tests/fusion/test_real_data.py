"""Fusion on real sweeps and pictures: labelled outlines as masks, and the ground of a street."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import nuscenes
import pytest

from s2m_ros.config import Fusion as Settings
from s2m_ros.config import Ground as GroundSettings
from s2m_ros.fusion.ground import Ground
from s2m_ros.fusion.motion import ego_step
from s2m_ros.fusion.pipeline import Fusion
from s2m_ros.fusion.transforms import apply, from_yaw, invert
from s2m_ros.types import Float64, Object3D, Objects3D, RangeSource

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def fused(frame: nuscenes.Frame) -> Objects3D:
    fusion = Fusion(Settings(), frame.rig)
    for name, model in frame.models.items():
        fusion.set_camera(name, model, name)
    return fusion.fuse(frame.masks, frame.sweep, frame.ego, frame.sweep_ego)


def test_each_camera_is_placed_at_its_own_stamp(frame: nuscenes.Frame) -> None:
    """The labels give each box's middle in each picture, and cameras fire up to 43 ms apart, in
    which the vehicle drives 40 cm: up to 30 px."""
    for masks in frame.masks:
        step = ego_step(frame.sweep_ego, masks.stamp_ns - frame.sweep.stamp_ns)
        camera_from_base = invert(step @ frame.rig.base_from(masks.camera))
        centres = apply(camera_from_base, np.array([b.centre for b in frame.boxes]))
        pixels, _ = frame.models[masks.camera].project(centres)
        labels = frame.info["cam_instances"][masks.camera]
        for label in labels:
            off = np.linalg.norm(pixels - 0.5 - label["center_2d"], axis=1)
            assert np.nanmin(off) < 3.0, (masks.camera, label["center_2d"])


def test_objects_stand_on_the_points_of_their_labels(
    frame: nuscenes.Frame, fused: Objects3D
) -> None:
    errors, held = [], []
    for item in labelled(fused):
        box = frame.boxes[item.mask_id]
        if item.range_source is not RangeSource.LIDAR or np.hypot(*box.centre[:2]) > 40:
            continue
        errors.append(np.hypot(*(item.position[:2] - box.centre[:2])))
        inside = inside_of(item, points_of(frame, box))
        held.append(inside.mean())
    assert len(errors) >= 20
    assert np.median(errors) < 0.6, "half a car of what is never seen belongs to it"
    assert np.mean(np.array(errors) < 1.0) > 0.8
    assert np.median(held) > 0.8, "share of the points of a label that its object holds"


def test_six_overlapping_views_give_one_object_each(fused: Objects3D) -> None:
    numbers = [i.mask_id for i in labelled(fused) if i.range_source is RangeSource.LIDAR]
    assert len(numbers) - len(set(numbers)) <= 1
    assert fused.drops["merged_views"] >= 3


def test_the_ground_of_a_drive_never_jumps(data_dir: Path) -> None:
    """40 sweeps at 10 Hz of a car in a town: no good sweep is refused, no height leaps."""
    folder = data_dir / "lidar" / "kitti_sequence" / "velodyne_front"
    files = sorted(folder.glob("*.npz"))
    if not files:
        pytest.skip(f"no {folder}")
    ground = Ground(GroundSettings())
    base_from_lidar = from_yaw(0.0, (0.0, 0.0, 1.73))
    places = np.array([[6.0, 0.0], [10.0, 0.5], [15.0, 0.0]])
    heights = []
    for file in files:
        points = np.load(file)["xyzi"][:, :3].astype(np.float32)
        heights.append(ground.update(apply(base_from_lidar, points)).height(places))
    assert ground.held <= 1
    assert np.abs(np.diff(heights, axis=0)).max() < 0.1
    assert np.abs(np.median(heights, axis=0)).max() < 0.3


def labelled(objects: Objects3D) -> Iterator[Object3D]:
    return (item for item in objects.items if item.mask_id >= 0)


def points_of(frame: nuscenes.Frame, box: nuscenes.Labelled) -> Float64:
    points = apply(frame.rig.base_from("lidar"), frame.sweep.points.astype(float))
    inside = apply(invert(from_yaw(box.yaw, box.centre)), points)
    return points[(np.abs(inside) < box.size / 2).all(axis=1)]


def inside_of(item: Object3D, points: Float64) -> Float64:
    inside = apply(invert(from_yaw(item.yaw, item.position)), points)
    return np.asarray((np.abs(inside[:, :2]) < item.size[:2] / 2 + 0.15).all(axis=1), float)
