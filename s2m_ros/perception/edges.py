"""Where a picture changes from column to column: the sides of things, to compare with a LiDAR."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import EdgeMap, UInt8

_COLUMNS = 320
_AROUND = (27, 13)
"""Columns and rows whose mean an edge must exceed."""
_TIMES, _PLUS = 2.0, 3.0
"""By so many times that mean, and a little more; in steps of grey."""


def upright_edges(image: UInt8) -> EdgeMap:
    """The upright edges of uint8 (H, W, 3) RGB, on a grid of at most 320 columns.

    An edge counts by how much it exceeds its surroundings, so that shade shows the sides of things
    as well as sunlight does.
    """
    height, width = image.shape[:2]
    columns = min(_COLUMNS, width)
    rows = max(1, round(height * columns / width / 2))
    green = cv2.extractChannel(image[:: 2 if height > 2 else 1], 1)  # each second row will do
    small = cv2.resize(green, (columns, 2 * rows), interpolation=cv2.INTER_AREA)
    change = cv2.convertScaleAbs(cv2.Sobel(small, cv2.CV_16S, 1, 0, ksize=3), alpha=0.25)
    limit = cv2.convertScaleAbs(cv2.boxFilter(change, -1, _AROUND), alpha=_TIMES, beta=_PLUS)
    edges = np.asarray(change > limit)
    return EdgeMap(edges[::2] | edges[1::2], (width, height))
