"""Distances between convex outlines, and between outlines and the vehicle."""

from __future__ import annotations

import numpy as np

from s2m_ros.config import Hazards
from s2m_ros.types import Float64


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
    (ax, ay), (bx, by) = np.moveaxis(outlines, 2, 0), np.moveaxis(others, 2, 0)
    # From each corner of the one, axis 1, to each corner of the other, axis 2.
    dx, dy = bx[:, None] - ax[:, :, None], by[:, None] - ay[:, :, None]
    side_x, side_y = (_sides(v)[:, :, None] for v in (ax, ay))
    apart = (side_y * dx > side_x * dy).all(axis=2).any(axis=1)
    square = _to_sides(dx, dy, side_x, side_y)
    side_x, side_y = (_sides(v)[:, None] for v in (bx, by))
    apart |= (side_y * dx < side_x * dy).all(axis=1).any(axis=1)
    square = np.minimum(square, _to_sides(-dx, -dy, side_x, side_y))
    return np.where(apart, np.sqrt(square), 0.0)


def _sides(v: Float64) -> Float64:
    """One coordinate of the sides (N, K) that begin at corners (N, K)."""
    return np.concatenate([v[:, 1:], v[:, :1]], axis=1) - v


def _to_sides(dx: Float64, dy: Float64, side_x: Float64, side_y: Float64) -> Float64:
    """Least squared distance (N,) of points from sides, given from where the sides begin."""
    length2 = np.maximum(side_x * side_x + side_y * side_y, 1e-18)
    share = np.minimum(np.maximum((dx * side_x + dy * side_y) / length2, 0.0), 1.0)
    off_x, off_y = dx - share * side_x, dy - share * side_y
    return np.asarray((off_x * off_x + off_y * off_y).min(axis=(1, 2)))
