"""Groups of points that stand on the ground: the known objects, and what nothing explains.

The second is evidence of its own. A group on the drivable surface that no mask covers and no known
class explains is an object, whatever the anomaly score says: it covers what the scorer misses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros import config
from s2m_ros.fusion.ground import GroundSurface
from s2m_ros.fusion.shape import shape_of_points
from s2m_ros.fusion.view import Cloud, Index, View
from s2m_ros.types import Bool, Evidence, Float64, Object3D, RangeSource, Role

VALUE_ROLES = (Role.VEHICLE, Role.PERSON, Role.AIRCRAFT)
_EXPLAINS = (*VALUE_ROLES, Role.STRUCTURE, Role.VEGETATION, Role.SIGN, Role.SKY)
_EXPLAINED_SHARE = 0.3
_SURFACE_SHARE = 0.5
_RING_M = 1.0
_TALLEST_M = 3.0
_KNOWN_CELL_M = 0.5
_KNOWN_POINTS = 5
_NO_BOX = np.zeros(4, np.float32)


def known_objects(
    first: int, views: Sequence[View], cloud: Cloud, ground: GroundSurface, tolerance_m: float
) -> list[Object3D]:
    """Vehicles, persons and aircraft, from the role of the pixel under each standing point."""
    objects: list[Object3D] = []
    for role in VALUE_ROLES:
        parts = [v.index[v.roles == role] for v in views]
        index = np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.int64)
        index = index[cloud.height[index] > tolerance_m]
        for group in _groups(index, cloud, _KNOWN_CELL_M):
            if len(group) >= _KNOWN_POINTS:
                number = first + len(objects)
                objects.append(_object(number, group, cloud, ground, role))
    return objects


def unexplained_objects(
    first: int,
    views: Sequence[View],
    cloud: Cloud,
    ground: GroundSurface,
    settings: config.Fusion,
) -> tuple[list[Object3D], Counter[str]]:
    """Objects that only the LiDAR shows, and how many groups were passed over, by reason."""
    limits = settings.lidar_evidence
    dropped: Counter[str] = Counter()
    standing = np.flatnonzero(
        (cloud.height > settings.ground.tolerance_m)
        & (cloud.height < _TALLEST_M)
        & (cloud.range_m < limits.max_range_m)
    )
    seen, explained, surface = _knowledge(views, cloud)
    objects: list[Object3D] = []
    for group in _groups(standing, cloud, limits.cell_m):
        reason = _reason_against(group, cloud, seen, explained, surface, settings)
        if reason:
            dropped[reason] += 1
            continue
        objects.append(_object(first + len(objects), group, cloud, ground, Role.UNKNOWN))
    return objects, dropped


def _reason_against(
    group: Index, cloud: Cloud, seen: Bool, explained: Bool, surface: Bool, settings: config.Fusion
) -> str:
    """Why a group is no object of its own; empty when it is one. Cheapest questions first."""
    limits = settings.lidar_evidence
    if len(group) < limits.min_points:
        return "cluster_few_points"
    if float(cloud.height[group].max()) < limits.min_height_m:
        return "cluster_low"
    if not limits.outside_view and seen[group].mean() < 0.5:
        return "cluster_out_of_view"
    if explained[group].mean() > _EXPLAINED_SHARE:
        return "cluster_explained"
    xy = cloud.points[group, :2]
    low, high = xy.min(axis=0), xy.max(axis=0)
    if float((high - low).max()) > limits.max_size_m:
        return "cluster_large"
    around = np.flatnonzero(
        (cloud.height <= settings.ground.tolerance_m)
        & seen
        & (cloud.points[:, :2] > low - _RING_M).all(axis=1)
        & (cloud.points[:, :2] < high + _RING_M).all(axis=1)
    )
    if len(around) == 0 or surface[around].mean() < _SURFACE_SHARE:
        return "cluster_off_surface"
    return ""


def _knowledge(views: Sequence[View], cloud: Cloud) -> tuple[Bool, Bool, Bool]:
    """Of each point of the cloud: does a camera see it, is it explained, is it drivable surface."""
    seen, explained, surface = np.zeros((3, len(cloud.points)), np.bool_)
    for view in views:
        seen[view.index] = True
        explained[view.index] |= np.isin(view.roles, _EXPLAINS) | _masked(view)
        surface[view.index] |= view.roles == Role.SURFACE
    return seen, explained, surface


def _masked(view: View) -> Bool:
    """Which points of a view lie under a mask or within two cells of one."""
    width, height = view.masks.grid_size
    canvas = np.zeros((height, width), np.uint8)
    for mask in view.masks.items:
        h, w = mask.bits.shape
        canvas[mask.y : mask.y + h, mask.x : mask.x + w] |= mask.bits
    wide = cv2.dilate(canvas, np.ones((5, 5), np.uint8))
    return np.asarray(wide[view.y, view.x] > 0)


def _groups(index: Index, cloud: Cloud, cell_m: float) -> list[Index]:
    """Connected groups of points on a grid of ``cell_m``, as indices of the cloud."""
    if len(index) == 0:
        return []
    cell = np.floor(cloud.points[index, :2] / cell_m).astype(np.int64)
    cell -= cell.min(axis=0)
    occupied = np.zeros(tuple(cell.max(axis=0) + 1), np.uint8)
    occupied[cell[:, 0], cell[:, 1]] = 1
    _, labels = cv2.connectedComponents(occupied, connectivity=8)
    label = labels[cell[:, 0], cell[:, 1]]
    order = np.argsort(label, kind="stable")
    return np.split(index[order], np.flatnonzero(np.diff(label[order])) + 1)


def _object(number: int, group: Index, cloud: Cloud, ground: GroundSurface, role: Role) -> Object3D:
    xy: NDArray[np.float64] = cloud.points[group, :2].astype(float)
    middle: Float64 = np.median(xy, axis=0)
    ground_z = float(ground.height(middle[None])[0])
    height = float(cloud.height[group].max())
    shape = shape_of_points(xy, ground_z, height, float(np.arctan2(middle[1], middle[0])))
    return Object3D(
        id=number,
        position=shape.position,
        covariance=shape.covariance,
        size=shape.size,
        yaw=shape.yaw,
        footprint=shape.footprint,
        height=height,
        range_m=float(np.median(cloud.range_m[group])),
        range_source=RangeSource.LIDAR,
        evidence=Evidence.LIDAR | (Evidence.NONE if role == Role.UNKNOWN else Evidence.CAMERA),
        point_count=len(group),
        role=role,
        score=0.0,
        contrast=0.0,
        predicted_iou=0.0,
        camera="",
        mask_id=-1,
        box=_NO_BOX,
    )
