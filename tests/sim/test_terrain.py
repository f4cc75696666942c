"""The ground: rays meet it where its height says, and what stands on it leans as it does."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.sim.motion import Pose
from s2m_ros.sim.scenario import Relief
from s2m_ros.sim.terrain import LEVEL, Terrain

reliefs = st.builds(
    Relief,
    grade=st.floats(-0.05, 0.05), grade_at_m=st.floats(0, 30), crown=st.floats(-0.03, 0.03),
    crown_at_m=st.floats(-5, 5), bend_m=st.floats(1, 10),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(reliefs, st.integers(0, 2**31))
def test_rays_end_on_the_surface_and_only_there(relief: Relief, seed: int) -> None:
    terrain, rng = Terrain(relief), np.random.default_rng(seed)
    rays = rng.normal(0, 1, (300, 3)) * (1, 1, 0.2)
    rays = (rays / np.linalg.norm(rays, axis=1, keepdims=True)).astype(np.float32)
    start = np.tile(np.float32([0, 0, 1.6]), (300, 1))
    distance = terrain.distance(start, rays).astype(np.float64)
    met = np.isfinite(distance)
    assert met.sum() > 60
    along = np.linspace(0, 0.99, 25)[:, None]
    on = start[met] + rays[met] * distance[met, None]
    np.testing.assert_allclose(on[:, 2], terrain.height(on[:, 0], on[:, 1]), atol=5e-3)
    ends = np.where(met, distance, 500.0)
    for share in along:
        p = start + rays * (share * ends)[:, None]
        assert (p[:, 2] >= terrain.height(p[:, 0], p[:, 1]) - 1e-2).all()


@settings(max_examples=60, deadline=None)
@given(reliefs, st.floats(-40, 40), st.floats(-20, 20), st.floats(-3, 3))
def test_what_stands_leans_with_the_ground(relief: Relief, x: float, y: float, yaw: float) -> None:
    terrain = Terrain(relief)
    matrix = terrain.stand(Pose(x, y, yaw, 0, 0, 0))
    normal = terrain.normals(np.float32([x]), np.float32([y]))[0]
    np.testing.assert_allclose(matrix[:3, 2], normal, atol=2e-3)
    h = 1e-4
    rise = [
        (terrain.height(x + h, y) - terrain.height(x - h, y)) / (2 * h),
        (terrain.height(x, y + h) - terrain.height(x, y - h)) / (2 * h),
    ]
    np.testing.assert_allclose(rise, [float(v) for v in terrain.slope(x, y)], atol=1e-6)


def test_level_ground_is_the_plane() -> None:
    assert LEVEL.level
    assert LEVEL.stand(Pose(3, 4, 0.5, 0, 0, 0))[2].tolist() == [0, 0, 1, 0]
