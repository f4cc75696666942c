"""Rain and spray: near returns, lost ones, and clouds where they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.sim import weather
from s2m_ros.sim.motion import Pose

UP = np.array([0.6, 0.6, 0.6], np.float32)


def rays(seed: int, count: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    d = rng.normal(0, 1, (count, 3))
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    return np.zeros((count, 3), np.float32), d.astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(-8, 8), st.floats(-8, 8), st.floats(-3, 3))
def test_a_chord_begins_and_ends_on_the_ellipsoid(seed: int, x: float, y: float, a: float) -> None:
    axes = np.array([2.0, 1.0, 0.7], np.float32)
    heading = np.array([np.cos(a), np.sin(a)], np.float32)
    cloud = weather.Cloud(np.array([x, y, 0.3], np.float32), heading, axes, 0.5)
    origins, directions = rays(seed)
    near, far = cloud.chord(origins, directions)
    hit = far > 0
    turn = np.array([[heading[0], heading[1], 0], [-heading[1], heading[0], 0], [0, 0, 1]])
    inside = ((turn @ -cloud.centre / axes) ** 2).sum() < 1
    ends = [far] if inside else [near, far]
    for t in ends:
        local = (directions[hit] * t[hit, None] - cloud.centre) @ turn.T / axes
        np.testing.assert_allclose((local**2).sum(axis=1), 1, atol=2e-3)
    assert (near <= far).all()


def test_rain_gives_near_returns_and_takes_far_light() -> None:
    origins, directions = rays(1, 60_000)
    distance = np.full(len(origins), 30, np.float32)
    rng = np.random.default_rng(2)
    echo = weather.echo(1.0, (), origins, directions, distance, rng)
    wet = np.isfinite(echo.range_m)
    assert wet.mean() == pytest.approx(weather.NEAR_SHARE, rel=0.1)
    assert (echo.range_m[wet] < 30).all()
    assert np.median(echo.range_m[wet]) < 6
    assert echo.strength[0] == pytest.approx(np.exp(-2 * weather.EXTINCTION * 30), rel=1e-4)
    dry = weather.echo(0.0, (), origins, directions, distance, rng)
    assert not np.isfinite(dry.range_m).any()
    assert (dry.strength == 1).all()


def test_spray_hangs_behind_what_drives() -> None:
    size = np.array([5.0, 2.0, 2.0])
    fast = Pose(10.0, 0.0, 0.0, 0.0, 7.0, 0.0)
    assert weather.spray_behind(Pose(10.0, 0.0, 0.0, 0.0, 0.5, 0.0), size, 1.0) is None
    assert weather.spray_behind(fast, size, 0.0) is None
    cloud = weather.spray_behind(fast, size, 1.0)
    assert cloud is not None
    assert cloud.centre[0] < 10 - 2.5
    colour = np.zeros((2, 3), np.float32)
    start = np.array([[0, 0, 0.5], [0, 0, 0.5]], np.float32)
    ahead = np.array([[1, 0, 0], [-1, 0, 0]], np.float32)
    weather.veil([cloud], colour, start, ahead, np.float32([20, 20]), UP)
    assert colour[0].min() > 0.1
    assert (colour[1] == 0).all()
