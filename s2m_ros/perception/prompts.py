"""Prompts from the topology of the score map, without training and without a fixed threshold.

The map is cut at every level of a fine ladder; the connected regions of all cuts form a component
tree (J. Jones, "Connected filtering and segmentation using component trees", 1999): a region's
parent is the region of the next lower cut that holds it. Along each branch the regions that stand
out most from what surrounds them are kept. So a faint object on quiet ground, a bright object
inside a larger doubtful area, and two objects that touch at a low level all get their own prompt.
Levels and contrasts are rarities (``calibration.py``), so a step means the same at .9 and .9999.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..config import Prompting
from ..types import Bool, Float32, Prompts, Role, RoleMap, ScoreMap
from .calibration import RARITY_LIMIT, rarity
from .evidence import potential
from .interfaces import empty_prompts
from .overlap import pairwise_iou

Int32 = NDArray[np.int32]

STEP = 0.4
"""Rarity between two cuts: a factor of 2.5 in how often normal ground scores as high."""

DUPLICATE_BOX_IOU = 0.8
_AROUND = np.ones((3, 3), np.uint8)
LARGE_CELLS = 64
"""Regions from this many cells on get the full number of points."""


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """The regions of all cuts, from the lowest cut up, N in all.

    level, label: which cut, and the region's number in it; parent: index or -1; area: cells;
    box: int32 (N, 4) in cells, upper ends exclusive; mean: rarity inside; contrast: mean less the
    mean of what lies under the cut in the grown box. labels: int32 (levels, h, w).
    """

    levels: Float32
    labels: Int32
    level: Int32
    label: Int32
    parent: Int32
    area: Int32
    box: Int32
    mean: Float32
    contrast: Float32


def component_tree(values: Float32, floor: float, step: float = STEP) -> Tree:
    """Cut float32 (h, w) at floor, floor + step, ... and connect the regions (8-connectivity)."""
    h, w = values.shape
    top = min(float(values.max(initial=0.0)), RARITY_LIMIT)
    count = max(0, int(np.ceil((top - floor) / step)))
    levels = np.asarray(floor + step * np.arange(count), np.float32)
    labels = np.zeros((count, h, w), np.int32)
    nodes: list[tuple[Int32, ...]] = []
    means: list[Float32] = []
    contrasts: list[Float32] = []
    starts = [0]
    x0, y0, x1, y1 = 0, 0, w, h  # what lies over a cut lies within what lay over the one before
    for k, level in enumerate(levels):
        over = (values[y0:y1, x0:x1] >= level).view(np.uint8)
        x, y, width, height = cv2.boundingRect(over)
        above = over[y : y + height, x : x + width]
        x0, y0 = x0 + x, y0 + y
        x1, y1 = x0 + width, y0 + height
        n, labelled, counted, _ = cv2.connectedComponentsWithStats(above, connectivity=8)
        labels[k, y0:y1, x0:x1] = labelled
        stats = np.asarray(counted, np.int32)[1:]
        inside = labelled.ravel().nonzero()[0]
        at = labelled.ravel().take(inside)
        total = np.bincount(at, values[y0:y1, x0:x1].ravel().take(inside), n)[1:]
        mean = total / np.maximum(stats[:, cv2.CC_STAT_AREA], 1)
        parent = np.full(n, -1, np.int32)
        if k:
            below = labels[k - 1, y0:y1, x0:x1].ravel().take(inside)
            parent[at] = below + (starts[k - 1] - 1)
        corner = stats[:, :2] + np.asarray([x0, y0], np.int32)
        box = np.concatenate([corner, corner + stats[:, 2:4]], axis=1)
        around = _mean_under(values, float(level), box)
        nodes.append(
            (
                np.full(n - 1, k, np.int32),
                np.arange(1, n, dtype=np.int32),
                parent[1:],
                stats[:, cv2.CC_STAT_AREA].astype(np.int32),
                box.astype(np.int32),
            )
        )
        means.append(np.asarray(mean, np.float32))
        contrasts.append(np.asarray(mean - around, np.float32))
        starts.append(starts[-1] + n - 1)
    if not nodes:
        none, nothing = np.zeros(0, np.int32), np.zeros(0, np.float32)
        return Tree(levels, labels, none, none, none, none, none.reshape(0, 4), nothing, nothing)
    level_, label_, parent_, area_, box_ = (
        np.concatenate(part) for part in zip(*nodes, strict=True)
    )
    return Tree(
        levels,
        labels,
        level_,
        label_,
        parent_,
        area_,
        box_,
        np.concatenate(means),
        np.concatenate(contrasts),
    )


def _mean_under(values: Float32, level: float, box: Int32) -> Float32:
    """Mean of the cells under a cut in each box grown by a quarter of its size, at least 2."""
    if not len(box):
        return np.zeros(0, np.float32)
    grown = grow_boxes(box, values.shape)
    (x0, y0), (x1, y1) = grown[:, :2].min(axis=0), grown[:, 2:].max(axis=0)
    window = values[y0:y1, x0:x1]
    under = window < level
    total = cv2.integral(window * under, sdepth=cv2.CV_64F)
    cells = cv2.integral(under.view(np.uint8), sdepth=cv2.CV_32S)
    grown -= np.asarray([x0, y0, x0, y0], np.int32)
    inside = within(total, grown) / np.maximum(within(cells, grown), 1)
    return np.asarray(inside, np.float32)


def ground_around(box: Int32, roles: RoleMap | None, shape: tuple[int, ...]) -> Float32:
    """Share of drivable ground between each box and the box grown; 1 when classes are unknown."""
    if roles is None:
        return np.ones(len(box), np.float32)
    surface = (roles.roles == Role.SURFACE).view(np.uint8)
    if surface.shape != shape:
        size = (shape[1], shape[0])
        surface = np.asarray(cv2.resize(surface, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    table = cv2.integral(surface, sdepth=cv2.CV_32S)
    grown = grow_boxes(box, shape)
    cells = np.prod(grown[:, 2:] - grown[:, :2], axis=1) - np.prod(box[:, 2:] - box[:, :2], axis=1)
    ground = within(table, grown) - within(table, box)
    return np.asarray(ground / np.maximum(cells, 1), np.float32)


def grow_boxes(box: Int32, shape: tuple[int, ...]) -> Int32:
    """Boxes (N, 4) grown by a quarter of their size, at least 2 cells, within the map."""
    margin = np.maximum((box[:, 2:] - box[:, :2]).max(axis=1, keepdims=True) // 4, 2)
    grown = np.empty(box.shape, np.int32)
    np.maximum(box[:, :2] - margin, 0, out=grown[:, :2])
    np.minimum(box[:, 2:] + margin, (shape[1], shape[0]), out=grown[:, 2:])
    return grown


def within(table: NDArray[Any], box: Int32) -> NDArray[Any]:
    """Sums over boxes (N, 4) from an integral image."""
    x0, y0, x1, y1 = box.T
    flat, top, bottom = table.ravel(), y0 * table.shape[1], y1 * table.shape[1]
    right, left = flat.take(bottom + x1) - flat.take(top + x1), flat.take(bottom + x0)
    return np.asarray(right - left + flat.take(top + x0))


def lift(tree: Tree, values: Float32) -> Float32:
    """The largest value of each region and of all regions inside it: float32 (N,)."""
    lifted = values.copy()
    starts = np.searchsorted(tree.level, np.arange(len(tree.levels) + 1))
    for low, high in zip(starts[-2:0:-1], starts[:1:-1], strict=True):
        np.maximum.at(lifted, tree.parent[low:high], lifted[low:high])
    return np.asarray(lifted, np.float32)


def stand_out(tree: Tree, min_cells: int, min_contrast: float) -> Int32:
    """Regions that stand out most, best first.

    Two kinds: those with more contrast than their parent and than the regions right inside them, so
    that a bright part and the whole object both count; and, for every branch, the region with the
    most contrast of all that hold it or lie in it, so that none of several objects that touch is
    lost because another one of them stands out more. Of two that have nearly the same box the one
    with more contrast stays.
    """
    usable = (tree.area >= min_cells) & (tree.contrast >= min_contrast)
    value = np.where(usable, tree.contrast, -np.inf).astype(np.float32)
    inner = np.full(len(value) + 1, -np.inf, np.float32)
    np.maximum.at(inner, tree.parent, value)
    outer = np.where(tree.parent >= 0, value[tree.parent], -np.inf)
    peak = usable & (value >= inner[:-1]) & (value > outer)
    chosen = np.flatnonzero(peak | _first_of_branch(tree, usable & (value >= lift(tree, value))))
    order = chosen[np.lexsort((chosen, -tree.area[chosen], -value[chosen]))]
    alike = pairwise_iou(tree.box[order], tree.box[order]) >= DUPLICATE_BOX_IOU
    kept: list[int] = []
    for i in range(len(order)):
        if not alike[i, kept].any():
            kept.append(i)
    return order[kept].astype(np.int32)


def _first_of_branch(tree: Tree, marked: Bool) -> Bool:
    """Marked regions that no marked region holds: bool (N,)."""
    held = np.zeros(len(marked), np.bool_)
    starts = np.searchsorted(tree.level, np.arange(len(tree.levels) + 1))
    for low, high in pairwise(starts[1:]):  # those of the lowest cut have no parent
        parent = tree.parent[low:high]
        held[low:high] = held[parent] | marked[parent]
    return np.asarray(marked & ~held)


def spread(values: Float32, inside: NDArray[np.bool_], count: int) -> Float32:
    """Up to ``count`` cells (x, y) of a region: the highest, then each farthest from those before.

    Farthest-point sampling (Gonzalez, 1985). Cells on the rim are used only when there is no other.
    """
    core = cv2.erode(inside.view(np.uint8), _AROUND, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    ys, xs = np.nonzero(core)
    if not len(ys):
        ys, xs = np.nonzero(inside)
    x, y = xs.astype(np.float32), ys.astype(np.float32)
    chosen = [int(values[ys, xs].argmax())]
    distance = np.full(len(x), np.inf, np.float32)
    while len(chosen) < min(count, len(x)):
        np.minimum(distance, np.square(x - x[chosen[-1]]) + np.square(y - y[chosen[-1]]), distance)
        chosen.append(int(distance.argmax()))
    return np.stack([x[chosen], y[chosen]], 1)


@dataclass(frozen=True, slots=True)
class TopologyPrompter:
    """One prompt for each region of the score map that stands out; the strongest max_prompts.

    Regions whose masks could not reach ``min_evidence`` (``evidence.potential``) are left out.
    """

    config: Prompting
    min_evidence: float = 0.0

    def __call__(self, score: ScoreMap, roles: RoleMap | None = None) -> Prompts:
        """Boxes and points in image pixels; peak and contrast are rarities."""
        config = self.config
        values = rarity(score.scores)
        tree = component_tree(values, -float(np.log10(1.0 - config.floor)))
        found = stand_out(tree, config.min_pixels, config.contrast)
        peaks = lift(tree, tree.levels[tree.level] + np.float32(0.5 * STEP))
        ground = ground_around(tree.box[found], roles, values.shape)
        promise = np.zeros(len(peaks), np.float32)
        promise[found] = potential(peaks[found], tree.contrast[found], ground)
        promise = lift(tree, promise)[found]  # what holds a promising region may be the whole
        order = np.argsort(-promise, kind="stable")
        order = order[promise[order] >= self.min_evidence]
        chosen = found[order][: config.max_prompts]
        omitted = len(found) - len(chosen)
        if not len(chosen):
            return replace(empty_prompts(config.points), omitted=omitted)
        h, w = values.shape
        scale = np.asarray([score.image_size[0] / w, score.image_size[1] / h], np.float32)
        points = np.zeros((len(chosen), config.points, 2), np.float32)
        labels = np.full((len(chosen), config.points), -1, np.float32)
        for row, i in enumerate(chosen):
            x0, y0, x1, y1 = tree.box[i]
            inside = tree.labels[tree.level[i], y0:y1, x0:x1] == tree.label[i]
            wanted = config.points if tree.area[i] >= LARGE_CELLS else 1
            cells = spread(values[y0:y1, x0:x1], inside, wanted)
            points[row, : len(cells)] = (cells + np.asarray([x0, y0], np.float32) + 0.5) * scale
            labels[row, : len(cells)] = 1
        boxes = tree.box[chosen].astype(np.float32) * np.tile(scale, 2)
        return Prompts(boxes, points, labels, peaks[chosen], tree.contrast[chosen], omitted)
