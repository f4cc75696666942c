from __future__ import annotations

import numpy as np
import pytest

from s2m_ros import config
from s2m_ros.hazards.path import ahead, arc, clearance, drive, first_contact, seen_from
from s2m_ros.types import EgoPose

SETTINGS = config.Hazards()


def ego(speed: float, turn: float) -> EgoPose:
    return EgoPose(0, np.eye(4), np.array([speed, 0.2, 0]), np.array([0, 0, turn]))


@pytest.mark.parametrize("turn", [0.0, 0.3, -1.2])
def test_drive_agrees_with_small_steps(turn: float) -> None:
    pose = np.zeros(3)
    steps = 20_000
    for _ in range(steps):
        c, s = np.cos(pose[2]), np.sin(pose[2])
        pose += np.array([c * 4 - s * 0.2, s * 4 + c * 0.2, turn]) * 3 / steps
    np.testing.assert_allclose(drive(ego(4, turn), np.array([3.0]))[0], pose, atol=2e-3)


def test_the_way_ahead_is_a_circle_and_straight_when_standing() -> None:
    poses = ahead(ego(2, 0.2), np.linspace(0, 20, 30))
    np.testing.assert_allclose(np.hypot(poses[:, 0], poses[:, 1] - 10), 10)
    np.testing.assert_allclose(ahead(ego(0, 0.2), np.array([5.0])), [[5, 0, 0]])
    np.testing.assert_allclose(ahead(None, np.array([5.0])), [[5, 0, 0]])
    assert ahead(ego(-2, 0), np.array([5.0]))[0, 0] == -5


def test_seen_from_is_the_inverse_pose() -> None:
    poses = arc(np.array([2.0]), np.array([1.0]), np.array([0.5]))
    outlines = np.array([[[3, 1], [4, 2.0]]])
    c, s = np.cos(poses[0, 2]), np.sin(poses[0, 2])
    expected = (outlines[0] + [0.5, 0] - poses[0, :2]) @ np.array([[c, -s], [s, c]])
    np.testing.assert_allclose(seen_from(poses[0], outlines + np.array([0.5, 0]))[0], expected)


def test_contact_is_interpolated() -> None:
    steps = np.array([0.0, 1, 2])
    clear = np.array([[2, -1, 5.0], [1, -2, 4], [-1, -3, 3]])
    np.testing.assert_allclose(first_contact(clear, steps), [1.5, 0, np.inf])


def test_clearance_has_the_margin_at_the_sides_alone() -> None:
    points = np.array([[[4.0, 0.0]], [[0.0, 3.0]], [[1.0, 1.2]]])
    here = np.zeros((1, 3))
    np.testing.assert_allclose(clearance(here, points, None, SETTINGS), [[1, 1.5, -0.3]])


def test_clearance_is_that_of_the_box_around_the_outline_in_the_body() -> None:
    rng = np.random.default_rng(0)
    outlines, moved = rng.normal(0, 5, (4, 6, 2)), rng.normal(0, 3, (5, 4, 2))
    poses = rng.normal(0, 2, (5, 3))
    clear = clearance(poses, outlines, moved, SETTINGS)
    for t, pose in enumerate(poses):
        seen = seen_from(pose, outlines + moved[t][:, None])
        low, high = seen.min(axis=1), seen.max(axis=1)
        along = np.maximum(low[:, 0] - 3, -1 - high[:, 0])
        across = np.maximum(low[:, 1] - 1.5, -1.5 - high[:, 1])
        np.testing.assert_allclose(clear[t], np.maximum(along, across))
