"""The smoothed outlines and boxes of objects.

An outline is kept as its support function, the distance from the centre to the tangent in each of a
fixed set of directions: the mean of support functions is again one, that of the Minkowski mean.
"""

from __future__ import annotations

import numpy as np

from s2m_ros.tracking.detections import Detections
from s2m_ros.tracking.filter import Rows
from s2m_ros.types import Bool, Float64

DIRECTIONS = 24
SLOWEST = 0.25  # weight of a new detection once there are many

_STEP = 2 * np.pi / DIRECTIONS
_ANGLES = np.arange(DIRECTIONS) * _STEP
_DIRECTIONS = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
_LEFT = _DIRECTIONS[:, ::-1] * [-1, 1]
_NEXT, _BEFORE = (np.roll(np.arange(DIRECTIONS), by) for by in (-1, 1))


class Shapes:
    """Boxes and outlines of N tracks.

    size: float64 (N, 3), along the axes of yaw (N,); height: (N,); support: (N, 24), m, in
    directions counted from base (N,), the first yaw, rad, so that the sides of a box are among
    them; seen: how many detections are in each.
    """

    def __init__(self) -> None:
        self.size = np.zeros((0, 3))
        self.yaw = np.zeros(0)
        self.height = np.zeros(0)
        self._base = np.zeros(0)
        self._support = np.zeros((0, DIRECTIONS))
        self._seen = np.zeros(0, int)

    def add(self, new: Detections, columns: Rows) -> None:
        self.size = np.vstack([self.size, new.size[columns]])
        self.yaw = np.append(self.yaw, new.yaw[columns])
        self.height = np.append(self.height, new.height[columns])
        self._base = np.append(self._base, new.yaw[columns])
        supports = support(new.outline[columns], new.yaw[columns])
        self._support = np.vstack([self._support, supports])
        self._seen = np.append(self._seen, np.ones(len(columns), int))

    def blend(self, rows: Rows, new: Detections, columns: Rows) -> None:
        """Take in detections; their boxes may call length what ours call width."""
        self._seen[rows] += 1
        weight = np.maximum(1 / self._seen[rows], SLOWEST)
        yaw = self.yaw[rows]
        quarters = np.round((yaw - new.yaw[columns]) / (np.pi / 2))
        turn = new.yaw[columns] + quarters * np.pi / 2 - yaw
        seen = new.size[columns]
        size = np.where((quarters % 2 == 1)[:, None], seen[:, [1, 0, 2]], seen)
        yaw = yaw + weight * turn
        self.yaw[rows] = np.arctan2(np.sin(yaw), np.cos(yaw))
        self.size[rows] += weight[:, None] * (size - self.size[rows])
        self.height[rows] += weight * (new.height[columns] - self.height[rows])
        outline = support(new.outline[columns], self._base[rows])
        self._support[rows] += weight[:, None] * (outline - self._support[rows])

    def keep(self, kept: Bool) -> None:
        """Forget all rows but these, bool (N,)."""
        for name in ("size", "yaw", "height", "_base", "_support", "_seen"):
            setattr(self, name, getattr(self, name)[kept])

    def footprints(self, centres: Float64) -> list[Float64]:
        """Outlines float64 (K_i, 2), convex, counter-clockwise, around centres (N, 2).

        Corners are where neighbouring tangents meet: h_i n_i + t_i (n_i turned left).
        """
        supports = self._support
        along = (supports[:, _NEXT] - supports * np.cos(_STEP)) / np.sin(_STEP)
        x, y = (supports * d + along * left for d, left in zip(_DIRECTIONS.T, _LEFT.T, strict=True))
        new = (np.abs(x - x[:, _BEFORE]) > 1e-6) | (np.abs(y - y[:, _BEFORE]) > 1e-6)
        new[:, 0] |= ~new.any(axis=1)
        c, s = np.cos(self._base)[:, None], np.sin(self._base)[:, None]
        corners = np.stack([c * x - s * y, s * x + c * y], axis=2) + centres[:, None]
        ends = np.cumsum(new.sum(axis=1)).tolist()
        found = corners[new]
        return [found[i:k] for i, k in zip([0, *ends], ends, strict=False)]


def support(outlines: Float64, bases: Float64) -> Float64:
    """float64 (N, 24) of points (N, K, 2) around the origin, in directions counted from bases."""
    c, s = np.cos(bases)[:, None], np.sin(bases)[:, None]
    x, y = outlines[..., 0], outlines[..., 1]
    turned = np.stack([c * x + s * y, c * y - s * x], axis=2)
    return np.asarray((turned @ _DIRECTIONS.T).max(axis=1, initial=-np.inf))
