"""Objects that several cameras see are one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from s2m_ros.types import Object3D, RangeSource

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
    pairs = sorted(
        (apart, i, k)
        for i in range(n)
        for k in range(i + 1, n)
        if objects[i].camera != objects[k].camera
        and (apart := _apart(objects[i], objects[k])) < distance_m
    )
    whole = [{i} for i in range(n)]
    for _, i, k in pairs:
        both = whole[i] | whole[k]
        if len({objects[j].camera for j in both}) == len(both):
            for j in both:
                whole[j] = both
    kept = [i for i in range(n) if i == min(whole[i], key=lambda j: _rank(objects[j], j))]
    return [objects[i] for i in kept], n - len(kept)


def _rank(item: Object3D, index: int) -> tuple[bool, int, float, int]:
    no_lidar = item.range_source != RangeSource.LIDAR
    return no_lidar, -item.point_count, float(np.trace(item.covariance)), index


def _apart(a: Object3D, b: Object3D) -> float:
    away = b.position[:2] - a.position[:2]
    if _holds(a, away) or _holds(b, -away):
        return 0.0
    return float(np.hypot(*away) - 0.5 * (a.size[:2].min() + b.size[:2].min()))


def _holds(item: Object3D, offset: np.ndarray) -> bool:
    c, s = np.cos(item.yaw), np.sin(item.yaw)
    along, across = c * offset[0] + s * offset[1], c * offset[1] - s * offset[0]
    length, width = item.size[:2] / 2 + _INSIDE_M
    return bool(abs(along) < length and abs(across) < width)
