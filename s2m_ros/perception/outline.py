"""The score map's own outline of a prompt: a mask that needs no decoder.

Each prompt gets the region around its first point that lies over a cut of its own, the one that
best parts the values in and around its box (Otsu). It competes with the decoder's mask in
selection, so that an object is not lost when the decoder misses it.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..types import Float32, Prompts, ScoreMap, UInt8
from .calibration import rarity
from .interfaces import Candidate, Candidates, Encoding
from .paste import cropped
from .statistics import otsu

STABILITY_OFFSET = 0.25
"""Rarity by which the cut is raised and lowered to see whether the outline stands still."""

TRUST = 0.85
"""Predicted IoU of an outline that does not move at all."""


def outlines(score: ScoreMap, prompts: Prompts, grid_size: tuple[int, int]) -> list[Candidate]:
    """One candidate a prompt on a grid of grid_size (width, height)."""
    low = rarity(score.scores)
    laid: Float32 = np.asarray(
        cv2.resize(low, grid_size, interpolation=cv2.INTER_LINEAR), np.float32
    )
    scale = np.divide(grid_size, score.image_size)
    stride = max(1, round(grid_size[0] / low.shape[1]))
    return [
        _outline(laid, row, prompts.boxes[row] * np.tile(scale, 2), point * scale, stride)
        for row, point in enumerate(prompts.points[:, 0])
    ]


def _outline(laid: Float32, row: int, box: Float32, point: Float32, stride: int) -> Candidate:
    h, w = laid.shape
    margin = max(2 * stride, 0.25 * float(max(box[2] - box[0], box[3] - box[1])))
    x0, y0 = int(max(box[0] - margin, 0)), int(max(box[1] - margin, 0))
    x1, y1 = int(min(np.ceil(box[2] + margin), w)), int(min(np.ceil(box[3] + margin), h))
    values = laid[y0:y1, x0:x1]
    cut = otsu(values[::stride, ::stride])
    _, labels = cv2.connectedComponents((values > cut).view(np.uint8), connectivity=8)
    column = int(np.clip(point[0] - x0, 0, x1 - x0 - 1))
    line = int(np.clip(point[1] - y0, 0, y1 - y0 - 1))
    number = labels[line, column]
    bits = np.asarray((labels == number) & (values > cut))
    inside = values[bits]
    strict = int(np.count_nonzero(inside > cut + STABILITY_OFFSET))
    lax = _reach(values, cut - STABILITY_OFFSET, line, column)
    stability = strict / lax if lax else 0.0
    return cropped(bits, x0, y0, row, TRUST * stability, stability)


def _reach(values: Float32, cut: float, line: int, column: int) -> int:
    """Cells connected to the point over a cut."""
    over: UInt8 = (values > cut).view(np.uint8)
    if not over[line, column]:
        return 0
    area, *_ = cv2.floodFill(over, None, (column, line), 2)
    return int(area)


class OutlineSegmenter:
    """No decoder: every mask is an outline (they are added to any segmenter's)."""

    @property
    def info(self) -> Mapping[str, str]:
        return {"segmenter": "outline"}

    def __call__(self, encoding: Encoding, prompts: Prompts) -> Candidates:
        return Candidates(encoding.input_size, ())
