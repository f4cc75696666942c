"""What speaks against a calibration: a scene seen by a camera and a LiDAR, one of them turned."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.fusion.calibration_check import TiltCheck, TurnCheck
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import apply, from_rotation_vector, invert
from s2m_ros.types import Float32, Float64, Role, RoleMap

SIZE = (640, 384)
CAMERA = CameraModel.from_parameters("t", SIZE, "plumb_bob", [600, 0, 320, 0, 600, 150, 0, 0, 1])
BASE_FROM_CAMERA = np.array([[0, 0, 1, 1.5], [-1, 0, 0, 0], [0, -1, 0, 1.6], [0, 0, 0, 1.0]])
MS = 1_000_000


def scene(standing: bool = True, seed: int = 0) -> tuple[Float32, Float32]:
    """Points (N, 3) of ground and, if wanted, posts and walls, in base_link; and their heights."""
    rng = np.random.default_rng(seed)
    ground = np.column_stack([rng.uniform(5, 35, 4000), rng.uniform(-14, 14, 4000), np.zeros(4000)])
    walls = []
    for x, y, width, height in (
        (14, -4, 1.5, 2.2),
        (18, 3, 2.0, 2.5),
        (26, -1, 3, 3),
        (22, 8, 2, 4),
    ):
        n = 500
        wall = [np.full(n, x), rng.uniform(y, y + width, n), rng.uniform(0.3, height, n)]
        walls.append(np.column_stack(wall))
    points = np.vstack([ground, *walls]) if standing else ground
    return points.astype(np.float32), points[:, 2].astype(np.float32)


def roles(points: Float32, base_from_camera: Float64) -> RoleMap:
    """What a camera there would call surface: the ground, except where something stands."""
    width, height = SIZE[0] // 8, SIZE[1] // 8
    surface = np.full((height, width), Role.SURFACE, np.uint8)
    surface[: round(150 / 8)] = Role.SKY
    pixels, held = CAMERA.project(apply(invert(base_from_camera), points))
    up = held & (points[:, 2] > 0.25)
    cells = (pixels[up] / 8).astype(int)
    for dx in (-1, 0, 1):
        surface[cells[:, 1], np.clip(cells[:, 0] + dx, 0, width - 1)] = Role.STRUCTURE
    return RoleMap(surface, SIZE)


def turned(about: list[float]) -> Float64:
    matrix = BASE_FROM_CAMERA.copy()
    matrix[:3, :3] = matrix[:3, :3] @ from_rotation_vector(np.radians(about))
    return matrix


def verdicts(true: Float64, standing: bool = True, period_ms: int = 100) -> list[str]:
    check = TurnCheck()
    told = []
    for seed in range(8):
        points, height = scene(standing, seed)
        seen = roles(points, true)
        told.append(
            check.add(seed * period_ms * MS, points, height, seen, CAMERA, invert(BASE_FROM_CAMERA))
        )
    return told


def test_a_true_calibration_is_not_doubted() -> None:
    assert verdicts(BASE_FROM_CAMERA) == [""] * 8


@pytest.mark.parametrize("about", [[0, 3, 0], [0, -3, 0], [3, 0, 0], [-3, 0, 0]])
def test_a_camera_turned_by_three_degrees_is_noticed(about: list[float]) -> None:
    told = verdicts(turned(about))
    assert told[6] == ""  # eight images first
    assert "fits the LiDAR best when turned" in told[-1]


@pytest.mark.parametrize("period_ms", [50, 100, 250])
def test_a_camera_that_slips_is_told_within_two_seconds_at_any_rate(period_ms: int) -> None:
    check, at_ms = TurnCheck(), 0

    def told(true: Float64) -> str:
        nonlocal at_ms
        at_ms += period_ms
        points, height = scene(seed=at_ms % 7)
        seen = roles(points, true)
        return check.add(at_ms * MS, points, height, seen, CAMERA, invert(BASE_FROM_CAMERA))

    assert [told(BASE_FROM_CAMERA) for _ in range(4000 // period_ms)] == [""] * (4000 // period_ms)
    assert any(told(turned([0, 3, 0])) for _ in range(2000 // period_ms))


def test_an_empty_apron_says_nothing_of_the_camera() -> None:
    assert verdicts(turned([0, 3, 0]), standing=False) == [""] * 8


def test_ground_that_leans_means_a_tilted_lidar() -> None:
    check = TiltCheck()
    lean = np.tan(np.radians(3.0))
    told = [check.add(i * 100 * MS, np.array([0.0, lean, 0.0])) for i in range(8)]
    assert told[:2] == ["", ""]
    assert "leans 3.0 degrees" in told[-1]


@pytest.mark.parametrize("period_ms", [50, 100, 200, 400])
def test_a_lidar_that_slips_is_told_within_a_second_at_any_rate(period_ms: int) -> None:
    check, lean = TiltCheck(), np.tan(np.radians(3.0))
    for i in range(20):
        assert check.add(i * period_ms * MS, np.zeros(3)) == ""
    slipped = 20 * period_ms
    for at_ms in range(slipped, slipped + 1000, period_ms):
        if check.add(at_ms * MS, np.array([lean, 0.0, 0.0])):
            break
    else:
        pytest.fail("never told")


def test_sweeps_of_long_ago_do_not_count() -> None:
    check, lean = TiltCheck(), np.array([np.tan(np.radians(3.0)), 0.0, 0.0])
    assert [check.add(at_s * 1000 * MS, lean) for at_s in (0, 5, 10)] == [""] * 3


def test_a_bump_and_a_gentle_ramp_are_no_tilt() -> None:
    check = TiltCheck()
    for i in range(20):
        slope = 0.08 if i in (9, 10) else 0.02
        assert check.add(i * 100 * MS, np.array([slope, 0.0, 0.0])) == ""
