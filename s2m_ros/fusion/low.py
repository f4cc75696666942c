"""Things too low to stand out of the ground's tolerance, and what is flat.

Points under a mask are compared with those on the ground right around it: centimetres of relief
show against the local ground when many points agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from s2m_ros import config
from s2m_ros.fusion.groups import Index
from s2m_ros.fusion.sight import Sights
from s2m_ros.fusion.surface import GroundSurface
from s2m_ros.fusion.view import Cloud, View
from s2m_ros.types import Float32, Float64

FLAT_HEIGHT_M = 0.01
_FLAT_POINTS = 3
"""From so many beams that would have hit it, if it stood, a thing is called flat."""
_LOWEST_M = 0.01
_RAISED_M = 0.015
_RING_MIN, _RING_MAX = 6, 300
_UNDER_TOP = 0.7
_OVER_FOOT = 0.3
"""A beam between these shares of an object's height would have hit it, if it stood."""


@dataclass(slots=True, eq=False)
class LowThings:
    """Judges the points on the ground under the masks of one view."""

    view: View
    sights: Sights
    cloud: Cloud
    ground: GroundSurface
    settings: config.Fusion
    _by_row: tuple[Index, np.ndarray] | None = field(default=None, init=False)

    def low(self, i: int, lying: Index) -> tuple[Index, float, bool]:
        """Of the points on the ground under mask i those that are a low thing, its height, and
        whether it is flat. Flat is only what beams would have hit if it stood."""
        cloud, sights = self.cloud, self.sights
        reach_m = float(sights.reach_m[i])
        top = float(sights.origin[2] + sights.top_slope[i] * reach_m - sights.foot[i, 2])
        over = self._over(i, lying)
        passed = over > max(_UNDER_TOP * top, self.settings.ground.tolerance_m)
        covered = lying
        lying, over = lying[~passed], over[~passed]
        range_m = float(sights.range_m[i])
        width = float(sights.spread[i]) * reach_m
        slack = 2 * min(float(sights.sigma_m[i]), 2.0)
        ranges = cloud.range_m[lying]
        behind, before = range_m + max(width, 0.3) + slack, range_m - slack - 1.0
        at_foot = lying[(ranges <= behind) & (ranges >= before)]
        if len(at_foot):
            plane, noise = self._level_around(i, width)
            relief = cloud.height[at_foot] - self._local(at_foot, i) @ plane
            upper = np.sort(relief)[len(relief) // 2 :]
            raised = float(upper.mean())
            if raised > max(_LOWEST_M, 3 * noise / np.sqrt(len(upper)), 1.5 * noise):
                return at_foot[relief > 0.5 * raised], float(relief.max()), False
        if int((over > _OVER_FOOT * top).sum()) >= _FLAT_POINTS:
            return covered, FLAT_HEIGHT_M, True
        return at_foot, 0.0, False

    def lower_parts(self, i: int, standing_m: Float32, lying: Index) -> Index:
        """Points of a low thing that do not stand out of the ground's tolerance by themselves,
        near the ranges (K,) of those that do."""
        ranges = self.cloud.range_m[lying]
        width = float(self.sights.spread[i] * self.sights.reach_m[i])
        slack = max(width, 0.3)
        near = (ranges > standing_m.min() - slack) & (ranges < standing_m.max() + slack)
        low: Index = lying[near]
        if len(low) == 0:
            return low
        plane, noise = self._level_around(i, width)
        relief = self.cloud.height[low] - self._local(low, i) @ plane
        raised: Index = low[relief > max(_RAISED_M, 2.5 * noise)]
        return raised

    def _over(self, i: int, points: Index) -> Float32:
        """Height at which the beams of these points passed the foot of mask i, m.

        A LiDAR above the camera sees ground behind an object that the camera sees the object
        against; such points say nothing about its height.
        """
        foot, sensor = self.sights.foot[i], self.cloud.sensor
        to_foot = np.float32(np.hypot(*(foot[:2] - sensor[:2])))
        away = self.cloud.points[points, :2] - sensor[:2].astype(np.float32)
        to_point = np.maximum(np.hypot(away[:, 0], away[:, 1]), np.float32(1e-3))
        return np.asarray(np.float32(sensor[2] - foot[2]) * (1 - to_foot / to_point), np.float32)

    def _level_around(self, i: int, width: float) -> tuple[Float64, float]:
        """The plane (3,) through the ground points beside a mask, heights over the surface, and
        their deviation from it, m."""
        view, mask = self.view, self.view.image.masks.items[i]
        h, w = mask.bits.shape
        margin = max(w, h, 6)
        rows = self._rows(mask.y - margin, mask.y + h + margin)
        beside = np.abs(view.x.take(rows) - (mask.x + w / 2)) < w / 2 + margin
        index = view.index.take(rows[beside & ~view.masked.take(rows)])
        off = np.abs(self.cloud.range_m.take(index) - np.float32(self.sights.range_m[i]))
        low = np.abs(self.cloud.height.take(index)) < self.settings.ground.tolerance_m
        index = index[low & (off < width + 1.5)]
        index = index[:: 1 + len(index) // _RING_MAX]
        if len(index) < _RING_MIN:
            return np.zeros(3), max(self.ground.noise_m, 0.02)
        design, heights = self._local(index, i), self.cloud.height[index].astype(float)
        plane = np.array([0.0, 0.0, _median(heights)])
        for scale in (0.03, 0.015):
            weight = 1 / (1 + ((heights - design @ plane) / scale) ** 2)
            gram = design.T @ (design * weight[:, None]) + np.diag([0.3, 0.3, 1e-6])
            plane = np.linalg.solve(gram, design.T @ (weight * heights))
        rest = np.abs(heights - design @ plane)
        return np.asarray(plane), max(1.4826 * _median(rest), 0.004)

    def _rows(self, first: int, last: int) -> Index:
        """Positions in the view of the points between two rows of the grid."""
        if self._by_row is None:
            order = np.argsort(self.view.y.astype(np.int16), kind="stable")
            self._by_row = order, self.view.y[order]
        order, rows = self._by_row
        begin, end = np.searchsorted(rows, (first, last))
        return order[begin:end]

    def _local(self, index: Index, i: int) -> Float64:
        """Rows (x, y, 1) of points, float64 (K, 3), from the foot of mask i."""
        rows = np.ones((len(index), 3))
        rows[:, :2] = self.cloud.points[index, :2] - self.sights.foot[i, :2]
        return rows


def _median(values: Float64) -> float:
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
