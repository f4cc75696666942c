"""Distances between convex outlines, and between outlines and the vehicle."""

from __future__ import annotations

import numpy as np

from s2m_ros.config import Hazards
from s2m_ros.types import Bool, Float64


def vehicle(settings: Hazards) -> Float64:
    """The vehicle's outline in base_link: float64 (4, 2), counter-clockwise."""
    front, half = settings.base_to_front_m, settings.vehicle_width_m / 2
    rear = front - settings.vehicle_length_m
    return np.array([[front, -half], [front, half], [rear, half], [rear, -half]])


def gaps(outlines: Float64, other: Float64) -> Float64:
    """Distance (N,) of outlines (N, K, 2) from another (M, 2) or one each (N, M, 2); 0 in overlap.

    All convex and counter-clockwise; repeated corners, segments and points are fine.
    Overlap by the separating axis theorem, distance from the corners of each to the sides of the
    other, between which the least distance of two disjoint convex polygons lies.
    """
    others = np.broadcast_to(other, (len(outlines), *other.shape[-2:]))
    apart = _separated(outlines, others) | _separated(others, outlines)
    distance = np.minimum(_to_sides(outlines, others), _to_sides(others, outlines))
    return np.where(apart, distance, 0.0)


def _separated(a: Float64, b: Float64) -> Bool:
    """Whether a side of a has all of b beyond it: bool (N,)."""
    side = np.roll(a, -1, axis=1) - a
    from_corner = b[:, None] - a[:, :, None]
    beyond = side[:, :, None, 1] * from_corner[..., 0] - side[:, :, None, 0] * from_corner[..., 1]
    return np.asarray(np.any(np.all(beyond > 0, axis=2), axis=1))


def _to_sides(points: Float64, outline: Float64) -> Float64:
    """Least distance (N,) of points (N, P, 2) from the sides of outlines (N, K, 2)."""
    start = outline[:, None]
    side = np.roll(outline, -1, axis=1)[:, None] - start
    offset = points[:, :, None] - start
    length2 = np.maximum((side**2).sum(axis=-1), 1e-18)
    share = np.clip((offset * side).sum(axis=-1) / length2, 0, 1)
    nearest = offset - share[..., None] * side
    return np.asarray(np.sqrt((nearest**2).sum(axis=-1).min(axis=(1, 2))))
