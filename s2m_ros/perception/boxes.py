"""Prompts from boxes that a detector proposes on the rarity map, and prompts of two kinds as one.

The detector (``runtime/prompter.py``) sees the rarity map alone. What is in its boxes is measured
here, in the terms of the topology prompter, so that what follows does not care which of the two
asked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..config import Prompting
from ..types import Bool, Float32, Float64, Prompts, RoleMap, ScoreMap
from .calibration import rarity
from .evidence import potential
from .interfaces import Prompter, empty_prompts
from .overlap import pairwise_iou
from .prompts import LARGE_CELLS, ground_around, spread

Detect = Callable[[Float32], tuple[Float32, Float32]]
"""Rarity float32 (h, w) -> boxes float32 (N, 4) in cells, confidence float32 (N,) in [0, 1]."""

LEAST_CONFIDENCE = 0.2
"""Boxes that overlap an object by less, as the detector estimates, are not worth a mask."""

SUPPRESSION_IOU = 0.5
"""IoU from which the less confident of two boxes goes, as in S2M."""

PROPOSED = 128
"""Boxes that are compared with each other, the most confident ones."""

SAMPLES = 24
"""Samples a side on which a box is measured, with what is around it."""

SAME_BOX_IOU = 0.75
"""From this IoU on, two prompts of different kinds ask for the same object."""


def suppress(boxes: Float32, rank: Float32, iou: float) -> list[int]:
    """Rows that stay when each box removes lower ranked ones over ``iou``; best first."""
    order = np.argsort(-rank, kind="stable")
    overlaps = pairwise_iou(boxes[order], boxes[order]) >= iou
    gone = np.zeros(len(order), np.bool_)
    kept: list[int] = []
    for place, row in enumerate(order):
        if not gone[place]:
            kept.append(int(row))
            gone |= overlaps[place]
    return kept


@dataclass(frozen=True, slots=True)
class BoxPrompter:
    """One prompt for each box of the detector; the strongest max_prompts of them.

    Boxes whose masks could not reach ``min_evidence`` (``evidence.potential``) are left out.
    """

    detect: Detect
    config: Prompting
    min_evidence: float = 0.0

    def __call__(self, score: ScoreMap, roles: RoleMap | None = None) -> Prompts:
        """Boxes and points in image pixels; peak and contrast are rarities."""
        config = self.config
        values = rarity(score.scores)
        h, w = values.shape
        boxes, confidence = self.detect(values)
        boxes = np.clip(boxes, 0, np.asarray([w, h, w, h], np.float32))
        usable = (confidence >= LEAST_CONFIDENCE) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
        rows = np.flatnonzero(usable)
        rows = rows[np.argsort(-confidence[rows], kind="stable")[:PROPOSED]]
        rows = rows[suppress(boxes[rows], confidence[rows], SUPPRESSION_IOU)]
        boxes, confidence = boxes[rows], confidence[rows]
        if not len(boxes):
            return empty_prompts(config.points)
        measure = measured(values, boxes)
        ground = ground_around(cell_boxes(boxes, values.shape), roles, values.shape)
        possible = potential(measure.peak, measure.contrast, ground)
        order = np.argsort(-confidence * possible, kind="stable")
        chosen = order[possible[order] >= self.min_evidence][: config.max_prompts]
        points, labels = points_in(values, boxes[chosen], measure.cut[chosen], config.points)
        scale = np.asarray([score.image_size[0] / w, score.image_size[1] / h], np.float32)
        return Prompts(
            np.asarray(boxes[chosen] * np.tile(scale, 2), np.float32),
            points * scale,
            labels,
            measure.peak[chosen],
            measure.contrast[chosen],
            len(boxes) - len(chosen),
        )


@dataclass(frozen=True, slots=True)
class JointPrompter:
    """The prompts of several prompters as one list of at most max_prompts.

    They are ranked by their place in the list that they come from, so that each kind's best are
    asked for, whatever its own scale. Of two that ask for the same box the higher ranked stays.
    """

    prompters: tuple[Prompter, ...]
    config: Prompting

    def __call__(self, score: ScoreMap, roles: RoleMap | None = None) -> Prompts:
        """Boxes and points in image pixels; peak and contrast are rarities."""
        parts = [prompter(score, roles) for prompter in self.prompters]
        prompts = join(parts)
        place = np.concatenate([np.arange(len(part), dtype=np.float32) for part in parts])
        kept = suppress(prompts.boxes, -place, SAME_BOX_IOU)
        chosen = np.asarray(kept[: self.config.max_prompts], np.intp)
        return replace(take(prompts, chosen), omitted=prompts.omitted + len(kept) - len(chosen))


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Rarities of N boxes, float32 (N,) each.

    peak: the highest; cut: half-way from it down to the mean around the box; contrast: mean over
    the cut in the box less the mean under it in the grown box.
    """

    peak: Float32
    cut: Float32
    contrast: Float32


