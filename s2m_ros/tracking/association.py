"""Which detection belongs to which track."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from s2m_ros.perception.overlap import box_iou
from s2m_ros.tracking.detections import Detections
from s2m_ros.types import Bool, Float64

SIZE_WEIGHT, SIZE_CLIP = 0.5, 2.0
BOX_WEIGHT = 1.0
CONTRAST_WEIGHT, CONTRAST_CLIP = 0.5, 1.0
FORBIDDEN = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """How N tracks look: size float64 (N, 3), m; box (N, 4), pixels of the named camera; contrast
    (N,), decades of rarity."""

    size: Float64
    box: Float64
    camera: NDArray[np.str_]
    contrast: Float64


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Track rows and detection columns (K,), each at most once, and the density (K,), 1/m^2, of
    each detection under its track's prediction."""

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    density: Float64


def assign(
    means: Float64, covariances: Float64, looks: Looks, new: Detections, gate: float
) -> Pairs:
    """Optimal pairs, all inside the gate.

    means: float64 (H, N, 2) and covariances (H, N, 2, 2) of H hypotheses, any of which may explain
    a detection. The gate holds this probability mass of the horizontal distance; heights of centres
    change with what is seen of an object and do not gate. The cost is the squared Mahalanobis
    distance, plus log det S so that a vague track does not take the detections of a sharp one, plus
    small terms for unlike size and contrast and for boxes that do not overlap in the same camera.
    """
    n, m = means.shape[1], len(new)
    if n == 0 or m == 0:
        none = np.zeros(0, np.intp)
        return Pairs(none, none, np.zeros(0))
    p, r = covariances[:, :, None], new.r
    xx, yy = p[..., 0, 0] + r[:, 0, 0], p[..., 1, 1] + r[:, 1, 1]
    xy = p[..., 0, 1] + r[:, 0, 1]
    dx, dy = (new.z[:, axis] - means[:, :, None, axis] for axis in (0, 1))
    determinant = xx * yy - xy * xy
    squared = (yy * dx * dx - 2 * xy * dx * dy + xx * dy * dy) / determinant
    limit = -2 * np.log1p(-gate)  # chi-square quantile of two degrees of freedom
    inside = squared <= limit
    cost = np.full(squared.shape, FORBIDDEN)
    cost[inside] = squared[inside] + np.log(determinant[inside])
    distance = cost.min(axis=0)
    allowed: Bool = distance < FORBIDDEN
    i, k = allowed.nonzero()
    full = np.full((n, m), FORBIDDEN)
    full[i, k] = distance[i, k] + _unlike(looks, i, new, k)
    # Pairs that nobody else wants need no search.
    alone = (allowed.sum(axis=1)[i] == 1) & (allowed.sum(axis=0)[k] == 1)
    wanted, offered = np.unique(i[~alone]), np.unique(k[~alone])
    first, second = linear_sum_assignment(full[np.ix_(wanted, offered)])
    good = allowed[wanted[first], offered[second]]
    rows = np.concatenate([i[alone], wanted[first[good]]])
    columns = np.concatenate([k[alone], offered[second[good]]])
    order = np.argsort(rows)
    rows, columns = rows[order], columns[order]
    return Pairs(rows, columns, np.exp(-distance[rows, columns] / 2) / (2 * np.pi))


def _unlike(looks: Looks, i: NDArray[np.intp], new: Detections, k: NDArray[np.intp]) -> Float64:
    """Cost (P,) of the pairs of tracks i and detections k for what they look like."""
    ratio = np.abs(np.log((looks.size[i] + 0.05) / (new.size[k] + 0.05))).max(axis=1)
    same = (looks.camera[i] == new.camera[k]) & (new.camera[k] != "")
    apart = np.where(same, 1 - box_iou(looks.box[i], new.box[k]), 0.5)
    contrast = np.where(same, np.abs(looks.contrast[i] - new.contrast[k]), CONTRAST_CLIP / 2)
    return np.asarray(
        SIZE_WEIGHT * np.minimum(ratio, SIZE_CLIP)
        + BOX_WEIGHT * apart
        + CONTRAST_WEIGHT * np.minimum(contrast, CONTRAST_CLIP)
    )
