"""The ground surface on made sweeps: slope, curvature, objects, walls, little data."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raycast import BASE_FROM_LIDAR, Box, Slope, sweep

from s2m_ros.config import Ground
from s2m_ros.fusion.ground import assumed_ground, estimate_ground
from s2m_ros.fusion.transforms import apply
from s2m_ros.types import Float32


def points(ground: Slope, *boxes: Box, seed: int = 0, columns: int = 500) -> Float32:
    return apply(BASE_FROM_LIDAR, sweep(ground, boxes, seed, 48, columns).points)


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
    surface = estimate_ground(points(ground, *boxes), Ground())
    x, y = np.meshgrid(np.linspace(4, 22, 19), np.linspace(-8, 8, 9))
    xy = np.column_stack([x.ravel(), y.ravel()])
    error = surface.height(xy) - ground.height(xy[:, 0], xy[:, 1])
    assert np.median(np.abs(error)) < 0.015
    assert np.quantile(np.abs(error), 0.95) < 0.06
    assert surface.measured


def test_roofs_and_walls_do_not_lift_the_ground() -> None:
    """A lorry hides whole cells, a wall ends the scene: the ground under both stays level."""
    boxes = [Box(10, 4, (8, 2.5, 3.0)), Box(26, 0, (1, 40, 5))]
    surface = estimate_ground(points(Slope(), *boxes), Ground())
    assert np.abs(surface.height(np.array([[10.0, 4], [8, 4], [12, 4], [25, 0]]))).max() < 0.1


def test_a_small_object_keeps_its_height_over_the_ground() -> None:
    chock = Box(8, 0, (0.35, 0.15, 0.15))
    cloud = points(Slope(a=0.03), chock, columns=1800)
    surface = estimate_ground(cloud, Ground())
    on_it = np.hypot(cloud[:, 0] - 8, cloud[:, 1]) < 0.25
    height = cloud[on_it, 2] - surface.height(cloud[on_it, :2])
    assert 0.12 < height.max() < 0.2


def test_without_points_the_former_surface_or_the_assumed_plane_holds() -> None:
    settings_ = Ground(height_m=-0.4)
    nothing = np.zeros((0, 3), np.float32)
    first = estimate_ground(nothing, settings_)
    assert not first.measured
    assert first.height(np.array([[7.0, 3.0]])) == pytest.approx([-0.4])
    seen = estimate_ground(points(Slope(c=-0.4)), settings_)
    assert estimate_ground(nothing, settings_, seen) is seen


def test_the_surface_is_less_certain_where_nothing_measured_it() -> None:
    surface = estimate_ground(points(Slope()), Ground())
    near, hidden = surface.sigma(np.array([[8.0, 0.0], [75.0, 0.0]]))
    assert near < 0.02 < hidden


def test_rays_meet_the_surface_below_the_horizon_only() -> None:
    surface = estimate_ground(points(Slope(a=0.05)), Ground())
    origin = np.array([0.0, 0.0, 1.5])
    rays = np.array([[0.95, 0.0, -0.15], [0.7, 0.3, -0.1], [1.0, 0.0, 0.2], [1.0, 0.0, 0.05]])
    hit, meets = surface.meet(origin, rays)
    assert meets.tolist() == [True, True, False, False]
    np.testing.assert_allclose(hit[:2, 2], surface.height(hit[:2, :2]), atol=1e-3)
    along = (hit[:2] - origin) / np.linalg.norm(hit[:2] - origin, axis=1, keepdims=True)
    np.testing.assert_allclose(along, rays[:2] / np.linalg.norm(rays[:2], axis=1)[:, None])


def test_the_assumed_plane_is_flat() -> None:
    surface = assumed_ground(Ground(height_m=0.3))
    assert surface.height(np.array([[0.0, 0], [50, -20]])) == pytest.approx([0.3, 0.3])
