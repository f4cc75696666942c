"""Outlines of masks as closed lines."""

from __future__ import annotations

import cv2
import numpy as np

from s2m_ros.types import Bool, Float64


def edges(bits: Bool) -> list[Float64]:
    """Closed outlines (N, 2) of bool (h, w), in cells, along the outer edges of its cells."""
    padded = np.pad(bits, 1).astype(np.uint8)
    size = 4 * padded.shape[1], 4 * padded.shape[0]
    large = cv2.resize(padded, size, interpolation=cv2.INTER_NEAREST)
    found, _ = cv2.findContours(large, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [(ring[:, 0] + 0.5) / 4 - 1 for ring in found]


def simplified(ring: Float64, tolerance: float) -> Float64:
    """A closed line (N, 2) with fewer corners, nowhere farther off than the tolerance
    (Douglas and Peucker, 1973)."""
    few = cv2.approxPolyDP(np.asarray(ring, np.float32)[:, None], tolerance, True)
    return np.asarray(few[:, 0], np.float64)
