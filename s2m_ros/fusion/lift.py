"""One mask and the points under it -> one object in base_link.

The mask says where the object is in the image and how wide; the points say how far. Points of the
background that bleed through the mask's edge, and of the ground at its foot, are told apart by
range: an object on the ground stands where the ray through the mask's foot meets the ground. What
is too low to stand out of the ground's tolerance is compared with the ground right around it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2m_ros import config
from s2m_ros.fusion.ground import GroundSurface
from s2m_ros.fusion.shape import Shape, likely_depth, shape_of_points, shape_of_width
from s2m_ros.fusion.sight import Sights
from s2m_ros.fusion.view import Cloud, Index, View
from s2m_ros.types import Evidence, Float32, Float64, Object3D, RangeSource, Role

_LIDAR_SIGMA_M = 0.03
_FEW_POINTS = 5
_STRAY_SHARE = 0.01
"""So few points of a leaf or a wire above do not make a thing higher."""
_FLAT_POINTS = 3
"""From so many beams that would have hit it, if it stood, a thing is called flat."""
_LOWEST_M = 0.01
_LOW_THING_M = 0.3
"""Of things lower than this a good part lies within the ground's tolerance."""
_RAISED_M = 0.015
_FLAT_HEIGHT_M = 0.01
_RING_MIN = 6
_UNDER_TOP = 0.7
_OVER_FOOT = 0.3
"""A beam between these shares of an object's height would have hit it, if it stood."""
_BEAM_STEP = 0.008
"""Angle between beams, rad (0.45 deg): how much of a top or a side they can miss."""


def _median(values: NDArray[np.floating]) -> float:
    """The median; of an even number the lower of the middle two: always a measured value."""
    middle = (len(values) - 1) // 2
    return float(np.partition(values, middle)[middle])


class Dropped(Exception):
    """The mask has no place in space; the text is the reason that is counted."""


@dataclass(frozen=True, slots=True, eq=False)
class Support:
    """The points that are the object: indices into the cloud, and what they show.

    height: of the highest over the ground, m; flat: nothing stands out of the ground.
    """

    chosen: Index
    height: float
    flat: bool


