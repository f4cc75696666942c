"""What odometry states: the truth, or a frame that drifts by as much as it was told to."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.sim.motion import Way
from s2m_ros.sim.odometry import Odometer
from s2m_ros.sim.scenario import Odometry
from s2m_ros.sim.terrain import LEVEL

WAY = Way([(0.0, 0.0), (10.0, 0.0), (20.0, 0.0), (40.0, 0.0)], 4.0, 0.0, True)


def test_without_errors_it_is_the_truth() -> None:
    odometer = Odometer(WAY, Odometry(), LEVEL, 8.0, 1)
    np.testing.assert_array_equal(odometer.odom_from_world(3.0), np.eye(4))
    np.testing.assert_allclose(odometer.stated(3.0, 5).odom_from_base, odometer.true(3.0))


def test_an_error_of_scale_stretches_the_way() -> None:
    odometer = Odometer(WAY, Odometry(scale_error=0.05), LEVEL, 8.0, 1)
    stated = odometer.stated(5.0, 5)
    assert stated.odom_from_base[0, 3] == pytest.approx(20 * 1.05, abs=0.02)
    assert stated.velocity[0] == pytest.approx(4.2)
    np.testing.assert_allclose(
        odometer.odom_from_world(5.0) @ odometer.true(5.0), stated.odom_from_base
    )


def test_the_heading_drifts_and_the_turn_rate_says_so() -> None:
    odometer = Odometer(WAY, Odometry(yaw_drift_deg_per_m=0.5), LEVEL, 8.0, 1)
    before, after = (odometer.stated(t, 5).odom_from_base for t in (4.9, 5.1))
    turned = np.arctan2(after[1, 0], after[0, 0]) - np.arctan2(before[1, 0], before[0, 0])
    assert np.rad2deg(np.arctan2(after[1, 0], after[0, 0])) == pytest.approx(0.5 * 20.4, abs=0.05)
    assert turned / 0.2 == pytest.approx(odometer.stated(5.0, 5).turn_rate[2], rel=0.02)
    # A circle of radius 1 / drift.
    radius = 1 / np.deg2rad(0.5)
    arc = 20.4 / radius
    np.testing.assert_allclose(
        after[:2, 3], (radius * np.sin(arc), radius * (1 - np.cos(arc))), atol=0.03
    )


def test_noise_of_the_speed_is_as_told() -> None:
    odometer = Odometer(WAY, Odometry(speed_sigma_mps=0.1), LEVEL, 8.0, 1)
    speeds = [odometer.stated(2.0, ns).velocity[0] for ns in range(300)]
    assert np.std(speeds) == pytest.approx(0.1, rel=0.2)
    assert np.mean(speeds) == pytest.approx(4.0, abs=0.03)
