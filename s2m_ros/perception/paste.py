"""From the small logit images that mask decoders give to bit patches on the mask grid."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Bool, Float32
from .interfaces import Candidate

STABILITY_OFFSET = 1.0
"""Logit distance of the two cuts of the stability score, as in Segment Anything."""


def paste(
    logits: Float32, window: Float32, grid_size: tuple[int, int], prompt: int, predicted_iou: float
) -> Candidate:
    """Lay one mask, float32 (M, M') logits over window (x0, y0, x1, y1), on the mask grid.

    The window is in grid cells and may leave the grid. A mask is where the logit is over 0; the
    patch is cropped to it (and is 0 by 0 when nothing is). Bilinear between logit centres.
    """
    x0, y0 = int(np.floor(max(window[0], 0))), int(np.floor(max(window[1], 0)))
    x1 = int(np.ceil(min(window[2], grid_size[0])))
    y1 = int(np.ceil(min(window[3], grid_size[1])))
    if x1 <= x0 or y1 <= y0:
        return Candidate(prompt, 0, 0, np.zeros((0, 0), np.bool_), predicted_iou, 0.0)
    rows, columns = logits.shape
    sx = columns / max(float(window[2] - window[0]), 1e-6)
    sy = rows / max(float(window[3] - window[1]), 1e-6)
    # grid cell centre -> logit index: ((cell + .5) - window origin) * scale - .5
    matrix = np.asarray(
        [
            [sx, 0, (x0 + 0.5 - float(window[0])) * sx - 0.5],
            [0, sy, (y0 + 0.5 - float(window[1])) * sy - 0.5],
        ],
        np.float64,
    )
    if sx > 1 or sy > 1:  # shrinking: average first, so that no thin part is missed
        kernel = (max(1, round(sx)), max(1, round(sy)))
        logits = np.asarray(cv2.blur(logits, kernel, borderType=cv2.BORDER_REPLICATE), np.float32)
    laid = cv2.warpAffine(
        logits,
        matrix,
        (x1 - x0, y1 - y0),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    strict = int(np.count_nonzero(laid > STABILITY_OFFSET))
    lax = int(np.count_nonzero(laid > -STABILITY_OFFSET))
    return cropped(laid > 0, x0, y0, prompt, predicted_iou, strict / lax if lax else 0.0)


def cropped(
    bits: Bool, x: int, y: int, prompt: int, predicted_iou: float, stability: float
) -> Candidate:
    """A candidate whose patch is cut to its set bits."""
    columns, rows = np.flatnonzero(bits.any(axis=0)), np.flatnonzero(bits.any(axis=1))
    if not len(columns):
        empty = np.zeros((0, 0), np.bool_)
        return Candidate(prompt, 0, 0, empty, predicted_iou, stability)
    left, top = int(columns[0]), int(rows[0])
    patch = np.ascontiguousarray(bits[top : rows[-1] + 1, left : columns[-1] + 1])
    return Candidate(prompt, x + left, y + top, patch, predicted_iou, stability)
