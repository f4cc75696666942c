"""Where a LiDAR sees a thing end to its left or right, and looks past it."""

from __future__ import annotations

import numpy as np

from s2m_ros.fusion.groups import Index
from s2m_ros.types import Float32, Float64

_AZIMUTHS = 900
_ELEVATIONS_DEG = (0.85, 1.7, 3.4)
"""Cells in which neighbouring beams are sought; as high as it takes to have beams in most rows."""
_ROWS_FILLED, _USUAL = 0.9, (5, 95)
_STANDS_M, _SIDE_M, _FAR_M = 0.1, 0.3, 60.0
"""What is at least so high stands; its sides are taken from here on, and so far."""
_BEHIND, _BEHIND_M = 1.1, 1.0
"""What is nearer than this beside a point belongs to the same thing."""
_SAME, _SAME_M = 0.02, 0.15
"""Neighbours whose range differs by less are of one thing."""


def silhouettes(points: Float32, height: Float32, sensor: Float64) -> Index:
    """Those of points (N, 3) at the left or right side of a standing thing, seen from the sensor.

    height: float32 (N,), m over the ground; sensor: float64 (3,), in the frame of the points. At
    most one a side, cell and thing; a point alone, as a raindrop gives it, is none.
    """
    stands = (height > _STANDS_M).nonzero()[0]
    if not len(stands):
        return stands
    beam = points[stands] - sensor.astype(np.float32)
    across = np.hypot(beam[:, 0], beam[:, 1])
    azimuth = np.arctan2(beam[:, 1], beam[:, 0]) * (_AZIMUTHS / (2 * np.pi))
    range_m = np.hypot(across, beam[:, 2])
    column = np.floor(azimuth).astype(np.intp)
    row = _rows(np.degrees(np.arctan2(beam[:, 2], across)))
    nearest = np.full((int(row.max()) + 2, _AZIMUTHS), np.inf, np.float32)
    np.minimum.at(nearest, (row, column % _AZIMUTHS), range_m)

    def beside(rows: int, columns: int) -> Float32:
        return np.asarray(nearest[row + rows, (column + columns) % _AZIMUTHS])

    close = _SAME * range_m + _SAME_M
    lone = np.ones(len(stands), np.bool_)
    for rows in (-1, 1):
        for columns in (-1, 0, 1):
            lone &= ~(np.abs(beside(rows, columns) - range_m) < close)
    front = range_m < beside(0, 0) * (1 + _SAME) + _SAME_M
    chosen = front & ~lone & (height[stands] > _SIDE_M) & (range_m < _FAR_M)
    past = _BEHIND * range_m + _BEHIND_M
    found = []
    for side in (-1, 1):
        free = chosen & (beside(0, side) > past) & (beside(0, 2 * side) > past)
        at = free.nonzero()[0]
        at = at[np.lexsort((-side * azimuth[at], column[at], row[at]))]  # outermost of a cell first
        new = np.ones(len(at), np.bool_)
        new[1:] = (np.diff(row[at]) != 0) | (np.diff(column[at]) != 0)
        found.append(at[new])
    return np.asarray(stands[np.concatenate(found)])


def _rows(elevation_deg: Float32) -> Index:
    """The row of each beam, from 1 on."""
    low_deg, high_deg = np.percentile(elevation_deg, _USUAL)
    usual = elevation_deg[(elevation_deg >= low_deg) & (elevation_deg <= high_deg)]
    for step_deg in _ELEVATIONS_DEG:
        filled = np.bincount(((usual - low_deg) / step_deg).astype(np.intp))
        if np.count_nonzero(filled) >= _ROWS_FILLED * len(filled):
            break
    row: Index = np.floor((elevation_deg - elevation_deg.min()) / step_deg).astype(np.intp)
    return row + 1
