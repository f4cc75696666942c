"""Rigid transforms as 4x4 matrices: ``a_from_b`` takes points of frame b to frame a."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s2m_ros.types import Float64

_Float = TypeVar("_Float", bound=np.floating[Any])


def from_quaternion(translation: ArrayLike, quaternion: ArrayLike) -> Float64:
    """Float64 (4, 4) from translation (3,), m, and quaternion (x, y, z, w), ROS order.

    Raises ValueError for a quaternion of no length or numbers that are not finite.
    """
    x, y, z, w = q = np.asarray(quaternion, float)
    norm2 = float(q @ q)
    if not np.isfinite(norm2) or norm2 < 1e-12:
        raise ValueError(f"quaternion: expected a rotation (x, y, z, w), got {q.tolist()}")
    s = 2.0 / norm2
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w)],
        [s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w)],
        [s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y)],
    ]
    matrix[:3, 3] = translation
    if not np.isfinite(matrix).all():
        raise ValueError(f"translation: expected three numbers, got {translation!r}")
    return matrix


def to_quaternion(matrix: Float64) -> Float64:
    """Quaternion (x, y, z, w), w >= 0, of the rotation in a (3, 3) or (4, 4) matrix.

    Shepperd's method: the largest of the four components is found first, so that no division
    by a small number occurs.
    """
    r = matrix[:3, :3]
    diagonal = np.array([r[0, 0], r[1, 1], r[2, 2], np.trace(r)])
    largest = int(diagonal.argmax())
    q = np.empty(4)
    if largest == 3:
        q[:] = r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1], 1 + diagonal[3]
    else:
        i, j, k = largest, (largest + 1) % 3, (largest + 2) % 3
        q[i] = 1 + 2 * diagonal[i] - diagonal[3]
        q[j] = r[j, i] + r[i, j]
        q[k] = r[k, i] + r[i, k]
        q[3] = r[k, j] - r[j, k]
    q /= np.linalg.norm(q)
    return q if q[3] >= 0 else -q


def from_rotation_vector(vector: ArrayLike) -> Float64:
    """Float64 (3, 3) rotation by |vector| rad about its direction (Rodrigues)."""
    v = np.asarray(vector, float)
    angle = float(np.linalg.norm(v))
    k = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    if angle < 1e-9:
        return np.asarray(np.eye(3) + k)
    k /= angle
    return np.asarray(np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k))


def from_yaw(yaw: float, translation: ArrayLike = (0.0, 0.0, 0.0)) -> Float64:
    """Float64 (4, 4) that turns by yaw, rad, about z and then moves by translation, m."""
    matrix = np.eye(4)
    c, s = np.cos(yaw), np.sin(yaw)
    matrix[:2, :2] = [[c, -s], [s, c]]
    matrix[:3, 3] = translation
    return matrix


def invert(matrix: Float64) -> Float64:
    """The inverse of a rigid transform, float64 (4, 4)."""
    inverse = np.eye(4)
    inverse[:3, :3] = matrix[:3, :3].T
    inverse[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return inverse


def apply(matrix: Float64, points: NDArray[_Float]) -> NDArray[_Float]:
    """Points (N, 3) of frame b in frame a by ``a_from_b``; keeps the dtype of the points."""
    m = matrix.astype(points.dtype, copy=False)
    # Coordinate by coordinate in memory: what follows works on x, y, z of all points.
    moved: NDArray[_Float] = (m[:3, :3] @ points.T + m[:3, 3:]).T
    return moved


def yaw_of(matrix: Float64) -> float:
    """Heading of the x axis in the xy plane, rad."""
    return float(np.arctan2(matrix[1, 0], matrix[0, 0]))
