"""The unknown objects of one instant as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2m_ros.types import Float64, Object3D, UInt8

POSITION_SIGMA_FLOOR = 0.03  # m; no sensor of a vehicle does better
CENTRE_SHARE = 0.06  # of an object's size: how far its seen centre jumps with the view


@dataclass(frozen=True, slots=True, eq=False)
class Detections:
    """M detections.

    z: float64 (M, 3), centres; r: (M, 3, 3), their noise; size: (M, 3); yaw, height, contrast:
    (M,); outline: (M, K, 2), footprints around the centres; box: (M, 4), pixels of the camera;
    evidence: uint8 (M,); points: int (M,), LiDAR points.
    """

    items: Sequence[Object3D]
    z: Float64
    r: Float64
    size: Float64
    yaw: Float64
    height: Float64
    contrast: Float64
    outline: Float64
    box: Float64
    camera: NDArray[np.str_]
    evidence: UInt8
    points: NDArray[np.int64]

    @classmethod
    def of(cls, items: Sequence[Object3D]) -> Detections:
        z = _array([item.position for item in items], 3)
        size = _array([item.size for item in items], 3)
        yaw = np.array([item.yaw for item in items], float)
        covariance = _array([item.covariance for item in items], 3, 3)
        # What fusion says, and that the centre depends on the view.
        spread = POSITION_SIGMA_FLOOR**2 + (CENTRE_SHARE * size[:, :2].max(axis=1, initial=0)) ** 2
        r = (covariance + covariance.transpose(0, 2, 1)) / 2 + spread[:, None, None] * np.eye(3)
        outline = stack([item.footprint for item in items]) - z[:, None, :2]
        bare = np.array([not len(item.footprint) for item in items], bool)
        if bare.any():
            corners = _corners(size, yaw)
            k = np.minimum(np.arange(max(outline.shape[1], 4)), outline.shape[1] - 1)
            outline = outline[:, k]
            outline[bare] = corners[bare][:, np.minimum(np.arange(len(k)), 3)]
        return cls(
            items=items,
            z=z,
            r=r,
            size=size,
            yaw=yaw,
            height=np.array([item.height for item in items], float),
            contrast=np.array([item.contrast for item in items], float),
            outline=outline,
            box=_array([item.box for item in items], 4),
            camera=np.array([item.camera for item in items], np.str_),
            evidence=np.array([int(item.evidence) for item in items], np.uint8),
            points=np.array([item.point_count for item in items], np.int64),
        )

    def __len__(self) -> int:
        return len(self.items)


def stack(outlines: Sequence[Float64]) -> Float64:
    """Outlines (K_i, 2) as one array (N, K, 2), the last corner of each repeated; empty at 0."""
    counts = np.array([len(outline) for outline in outlines], np.intp)
    most = int(counts.max(initial=1))
    if not counts.sum():
        return np.zeros((len(counts), max(most, 1), 2))
    corners = np.concatenate(list(outlines))
    if len(corners) == most * len(counts):  # all have as many
        return np.asarray(corners.reshape(-1, most, 2))
    first = np.cumsum(counts) - counts
    index = first[:, None] + np.minimum(np.arange(most), np.maximum(counts - 1, 0)[:, None])
    result = corners[np.minimum(index, len(corners) - 1)]
    result[counts == 0] = 0.0
    return np.asarray(result)


def _corners(size: Float64, yaw: Float64) -> Float64:
    """The four corners (M, 4, 2), counter-clockwise, of boxes around the origin."""
    heading = np.column_stack([np.cos(yaw), np.sin(yaw)])
    along = heading * size[:, :1] / 2
    across = heading[:, ::-1] * [-1, 1] * size[:, 1:2] / 2
    return np.stack([along + across, across - along, -along - across, along - across], axis=1)


def _array(rows: Sequence[NDArray[Any]], *shape: int) -> Float64:
    together = np.concatenate(rows) if rows else np.zeros(0)
    return np.asarray(together, np.float64).reshape(-1, *shape)
