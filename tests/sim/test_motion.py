"""Ways: smooth, at the asked speed, and true to their own derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.sim.motion import Way
from s2m_ros.sim.terrain import LEVEL

POINTS = [(0.0, 0.0), (10.0, 1.0), (20.0, -2.0), (34.0, 3.0)]


@settings(max_examples=30, deadline=None)
@given(st.floats(0.3, 14.0), st.floats(0.0, 6.0), st.booleans())
def test_speed_and_turn_rate_are_derivatives(speed: float, at: float, rolling: bool) -> None:
    way, h = Way(POINTS, speed, 0.0, rolling), 1e-3
    t = at + 0.01
    before, here, after = (way.at(t + d) for d in (-h, 0, h))
    measured = np.hypot(after.x - before.x, after.y - before.y) / (2 * h)
    assert measured == pytest.approx(here.speed, abs=0.03 + 0.01 * speed)
    assert (after.yaw - before.yaw) / (2 * h) == pytest.approx(here.turn_rate, abs=0.05)
    assert 0 <= here.speed <= speed + 1e-9


def test_it_starts_late_and_stops_at_the_end() -> None:
    way = Way(POINTS, 3.0, start_s=2.0)
    assert way.at(1.0) == way.at(0.0)
    end = way.at(100.0)
    assert (end.x, end.y) == pytest.approx(POINTS[-1])
    assert end.speed == 0


def test_a_way_too_short_for_its_speed_still_ends_on_its_end() -> None:
    way = Way([(0.0, 0.0), (1.0, 0.0)], 10.0)
    assert max(way.at(t).speed for t in np.linspace(0, 5, 200)) < 2
    assert way.at(50.0).x == pytest.approx(1.0)


def test_the_pose_of_the_vehicle_points_along_the_way() -> None:
    way = Way(POINTS, 3.0, 0.0, True)
    pose, later = way.at(2.0), way.at(2.01)
    ahead = np.linalg.inv(LEVEL.stand(pose)) @ np.array([later.x, later.y, 0, 1])
    assert ahead[0] > 0.02
    assert abs(ahead[1]) < 1e-3


def test_what_rolls_came_from_somewhere() -> None:
    way = Way(POINTS, 3.0, 0.0, True)
    before, start = way.at(-0.05), way.at(0.0)
    assert np.hypot(start.x - before.x, start.y - before.y) == pytest.approx(0.15, abs=2e-3)
    assert before.speed == 3.0
