"""The ground surface on made sweeps: slope, curvature, objects, walls, little data."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raycast import BASE_FROM_LIDAR, Box, Slope, sweep

from s2m_ros.config import Ground as Settings
from s2m_ros.fusion.ground import Ground
from s2m_ros.fusion.surface import GroundSurface, assumed_ground
from s2m_ros.fusion.transforms import apply, from_yaw
from s2m_ros.types import Float32


def points(ground: Slope, *boxes: Box, seed: int = 0, columns: int = 500) -> Float32:
    return apply(BASE_FROM_LIDAR, sweep(ground, boxes, seed, 48, columns).points)


def surface_of(cloud: Float32) -> GroundSurface:
    """What one sweep says."""
    return Ground(Settings()).update(cloud)


@given(
    a=st.floats(-0.08, 0.08),
    b=st.floats(-0.08, 0.08),
    c=st.floats(-0.2, 0.2),
    k=st.floats(-5e-4, 5e-4),
)
@settings(max_examples=15, deadline=None)
def test_follows_slope_and_curvature(a: float, b: float, c: float, k: float) -> None:
    ground = Slope(a, b, c, k)
    boxes = [Box(9, 2, (4.2, 1.8, 1.5)), Box(14, -3, (0.5, 0.3, 0.6))]
    surface = surface_of(points(ground, *boxes))
    x, y = np.meshgrid(np.linspace(4, 22, 19), np.linspace(-8, 8, 9))
    xy = np.column_stack([x.ravel(), y.ravel()])
    error = surface.height(xy) - ground.height(xy[:, 0], xy[:, 1])
    assert np.median(np.abs(error)) < 0.015
    assert np.quantile(np.abs(error), 0.95) < 0.06
    assert surface.measured


def test_roofs_and_walls_do_not_lift_the_ground() -> None:
    """A lorry hides whole cells, a wall ends the scene: the ground under both stays level."""
    boxes = [Box(10, 4, (8, 2.5, 3.0)), Box(26, 0, (1, 40, 5))]
    surface = surface_of(points(Slope(), *boxes))
    assert np.abs(surface.height(np.array([[10.0, 4], [8, 4], [12, 4], [25, 0]]))).max() < 0.1


def test_a_small_object_keeps_its_height_over_the_ground() -> None:
    chock = Box(8, 0, (0.35, 0.15, 0.15))
    cloud = points(Slope(a=0.03), chock, columns=1800)
    surface = surface_of(cloud)
    on_it = np.hypot(cloud[:, 0] - 8, cloud[:, 1]) < 0.25
    height = cloud[on_it, 2] - surface.height(cloud[on_it, :2])
    assert 0.12 < height.max() < 0.2


def test_without_points_the_former_surface_or_the_assumed_plane_holds() -> None:
    ground = Ground(Settings(height_m=-0.4))
    nothing = np.zeros((0, 3), np.float32)
    first = ground.update(nothing)
    assert not first.measured
    assert first.height(np.array([[7.0, 3.0]])) == pytest.approx([-0.4])
    there = np.array([[7.0, 3.0], [15.0, -4.0]])
    seen = ground.update(points(Slope(a=0.02, c=-0.4)))
    again = ground.update(nothing, np.eye(4), 0.1)
    np.testing.assert_allclose(again.height(there), seen.height(there), atol=0.02)
    assert (again.sigma(there) >= seen.sigma(there)).all()


def test_the_surface_is_less_certain_where_nothing_measured_it() -> None:
    surface = surface_of(points(Slope()))
    near, hidden = surface.sigma(np.array([[8.0, 0.0], [75.0, 0.0]]))
    assert near < 0.02 < hidden


def test_rays_meet_the_surface_below_the_horizon_only() -> None:
    surface = surface_of(points(Slope(a=0.05)))
    origin = np.array([0.0, 0.0, 1.5])
    rays = np.array([[0.95, 0.0, -0.15], [0.7, 0.3, -0.1], [1.0, 0.0, 0.2], [1.0, 0.0, 0.05]])
    hit, meets = surface.meet(origin, rays)
    assert meets.tolist() == [True, True, False, False]
    np.testing.assert_allclose(hit[:2, 2], surface.height(hit[:2, :2]), atol=1e-3)
    along = (hit[:2] - origin) / np.linalg.norm(hit[:2] - origin, axis=1, keepdims=True)
    np.testing.assert_allclose(along, rays[:2] / np.linalg.norm(rays[:2], axis=1)[:, None])


def test_the_assumed_plane_is_flat() -> None:
    surface = assumed_ground(Settings(height_m=0.3))
    assert surface.height(np.array([[0.0, 0], [50, -20]])) == pytest.approx([0.3, 0.3])


def test_a_crowned_road_and_the_kerb_beside_it() -> None:
    """2 % to both sides, and a pavement 12 cm up from y = 5 m on, by exact heights."""
    rng = np.random.default_rng(0)
    xy = np.column_stack([rng.uniform(2, 30, 40_000), rng.uniform(-9, 11, 40_000)])
    truth = np.where(xy[:, 1] > 5, 0.02, -0.02 * np.abs(xy[:, 1]))
    cloud = np.column_stack([xy, truth + rng.normal(0, 0.015, len(xy))]).astype(np.float32)
    surface = surface_of(cloud)
    error = np.abs(surface.height(xy) - truth)
    to_kerb = np.abs(xy[:, 1] - 5)
    assert np.quantile(error[(to_kerb > 2.5) & (np.abs(xy[:, 1]) > 1)], 0.95) < 0.03
    assert error.max() < 0.12, "even at the kerb the surface lies between its two levels"


def test_few_points_give_the_plane() -> None:
    """A wet apron: nine of ten returns are missing, and all beyond 12 m."""
    ground = Slope(a=0.02, b=-0.01, c=0.05)
    cloud = points(ground, columns=400)
    rng = np.random.default_rng(1)
    cloud = cloud[(rng.random(len(cloud)) < 0.1) & (np.hypot(cloud[:, 0], cloud[:, 1]) < 12)]
    surface = surface_of(cloud)
    places = np.array([[5.0, 0], [9, 3], [10, -4]])
    np.testing.assert_allclose(surface.height(places), ground.height(*places.T), atol=0.03)
    far = np.array([[25.0, 0.0]])
    assert surface.height(far) == pytest.approx(ground.height(*far.T), abs=0.15)
    assert surface.sigma(far)[0] > 3 * surface.sigma(places).max()


PLACES = np.array([[6.0, 0.0], [10.0, 3.0], [14.0, -4.0], [20.0, 1.0]])


def drive(ground: Ground, slope: Slope, sweeps: int) -> GroundSurface:
    """A standing vehicle that sees the same ground again and again."""
    for k in range(sweeps):
        surface = ground.update(points(slope, seed=k, columns=300), np.eye(4), 0.1)
    return surface


def spray(cloud: Float32) -> Float32:
    """Two of three returns come from drops in the air."""
    rng = np.random.default_rng(3)
    cloud = cloud.copy()
    hit = rng.random(len(cloud)) < 0.67
    cloud[hit] *= rng.uniform(0.2, 0.8, (int(hit.sum()), 1)).astype(np.float32)
    cloud[hit, 2] += rng.uniform(0.2, 1.5, int(hit.sum())).astype(np.float32)
    return cloud


BAD = {
    "a sensor that reads 40 cm high": lambda cloud: cloud + np.float32([0, 0, 0.4]),
    "a sensor that is tilted by 3 degrees": lambda cloud: (
        cloud + np.float32([0, 0, 0.052]) * cloud[:, :1]
    ),
    "reflections below the water": lambda cloud: (
        cloud * np.float32([1, 1, -1]) - np.float32([0, 0, 0.5])
    ),
    "spray": spray,
    "a narrow sector": lambda cloud: cloud[np.abs(np.arctan2(cloud[:, 1], cloud[:, 0])) < 0.15],
    "a roof over the sensor": lambda cloud: np.concatenate(
        [cloud[::20], cloud + np.float32([0, 0, 2.2])]
    ),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_one_bad_sweep_moves_nothing(bad: Callable[[Float32], Float32]) -> None:
    slope = Slope(a=0.02, b=0.01)
    ground = Ground(Settings())
    before = drive(ground, slope, 4).height(PLACES)
    after = ground.update(bad(points(slope, seed=9, columns=300)), np.eye(4), 0.1)
    np.testing.assert_allclose(after.height(PLACES), before, atol=0.03)
    again = drive(ground, slope, 1)
    np.testing.assert_allclose(again.height(PLACES), slope.height(*PLACES.T), atol=0.03)


def test_what_stays_different_is_believed() -> None:
    """A truck is unloaded: the body rises by 20 cm. Two sweeps are left out and counted."""
    ground = Ground(Settings())
    drive(ground, Slope(), 3)
    lower = Slope(c=-0.2)
    assert drive(ground, lower, 2).height(PLACES) == pytest.approx(0.0, abs=0.03)
    assert ground.held == 2
    assert drive(ground, lower, 1).height(PLACES) == pytest.approx(-0.2, abs=0.03)
    assert drive(ground, lower, 5).height(PLACES) == pytest.approx(-0.2, abs=0.02)
    assert ground.held == 2


def test_the_body_pitches_when_it_brakes_and_the_ground_follows_at_once() -> None:
    ground = Ground(Settings())
    drive(ground, Slope(), 3)
    for pitch in (0.01, 0.02, 0.015, -0.005):
        surface = drive(ground, Slope(a=pitch), 1)
        np.testing.assert_allclose(surface.height(PLACES), pitch * PLACES[:, 0], atol=0.02)
    assert ground.held == 0


def test_what_is_hidden_now_is_remembered_where_it_lay_and_forgotten_in_time() -> None:
    """The vehicle drives 3 m towards a hump, then no beam returns from the ground there."""

    def hump(x: np.ndarray) -> np.ndarray:
        return 0.15 * np.exp(-(((x - 14) / 3) ** 2))

    ground = Ground(Settings())
    rng = np.random.default_rng(5)
    for k in range(7):
        at = 0.5 * k
        xy = np.column_stack([rng.uniform(2, 30, 20_000), rng.uniform(-8, 8, 20_000)])
        z = hump(xy[:, 0] + at) + rng.normal(0, 0.01, len(xy))
        cloud = np.column_stack([xy, z]).astype(np.float32)
        if k == 6:
            cloud = cloud[np.abs(xy[:, 0] + at - 14) > 5]
        moved = from_yaw(0.0, (-0.5 if k else 0.0, 0.0, 0.0))
        surface = ground.update(cloud, moved, 0.1)
    top = np.array([[11.0, 0.0]])
    assert 0.07 < surface.height(top)[0] < 0.16
    for _ in range(12):
        surface = ground.update(cloud, np.eye(4), 1.0)
    assert surface.height(top) == pytest.approx([0.0], abs=0.03)


def test_the_surface_does_not_creep_while_the_same_ground_is_seen_again_and_again() -> None:
    ground = Ground(Settings())
    cloud = points(Slope(a=0.01), Box(12, 2, (4, 2, 1.5)), columns=300)
    first = ground.update(cloud).height(PLACES)
    for _ in range(60):
        last = ground.update(cloud, np.eye(4), 0.1)
    np.testing.assert_allclose(last.height(PLACES), first, atol=0.005)
