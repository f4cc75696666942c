"""Groups of points that stand on the ground: the known objects, and what nothing explains.

The second is evidence of its own. A group on the drivable surface that no mask covers and no known
class explains is an object, whatever the anomaly score says: it covers what the scorer misses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros import config
from s2m_ros.fusion.ground import GroundSurface
from s2m_ros.fusion.shape import shape_of_points
from s2m_ros.fusion.view import Cloud, Index, View
from s2m_ros.types import Bool, Evidence, Float32, Float64, Object3D, RangeSource, Role

VALUE_ROLES = (Role.VEHICLE, Role.PERSON, Role.AIRCRAFT)
_EXPLAINS = np.zeros(256, np.bool_)
_EXPLAINS[[*VALUE_ROLES, Role.STRUCTURE, Role.VEGETATION, Role.SIGN, Role.SKY]] = True
_EXPLAINED_SHARE = 0.3
_SURFACE_SHARE = 0.5
_RING_M = 1.0
_TALLEST_M = 3.0
_HOVERS_M = 0.4
"""What begins higher than this over the ground does not stand on it."""
_GENTLE_M = 1.5
_STEEP_SHARE = 0.5
"""What is longer and rises less than this share of its height within a cell is a bank."""
_SIDE_SHARE = 0.02
_WITHIN_SHARE = 0.95
"""What runs out of the image is not seen whole: less of its points lie well within."""
_KNOWN_CELL_M = 0.8
_KNOWN_POINTS = 5
_NO_BOX = np.zeros(4, np.float32)


def known_objects(
    first: int, views: Sequence[View], cloud: Cloud, ground: GroundSurface, tolerance_m: float
) -> list[Object3D]:
    """Vehicles, persons and aircraft, from the role of the pixel under each standing point.

    Points vote: first those of a cell decide whether it belongs to such an object, so that single
    mislabelled pixels make none, then those of connected cells which role it has.
    """
    role_of = np.full(len(cloud.points), Role.UNKNOWN, np.uint8)
    for view in views:
        role_of[view.index] = np.where(view.roles != Role.UNKNOWN, view.roles, role_of[view.index])
    standing = np.flatnonzero(
        (role_of != Role.UNKNOWN) & (role_of != Role.SURFACE) & (cloud.height > tolerance_m)
    )
    if len(standing) == 0:
        return []
    cell = np.floor(cloud.points[standing, :2] / _KNOWN_CELL_M).astype(np.int64)
    _, cell = np.unique(cell[:, 0] * 65_536 + cell[:, 1], return_inverse=True)
    votes = np.bincount(cell * len(Role) + role_of[standing]).astype(float)
    votes = np.pad(votes, (0, -len(votes) % len(Role))).reshape(-1, len(Role))
    valuable = votes[:, VALUE_ROLES].sum(axis=1) > 0.5 * votes.sum(axis=1)
    objects: list[Object3D] = []
    for group in _Groups.of(standing[valuable[cell]], cloud, _KNOWN_CELL_M).split(_KNOWN_POINTS):
        counts = np.bincount(role_of[group], minlength=len(Role))
        role = max(VALUE_ROLES, key=lambda r: int(counts[r]))
        objects.append(_object(first + len(objects), group, cloud, ground, role))
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
    tolerance_m = settings.ground.tolerance_m
    standing = np.flatnonzero(
        (cloud.height > tolerance_m)
        & (cloud.height < _TALLEST_M)
        & (cloud.range_m < limits.max_range_m)
    )
    knowledge = _knowledge(views, cloud)
    groups = _Groups.of(standing, cloud, limits.cell_m)
    low, high = groups.extent(cloud)
    highest = groups.highest(cloud.height)
    # In the order in which a group is questioned; the first objection counts.
    objections: dict[str, Bool] = {
        "cluster_few_points": groups.count < limits.min_points,
        "cluster_low": highest < limits.min_height_m,
        "cluster_above_ground": -groups.highest(-cloud.height) > _HOVERS_M,
        "cluster_out_of_view": groups.share(knowledge.seen) < 0.5,
        "cluster_unclassified": groups.share(knowledge.classified) < 0.5,
        "cluster_explained": groups.share(knowledge.explained) > _EXPLAINED_SHARE,
        "cluster_cut_by_image": groups.share(knowledge.within) < _WITHIN_SHARE,
        "cluster_gentle": np.asarray(
            ((high - low).max(axis=1) > _GENTLE_M)
            & (groups.highest(_relief(standing, cloud, limits.cell_m)) < _STEEP_SHARE * highest)
        ),
        "cluster_large": np.asarray((high - low).max(axis=1) > limits.max_size_m),
    }
    if limits.outside_view:
        outside = objections.pop("cluster_out_of_view")
        objections["cluster_unclassified"] &= ~outside
        objections["cluster_cut_by_image"] &= ~outside
    left = np.ones(len(groups.count), np.bool_)
    dropped: Counter[str] = Counter()
    for reason, holds in objections.items():
        dropped[reason] += int((left & holds).sum())
        left &= ~holds
    lying = np.flatnonzero(
        (cloud.height <= tolerance_m) & (cloud.range_m < limits.max_range_m + limits.max_size_m)
    )
    beside = cloud.points[lying, :2]
    objects: list[Object3D] = []
    for g in np.flatnonzero(left):
        near = lying[((beside > low[g] - _RING_M) & (beside < high[g] + _RING_M)).all(axis=1)]
        near = near[knowledge.seen[near]] if knowledge.seen[near].any() else near[:0]
        drivable = len(near) and knowledge.surface[near].mean() >= _SURFACE_SHARE
        if not drivable and not (limits.outside_view and len(near) == 0):
            dropped["cluster_off_surface"] += 1
            continue
        number = first + len(objects)
        objects.append(_object(number, groups.members(int(g)), cloud, ground, Role.UNKNOWN))
    return objects, +dropped


@dataclass(frozen=True, slots=True, eq=False)
class _Knowledge:
    """Of each point of the cloud, bool (N,): does a camera see it, and not at the very side of its
    image, is the pixel's class known, does a class or a mask explain it, is it drivable surface."""

    seen: Bool
    within: Bool
    classified: Bool
    explained: Bool
    surface: Bool


