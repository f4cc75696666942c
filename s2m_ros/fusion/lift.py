"""The masks of one view and the points under them -> objects in base_link.

The mask says where an object is in the image and how wide; the points say how far. Without points
the contact of its foot with the ground says it.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from s2m_ros import config
from s2m_ros.fusion.groups import Groups, Index
from s2m_ros.fusion.low import FLAT_HEIGHT_M
from s2m_ros.fusion.occlusion import Occlusion, bounded
from s2m_ros.fusion.shape import Boxes, Depth, boxes_of_points, boxes_of_width
from s2m_ros.fusion.sight import Sights, sights_of
from s2m_ros.fusion.support import FEW_POINTS, Supports, supports_of
from s2m_ros.fusion.surface import GroundSurface
from s2m_ros.fusion.view import Cloud, View
from s2m_ros.types import Bool, Evidence, Float64, Object3D, ObjectMasks, RangeSource, Role

_LEVEL = np.diag([1.0, 1.0, 0.0])
_OF_POINTS, _OF_FOOT = Evidence.CAMERA | Evidence.LIDAR, Evidence.CAMERA | Evidence.GROUND
_LIDAR_SIGMA_M = 0.03
_HEIGHT_SIGMA_M = 0.015
_BEAM_STEP = 0.008
"""Angle between beams, rad (0.45 deg): how much of a top or a side they can miss."""


def lift(
    first: int, view: View, cloud: Cloud, ground: GroundSurface, settings: config.Fusion
) -> tuple[list[Object3D], Counter[str]]:
    """Objects, numbered from ``first`` in the order of their masks, and how many masks have no
    place in space, by reason."""
    masks = view.image.masks
    drops: Counter[str] = Counter()
    if not masks.items:
        return [], drops
    sights = sights_of(view.image, ground, settings)
    occlusion = Occlusion.of(view, cloud, settings.ground.tolerance_m)
    nearest, _ = occlusion.before(sights.range_m, settings.depth_gap_m)
    supports = supports_of(view, sights, nearest, cloud, ground, settings)
    sights = bounded(sights, nearest, ground, settings)
    groups = supports.groups
    many = groups.count >= FEW_POINTS
    points = np.zeros(len(masks.items), np.intp)
    points[groups.key] = groups.count
    contact: Index = np.flatnonzero((points == 0) & sights.meets)
    numbers = np.concatenate([groups.key[many], groups.key[~many], contact])
    boxes = Boxes.joined(
        _from_points(sights, cloud, supports.keep(many)),
        _from_few_points(sights, cloud, supports.keep(~many)),
        _from_contact(sights, contact),
    )
    range_m = sights.range_m.copy()
    range_m[groups.key] = cloud.range_m[groups.middle()]
    flat = np.zeros(len(masks.items), np.bool_)
    flat[groups.key] = supports.flat
    _, side_hidden = occlusion.before(range_m, settings.depth_gap_m)
    cut = sights.cut_low | sights.cut_side | side_hidden
    boxes.covariance[:] += _unseen_part(sights, numbers, range_m[numbers], cut[numbers])
    boxes.covariance[:] += _contradiction(sights, numbers, range_m[numbers])
    reason = np.full(len(masks.items), "above_horizon", object)
    reason[numbers] = np.where(range_m[numbers] > settings.max_range_m, "beyond_max_range", "")
    reason[np.isnan(sights.spread)] = "no_bearing"
    rows = np.argsort(numbers)
    rows = rows[reason[numbers[rows]] == ""]
    objects = [
        _object(first + n, masks, i, boxes, row, float(range_m[i]), int(points[i]), bool(flat[i]))
        for n, (row, i) in enumerate(zip(rows.tolist(), numbers[rows].tolist(), strict=True))
    ]
    return objects, Counter(reason[reason != ""].tolist())


def _object(
    number: int,
    masks: ObjectMasks,
    i: int,
    boxes: Boxes,
    row: int,
    range_m: float,
    points: int,
    flat: bool,
) -> Object3D:
    mask = masks.items[i]
    source = RangeSource.LIDAR if points else RangeSource.GROUND
    evidence = _OF_POINTS if points else _OF_FOOT
    return Object3D(
        id=number,
        position=boxes.position[row],
        covariance=boxes.covariance[row],
        size=boxes.size[row],
        yaw=float(boxes.yaw[row]),
        footprint=boxes.footprint[row],
        height=float(boxes.size[row, 2]),
        range_m=range_m,
        range_source=source,
        evidence=evidence | Evidence.FLAT if flat else evidence,
        point_count=points,
        role=Role.UNKNOWN,
        score=mask.score_mean,
        contrast=mask.contrast,
        predicted_iou=mask.predicted_iou,
        camera=masks.camera,
        mask_id=mask.id,
        box=mask.box,
    )


def _unseen_part(sights: Sights, i: Index, range_m: Float64, cut: Bool) -> Float64:
    """What masks i (K,) that the border or another thing cuts add to the covariances (K, 3, 3): the
    centre of the whole lies outside of what is seen, and wanders with it as the vehicle drives."""
    width = np.minimum(sights.spread[i] * range_m, 2.0)
    border = sights.cut_low[i] | sights.cut_side[i]
    sigma = np.where(cut, np.where(border, 0.3, 0.05) + 0.3 * width, 0.0)
    return np.asarray((sigma**2)[:, None, None] * _LEVEL)


def _contradiction(sights: Sights, i: Index, range_m: Float64) -> Float64:
    """What is added to the covariances (K, 3, 3) of masks i (K,) whose points lie behind their foot
    on the ground, beyond what the foot's own error explains: the thing may stand at either."""
    behind = np.maximum(range_m - sights.range_m[i] - 2 * sights.sigma_m[i], 0.0)
    behind = np.where(sights.meets[i], behind, 0.0)
    ray = np.nan_to_num(sights.at(i, np.ones(len(i))) - sights.origin[:2])
    added = np.zeros((len(i), 3, 3))
    added[:, :2, :2] = (behind / 2)[:, None, None] ** 2 * ray[:, :, None] * ray[:, None, :]
    return added