@dataclass(frozen=True, slots=True, eq=False)
class Lifter:
    """Places the masks of one view; see ``lift``."""

    view: View
    sights: Sights
    cloud: Cloud
    ground: GroundSurface
    settings: config.Fusion

    def lift(self, number: int, i: int) -> Object3D:
        """Mask i as object ``number``. Raises Dropped with the reason when that is impossible."""
        sights, mask = self.sights, self.view.image.masks.items[i]
        if np.isnan(sights.spread[i]):
            raise Dropped("no_bearing")
        support = self._support(i)
        if support is not None:
            evidence = Evidence.CAMERA | Evidence.LIDAR
            evidence |= Evidence.FLAT if support.flat else Evidence.NONE
            found = self._from_points(i, support)
            range_m = _median(self.cloud.range_m[support.chosen])
            count = len(support.chosen)
        elif sights.meets[i]:
            evidence, count = Evidence.CAMERA | Evidence.GROUND, 0
            found = self._from_contact(i)
            range_m = float(sights.range_m[i])
        else:
            raise Dropped("above_horizon")
        if range_m > self.settings.max_range_m:
            raise Dropped("beyond_max_range")
        return Object3D(
            id=number,
            position=found.position,
            covariance=found.covariance + self._beyond_image(i, range_m),
            size=found.size,
            yaw=found.yaw,
            footprint=found.footprint,
            height=float(found.size[2]),
            range_m=range_m,
            range_source=RangeSource.LIDAR if count else RangeSource.GROUND,
            evidence=evidence,
            point_count=count,
            role=Role.UNKNOWN,
            score=mask.score_mean,
            contrast=mask.contrast,
            predicted_iou=mask.predicted_iou,
            camera=self.view.image.masks.camera,
            mask_id=mask.id,
            box=mask.box,
        )

    def _beyond_image(self, i: int, range_m: float) -> Float64:
        """What a mask that the border cuts adds to the covariance (3, 3): the centre of the whole
        lies outside of what is seen, and wanders with it as the vehicle drives."""
        if not (self.sights.cut_low[i] or self.sights.cut_side[i]):
            return np.zeros((3, 3))
        sigma = 0.3 + 0.3 * min(float(self.sights.spread[i]) * range_m, 2.0)
        return np.diag([sigma**2, sigma**2, 0.0])

    def _support(self, i: int) -> Support | None:
        inside = self.view.index[self.view.under[i]]
        if len(inside) == 0:
            return None
        high = self.cloud.height[inside] > self.settings.ground.tolerance_m
        standing, lying = inside[high], inside[~high]
        chosen = self._foreground(i, standing)
        if self._bleeds(i, chosen, len(inside)):
            chosen = chosen[:0]
        if len(chosen):
            heights = np.sort(self.cloud.height[chosen])
            top = heights[-1 - int(_STRAY_SHARE * len(heights))]
            if top < _LOW_THING_M and self.sights.meets[i]:
                chosen = np.concatenate([chosen, self._lower_parts(i, chosen, lying)])
            return Support(chosen, float(top), False)
        return self._low(i, lying)

    def _foreground(self, i: int, standing: Index) -> Index:
        """The group of standing points, split at gaps in range, that is the object.

        A group counts by its points (each beam covers the same angle) and by how well it agrees
        with the mask's contact with the ground. Without a contact the nearest of the larger
        groups is taken.
        """
        if len(standing) < 2:
            return standing
        ranges = self.cloud.range_m[standing]
        order = standing[np.argsort(ranges, kind="stable")]
        ranges = self.cloud.range_m[order].astype(float)
        gap = self.settings.depth_gap_m + 0.01 * ranges[1:]
        split = np.flatnonzero(np.diff(ranges) > gap) + 1
        if len(split) == 0:
            return order
        start = np.concatenate([[0], split])
        weight = np.diff(start, append=len(order)) / len(order)
        nearest = ranges[start]
        if self.sights.meets[i]:
            off = nearest - self.sights.range_m[i]
            off /= self.sights.sigma_m[i] + self.settings.depth_gap_m
            weight = weight * (np.exp(-0.5 * off**2) + 1e-4 / (1 + off**2))
        else:
            weight = np.where(weight > 0.3 * weight.max(), 1.0 / np.arange(1, len(weight) + 1), 0.0)
        return np.split(order, split)[int(weight.argmax())]

    def _bleeds(self, i: int, chosen: Index, inside: int) -> bool:
        """Whether the standing points are only background seen past the mask's edge.

        They are few, alone or beside the ground points under the mask, and lie well behind its
        foot.
        """
        if len(chosen) == 0 or not self.sights.meets[i]:
            return False
        behind = float(self.cloud.range_m[chosen].min() - self.sights.range_m[i])
        sigma = float(self.sights.sigma_m[i])
        few = len(chosen) < _FEW_POINTS or len(chosen) < 0.1 * inside
        return few and behind > 2 * sigma + 0.5

    def _low(self, i: int, lying: Index) -> Support | None:
        """A thing too low to stand out of the ground's tolerance, or flat.

        The points under the mask are compared with those on the ground around it: centimetres of
        relief show against the local ground when many points agree. Flat is only what beams would
        have hit if it stood.
        """
        if len(lying) == 0 or not self.sights.meets[i]:
            return None
        reach_m = float(self.sights.reach_m[i])
        top = self.sights.top_m(i, reach_m, float(self.sights.foot[i, 2]))
        over = self._over(i, lying)
        passed = over > max(_UNDER_TOP * top, self.settings.ground.tolerance_m)
        covered = lying
        lying, over = lying[~passed], over[~passed]
        range_m = float(self.sights.range_m[i])
        width = float(self.sights.spread[i]) * reach_m
        slack = 2 * min(float(self.sights.sigma_m[i]), 2.0)
        ranges = self.cloud.range_m[lying]
        behind, before = range_m + max(width, 0.3) + slack, range_m - slack - 1.0
        at_foot = lying[(ranges <= behind) & (ranges >= before)]
        if len(at_foot):
            plane, noise = self._level_around(i, width)
            relief = self.cloud.height[at_foot] - self._local(at_foot, i) @ plane
            upper = np.sort(relief)[len(relief) // 2 :]
            raised = float(upper.mean())
            if raised > max(_LOWEST_M, 3 * noise / np.sqrt(len(upper)), 1.5 * noise):
                return Support(at_foot[relief > 0.5 * raised], float(relief.max()), False)
        if int((over > _OVER_FOOT * top).sum()) >= _FLAT_POINTS:
            return Support(covered, _FLAT_HEIGHT_M, True)
        return Support(at_foot, 0.0, False) if len(at_foot) else None

    def _lower_parts(self, i: int, chosen: Index, lying: Index) -> Index:
        """Points of a low thing that do not stand out of the ground's tolerance by themselves."""
        ranges = self.cloud.range_m[chosen]
        width = float(self.sights.spread[i] * self.sights.reach_m[i])
        slack = max(width, 0.3)
        low: Index = lying[
            (self.cloud.range_m[lying] > ranges.min() - slack)
            & (self.cloud.range_m[lying] < ranges.max() + slack)
        ]
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
        near = np.flatnonzero(
            (np.abs(view.x - (mask.x + w / 2)) < w / 2 + margin)
            & (np.abs(view.y - (mask.y + h / 2)) < h / 2 + margin)
            & ~view.masked
        )
        index = view.index[near]
        heights = self.cloud.height[index]
        off = np.abs(self.cloud.range_m[index] - self.sights.range_m[i])
        index = index[(np.abs(heights) < self.settings.ground.tolerance_m) & (off < width + 1.5)]
        if len(index) < _RING_MIN:
            return np.zeros(3), max(self.ground.noise_m, 0.02)
        design, heights = self._local(index, i), self.cloud.height[index].astype(float)
        plane = np.array([0.0, 0.0, float(np.median(heights))])
        for scale in (0.03, 0.015):
            weight = 1 / (1 + ((heights - design @ plane) / scale) ** 2)
            gram = design.T @ (design * weight[:, None]) + np.diag([0.3, 0.3, 1e-6])
            plane = np.linalg.solve(gram, design.T @ (weight * heights))
        rest = np.abs(heights - design @ plane)
        return np.asarray(plane), max(1.4826 * float(np.median(rest)), 0.004)

    def _local(self, index: Index, i: int) -> Float64:
        """Rows (x, y, 1) of points, float64 (K, 3), from the foot of mask i."""
        xy = self.cloud.points[index, :2] - self.sights.foot[i, :2]
        return np.column_stack([xy, np.ones(len(index))])

    def _from_points(self, i: int, support: Support) -> Shape:
        sights, chosen = self.sights, support.chosen
        points = self.cloud.points[chosen].astype(float)
        away = points[:, :2] - sights.origin[:2]
        reach = _median(np.hypot(away[:, 0], away[:, 1]))
        width = float(sights.spread[i]) * reach
        middle = sights.at(i, reach)
        ground_z = float(points[:, 2].mean() - self.cloud.height[chosen].mean())
        height = self._height(i, support, reach, ground_z)
        bearing = float(sights.bearing[i])
        if len(chosen) >= _FEW_POINTS:
            azimuth = np.arctan2(*away.mean(axis=0)[::-1])
            left = np.array([-np.sin(azimuth), np.cos(azimuth)])
            side = away @ left
            offset = float((middle - sights.origin[:2]) @ left - (side.min() + side.max()) / 2)
            grow = 2 * _BEAM_STEP * reach + 2 * width / len(chosen)
            if support.flat:
                grow = 0.0
            return shape_of_points(
                points[:, :2], ground_z, height, float(azimuth), width, offset, grow, support.flat
            )
        # Too few to show a shape: the mask gives bearing and width, the points the near side.
        depth = likely_depth(width, height)
        spread = min(width, 1.0)
        xy = sights.at(i, reach + (0.0 if support.flat else 0.5 * depth))
        along = float(np.hypot(_LIDAR_SIGMA_M, 0.3 * spread / np.sqrt(len(chosen))))
        across = float(np.hypot(0.02 + sights.edge * reach, 0.1 * width))
        return shape_of_width(xy, ground_z, bearing, width, height, along, across)

    def _height(self, i: int, support: Support, reach: float, ground_z: float) -> float:
        """The highest point, or the mask's upper edge where the beams can have missed the top."""
        if support.flat:
            return support.height
        step = _BEAM_STEP * reach
        top = self.sights.top_m(i, reach, ground_z)
        if self.sights.cut_high[i] or top <= support.height:
            return max(support.height, _FLAT_HEIGHT_M)
        if len(support.chosen) < _FEW_POINTS:
            step *= 3
        return max(min(top, support.height + step), _FLAT_HEIGHT_M)

    def _from_contact(self, i: int) -> Shape:
        sights = self.sights
        reach = float(sights.reach_m[i])
        width = float(sights.spread[i]) * reach
        ground_z = float(sights.foot[i, 2])
        height = float(np.clip(sights.top_m(i, reach, ground_z), 0.01, 10.0))
        # The foot is the near edge: the centre lies half a depth behind it.
        depth = likely_depth(width, height)
        along = float(np.hypot(sights.sigma_m[i], 0.35 * depth))
        across = float(np.hypot(0.03 + sights.edge * reach, 0.1 * width))
        return shape_of_width(
            sights.at(i, reach + 0.5 * depth),
            ground_z,
            float(sights.bearing[i]),
            width,
            height,
            along,
            across,
        )
