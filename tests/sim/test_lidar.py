"""What the LiDAR measures, against planes and boxes at known places."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.sim import lidar
from s2m_ros.sim.drive import SimFrame, Stage
from s2m_ros.sim.scenario import LidarSensor


def in_odom(stage: Stage, frame: SimFrame, number: int) -> np.ndarray:
    """Each point of a sweep from where the vehicle was when it was measured: (N, 3)."""
    assert frame.sweep.offset_ns is not None
    t = number / stage.scenario.camera.rate_hz + frame.sweep.offset_ns * 1e-9
    mount = lidar.base_from_lidar(stage.scenario.lidar)
    times, column = np.unique(t, return_inverse=True)
    poses = np.stack([stage.odometer.true(float(s)) @ mount for s in times])
    points = np.insert(frame.sweep.points.astype(np.float64), 3, 1.0, axis=1)
    return np.einsum("nij,nj->ni", poses[column.ravel()], points)[:, :3]


def test_motion_within_the_sweep_undone_leaves_level_ground(stage: Stage, frame: SimFrame) -> None:
    points = in_odom(stage, frame, 5)
    ground = np.abs(points[np.abs(points[:, 2]) < 0.02, 2])
    assert len(ground) > 5000
    assert np.quantile(ground, 0.99) < 1e-3  # the rest are the feet of objects
    assert points[:, 2].min() > -0.005


def test_offsets_span_one_turn_and_forward_is_now(frame: SimFrame) -> None:
    offset = frame.sweep.offset_ns
    assert offset is not None
    assert -50_000_001 < offset.min() < -45_000_000
    assert 45_000_000 < offset.max() < 50_000_001
    ahead = np.abs(np.arctan2(frame.sweep.points[:, 1], frame.sweep.points[:, 0])) < 0.01
    assert np.abs(offset[ahead]).max() < 300_000


def test_points_lie_in_the_boxes_of_the_truth(stage: Stage, frame: SimFrame) -> None:
    stage.scene.move(0.5)
    sweep, hit = lidar.scan(
        stage.scene, stage.scenario.lidar, lambda _: stage.odometer.true(0.5), 0.5, 0, "l", 1
    )
    pose = stage.odometer.true(0.5) @ lidar.base_from_lidar(stage.scenario.lidar)
    points = sweep.points @ pose[:3, :3].T + pose[:3, 3]
    for i, item in enumerate(frame.truth[0].items):
        own = points[hit == i] - item.position
        assert len(own) == pytest.approx(item.points, abs=8 + 0.1 * item.points)
        c, s = np.cos(item.yaw), np.sin(item.yaw)
        local = np.stack(
            [own[:, 0] * c + own[:, 1] * s, own[:, 1] * c - own[:, 0] * s, own[:, 2]], axis=1
        )
        assert (np.abs(local) <= item.size / 2 + 0.01).all(), item.name
    assert {item.name for item in frame.truth[0].items if item.points > 5} >= {"box", "barrier"}


def test_noise_dropout_and_reach(stage: Stage) -> None:
    pose = stage.odometer.true(0.0)

    def scan(**changes: float) -> tuple[int, np.ndarray]:
        values = {"beams": 32, "columns": 360, "range_sigma_m": 0.0, "dropout": 0.0, **changes}
        sensor = LidarSensor.model_validate(values)
        sweep, _ = lidar.scan(stage.scene, sensor, lambda _: pose, 0.0, 0, "lidar", 4)
        return len(sweep.points), np.linalg.norm(sweep.points, axis=1)

    clean, ranges = scan()
    assert scan()[0] == clean
    assert 0.4 < scan(dropout=0.5)[0] / clean < 0.6
    noisy = scan(range_sigma_m=0.05)[1]
    assert len(noisy) == clean
    assert np.std(noisy - ranges) == pytest.approx(0.05, rel=0.1)
    assert scan(max_range_m=10)[1].max() < 10.001
    assert ranges.max() > 20


def test_an_error_of_synchronisation_moves_the_stamp(stage: Stage) -> None:
    sensor = LidarSensor(beams=4, columns=36, offset_ms=12.5)
    pose = stage.odometer.true(0.0)
    sweep, _ = lidar.scan(stage.scene, sensor, lambda _: pose, 0.0, 1_000_000_000, "lidar", 4)
    assert sweep.stamp_ns == 1_012_500_000
