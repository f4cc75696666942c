"""Things too low to stand out of the ground's tolerance, and what is flat.

Points under a mask are compared with those on the ground right around it: centimetres of relief
show against the local ground when many points agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2m_ros import config
from s2m_ros.fusion.groups import Groups, Index
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
_WEAK_PRIOR = np.diag([0.3, 0.3, 1e-6])


@dataclass(frozen=True, slots=True, eq=False)
class LowThings:
    """Judges the points on the ground under some masks of one view.

    plane: float64 (M, 3), through the ground points beside each of those masks, heights over the
    surface at x, y from its foot; noise_m: float64 (M,), their deviation from it.
    """

    sights: Sights
    cloud: Cloud
    settings: config.Fusion
    plane: Float64
    noise_m: Float64

    @classmethod
    def of(
        cls,
        which: Index,
        view: View,
        sights: Sights,
        cloud: Cloud,
        ground: GroundSurface,
        settings: config.Fusion,
    ) -> LowThings:
        """For the masks ``which`` (K,)."""
        plane, noise = np.zeros((len(sights.meets), 3)), np.zeros(len(sights.meets))
        around = _around(which, view, sights, cloud, settings.ground.tolerance_m)
        unknown = max(ground.noise_m, 0.02)
        plane[which], noise[which] = _levels(around, len(which), sights.foot[which], cloud, unknown)
        return cls(sights, cloud, settings, plane, noise)

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
            noise = float(self.noise_m[i])
            relief = self._relief(at_foot, i)
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
        raised: Index = low[self._relief(low, i) > max(_RAISED_M, 2.5 * self.noise_m[i])]
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

    def _relief(self, points: Index, i: int) -> Float64:
        """Height (K,) of points over the ground beside mask i."""
        a, b, c = self.plane[i].tolist()
        x, y = self.cloud.points.T[:2].take(points, axis=1) - self.sights.foot[i, :2, None]
        return np.asarray(self.cloud.height.take(points) - (a * x + b * y + c), np.float64)


def _around(which: Index, view: View, sights: Sights, cloud: Cloud, tolerance_m: float) -> Groups:
    """The ground points right around each of the masks ``which`` (K,), a group each with its place
    in ``which`` as the key; no group for one that has too few of them."""
    if not len(which):
        return Groups.in_order(which, which)
    height = cloud.height.take(view.index)
    free = (~view.masked & (np.abs(height) < tolerance_m)).nonzero()[0]
    y = view.y.take(free).astype(np.int16)
    order = y.argsort(kind="stable")
    y, free = y.take(order), free.take(order)
    index, x = view.index.take(free), view.x.take(free).astype(np.int16)
    range_m = cloud.range_m.take(index)
    width_m = sights.spread * sights.reach_m
    found = []
    for i in which.tolist():
        mask = view.image.masks.items[i]
        h, w = mask.bits.shape
        margin = max(w, h, 6)
        first, last = y.searchsorted(np.array([mask.y - margin, mask.y + h + margin], np.int16))
        beside = x[first:last] > mask.x - margin
        beside &= x[first:last] < mask.x + w + margin
        off = np.abs(range_m[first:last] - np.float32(sights.range_m[i]))
        near = (beside & (off < width_m[i] + 1.5)).nonzero()[0]
        near = near[:: 1 + len(near) // _RING_MAX]
        found.append(index[first:last][near] if len(near) >= _RING_MIN else index[:0])
    count = [len(points) for points in found]
    return Groups.in_order(
        np.concatenate([index[:0], *found]), np.repeat(np.arange(len(which)), count)
    )


def _levels(
    around: Groups, count: int, foot: Float64, cloud: Cloud, unknown_m: float
) -> tuple[Float64, Float64]:
    """Planes (count, 3) through the groups' points and their deviations (count,): least squares,
    points off the plane weighing less; ``unknown_m`` where there is no group."""
    plane, noise = np.zeros((count, 3)), np.full(count, unknown_m)
    if not len(around):
        return plane, noise
    group = np.repeat(np.arange(len(around)), around.count)
    x, y = cloud.points.T[:2].take(around.index, axis=1) - foot[around.key, :2].T[:, group]
    height = cloud.height.take(around.index).astype(float)
    one = np.ones_like(x)
    # Sums over each group of these, weighted, are its normal equations.
    terms = np.array([x * x, x * y, x, y * y, y, one, x * height, y * height, height])
    rest = height - _medians(around, height).take(group)
    for scale in (0.03, 0.015):
        weight = 1 / (1 + (rest / scale) ** 2)
        sums = np.add.reduceat(terms * weight, around.start, axis=1)
        gram = sums[[0, 1, 2, 1, 3, 4, 2, 4, 5]].T.reshape(-1, 3, 3) + _WEAK_PRIOR
        fit = np.linalg.solve(gram, sums[6:].T[:, :, None])[:, :, 0]
        a, b, c = fit.T.take(group, axis=1)
        rest = height - (x * a + y * b + c)
    plane[around.key] = fit
    noise[around.key] = np.maximum(1.4826 * _medians(around, np.abs(rest)), 0.004)
    return plane, noise


def _medians(groups: Groups, values: Float64) -> Float64:
    """The middle value of each group, of an even number the larger: float64 (G,)."""
    order = np.lexsort((values, groups.spread(groups.key)))
    return np.asarray(values[order[groups.start + groups.count // 2]])
