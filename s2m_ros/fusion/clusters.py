"""Groups of points that stand on the ground: the known objects, and what nothing explains.

The second is evidence of its own. A group on the drivable surface that no mask covers and no known
class explains is an object, whatever the anomaly score says: it covers what the scorer misses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import IntFlag
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros import config
from s2m_ros.fusion.groups import Groups, Index
from s2m_ros.fusion.shape import LOW_THING_M, boxes_of_points
from s2m_ros.fusion.surface import GroundSurface
from s2m_ros.fusion.view import Cloud, View
from s2m_ros.types import Bool, Evidence, Float32, Float64, Object3D, RangeSource, Role, UInt8

VALUE_ROLES = (Role.VEHICLE, Role.PERSON, Role.AIRCRAFT)
_VALUED = np.isin(np.arange(256), VALUE_ROLES)
_EXPLAINING = (*VALUE_ROLES, Role.STRUCTURE, Role.VEGETATION, Role.SIGN, Role.SKY)
_EXPLAINED_SHARE, _TOUCHED_SHARE = 0.3, 0.1
_SURFACE_SHARE = 0.5
_ALONE_M, _ALONE_HIGH_M, _ALONE_SHARE = 1.5, 1.0, 0.8
"""What is no longer and no higher, with so much surface around, no class explains but an aircraft,
which has such parts: a class map calls a cone a person, and a suitcase a vehicle."""
_RING_M = 1.0
_COUNT_CELL_M = 0.25
_TALLEST_M = 3.0
_HOVERS_M = 0.4
"""What begins higher than this over the ground does not stand on it."""
_KNOWN_GROUND, _FIRST_SWEEPS = 4.0, 10
"""Cells' worth of measurement that the ground around a low thing must have among the first sweeps:
a ring of points may lie above a surface that is only guessed between the beams. What so many sweeps
have not shown, more will not."""
_GENTLE_M = 1.5
_STEEP_SHARE = 0.5
"""What is longer and rises less than this share of its height within a cell is a bank."""
_SIDE_SHARE = 0.02
_WITHIN_SHARE = 0.95
"""What runs out of the image is not seen whole: less of its points lie well within."""
_KNOWN_CELL_M = 0.8
_KNOWN_POINTS = 5
_NO_BOX = np.zeros(4, np.float32)


_NO_INDEX = np.zeros(0, np.intp)
_NOTHING = Groups.in_order(_NO_INDEX, _NO_INDEX)


def known_groups(
    views: Sequence[View], cloud: Cloud, tolerance_m: float
) -> tuple[Groups, list[Role]]:
    """Vehicles, persons and aircraft, from the role of the pixel under each standing point.

    Points vote: first those of a cell decide whether it belongs to such an object, so that single
    mislabelled pixels make none, then those of connected cells which role it has.
    """
    if not any(_VALUED.take(view.roles).any() for view in views):
        return _NOTHING, []
    role_of = np.full(len(cloud.points), Role.UNKNOWN, np.uint8)
    for view in views:
        role_of[view.index] = np.where(view.roles != Role.UNKNOWN, view.roles, role_of[view.index])
    standing = np.flatnonzero(
        (role_of != Role.UNKNOWN) & (role_of != Role.SURFACE) & (cloud.height > tolerance_m)
    )
    if len(standing) == 0:
        return _NOTHING, []
    column, row = (
        np.floor(v[standing] / _KNOWN_CELL_M).astype(np.int64) for v in cloud.points.T[:2]
    )
    _, cell = np.unique(column * 65_536 + row, return_inverse=True)
    votes = np.bincount(cell * len(Role) + role_of[standing]).astype(float)
    votes = np.pad(votes, (0, -len(votes) % len(Role))).reshape(-1, len(Role))
    valuable = votes[:, VALUE_ROLES].sum(axis=1) > 0.5 * votes.sum(axis=1)
    groups = _connected(standing[valuable[cell]], cloud, _KNOWN_CELL_M)
    groups = groups.keep(groups.count >= _KNOWN_POINTS)
    counts = np.column_stack(
        [groups.sum((role_of[groups.index] == r).astype(int)) for r in VALUE_ROLES]
    )
    return groups, [VALUE_ROLES[k] for k in counts.argmax(axis=1)]


def unexplained_groups(
    views: Sequence[View],
    cloud: Cloud,
    ground: GroundSurface,
    settings: config.Fusion,
) -> tuple[Groups, Counter[str]]:
    """What only the LiDAR shows, and how many groups were passed over, by reason."""
    limits = settings.lidar_evidence
    tolerance_m = settings.ground.tolerance_m
    standing = np.flatnonzero(
        (cloud.height > tolerance_m)
        & (cloud.height < _TALLEST_M)
        & (cloud.range_m < limits.max_range_m)
    )
    known = _knowledge(views, cloud)
    dropped: Counter[str] = Counter()
    everything = _connected(standing, cloud, limits.cell_m)
    enough = everything.count >= limits.min_points
    dropped["cluster_few_points"] += int((~enough).sum())
    groups = everything.keep(enough)
    xy = cloud.points.T[:2].take(groups.index, axis=1)
    low = np.column_stack([groups.least(v) for v in xy])
    high = np.column_stack([groups.most(v) for v in xy])
    long = (high - low).max(axis=1)
    height = cloud.height.take(groups.index)
    highest, relief = groups.most(height), _relief(groups.index, cloud, limits.cell_m)
    share = _shares(groups, known)
    explained = share[_Known.EXPLAINED] > _EXPLAINED_SHARE
    classed = share[_Known.EXPLAINED] + share[_Known.CLASSED] > _EXPLAINED_SHARE
    alone = (long < _ALONE_M) & (highest < _ALONE_HIGH_M)
    alone &= share[_Known.EXPLAINED] < _TOUCHED_SHARE
    # In the order in which a group is questioned; the first objection counts.
    objections: dict[str, Bool] = {
        "cluster_low": highest < limits.min_height_m,
        "cluster_ground_unknown": _on_unknown_ground(highest, (low + high) / 2, ground),
        "cluster_above_ground": groups.least(height) > _HOVERS_M,
        "cluster_out_of_view": share[_Known.SEEN] < 0.5,
        "cluster_unclassified": share[_Known.CLASSIFIED] < 0.5,
        "cluster_explained": explained | (classed & ~alone),
        "cluster_cut_by_image": share[_Known.WITHIN] < _WITHIN_SHARE,
        "cluster_gentle": (long > _GENTLE_M) & (groups.most(relief) < _STEEP_SHARE * highest),
        "cluster_large": np.asarray(long > limits.max_size_m),
    }
    if limits.outside_view:
        outside = objections.pop("cluster_out_of_view")
        objections["cluster_unclassified"] &= ~outside
        objections["cluster_cut_by_image"] &= ~outside
    left = np.ones(len(groups), np.bool_)
    for reason, holds in objections.items():
        dropped[reason] += int((left & holds).sum())
        left &= ~holds
    if not left.any():
        return _NOTHING, +dropped
    lying = np.flatnonzero((cloud.height <= tolerance_m) & (known > 0))
    surface = (known.take(lying) & _Known.SURFACE) > 0
    all_, surface = _counts(cloud, lying, surface, low[left] - _RING_M, high[left] + _RING_M)
    enough = np.where(classed[left], _ALONE_SHARE, _SURFACE_SHARE)
    drivable = (all_ > 0) & (surface >= enough * all_)
    if limits.outside_view:
        drivable |= all_ == 0
    dropped["cluster_explained"] += int((~drivable & classed[left]).sum())
    dropped["cluster_off_surface"] += int((~drivable & ~classed[left]).sum())
    left[left] = drivable
    return groups.keep(left), +dropped


def _on_unknown_ground(height: Float32, place: NDArray[Any], ground: GroundSurface) -> Bool:
    """Whether groups (G,) of a height and place (G, 2) are low and their ground is hardly seen."""
    if ground.sweeps >= _FIRST_SWEEPS:
        return np.zeros(len(height), np.bool_)
    return (height < LOW_THING_M) & (ground.support_at(place) < _KNOWN_GROUND)


def _counts(
    cloud: Cloud, index: Index, marked: Bool, low: NDArray[Any], high: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """How many of these points, and of the marked among them, lie in rectangles from low (G, 2) to
    high (G, 2), to the cell."""
    if len(index) == 0 or len(low) == 0:
        return (np.zeros(len(low), np.int64),) * 2
    corner = np.floor(low.min(axis=0) / _COUNT_CELL_M) * _COUNT_CELL_M
    far = high.max(axis=0)
    cells = np.ceil((far - corner) / _COUNT_CELL_M).astype(np.intp) + 1
    column, row = (
        ((v.take(index) - c) / _COUNT_CELL_M).astype(np.int32) + (v.take(index) < c) * -1
        for v, c in zip(cloud.points.T[:2], corner, strict=True)
    )
    inside = (column >= 0) & (row >= 0) & (column < cells[0]) & (row < cells[1])
    cell = (column * cells[1] + row)[inside]
    (west, south), (east, north) = (
        np.rint((v - corner) / _COUNT_CELL_M).astype(np.intp).T for v in (low, high)
    )
    found = []
    for some in (cell, cell[marked[inside]]):
        counts = np.bincount(some, minlength=int(cells.prod())).reshape(cells)
        total = np.pad(counts.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
        found.append(
            total[east, north] - total[west, north] - total[east, south] + total[west, south]
        )
    return found[0], found[1]


class _Known(IntFlag):
    """What is known of a point: a camera sees it; not at the very side of its image; the pixel's
    class is known; an aircraft or a mask explains it; it is drivable surface; another class
    explains it."""

    SEEN = 1
    WITHIN = 2
    CLASSIFIED = 4
    EXPLAINED = 8
    SURFACE = 16
    CLASSED = 32


_OF_ROLE = np.full(256, _Known.SEEN, np.uint8)
_OF_ROLE[list(_EXPLAINING)] |= np.uint8(_Known.CLASSED)
_OF_ROLE[Role.AIRCRAFT] ^= np.uint8(_Known.CLASSED | _Known.EXPLAINED)
_OF_ROLE[Role.SURFACE] |= np.uint8(_Known.SURFACE)


def _knowledge(views: Sequence[View], cloud: Cloud) -> UInt8:
    """What any view knows of each point of the cloud: uint8 (N,) of ``_Known``."""
    known = np.zeros(len(cloud.points), np.uint8)
    for view in views:
        width = view.image.masks.grid_size[0]
        margin = int(_SIDE_SHARE * width)
        within = (view.x >= margin) & (view.x < width - margin)
        flags = _OF_ROLE.take(view.roles) | within * np.uint8(_Known.WITHIN)
        flags |= view.masked * np.uint8(_Known.EXPLAINED)
        if view.image.masks.roles is not None:
            flags |= np.uint8(_Known.CLASSIFIED)
        known[view.index] |= flags
    return known


def _shares(groups: Groups, known: UInt8) -> dict[_Known, Float64]:
    """Share of the members of each group that it holds of, float64 (G,)."""
    bits = np.unpackbits(known.take(groups.index)[:, None], axis=1, bitorder="little")
    totals = groups.sum(bits.astype(np.int32))
    return {what: totals[:, what.bit_length() - 1] / groups.count for what in _Known}


def _relief(index: Index, cloud: Cloud, cell_m: float) -> Float32:
    """Rise within its cell of each of these points (P,): float32 (P,)."""
    column, row = (np.floor(v[index] / cell_m).astype(np.int64) for v in cloud.points.T[:2])
    cells = Groups.of(np.arange(len(index)), column * 65_536 + row)
    height = cloud.height[index][cells.index]
    relief = np.empty(len(index), np.float32)
    relief[cells.index] = cells.spread(cells.most(height) - cells.least(height))
    return relief


def _connected(index: Index, cloud: Cloud, cell_m: float) -> Groups:
    """Points that share cells of ``cell_m``, or neighbouring ones."""
    if len(index) == 0:
        return Groups.in_order(index, index)
    column, row = (np.floor(v[index] / cell_m).astype(np.int32) for v in cloud.points.T[:2])
    column, row = column - column.min(), row - row.min()
    occupied = np.zeros((int(column.max()) + 1, int(row.max()) + 1), np.uint8)
    occupied[column, row] = 1
    _, labels = cv2.connectedComponents(occupied, connectivity=8)
    return Groups.of(index, labels[column, row])


def objects_of(
    first: int, groups: Groups, roles: Sequence[Role], cloud: Cloud, ground: GroundSurface
) -> list[Object3D]:
    """Objects in base_link around groups of points, numbered from ``first``; roles: of each."""
    if not len(groups):
        return []
    xy: Float64 = cloud.points.T[:2].take(groups.index, axis=1).astype(float).T
    middle = np.column_stack([groups.mean(v) for v in xy.T])
    height = groups.most(cloud.height[groups.index].astype(float))
    nothing = np.zeros(len(groups))
    azimuth = np.arctan2(middle[:, 1], middle[:, 0])
    ground_z = ground.height(middle)
    boxes = boxes_of_points(
        groups, xy, ground_z, height, azimuth, nothing, nothing, nothing, nothing > 0
    )
    range_m = groups.mean(cloud.range_m[groups.index].astype(float))
    return [
        Object3D(
            id=first + g,
            position=boxes.position[g],
            covariance=boxes.covariance[g],
            size=boxes.size[g],
            yaw=float(boxes.yaw[g]),
            footprint=boxes.footprint[g],
            height=float(height[g]),
            range_m=float(range_m[g]),
            range_source=RangeSource.LIDAR,
            evidence=Evidence.LIDAR | (Evidence.NONE if role == Role.UNKNOWN else Evidence.CAMERA),
            point_count=int(groups.count[g]),
            role=role,
            score=0.0,
            contrast=0.0,
            predicted_iou=0.0,
            camera="",
            mask_id=-1,
            box=_NO_BOX,
        )
        for g, role in enumerate(roles)
    ]