def measured(values: Float32, boxes: Float32) -> Measured:
    """Measure boxes (N, 4), in cells of the rarity map, on a grid of samples over each.

    The grown box reaches beyond the box by a quarter of its larger side, at least 2 cells.
    """
    h, w = values.shape
    margin = np.maximum(2.0, 0.25 * (boxes[:, 2:] - boxes[:, :2]).max(axis=1))[:, None]
    steps = (np.arange(SAMPLES, dtype=np.float32) + 0.5) / SAMPLES
    low, high = boxes[:, :2] - margin, boxes[:, 2:] + margin
    place = low[:, None] + (high - low)[:, None] * steps[:, None]  # (N, SAMPLES, 2)
    within = (place >= boxes[:, None, :2]) & (place < boxes[:, None, 2:])
    on_map = (place >= 0) & (place < [w, h])
    cell = np.clip(place.astype(np.intp), 0, [w - 1, h - 1])
    found = values[cell[:, :, None, 1], cell[:, None, :, 0]].reshape(len(boxes), -1)
    inside = (within[:, :, None, 1] & within[:, None, :, 0]).reshape(found.shape)
    there = (on_map[:, :, None, 1] & on_map[:, None, :, 0]).reshape(found.shape)
    peak = np.where(inside, found, 0).max(axis=1)
    around = _mean(found, there & ~inside)
    cut = 0.5 * (peak + around)
    over = found > cut[:, None]
    contrast = _mean(found, inside & over) - _mean(found, there & ~over)
    return Measured(
        np.asarray(peak, np.float32), np.asarray(cut, np.float32), np.asarray(contrast, np.float32)
    )


def _mean(values: Float32, used: Bool) -> Float64:
    total = np.where(used, values, 0).sum(axis=1, dtype=np.float64)
    return np.asarray(total / np.maximum(used.sum(axis=1), 1), np.float64)


def points_in(
    values: Float32, boxes: Float32, cuts: Float32, count: int
) -> tuple[Float32, Float32]:
    """Points float32 (N, count, 2) in cells, on what each box holds over its cut; their labels."""
    points = np.zeros((len(boxes), count, 2), np.float32)
    labels = np.full((len(boxes), count), -1, np.float32)
    for row, (x0, y0, x1, y1) in enumerate(cell_boxes(boxes, values.shape)):
        patch = values[y0:y1, x0:x1]
        inside = heaviest(patch, patch > cuts[row])
        spots = spread(patch, inside, count if inside.sum() >= LARGE_CELLS else 1)
        points[row, : len(spots)] = spots + np.asarray([x0, y0], np.float32) + 0.5
        labels[row, : len(spots)] = 1
    return points, labels


def cell_boxes(boxes: Float32, shape: tuple[int, ...]) -> np.ndarray:
    """Whole cells, int32 (N, 4), at least one, that boxes (N, 4) cover for the greater part."""
    low = np.clip(np.round(boxes[:, :2]), 0, [shape[1] - 1, shape[0] - 1])
    high = np.minimum(np.maximum(np.round(boxes[:, 2:]), low + 1), [shape[1], shape[0]])
    return np.concatenate([low, high], axis=1).astype(np.int32)


def heaviest(values: Float32, over: Bool) -> Bool:
    """Of the connected parts of ``over`` the one with the largest sum; if none, all cells."""
    count, labels = cv2.connectedComponents(over.view(np.uint8), connectivity=8)
    if count < 2:
        return np.ones(values.shape, np.bool_)
    weight = np.bincount(labels.ravel(), values.ravel(), count)
    return np.asarray(labels == 1 + int(np.argmax(weight[1:])))


def take(prompts: Prompts, rows: np.ndarray) -> Prompts:
    """Some of the prompts, in the given order."""
    return Prompts(
        prompts.boxes[rows],
        prompts.points[rows],
        prompts.point_labels[rows],
        prompts.peak[rows],
        prompts.contrast[rows],
        prompts.omitted,
    )


def join(parts: Sequence[Prompts]) -> Prompts:
    """Prompts with the same number of points each, one after the other."""
    return Prompts(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.point_labels for part in parts]),
        np.concatenate([part.peak for part in parts]),
        np.concatenate([part.contrast for part in parts]),
        sum(part.omitted for part in parts),
    )
