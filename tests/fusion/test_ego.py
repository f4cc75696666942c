from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation, Slerp

from s2m_ros.fusion.ego import EgoMotion
from s2m_ros.types import EgoPose

SPEED, TURN = 4.0, 0.5


def on_circle(t: float) -> EgoPose:
    """A vehicle on a circle of radius SPEED / TURN."""
    yaw = TURN * t
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("z", yaw).as_matrix()
    matrix[:3, 3] = np.array([np.sin(yaw), 1 - np.cos(yaw), 0]) * SPEED / TURN
    return EgoPose(round(t * 1e9), matrix, np.array([SPEED, 0, 0]), np.array([0, 0, TURN]))


@pytest.fixture
def motion() -> EgoMotion:
    buffer = EgoMotion()
    for i in range(20):
        buffer.add(on_circle(i * 0.1))
    return buffer


@pytest.mark.parametrize("t", [0.0, 0.13, 0.55, 1.9, 1.98, 2.05, -0.05])
def test_answers_inside_and_near_the_buffer(motion: EgoMotion, t: float) -> None:
    pose = motion.at(round(t * 1e9))
    assert pose is not None
    assert pose.stamp_ns == round(t * 1e9)
    np.testing.assert_allclose(pose.odom_from_base, on_circle(t).odom_from_base, atol=5e-3)


def test_is_silent_where_odometry_does_not_reach(motion: EgoMotion) -> None:
    assert EgoMotion().at(0) is None
    assert motion.at(round(2.5e9)) is None
    motion.add(on_circle(4.0))
    assert motion.at(round(3.0e9)) is None, "a gap is not interpolated"


def test_a_step_back_in_time_empties_the_buffer(motion: EgoMotion) -> None:
    assert not motion.add(on_circle(2.0))
    assert motion.add(on_circle(0.5))
    assert len(motion) == 1
    assert motion.at(round(1.0e9)) is None


def test_rotation_follows_scipys_slerp() -> None:
    turns = Rotation.random(2, random_state=5)
    buffer = EgoMotion()
    for stamp, r in zip((0, 100), turns, strict=True):
        matrix = np.eye(4)
        matrix[:3, :3] = r.as_matrix()
        buffer.add(EgoPose(stamp, matrix, np.zeros(3), np.zeros(3)))
    pose = buffer.at(30)
    assert pose is not None
    expected = Slerp([0, 100], turns)(30).as_matrix()
    np.testing.assert_allclose(pose.odom_from_base[:3, :3], expected, atol=1e-9)
