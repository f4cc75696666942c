"""The shape of the ground: level, or two gentle bends that meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from s2m_ros.sim.mesh import rotation_matrix
from s2m_ros.sim.motion import Pose
from s2m_ros.sim.scenario import Relief
from s2m_ros.sim.tracer import ground_distance
from s2m_ros.types import Float32, Float64

REACH_M = 600.0
"""Sloping ground is met up to here; level ground has no end."""


@dataclass(frozen=True, slots=True)
class Terrain:
    """Height over the plane z = 0, zero at the origin: a hyperbola along x, another across y."""

    relief: Relief

    @property
    def level(self) -> bool:
        return self.relief.grade == 0 and self.relief.crown == 0

    def height(self, x: ArrayLike, y: ArrayLike) -> Float64:
        """Metres at points (N,)."""
        return np.asarray(self._raw(np.asarray(x), np.asarray(y)) - self._raw(0.0, 0.0))

    def _raw(self, x: Float64 | float, y: Float64 | float) -> Float64:
        r = self.relief
        along, across = x - r.grade_at_m, y - r.crown_at_m
        rise = r.grade * 0.5 * (along + np.sqrt(along * along + r.bend_m**2))
        return np.asarray(rise - r.crown * np.sqrt(across * across + r.bend_m**2))

    def slope(self, x: ArrayLike, y: ArrayLike) -> tuple[Float64, Float64]:
        """Rise per metre along x and along y at points (N,)."""
        r = self.relief
        along, across = np.asarray(x) - r.grade_at_m, np.asarray(y) - r.crown_at_m
        down_x = r.grade * 0.5 * (1 + along / np.sqrt(along * along + r.bend_m**2))
        down_y = -r.crown * across / np.sqrt(across * across + r.bend_m**2)
        return np.asarray(down_x), np.asarray(down_y)

    def tilt(self, pose: Pose) -> tuple[float, float]:
        """Pitch (nose down positive) and roll of what stands on the ground, rad."""
        if self.level:
            return 0.0, 0.0
        sx, sy = (float(v) for v in self.slope(pose.x, pose.y))
        c, s = np.cos(pose.yaw), np.sin(pose.yaw)
        forward, left = sx * c + sy * s, sy * c - sx * s
        return -float(np.arctan(forward)), float(np.arctan(left * np.cos(np.arctan(forward))))

    def stand(self, pose: Pose) -> Float64:
        """The pose as a matrix that leads to the world: float64 (4, 4)."""
        out = np.eye(4)
        out[:3, :3] = rotation_matrix(pose.yaw, *self.tilt(pose))
        out[:3, 3] = pose.x, pose.y, 0.0 if self.level else float(self.height(pose.x, pose.y))
        return out

    def normals(self, x: Float32, y: Float32) -> Float32:
        """Unit normals: float32 (N, 3)."""
        sx, sy = self.slope(x, y)
        out = np.stack([-sx, -sy, np.ones_like(sx)], axis=1)
        return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True), np.float32)

    def distance(self, origins: Float32, directions: Float32) -> Float32:
        """Distance along unit rays (N, 3) that start above the ground, or infinite: float32 (N,).

        Newton's method within a bracket, halved where a step would leave it.
        """
        if self.level:
            return ground_distance(origins, directions)
        o, d = origins.astype(np.float64).T, directions.astype(np.float64).T

        def over(t: Float64) -> Float64:
            return np.asarray(o[2] + t * d[2] - self.height(o[0] + t * d[0], o[1] + t * d[1]))

        high = np.full(len(origins), REACH_M)
        low = np.zeros(len(origins))
        meets = over(high) < 0
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.clip(np.nan_to_num(-o[2] / d[2], nan=REACH_M), 0.0, REACH_M)
            for _ in range(14):
                value = over(t)
                if np.abs(value[meets]).max(initial=0.0) < 1e-5:
                    break
                low, high = np.where(value > 0, t, low), np.where(value > 0, high, t)
                sx, sy = self.slope(o[0] + t * d[0], o[1] + t * d[1])
                step = t - value / (d[2] - sx * d[0] - sy * d[1])
                inside = (step >= low) & (step <= high)
                t = np.where(inside, step, (low + high) / 2)
        return np.where(meets, t, np.inf).astype(np.float32)


LEVEL = Terrain(Relief())
