"""Prompts with the masks that they ask for, cut from training scenes."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.random import Generator
from torch import Tensor

from s2m_ros.perception.overlap import box_iou
from s2m_ros.perception.windows import crops, windows_of

from .decoder import GRID, MARGIN, MIN_BOX_PX, sample
from .sources import Scene

POINTS = 3
LEAST_PX = 20
SCORE_BOXES = 0.5  # share of the unknown objects that are asked for by a region of the score map
LEAST_OVERLAP = 0.25  # IoU from which such a region means the object


@dataclass(frozen=True)
class Asked:
    """Prompts of one scene, with what they ask for.

    patches (N,3,M,M) of the picture in windows (N,4); boxes (N,4), points (N,P,2), point_labels
    (N,P); target (N,1,M,M).
    """

    patches: Tensor
    windows: Tensor
    boxes: Tensor
    points: Tensor
    point_labels: Tensor
    target: Tensor


def true_boxes(scene: Scene) -> tuple[np.ndarray, list[int]]:
    """Exact boxes (N,4) float32 px of the objects in view, and their numbers."""
    boxes, numbers = [], []
    for number in np.unique(scene.instances):
        if number <= 0:
            continue
        mask = (scene.instances == number).astype(np.uint8)
        x, y, w, h = cv2.boundingRect(mask)
        if mask.sum() >= LEAST_PX and min(w, h) >= 4:
            boxes.append((x, y, x + w, y + h))
            numbers.append(int(number))
    return np.array(boxes, np.float32).reshape(-1, 4), numbers


def jittered(boxes: np.ndarray, rng: Generator, share: float | np.ndarray) -> np.ndarray:
    """Each side moved by a normal deviate times `share` (a number or (N,1)) of the extent."""
    extent = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    moved = boxes + rng.normal(0, 1, boxes.shape) * share * extent
    low, high = np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])
    return np.concatenate([low, np.maximum(high, low + 2)], 1).astype(np.float32)


def score_box(score: np.ndarray, mask: np.ndarray, rng: Generator) -> np.ndarray | None:
    """Box (4,) px of the region of a score map that a random cut finds on an object, if any does.

    score: (h,w) over mask (H,W). Such a box is what a prompter asks with: a part of the object, or
    the object and its surroundings.
    """
    height, width = score.shape
    scale = mask.shape[0] / height
    cells = cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA) > 0
    if not cells.any():
        return None
    level = np.quantile(score[cells], rng.uniform(0.1, 0.8))
    _, regions = cv2.connectedComponents((score >= level).astype(np.uint8))
    peak = np.flatnonzero(cells.ravel())[np.argmax(score[cells])]
    x, y, w, h = cv2.boundingRect((regions == regions.ravel()[peak]).astype(np.uint8))
    return np.array([x, y, x + w, y + h], np.float32) * np.float32(scale)


def ask(scene: Scene, score: np.ndarray, rng: Generator, most: int) -> Asked | None:
    """Prompts for up to `most` objects of a scene, as sloppy as a score map (h,w) makes them."""
    boxes, numbers = true_boxes(scene)
    if not numbers:
        return None
    pick = rng.permutation(len(numbers))[:most]
    boxes, numbers = boxes[pick], [numbers[i] for i in pick]
    share = rng.choice([0.0, 0.05, 0.1, 0.2], size=(len(boxes), 1), p=[0.3, 0.3, 0.25, 0.15])
    prompts = jittered(boxes, rng, share)
    for i, number in enumerate(numbers):
        mask = scene.instances == number
        if rng.random() < SCORE_BOXES and (scene.anomaly[mask] == 1).mean() > 0.5:
            found = score_box(score, mask, rng)
            if found is not None and box_iou(found, boxes[i]) > LEAST_OVERLAP:
                prompts[i] = found
    points = np.zeros((len(boxes), POINTS, 2), np.float32)
    labels = np.full((len(boxes), POINTS), -1, np.float32)
    for i, number in enumerate(numbers):
        if rng.random() < 0.5:
            continue
        inside = np.argwhere(scene.instances == number)
        for k in range(int(rng.integers(1, POINTS + 1))):
            points[i, k] = inside[rng.integers(len(inside))][::-1] + 0.5
            labels[i, k] = 1
    views = windows_of(prompts, MARGIN, MIN_BOX_PX)
    windows = torch.from_numpy(views)
    patches = torch.from_numpy(crops(scene.image, views, GRID)).permute(0, 3, 1, 2).float()
    return Asked(
        patches,
        windows,
        torch.from_numpy(prompts),
        torch.from_numpy(points),
        torch.from_numpy(labels),
        torch.cat([target_of(scene, n, windows[i : i + 1]) for i, n in enumerate(numbers)]),
    )


def target_of(scene: Scene, number: int, window: Tensor) -> Tensor:
    """The share of each cell of a window (1,4) that object `number` covers: (1,1,GRID,GRID)."""
    mask = torch.from_numpy((scene.instances == number).astype(np.float32))[None, None]
    return F.avg_pool2d(sample(mask, window, 1.0, 4 * GRID), 4)
