"""Bounds that every number of a message must keep to before anything is computed from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2m_ros.types import InputError

FARTHEST_M = 1e7
"""Northings of UTM end there; nothing in an odometry frame or a map is farther away."""
FASTEST = 1e4
"""Of velocities in m/s and rates in rad/s."""
LARGEST = 1e9
"""Of scores, lengths and variances."""
MOST_CELLS = 1 << 26
"""Of a grid or an image: 67 million."""


def bounded(source: str, what: str, values: Any, most: float = LARGEST, least: float = 0.0) -> None:
    """Raise InputError unless all values are finite numbers of at most this size.

    least: how small none of them may be, as ``-most`` when it is not positive.
    """
    low = least if least > 0 else -most
    # Of a few numbers NumPy would take ten times as long.
    if isinstance(values, tuple) and all(low <= value <= most for value in values):
        return
    array = np.asarray(values, np.float64)
    # NaN is neither: the least and the largest of an array that holds one are NaN.
    if array.size and not (array.max() <= most and array.min() >= low):
        shown = [float(f"{v:.6g}") for v in array.ravel()[:8]]
        raise InputError(
            source,
            f"{what}: {shown} is not finite, or beyond {low:g} to {most:g}",
            "correct the node that publishes it",
        )


def cells(source: str, what: str, width: int, height: int) -> None:
    """Raise InputError for a grid of more cells than any sensor has."""
    if width * height > MOST_CELLS:
        raise InputError(
            source,
            f"{what} of {width} x {height} cells, at most {MOST_CELLS} are accepted",
            "correct the node that publishes it",
        )
