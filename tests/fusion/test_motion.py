"""Motion within a sweep: a vehicle that drives and turns while the beams go round."""

from __future__ import annotations

import numpy as np
import pytest
from raycast import BASE_FROM_LIDAR, MODEL, Box, Slope, cast, masks, rig
from scipy.spatial.transform import Rotation

from s2m_ros.config import Fusion as Settings
from s2m_ros.fusion.motion import ego_step, undo_motion
from s2m_ros.fusion.pipeline import Fusion
from s2m_ros.fusion.transforms import apply
from s2m_ros.types import EgoPose, Float64, Sweep

SPEED, TURN = 8.0, 0.7
EGO = EgoPose(0, np.eye(4), np.array([SPEED, 0.0, 0.0]), np.array([0.0, 0.0, TURN]))
GROUND, CRATE = Slope(), Box(12, 3, (0.8, 0.6, 0.7), 0.3)


def on_circle(t: float) -> Float64:
    """The vehicle at a time, in closed form: base_link at time 0 from base_link."""
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("z", TURN * t).as_matrix()
    matrix[:2, 3] = np.array([np.sin(TURN * t), 1 - np.cos(TURN * t)]) * SPEED / TURN
    return matrix


def turning_sweep(moves: bool = True, columns: int = 500) -> Sweep:
    """A turn of 100 ms of which 80 degrees are kept, each column from where the vehicle is then."""
    elevation = np.radians(np.linspace(-20, 5, 48))
    points, offsets = [], []
    for k in range(columns):
        azimuth = 0.7 - 1.4 * k / columns
        t = -azimuth / (2 * np.pi) * 0.1 + 0.03  # the sector is passed 30 ms after the stamp
        ray = np.column_stack(
            [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth),
             np.sin(elevation)]
        )  # fmt: skip
        pose = on_circle(t if moves else 0.0) @ BASE_FROM_LIDAR
        length, _ = cast(pose[:3, 3], ray @ pose[:3, :3].T, GROUND, [CRATE])
        hit = length < 60
        points.append(ray[hit] * length[hit, None])
        offsets.append(np.full(int(hit.sum()), round(t * 1e9), np.int64))
    return Sweep(
        0, "lidar", np.concatenate(points).astype(np.float32), None, np.concatenate(offsets)
    )


SWEEP, STILL = turning_sweep(), turning_sweep(moves=False)


def test_each_point_lands_where_it_was_hit() -> None:
    """On the ground or the crate, within the second order of the motion: some millimetres."""
    base = apply(BASE_FROM_LIDAR, SWEEP.points)
    undone = undo_motion(base, SWEEP, EGO)
    far = np.hypot(undone[:, 0] - CRATE.x, undone[:, 1] - CRATE.y) > 1.5
    np.testing.assert_allclose(undone[far, 2], 0.0, atol=2e-3)
    assert SWEEP.offset_ns is not None
    for i in range(0, len(base), 997):
        exact = apply(on_circle(SWEEP.offset_ns[i] * 1e-9), base[i : i + 1].astype(float))[0]
        np.testing.assert_allclose(undone[i], exact, atol=5e-3)


def lifted(sweep: Sweep, by_point: bool) -> Float64:
    fusion = Fusion(Settings(per_point_compensation=by_point), rig())
    fusion.set_camera("front", MODEL, "camera_optical_frame")
    found = fusion.fuse([masks(GROUND, [CRATE])], sweep, EGO, EGO)
    return next(i.position for i in found.items if i.mask_id == 0)


def test_the_object_stands_where_it_is_only_when_each_point_is_moved() -> None:
    still = lifted(STILL, by_point=False)
    assert np.linalg.norm(lifted(SWEEP, by_point=True) - still) < 0.05
    assert np.linalg.norm(lifted(SWEEP, by_point=False) - still) > 0.15


def test_without_times_nothing_can_be_undone() -> None:
    with pytest.raises(ValueError, match="time"):
        undo_motion(SWEEP.points, Sweep(0, "lidar", SWEEP.points), EGO)


def test_a_step_at_constant_velocity_follows_the_circle() -> None:
    np.testing.assert_allclose(ego_step(EGO, 40_000_000), on_circle(0.04), atol=6e-3)
