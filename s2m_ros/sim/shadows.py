"""Where on the ground a shadow can fall at all, so that most of it needs no shadow rays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from s2m_ros.types import Bool, Float32, Float64

CELLS = 512
MARGIN_M = 0.6
"""Beyond the boxes: swinging limbs, and the soft rim."""


FAR_M = 200.0
"""How far a shadow is followed that has no end, from what is as high as the lamp."""


class ShadowReach:
    """A grid over the ground that marks cells some box may shade.

    rectangles: corners (low, high), float64 (2,) each, that shadows stay within; None: no limit.
    """

    def __init__(self, rectangles: list[tuple[Float64, Float64]] | None) -> None:
        self._everywhere = rectangles is None
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

    @classmethod
    def everywhere(cls) -> ShadowReach:
        return cls(None)

    @classmethod
    def of_sun(cls, boxes: Iterable[Float64], sun: Float32, softness: float) -> ShadowReach:
        """boxes: corners (8, 3) of each object's box in the world; sun: unit vector towards it;
        softness: angular radius in rad, of which three standard deviations count."""
        if sun[2] < 0.05:
            return cls(None)
        rectangles = []
        for box in boxes:
            fall = box[:, 2:] / float(sun[2])
            feet = box[:, :2] - fall * sun[:2].astype(np.float64)
            spread = MARGIN_M + 3 * softness * float(fall.max(initial=0.0)) / float(sun[2])
            rectangles.append(_rectangle(box, feet, spread))
        return cls(rectangles)

    @classmethod
    def of_lamp(cls, boxes: Iterable[Float64], lamp: Float32) -> ShadowReach:
        """lamp: float32 (3,), its place."""
        rectangles = []
        for box in boxes:
            ray = box - lamp.astype(np.float64)
            drop = np.maximum(-ray[:, 2:], 1e-3)
            flat = ray[:, :2] * np.maximum(box[:, 2:], 0) / drop
            length = np.linalg.norm(flat, axis=1, keepdims=True)
            flat *= np.minimum(1, FAR_M / np.maximum(length, 1e-6))
            rectangles.append(_rectangle(box, box[:, :2] + flat, 2 * MARGIN_M))
        return cls(rectangles)

    def possible(self, x: Float32, y: Float32) -> Bool:
        """Whether a shadow may fall on ground points (N,): bool (N,)."""
        if self._everywhere:
            return np.ones(len(x), np.bool_)
        column = np.floor((x - self._low[0]) / self._cell).astype(np.int32)
        row = np.floor((y - self._low[1]) / self._cell).astype(np.int32)
        inside = (column >= 0) & (row >= 0) & (column < CELLS) & (row < CELLS)
        marked = self._marked[np.clip(row, 0, CELLS - 1), np.clip(column, 0, CELLS - 1)]
        return np.asarray(inside & marked)


def _rectangle(box: Float64, feet: Float64, spread: float) -> tuple[Float64, Float64]:
    points = np.concatenate([box[:, :2], feet])
    return points.min(axis=0) - spread, points.max(axis=0) + spread