def _knowledge(views: Sequence[View], cloud: Cloud) -> _Knowledge:
    seen, within, classified, explained, surface = np.zeros((5, len(cloud.points)), np.bool_)
    for view in views:
        seen[view.index] = True
        width = view.image.masks.grid_size[0]
        within[view.index] |= np.abs(view.x - width / 2) < (0.5 - _SIDE_SHARE) * width
        classified[view.index] |= view.image.masks.roles is not None
        explained[view.index] |= _EXPLAINS[view.roles] | view.masked
        surface[view.index] |= view.roles == Role.SURFACE
    return _Knowledge(seen, within, classified, explained, surface)


def _relief(index: Index, cloud: Cloud, cell_m: float) -> Float32:
    """Rise within its cell of each of these points, on the scale of the cloud: float32 (N,)."""
    relief = np.zeros(len(cloud.points), np.float32)
    if len(index):
        cell = np.floor(cloud.points[index, :2] / cell_m).astype(np.int64)
        key = cell[:, 0] * 65_536 + cell[:, 1]
        order = np.argsort(key, kind="stable")
        start = np.flatnonzero(np.diff(key[order], prepend=key[order[0]] - 1))
        height = cloud.height[index[order]]
        rise = np.maximum.reduceat(height, start) - np.minimum.reduceat(height, start)
        relief[index[order]] = np.repeat(rise, np.diff(start, append=len(order)))
    return relief


@dataclass(frozen=True, slots=True, eq=False)
class _Groups:
    """Connected groups of points: indices of the cloud in order of group, and where each begins."""

    index: Index
    start: Index
    count: Index

    @classmethod
    def of(cls, index: Index, cloud: Cloud, cell_m: float) -> _Groups:
        """Group points that share cells of ``cell_m``, or neighbouring ones."""
        if len(index) == 0:
            return cls(index, index, index)
        cell = np.floor(cloud.points[index, :2] / cell_m).astype(np.int64)
        cell -= cell.min(axis=0)
        occupied = np.zeros(tuple(cell.max(axis=0) + 1), np.uint8)
        occupied[cell[:, 0], cell[:, 1]] = 1
        _, labels = cv2.connectedComponents(occupied, connectivity=8)
        label = labels[cell[:, 0], cell[:, 1]]
        order = np.argsort(label, kind="stable")
        start = np.flatnonzero(np.diff(label[order], prepend=-1))
        return cls(index[order], start, np.diff(start, append=len(index)))

    def members(self, group: int) -> Index:
        return self.index[self.start[group] : self.start[group] + self.count[group]]

    def split(self, min_points: int) -> Iterator[Index]:
        """The members of each group that has so many."""
        for group in np.flatnonzero(self.count >= min_points):
            yield self.members(int(group))

    def share(self, what: Bool) -> Float64:
        """Share of the members of each group of which it holds, float64 (G,)."""
        return np.asarray(self._reduce(np.add, what[self.index].astype(float)) / self.count)

    def highest(self, value: Float32) -> Float64:
        """Largest value among the members of each group, float64 (G,)."""
        return self._reduce(np.maximum, value[self.index].astype(float))

    def extent(self, cloud: Cloud) -> tuple[Float64, Float64]:
        """Lowest and highest x, y of each group, float64 (G, 2) each."""
        xy = cloud.points[self.index, :2].astype(float)
        return self._reduce(np.minimum, xy), self._reduce(np.maximum, xy)

    def _reduce(self, how: np.ufunc, values: Float64) -> Float64:
        if len(self.start) == 0:
            return values
        return np.asarray(how.reduceat(values, self.start, axis=0))


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
