"""Sides of things that a LiDAR sees, and the upright edges of a camera that is turned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import nuscenes
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scene import BASE_FROM_CAMERA, CAMERA, POSTS, SENSOR, drawn, sweep

from s2m_ros.bags import kitti
from s2m_ros.fusion.calibration_check.silhouettes import silhouettes
from s2m_ros.fusion.calibration_check.turn import Turn, TurnCheck
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.motion import ego_step
from s2m_ros.fusion.transforms import apply, invert
from s2m_ros.perception.edges import upright_edges
from s2m_ros.types import Float32, UInt8

MS = 1_000_000
CAMERA_FROM_BASE = invert(BASE_FROM_CAMERA)


@pytest.mark.parametrize("apart_deg", [(0.2, 0.42), (0.1, 0.2), (0.33, 1.33), (0.4, 2.0)])
def test_a_side_is_where_the_next_beam_passes(apart_deg: tuple[float, float]) -> None:
    points, height, sensor = sweep(0.0, apart_deg)
    sides = points[silhouettes(points, height, sensor)]
    assert len(sides) >= 30
    on_a_side = []
    for x, y, _ in sides:
        off = min(abs(abs(y - post_y) - 0.25) for post_x, post_y in POSTS if abs(post_x - x) < 0.1)
        on_a_side.append(off < np.radians(apart_deg[0]) * np.hypot(x, y) + 0.01)  # one beam
    assert np.mean(on_a_side) > 0.95  # a flat top ends in the middle of a row of cells


@given(st.floats(-np.pi, np.pi))
def test_sides_do_not_depend_on_where_the_sensor_counts_from(yaw: float) -> None:
    points, height, sensor = sweep()
    there = len(silhouettes(points, height, sensor))
    assert abs(len(silhouettes(*sweep(yaw))) - there) < 0.2 * there


def test_raindrops_have_no_sides() -> None:
    rng = np.random.default_rng(0)
    far, azimuth = rng.uniform(3, 15, 300), rng.uniform(-0.6, 0.6, 300)
    drops = np.column_stack(
        [far * np.cos(azimuth), far * np.sin(azimuth), rng.uniform(0.4, 3, 300)]
    )
    found = silhouettes(drops.astype(np.float32), drops[:, 2].astype(np.float32), SENSOR)
    assert len(found) < 0.1 * len(drops)


def test_without_points_there_are_no_sides() -> None:
    nothing = np.zeros((0, 3), np.float32)
    assert len(silhouettes(nothing, nothing[:, 0], SENSOR)) == 0
    ground = np.array([[5.0, 0.0, 0.0]], np.float32)
    assert len(silhouettes(ground, ground[:, 2], SENSOR)) == 0


def verdicts(pitch_deg: float, yaw_deg: float, images: int = 5) -> list[Turn | None]:
    points, height, sensor = sweep()
    sides, check = points[silhouettes(points, height, sensor)], TurnCheck()
    edges = drawn(pitch_deg, yaw_deg)
    return [check.add(i * 100 * MS, sides, edges, CAMERA, CAMERA_FROM_BASE) for i in range(images)]


@pytest.mark.parametrize("turn", [(0.0, 0.0), (0.0, 0.8), (0.8, 0.0)])
def test_a_true_calibration_is_not_doubted(turn: tuple[float, float]) -> None:
    assert verdicts(*turn) == [None] * 5


@pytest.mark.parametrize("turn", [(0, 3), (0, -3), (0, 2), (0, 5), (3, 0), (-3, 0), (2, 2)])
def test_a_turned_camera_is_told_with_its_angles(turn: tuple[float, float]) -> None:
    told = verdicts(*turn)
    assert told[0] is None  # one image is none
    assert told[-1] == pytest.approx(turn, abs=0.8)


def test_a_camera_that_slips_is_told_within_a_second_at_any_rate() -> None:
    points, height, sensor = sweep()
    sides, true, slipped = points[silhouettes(points, height, sensor)], drawn(0, 0), drawn(0, 3)
    for period_ms in (50, 100, 200, 400):
        check = TurnCheck()
        for i in range(20):
            assert check.add(i * period_ms * MS, sides, true, CAMERA, CAMERA_FROM_BASE) is None
        at_ms = range(20 * period_ms, 20 * period_ms + 1000, period_ms)
        assert any(check.add(t * MS, sides, slipped, CAMERA, CAMERA_FROM_BASE) for t in at_ms)


def test_too_few_sides_say_nothing() -> None:
    points, height, sensor = sweep()
    sides, check = points[silhouettes(points, height, sensor)], TurnCheck()
    one = sides[np.abs(sides[:, 0] - POSTS[0][0]) < 0.5]
    assert len(one) > 4
    edges = drawn(0, 3)
    for few in (one, sides[:0]):
        told = [check.add(i * 100 * MS, few, edges, CAMERA, CAMERA_FROM_BASE) for i in range(9)]
        assert told == [None] * 9


@pytest.fixture(scope="module")
def street(data_dir: Path) -> Callable[[float, float], list[Turn | None]]:
    """What is told of the real drive if its camera were turned by so many degrees."""
    folder = data_dir / "lidar" / "kitti_sequence"
    if not (folder / "calib.txt").is_file():
        pytest.skip(f"no {folder}")
    calibration = kitti.read_calibration(folder / "calib.txt")
    matrix, from_velo = calibration.matrix, calibration.camera_from_lidar
    drive: list[tuple[UInt8, Float32]] = []
    for path in sorted((folder / "image_02").glob("*.jpg")):
        sweep_path = folder / "velodyne_front" / f"{path.stem}.npz"
        drive.append((cv2.imread(str(path))[..., ::-1], kitti.read_sweep(sweep_path, 0).points))
    size = drive[0][0].shape[1::-1]
    model = CameraModel.from_parameters("kitti", size, "plumb_bob", matrix.ravel())

    def told(pitch_deg: float, yaw_deg: float) -> list[Turn | None]:
        turn = cv2.Rodrigues(np.radians([pitch_deg, yaw_deg, 0.0]))[0]
        warp = matrix @ turn @ np.linalg.inv(matrix)
        check, found = TurnCheck(), []
        for i, (image, points) in enumerate(drive):
            seen = cv2.warpPerspective(image, warp, size, borderMode=cv2.BORDER_REPLICATE)
            sides = points[silhouettes(points, points[:, 2] + np.float32(1.73), np.zeros(3))]
            edges = upright_edges(np.asarray(seen, np.uint8))
            found.append(check.add(i * 100 * MS, sides, edges, model, from_velo))
        return found

    return told


@pytest.mark.data
@pytest.mark.parametrize(
    "turn", [(0.0, 0.0), (0.0, 0.7), (0.0, 3.0), (0.0, -3.0), (-3.0, 0.0), (2.0, 2.0)]
)
def test_a_real_street(
    street: Callable[[float, float], list[Turn | None]], turn: tuple[float, float]
) -> None:
    told = street(*turn)
    assert len(told) == 40
    if max(map(abs, turn)) < 1:
        assert told == [None] * 40
    else:
        assert told[5:].count(None) <= 3
        assert np.median([t for t in told if t], axis=0) == pytest.approx(turn, abs=0.8)


@pytest.mark.data
def test_six_real_cameras(frame: nuscenes.Frame, data_dir: Path) -> None:
    base_from_lidar = frame.rig.base_from(frame.sweep.frame_id)
    points = apply(base_from_lidar, frame.sweep.points).astype(np.float32)
    sides = points[silhouettes(points, points[:, 2], base_from_lidar[:3, 3])]
    told = {}
    for masks in frame.masks:
        (path,) = (data_dir / "lidar" / "nuscenes_frame").glob(f"*__{masks.camera}__*")
        edges = upright_edges(np.ascontiguousarray(cv2.imread(str(path))[..., ::-1]))
        # The points of the sweep are all at its stamp already.
        step = ego_step(frame.sweep_ego, masks.stamp_ns - frame.sweep.stamp_ns)
        camera_from_base = invert(step @ frame.rig.base_from(masks.camera))
        for yaw_deg in (0.0, -3.0, 3.0):
            wrong, check = np.eye(4), TurnCheck()
            wrong[:3, :3] = cv2.Rodrigues(np.radians([0.0, yaw_deg, 0.0]))[0]
            model = frame.models[masks.camera]
            for i in range(3):
                found = check.add(i * 100 * MS, sides, edges, model, wrong @ camera_from_base)
            if found is not None:
                told[masks.camera, yaw_deg] = found
    assert not [camera for camera, yaw_deg in told if yaw_deg == 0]
    assert len(told) >= 9  # of 12: some cameras see little but trees
    off_deg = [abs(turn.yaw_deg + yaw_deg) for (_, yaw_deg), turn in told.items()]
    assert np.median(off_deg) < 1.0  # a facade fits in several places
