"""Which detection belongs to which track."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from s2m_ros.types import Float64

SIZE_WEIGHT = 0.5
SIZE_CLIP = 2.0
BOX_WEIGHT = 1.0
FORBIDDEN = 1e6

Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]


def assign(
    hypotheses: Sequence[tuple[Float64, Float64]],
    track_sizes: Float64,
    track_boxes: Float64,
    track_cameras: Sequence[str],
    positions: Float64,
    noise: Float64,
    sizes: Float64,
    boxes: Float64,
    cameras: Sequence[str],
    gate: float,
) -> Pairs:
    """Optimal pairs (track rows, detection rows), each at most once, all inside the gate.

    hypotheses: means (N, 3) and covariances (N, 3, 3), any of which may explain a detection;
    positions (M, 3) with noise (M, 3, 3); sizes (., 3); boxes (., 4) in pixels of the named camera.
    The gate holds this probability mass of the horizontal distance; heights of centres change with
    what is seen of an object and do not gate. The cost is the squared Mahalanobis distance, plus
    log det S so that a vague track does not take the detections of a sharp one, plus small
    terms for unlike size and for boxes that do not overlap in the same camera.
    """
    n, m = len(track_sizes), len(positions)
    if n == 0 or m == 0:
        return np.zeros(0, np.intp), np.zeros(0, np.intp)
    distance = np.full((n, m), FORBIDDEN)
    limit = -2 * np.log1p(-gate)  # chi-square quantile of two degrees of freedom
    for mean, covariance in hypotheses:
        s = covariance[:, None, :2, :2] + noise[None, :, :2, :2]
        d = positions[None, :, :2] - mean[:, None, :2]
        determinant = s[..., 0, 0] * s[..., 1, 1] - s[..., 0, 1] ** 2
        squared = (
            s[..., 1, 1] * d[..., 0] ** 2
            - 2 * s[..., 0, 1] * d[..., 0] * d[..., 1]
            + s[..., 0, 0] * d[..., 1] ** 2
        ) / determinant
        cost = squared + np.log(determinant)
        distance = np.minimum(distance, np.where(squared <= limit, cost, FORBIDDEN))
    allowed = distance < FORBIDDEN
    ratio = np.log((track_sizes[:, None] + 0.05) / (sizes[None] + 0.05))
    unlike = np.minimum(np.abs(ratio).max(axis=2), SIZE_CLIP)
    seen_by, sees = np.array(track_cameras), np.array(cameras)
    same = (seen_by[:, None] == sees) & (sees != "")
    apart = np.where(same, 1 - box_iou(track_boxes, boxes), 0.5)
    cost = distance + SIZE_WEIGHT * unlike + BOX_WEIGHT * apart
    rows, columns = linear_sum_assignment(np.where(allowed, cost, FORBIDDEN))
    good = allowed[rows, columns]
    return rows[good], columns[good]


def box_iou(a: Float64, b: Float64) -> Float64:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4)."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    area_a, area_b = (np.prod(np.maximum(c[:, 2:] - c[:, :2], 0), axis=1) for c in (a, b))
    union = area_a[:, None] + area_b[None] - both
    return np.asarray(both / np.maximum(union, 1e-9))
