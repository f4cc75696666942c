"""Where the vehicle was at a given time, from odometry."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np

from s2m_ros.fusion.transforms import from_quaternion, from_rotation_vector, to_quaternion
from s2m_ros.types import EgoPose, Float64


class EgoMotion:
    """A buffer of odometry poses that answers for any time near them.

    keep_s: how long poses are kept; max_gap_s: poses farther apart are not interpolated;
    max_extrapolation_s: how far beyond the newest (or before the oldest) pose the motion is
    continued at constant velocity.
    """

    def __init__(
        self, keep_s: float = 10.0, max_gap_s: float = 0.5, max_extrapolation_s: float = 0.2
    ) -> None:
        self._keep_ns = int(keep_s * 1e9)
        self._gap_ns = int(max_gap_s * 1e9)
        self._beyond_ns = int(max_extrapolation_s * 1e9)
        self._stamps: list[int] = []
        self._poses: list[EgoPose] = []

    def __len__(self) -> int:
        return len(self._poses)

    def add(self, pose: EgoPose) -> bool:
        """Append a pose; True when its stamp lies before the buffer's end (a time jump).

        After a jump the buffer holds this pose alone. A repeated stamp is ignored.
        """
        jumped = bool(self._stamps) and pose.stamp_ns < self._stamps[-1]
        if jumped:
            self.clear()
        elif self._stamps and pose.stamp_ns == self._stamps[-1]:
            return False
        self._stamps.append(pose.stamp_ns)
        self._poses.append(pose)
        old = bisect_left(self._stamps, pose.stamp_ns - self._keep_ns)
        del self._stamps[:old], self._poses[:old]
        return jumped

    def clear(self) -> None:
        """Forget everything (a time jump elsewhere)."""
        self._stamps.clear()
        self._poses.clear()

    def at(self, stamp_ns: int) -> EgoPose | None:
        """The pose at a time, or None where odometry does not reach."""
        i = bisect_left(self._stamps, stamp_ns)
        if i < len(self._stamps) and self._stamps[i] == stamp_ns:
            return self._poses[i]
        if 0 < i < len(self._stamps) and self._stamps[i] - self._stamps[i - 1] <= self._gap_ns:
            return interpolate(self._poses[i - 1], self._poses[i], stamp_ns)
        near = [j for j in (i - 1, i) if 0 <= j < len(self._stamps)]
        if not near:
            return None
        nearest = min(near, key=lambda j: abs(self._stamps[j] - stamp_ns))
        if abs(self._stamps[nearest] - stamp_ns) > self._beyond_ns:
            return None
        return extrapolate(self._poses[nearest], stamp_ns)


def interpolate(before: EgoPose, after: EgoPose, stamp_ns: int) -> EgoPose:
    """The pose between two others: straight in position, on the great arc in rotation."""
    share = (stamp_ns - before.stamp_ns) / (after.stamp_ns - before.stamp_ns)
    a, b = before.odom_from_base, after.odom_from_base
    return EgoPose(
        stamp_ns,
        from_quaternion(
            (1 - share) * a[:3, 3] + share * b[:3, 3],
            _slerp(to_quaternion(a), to_quaternion(b), share),
        ),
        (1 - share) * before.velocity + share * after.velocity,
        (1 - share) * before.turn_rate + share * after.turn_rate,
    )


def extrapolate(pose: EgoPose, stamp_ns: int) -> EgoPose:
    """The pose continued at constant velocity and turn rate (midpoint rule for the path)."""
    dt = (stamp_ns - pose.stamp_ns) * 1e-9
    turn, half = (from_rotation_vector(pose.turn_rate * t) for t in (dt, dt / 2))
    matrix = pose.odom_from_base.copy()
    matrix[:3, 3] += matrix[:3, :3] @ half @ pose.velocity * dt
    matrix[:3, :3] = matrix[:3, :3] @ turn
    return EgoPose(stamp_ns, matrix, pose.velocity, pose.turn_rate)


def _slerp(a: Float64, b: Float64, share: float) -> Float64:
    cosine = float(a @ b)
    if cosine < 0:
        b, cosine = -b, -cosine
    if cosine > 0.9999:
        return np.asarray((1 - share) * a + share * b)
    angle = np.arccos(cosine)
    return np.asarray((np.sin((1 - share) * angle) * a + np.sin(share * angle) * b) / np.sin(angle))
