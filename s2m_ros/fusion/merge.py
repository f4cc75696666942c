"""Objects that several cameras see are one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from s2m_ros.types import Bool, Float64, Object3D, RangeSource

_INSIDE_M = 0.3
"""Slack with which a centre lies inside the box of another view."""


def merge_views(objects: Sequence[Object3D], distance_m: float) -> tuple[list[Object3D], int]:
    """Keep one of the objects of different cameras that are nearer than ``distance_m``.

    Distance is between centres, less half of both sizes' smaller sides; none when a centre lies in
    the other's box: the part of a long thing that one camera sees. Nearest first, and a camera
    gives at most one object to each whole, so that neighbours stay apart. The one with LiDAR
    points, then with more of them, then with the smaller covariance, stands for all. Returns the
    kept, in their order, and how many were merged away.
    """
    n = len(objects)
    if not n:
        return [], 0
    whole = [{i} for i in range(n)]
    for i, k in _pairs(objects, distance_m):
        both = whole[i] | whole[k]
        if len({objects[j].camera for j in both}) == len(both):
            for j in both:
                whole[j] = both
    kept = [i for i in range(n) if i == min(whole[i], key=lambda j: _rank(objects[j], j))]
    return [objects[i] for i in kept], n - len(kept)


def _rank(item: Object3D, index: int) -> tuple[bool, int, float, int]:
    no_lidar = item.range_source != RangeSource.LIDAR
    return no_lidar, -item.point_count, float(np.trace(item.covariance)), index


def _pairs(objects: Sequence[Object3D], distance_m: float) -> list[tuple[int, int]]:
    """Objects of different cameras that are near enough, nearest first, the first of both first."""
    place = np.array([item.position[:2] for item in objects])
    size = np.array([item.size[:2] for item in objects])
    yaw = np.array([item.yaw for item in objects])
    _, camera = np.unique([item.camera for item in objects], return_inverse=True)
    # Whoever is near enough, by distance or inside a box, lies within both reaches.
    reach = np.hypot(*(size / 2 + _INSIDE_M).T) + max(distance_m, 0.0)
    i, k = cKDTree(place).query_pairs(2 * float(reach.max()), output_type="ndarray").T
    other = camera[i] != camera[k]
    i, k = i[other], k[other]
    away = place[k] - place[i]
    apart = np.hypot(away[:, 0], away[:, 1]) - (size[i].min(axis=1) + size[k].min(axis=1)) / 2
    apart[_holds(yaw[i], size[i], away) | _holds(yaw[k], size[k], away)] = 0.0
    near = apart < distance_m
    i, k, apart = i[near], k[near], apart[near]
    order = np.lexsort((k, i, apart))
    return list(zip(i[order].tolist(), k[order].tolist(), strict=True))


def _holds(yaw: Float64, size: Float64, offset: Float64) -> Bool:
    """Whether boxes (N, 2) hold a point at an offset (N, 2) from their centres, to either side."""
    c, s = np.cos(yaw), np.sin(yaw)
    along, across = c * offset[:, 0] + s * offset[:, 1], c * offset[:, 1] - s * offset[:, 0]
    within = np.abs(np.array([along, across]).T) < size / 2 + _INSIDE_M
    return np.asarray(within.all(axis=1))
