"""The vehicle's motion between the stamps of the sensors, and within a sweep."""

from __future__ import annotations

import numpy as np

from s2m_ros.fusion.transforms import from_rotation_vector
from s2m_ros.types import EgoPose, Float32, Float64, Sweep


def ego_step(ego: EgoPose, step_ns: int) -> Float64:
    """Float64 (4, 4): base_link ``step_ns`` later in base_link now, at constant velocity."""
    seconds = step_ns * 1e-9
    matrix = np.eye(4)
    matrix[:3, :3] = from_rotation_vector(ego.turn_rate * seconds)
    matrix[:3, 3] = ego.velocity * seconds
    return matrix


def undo_motion(points: Float32, sweep: Sweep, ego: EgoPose) -> Float32:
    """Each point (N, 3) of base_link at its own time where it is in base_link at the sweep's stamp.

    sweep gives the times, ego velocity and turn rate at its stamp, taken as constant; to second
    order in the time of a sweep: 2 mm at 30 m, half a radian a second and 100 ms.
    Raises ValueError for a sweep without times.
    """
    if sweep.offset_ns is None:
        raise ValueError("sweep: expected the time of each point")
    seconds = (sweep.offset_ns * 1e-9).astype(np.float32)
    wx, wy, wz = ego.turn_rate.tolist()
    turn = np.array([[0, -wz, wy], [wz, 0, -wx], [-wy, wx, 0]], np.float32)
    first = turn @ points.T + ego.velocity.astype(np.float32)[:, None]
    second = turn @ first
    return np.asarray((points.T + seconds * (first + (0.5 * seconds) * second)).T, np.float32)
