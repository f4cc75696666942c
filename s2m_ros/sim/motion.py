"""Where things are at a time: smooth ways followed at a speed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

RAMP_MPS2 = 1.2
"""Acceleration at the start of a way, and braking before its end."""


@dataclass(frozen=True, slots=True)
class Pose:
    """Place on the ground: metres, radians; travelled_m since the start; speed in m/s."""

    x: float
    y: float
    yaw: float
    travelled_m: float
    speed: float
    turn_rate: float


class Way:
    """A cubic spline through points, followed with a trapezoid of speed.

    What is rolling drives at its speed before the start, too.
    """

    def __init__(
        self,
        points: Sequence[tuple[float, float]],
        speed_mps: float,
        start_s: float = 0.0,
        rolling: bool = False,
    ) -> None:
        xy = np.asarray(points, np.float64)
        chord = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
        self._spline = CubicSpline(chord, xy, bc_type="natural")
        self._parameter = np.linspace(0, chord[-1], 400)
        at = self._spline(self._parameter)
        self._arc = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(at, axis=0), axis=1))])
        self._speed, self._start, self._rolling = speed_mps, start_s, rolling

    def _progress(self, t: float) -> tuple[float, float]:
        """Distance and speed at a time: up the ramp, along, and down the ramp."""
        length, v = float(self._arc[-1]), self._speed
        t = t - self._start
        if t <= 0:
            return (v * t, v) if self._rolling else (0.0, 0.0)
        up = 0.0 if self._rolling else v / RAMP_MPS2
        down = v / RAMP_MPS2
        cruise = (length - v * up / 2 - v * down / 2) / v
        if cruise < 0:  # Too short to reach the speed.
            v = float(np.sqrt(length * RAMP_MPS2))
            up, down, cruise = v / RAMP_MPS2, v / RAMP_MPS2, 0.0
        if t < up:
            return RAMP_MPS2 * t * t / 2, RAMP_MPS2 * t
        if t < up + cruise:
            return v * up / 2 + v * (t - up), v
        left = up + cruise + down - t
        if left <= 0:
            return length, 0.0
        return length - RAMP_MPS2 * left * left / 2, RAMP_MPS2 * left

    def at(self, t: float) -> Pose:
        """The pose at a time in seconds."""
        s, speed = self._progress(t)
        if s < 0:  # Before the start: straight on backwards, as fast along the curve.
            u = s / float(np.hypot(*self._spline(0.0, 1)))
        else:
            u = float(np.interp(s, self._arc, self._parameter))
        (x, y), (dx, dy), (ddx, ddy) = (self._spline(u, order) for order in range(3))
        norm = float(np.hypot(dx, dy))
        curvature = float(dx * ddy - dy * ddx) / norm**3
        return Pose(float(x), float(y), float(np.arctan2(dy, dx)), s, speed, curvature * speed)
