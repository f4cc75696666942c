"""How much boxes overlap: one definition for prompts, tracks, evaluation and training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..types import Float64

Boxes = NDArray[np.integer] | NDArray[np.floating]
"""x0, y0, x1, y1 along the last axis."""


def box_iou(a: Boxes, b: Boxes) -> Float64:
    """Intersection over union, float64 (...), of boxes (..., 4) that broadcast; 0 of empty ones."""
    low, high = np.maximum(a[..., :2], b[..., :2]), np.minimum(a[..., 2:], b[..., 2:])
    shared = _area(low, high)
    union = _area(a[..., :2], a[..., 2:]) + _area(b[..., :2], b[..., 2:]) - shared
    return np.asarray(shared / np.maximum(union, 1e-12), np.float64)


def pairwise_iou(a: Boxes, b: Boxes) -> Float64:
    """``box_iou`` of each of boxes (N, 4) with each of boxes (M, 4): float64 (N, M)."""
    return box_iou(a[:, None], b[None])


def _area(low: Boxes, high: Boxes) -> Float64:
    return np.asarray(np.clip(high - low, 0, None).prod(axis=-1, dtype=np.float64))
