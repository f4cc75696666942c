"""The score map's own outline of a prompt: a mask that needs no decoder.

Each prompt gets the region around its first point that lies over a cut of its own. Otsu's cut best
parts the values in and around its box, but the score map blurs an object over its surroundings: a
region over that cut is too large by the blur, a fifth of the area of a small object. So the cut is
raised half of the way to the mean of what lies over it. The outline competes with the decoder's
mask in selection, so that an object is not lost when the decoder misses it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import cv2
import numpy as np

from ..types import Float32, Float64, Prompts, ScoreMap
from .calibration import rarity
from .evidence import grow
from .interfaces import Candidate, Candidates, Encoding
from .paste import STABILITY_OFFSET, paste
from .statistics import otsu

SHIFT = 0.25
"""Rarity by which the cut is raised and lowered to see whether the outline stands still."""

RAISED = 0.5
"""How far from Otsu's cut to the mean over it the cut of an outline lies."""

TRUST = 0.85
"""Predicted IoU of an outline that does not move at all."""


def outlines(score: ScoreMap, prompts: Prompts, grid_size: tuple[int, int]) -> list[Candidate]:
    """One candidate a prompt on a grid of grid_size (width, height)."""
    values = rarity(score.scores)
    h, w = values.shape
    to_cells = np.divide((w, h), score.image_size)
    to_grid = np.divide(grid_size, (w, h))
    return [
        _outline(values, row, prompts, to_cells, to_grid, grid_size) for row in range(len(prompts))
    ]


def _outline(
    values: Float32,
    row: int,
    prompts: Prompts,
    to_cells: Float64,
    to_grid: Float64,
    grid_size: tuple[int, int],
) -> Candidate:
    h, w = values.shape
    box = prompts.boxes[row] * np.tile(to_cells, 2)
    point = prompts.points[row, 0] * to_cells
    margin = max(2.0, 0.25 * float(max(box[2] - box[0], box[3] - box[1])))
    x0, y0 = int(max(box[0] - margin, 0)), int(max(box[1] - margin, 0))
    x1, y1 = int(min(np.ceil(box[2] + margin), w)), int(min(np.ceil(box[3] + margin), h))
    patch = values[y0:y1, x0:x1]
    cut = otsu(patch)
    if (patch > cut).any():
        cut += RAISED * (float(patch[patch > cut].mean()) - cut)
    over = (patch > cut).view(np.uint8)
    _, labels = cv2.connectedComponents(over, connectivity=8)
    column = int(np.clip(point[0] - x0, 0, x1 - x0 - 1))
    line = int(np.clip(point[1] - y0, 0, y1 - y0 - 1))
    mine = (labels == labels[line, column]) & (over > 0)
    field = (patch - cut) * (STABILITY_OFFSET / SHIFT)
    field[~grow(mine.view(np.uint8), 1)] = -10 * STABILITY_OFFSET
    window = np.asarray([x0, y0, x1, y1], np.float32) * np.tile(to_grid, 2)
    laid = paste(np.asarray(field, np.float32), window, grid_size, row, 0.0)
    return replace(laid, predicted_iou=TRUST * laid.stability)


class OutlineSegmenter:
    """No decoder: every mask is an outline (they are added to any segmenter's)."""

    @property
    def info(self) -> Mapping[str, str]:
        return {"segmenter": "outline"}

    def __call__(self, encoding: Encoding, prompts: Prompts) -> Candidates:
        return Candidates(encoding.input_size, ())
