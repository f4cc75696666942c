"""Shadows that are left out must be none."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.sim.shadows import ShadowReach


@settings(max_examples=60, deadline=None)
@given(
    st.floats(4, 85), st.floats(-180, 180), st.floats(-30, 30), st.floats(-30, 30),
    st.floats(0.05, 20), st.integers(0, 2**31),
)  # fmt: skip
def test_every_shaded_point_is_marked(
    elevation: float, azimuth: float, x: float, y: float, size: float, seed: int
) -> None:
    e, a = np.deg2rad(elevation), np.deg2rad(azimuth)
    sun = np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], np.float32)
    unit = np.array(list(product((-0.5, 0.5), (-0.5, 0.5), (0.0, 1.0))))
    boxes = [np.add(unit * size, (x, y, 0)), np.add(unit * 2, (-8, 3, 0))]
    reach = ShadowReach.of_sun(boxes, sun, 0.006)
    rng = np.random.default_rng(seed)
    for low, high in ((box.min(axis=0), box.max(axis=0)) for box in boxes):
        inside = rng.uniform(low, high, (200, 3))
        feet = (inside[:, :2] - inside[:, 2:] / sun[2] * sun[:2]).astype(np.float32)
        assert reach.possible(feet[:, 0], feet[:, 1]).all()


def test_most_open_ground_needs_no_ray() -> None:
    unit = np.array(list(product((-0.5, 0.5), (-0.5, 0.5), (0.0, 1.0))))
    sun = np.array([0.6, 0, 0.8], np.float32)
    reach = ShadowReach.of_sun([unit, np.add(unit, (20, 20, 0))], sun, 0.006)
    x, y = np.random.default_rng(0).uniform(-30, 50, (2, 5000)).astype(np.float32)
    assert reach.possible(x, y).mean() < 0.05
    assert not ShadowReach.of_sun([], sun, 0.006).possible(x, y).any()


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-30, 30), st.floats(-30, 30), st.floats(3, 25), st.floats(0.05, 6),
    st.integers(0, 2**31),
)  # fmt: skip
def test_every_point_in_the_shadow_of_a_lamp_is_marked(
    x: float, y: float, height: float, size: float, seed: int
) -> None:
    lamp = np.array([x, y, height], np.float32)
    unit = np.array(list(product((-0.5, 0.5), (-0.5, 0.5), (0.0, 1.0))))
    box = np.add(unit * size, (4, -3, 0))
    reach = ShadowReach.of_lamp([box, np.add(unit, (60, 60, 0))], lamp)
    low, high = box.min(axis=0), np.minimum(box.max(axis=0), [99, 99, height * 0.95])
    inside = np.random.default_rng(seed).uniform(low, np.maximum(low, high), (200, 3))
    ray = inside - lamp
    feet = (lamp + ray * (lamp[2] / -ray[:, 2:]))[:, :2].astype(np.float32)
    near = np.linalg.norm(feet - inside[:, :2], axis=1) < 190
    assert reach.possible(feet[near, 0], feet[near, 1]).all()
