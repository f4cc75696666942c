"""The smoothed outline and box of an object.

An outline is kept as its support function, the distance from the centre to the tangent in each of a
fixed set of directions: the mean of support functions is again one, that of the Minkowski mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2m_ros.types import Float64, Object3D

_ANGLES = np.arange(24) * (2 * np.pi / 24)
_DIRECTIONS = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
_STEP = 2 * np.pi / len(_ANGLES)
SLOWEST = 0.25  # weight of a new detection once there are many


@dataclass(slots=True)
class Shape:
    """size: float64 (3,), along the axes of yaw; support: float64 (24,), m; seen: detections."""

    size: Float64
    yaw: float
    height: float
    support: Float64
    seen: int = 1

    @classmethod
    def of(cls, item: Object3D) -> Shape:
        return cls(item.size.astype(float), item.yaw, item.height, support(_outline(item)))

    def blend(self, item: Object3D) -> None:
        """Take in a detection; its box may call length what ours calls width."""
        self.seen += 1
        weight = max(1 / self.seen, SLOWEST)
        quarters = round((self.yaw - item.yaw) / (np.pi / 2))
        turn = item.yaw + quarters * np.pi / 2 - self.yaw
        size = item.size[[1, 0, 2]] if quarters % 2 else item.size
        self.yaw = float(np.arctan2(np.sin(self.yaw + weight * turn),
                                    np.cos(self.yaw + weight * turn)))  # fmt: skip
        self.size = self.size + weight * (size - self.size)
        self.height += weight * (item.height - self.height)
        self.support = self.support + weight * (support(_outline(item)) - self.support)

    def footprint(self, centre: Float64) -> Float64:
        """float64 (K, 2), convex, counter-clockwise, around a centre (2 or more,)."""
        here, after = self.support, np.roll(self.support, -1)
        # Corner of neighbouring tangents: h_i n_i + t_i (n_i turned left).
        along = (after - here * np.cos(_STEP)) / np.sin(_STEP)
        left = _DIRECTIONS[:, ::-1] * [-1, 1]
        corners = here[:, None] * _DIRECTIONS + along[:, None] * left
        new = np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1) > 1e-6
        return np.asarray(centre[:2] + (corners[new] if new.any() else corners[:1]))


def support(outline: Float64) -> Float64:
    """float64 (24,) of points (K, 2) around the origin."""
    return np.asarray((outline @ _DIRECTIONS.T).max(axis=0))


def _outline(item: Object3D) -> Float64:
    """Footprint around the object's centre; the box where there is none."""
    if len(item.footprint):
        return np.asarray(item.footprint - item.position[:2])
    along = np.array([np.cos(item.yaw), np.sin(item.yaw)]) * item.size[0] / 2
    across = np.array([-np.sin(item.yaw), np.cos(item.yaw)]) * item.size[1] / 2
    return np.array([along + across, across - along, -along - across, along - across])
