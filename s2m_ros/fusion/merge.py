"""Objects that several cameras see are one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from s2m_ros.types import Object3D, RangeSource


def merge_views(objects: Sequence[Object3D], distance_m: float) -> tuple[list[Object3D], int]:
    """Keep one of the objects of different cameras that are nearer than ``distance_m``.

    Distance is between centres, less half of both sizes' smaller sides. The one with LiDAR points,
    then with the smaller covariance, stands for both. Returns the kept, in their order, and how
    many were merged away.
    """
    rank = sorted(
        range(len(objects)),
        key=lambda i: (
            objects[i].range_source != RangeSource.LIDAR,
            float(np.trace(objects[i].covariance)),
            i,
        ),
    )
    kept: list[int] = []
    for i in rank:
        if not any(_same(objects[i], objects[k], distance_m) for k in kept):
            kept.append(i)
    return [objects[i] for i in sorted(kept)], len(objects) - len(kept)


def _same(a: Object3D, b: Object3D, distance_m: float) -> bool:
    if a.camera == b.camera:
        return False
    apart = float(np.linalg.norm(a.position[:2] - b.position[:2]))
    return apart - 0.5 * float(a.size[:2].min() + b.size[:2].min()) < distance_m
