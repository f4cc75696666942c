"""What odometry states of the vehicle's way, and how the frame that it makes drifts."""

from __future__ import annotations

import numpy as np

from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.sim.motion import Way
from s2m_ros.sim.scenario import Odometry
from s2m_ros.sim.terrain import Terrain
from s2m_ros.types import EgoPose, Float64

STEP_S = 0.02


class Odometer:
    """Poses by dead reckoning with an error of scale and one of heading, exact without them.

    The odometry frame is where such reckoning says it is: ``odom_from_world`` leads there.
    """

    def __init__(
        self, way: Way, settings: Odometry, terrain: Terrain, duration_s: float, seed: int
    ) -> None:
        self._way, self._settings, self._terrain, self._seed = way, settings, terrain, seed
        self._exact = settings.scale_error == 0 and settings.yaw_drift_deg_per_m == 0
        self._times = np.arange(-1.0, duration_s + 2.0, STEP_S)
        poses = [way.at(float(t)) for t in self._times]
        travelled = np.array([p.travelled_m for p in poses])
        yaw = np.unwrap([p.yaw for p in poses])
        self._bend = np.deg2rad(settings.yaw_drift_deg_per_m) * travelled
        step = np.diff(travelled) * (1 + settings.scale_error)
        heading = (yaw + self._bend)[:-1] + np.diff(yaw + self._bend) / 2
        moved = np.stack([np.cos(heading), np.sin(heading)], axis=1) * step[:, None]
        xy = np.concatenate([[(0.0, 0.0)], np.cumsum(moved, axis=0)])
        start = np.array([np.interp(0.0, self._times, xy[:, i]) for i in (0, 1)])
        first = way.at(0.0)
        self._xy: Float64 = xy - start + (first.x, first.y)

    def true(self, t: float) -> Float64:
        """Where base_link is in the world: float64 (4, 4)."""
        return self._terrain.stand(self._way.at(t))

    def stated(self, t: float, stamp_ns: int) -> EgoPose:
        """What the odometry message of a time in seconds says."""
        pose, settings = self._way.at(t), self._settings
        matrix = self.odom_from_world(t) @ self.true(t)
        scale = 1 + settings.scale_error
        turn = pose.turn_rate + np.deg2rad(settings.yaw_drift_deg_per_m) * pose.speed
        noise = np.random.default_rng((self._seed, abs(stamp_ns) % 2**40)).normal()
        speed = pose.speed * scale + settings.speed_sigma_mps * noise
        return EgoPose(stamp_ns, matrix, np.array([speed, 0, 0.0]), np.array([0, 0, turn]))

    def odom_from_world(self, t: float) -> Float64:
        """Rotation about z and shift by which the odometry frame has drifted: float64 (4, 4)."""
        if self._exact:
            return np.eye(4)
        pose = self._way.at(t)
        turn = float(np.interp(t, self._times, self._bend))
        x, y = (float(np.interp(t, self._times, self._xy[:, i])) for i in (0, 1))
        out = from_yaw(turn, np.zeros(3))
        out[:2, 3] = np.array([x, y]) - out[:2, :2] @ (pose.x, pose.y)
        return out