def _from_points(sights: Sights, cloud: Cloud, support: Supports) -> Boxes:
    """Boxes around points enough to show a shape."""
    groups, i = support.groups, support.groups.key
    points = cloud.points[groups.index].astype(float)
    away = points[:, :2] - sights.origin[:2]
    reach = _reach(sights, cloud, groups)
    width = sights.spread[i] * reach
    ground_z = groups.mean(points[:, 2] - cloud.height[groups.index])
    height = _height(sights, support, reach, ground_z)
    mean = groups.mean(away)
    azimuth = np.arctan2(mean[:, 1], mean[:, 0])
    left = np.array([-np.sin(azimuth), np.cos(azimuth)]).T
    side = (away * groups.spread(left)).sum(axis=1)
    middle = ((sights.at(i, reach) - sights.origin[:2]) * left).sum(axis=1)
    offset = middle - (groups.least(side) + groups.most(side)) / 2
    grow = np.where(support.flat, 0.0, 2 * _BEAM_STEP * reach + 2 * width / groups.count)
    near = groups.least((away * groups.spread(mean / np.hypot(*mean.T)[:, None])).sum(axis=1))
    depth = _depth(sights, support, near, ground_z, width)
    return boxes_of_points(
        groups, points[:, :2], ground_z, height, azimuth, width, offset, grow, support.flat, depth
    )


def _from_few_points(sights: Sights, cloud: Cloud, support: Supports) -> Boxes:
    """Too few to show a shape: the mask gives bearing and width, the points the near side."""
    groups, i = support.groups, support.groups.key
    reach = _reach(sights, cloud, groups)
    width = sights.spread[i] * reach
    over = cloud.points[groups.index, 2] - cloud.height[groups.index]
    ground_z = groups.mean(over)
    height = _height(sights, support, reach, ground_z)
    depth = _depth(sights, support, reach, ground_z, width)
    deep = np.where(support.flat, 0.0, depth.m)
    # Where on the object the few points lie is not known either.
    missed = np.hypot(0.3 * deep / np.sqrt(groups.count), 0.12 * np.minimum(width, 3.0))
    along = np.sqrt(_LIDAR_SIGMA_M**2 + missed**2 + (depth.sigma / 2) ** 2)
    across = np.hypot(0.02 + sights.edge * reach, 0.1 * width)
    xy = sights.at(i, reach + 0.5 * deep)
    bearing = sights.bearing[i]
    return boxes_of_width(xy, ground_z, bearing, width, height, along, across, depth.m)


def _from_contact(sights: Sights, i: Index) -> Boxes:
    """No points: the foot on the ground is the near edge, the centre half a depth behind it."""
    reach, ground_z = sights.reach_m[i], sights.foot[i, 2]
    width = sights.spread[i] * reach
    height = np.clip(sights.top_m(i, reach, ground_z), 0.01, 10.0)
    depth = Depth.likely(width, height)
    along = np.hypot(sights.sigma_m[i], depth.sigma / 2)
    across = np.hypot(0.03 + sights.edge * reach, 0.1 * width)
    xy = sights.at(i, reach + 0.5 * depth.m)
    bearing = sights.bearing[i]
    return boxes_of_width(xy, ground_z, bearing, width, height, along, across, depth.m)


def _depth(
    sights: Sights, support: Supports, near: Float64, ground_z: Float64, width: Float64
) -> Depth:
    """From the near side to where the ray through the mask's upper edge passes at the height of
    the top: for what is lower than the camera, that edge is the far one. What is likely counts
    the more, the less certain that is."""
    i, measured = support.groups.key, support.height
    # The top lies between the highest beam that met it and the next one.
    step = _BEAM_STEP * near * np.where(support.groups.count < FEW_POINTS, 2, 1)
    gap = np.clip(sights.top_m(i, near, ground_z) - measured, 0.0, step)
    height = measured + gap / 2
    over = sights.origin[2] - ground_z - height
    sink = -sights.top_slope[i]
    usable = (over > 0) & (sink > 0.01) & ~sights.cut_high[i]
    sink = np.where(usable, sink, 1.0)
    far = over / sink
    height_sigma = np.hypot(_HEIGHT_SIGMA_M, gap / np.sqrt(12))
    sigma = np.where(usable, np.hypot(height_sigma, far * sights.edge) / sink, 1e3)
    seen = Depth(np.clip(far - near, 0.0, 3 * width + 0.3), sigma)
    return Depth.likely(width, measured + gap).measured(seen)


def _reach(sights: Sights, cloud: Cloud, groups: Groups) -> Float64:
    """Horizontal distance (G,) from the camera of the middle point of each group, m."""
    away = cloud.points[groups.middle(), :2] - sights.origin[:2]
    return np.asarray(np.hypot(away[:, 0], away[:, 1]))


def _height(sights: Sights, support: Supports, reach: Float64, ground_z: Float64) -> Float64:
    """The highest point, or the mask's upper edge where the beams can have missed the top."""
    i, measured = support.groups.key, support.height
    step = _BEAM_STEP * reach * np.where(support.groups.count < FEW_POINTS, 3, 1)
    top = np.minimum(sights.top_m(i, reach, ground_z), measured + step)
    height = np.where(sights.cut_high[i], measured, np.maximum(top, measured))
    return np.maximum(np.where(support.flat, measured, height), FLAT_HEIGHT_M)
