"""The smoothed outline and box of an object.

An outline is kept as its support function, the distance from the centre to the tangent in each of a
fixed set of directions: the mean of support functions is again one, that of the Minkowski mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2m_ros.types import Float64, Object3D

DIRECTIONS = 24

_STEP = 2 * np.pi / DIRECTIONS
_ANGLES = np.arange(DIRECTIONS) * _STEP
_DIRECTIONS = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
_LEFT = _DIRECTIONS[:, ::-1] * [-1, 1]
_NEXT, _BEFORE = (np.roll(np.arange(DIRECTIONS), by) for by in (-1, 1))
SLOWEST = 0.25  # weight of a new detection once there are many


@dataclass(slots=True)
class Shape:
    """size: float64 (3,), along the axes of yaw; seen: how many detections are in it.

    support: float64 (24,), m, in directions counted from ``base``, the first yaw, rad, so that the
    sides of a box are among them.
    """

    size: Float64
    yaw: float
    height: float
    base: float
    support: Float64
    seen: int = 1

    @classmethod
    def of(cls, item: Object3D) -> Shape:
        yaw = item.yaw
        return cls(item.size.astype(float), yaw, item.height, yaw, support(_outline(item), yaw))

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
        self.support = self.support + weight * (support(_outline(item), self.base) - self.support)


def footprints(supports: Float64, bases: Float64, centres: Float64) -> list[Float64]:
    """Outlines float64 (K_i, 2), convex, counter-clockwise, around centres (N, 2).

    supports (N, 24) in directions counted from bases (N,).

    Corners are where neighbouring tangents meet: h_i n_i + t_i (n_i turned left).
    """
    after = supports[:, _NEXT]
    along = (after - supports * np.cos(_STEP)) / np.sin(_STEP)
    corners = supports[..., None] * _DIRECTIONS + along[..., None] * _LEFT
    new = (np.abs(corners - corners[:, _BEFORE]) > 1e-6).any(axis=2)
    new[:, 0] |= ~new.any(axis=1)
    c, s = np.cos(bases), np.sin(bases)
    corners = corners @ np.array([[c, s], [-s, c]]).transpose(2, 0, 1) + centres[:, None]
    return [one[kept] for one, kept in zip(corners, new, strict=True)]


def support(outline: Float64, base: float) -> Float64:
    """float64 (24,) of points (K, 2) around the origin, in directions counted from base, rad."""
    c, s = np.cos(base), np.sin(base)
    return np.asarray((outline @ np.array([[c, -s], [s, c]]) @ _DIRECTIONS.T).max(axis=0))


def _outline(item: Object3D) -> Float64:
    """Footprint around the object's centre; the box where there is none."""
    if len(item.footprint):
        return np.asarray(item.footprint - item.position[:2])
    along = np.array([np.cos(item.yaw), np.sin(item.yaw)]) * item.size[0] / 2
    across = np.array([-np.sin(item.yaw), np.cos(item.yaw)]) * item.size[1] / 2
    return np.array([along + across, across - along, -along - across, along - across])
