"""Where on the ground a shadow can fall at all, so that most of it needs no shadow rays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from s2m_ros.types import Bool, Float32, Float64

CELLS = 512
MARGIN_M = 0.6
"""Beyond the boxes: swinging limbs, and the soft rim."""


class ShadowReach:
    """A grid over the ground that marks cells some box may shade.

    boxes: corners (8, 3) of each object's box in the world; sun: unit vector towards it;
    softness: angular radius in rad, of which three standard deviations count.
    """

    def __init__(self, boxes: Iterable[Float64], sun: Float32, softness: float) -> None:
        self._everywhere = bool(sun[2] < 0.05)
        rectangles = []
        for box in boxes:
            if self._everywhere:
                break
            fall = box[:, 2:] / float(sun[2])
            feet = box[:, :2] - fall * sun[:2].astype(np.float64)
            spread = MARGIN_M + 3 * softness * float(fall.max(initial=0.0)) / float(sun[2])
            points = np.concatenate([box[:, :2], feet])
            rectangles.append((points.min(axis=0) - spread, points.max(axis=0) + spread))
        self._low: Float64 = np.zeros(2)
        self._cell = 1.0
        self._marked = np.zeros((CELLS, CELLS), np.bool_)
        if not rectangles:
            return
        self._low = np.min([low for low, _ in rectangles], axis=0)
        high = np.max([high for _, high in rectangles], axis=0)
        self._cell = float((high - self._low).max()) / (CELLS - 1)
        for low, high in rectangles:
            (c0, r0), (c1, r1) = (
                ((low - self._low) / self._cell).astype(int),
                ((high - self._low) / self._cell).astype(int),
            )
            self._marked[r0 : r1 + 1, c0 : c1 + 1] = True

    def possible(self, x: Float32, y: Float32) -> Bool:
        """Whether a shadow may fall on ground points (N,): bool (N,)."""
        if self._everywhere:
            return np.ones(len(x), np.bool_)
        column = np.floor((x - self._low[0]) / self._cell).astype(np.int32)
        row = np.floor((y - self._low[1]) / self._cell).astype(np.int32)
        inside = (column >= 0) & (row >= 0) & (column < CELLS) & (row < CELLS)
        marked = self._marked[np.clip(row, 0, CELLS - 1), np.clip(column, 0, CELLS - 1)]
        return np.asarray(inside & marked)
