"""Component metrics of SegmentMeIfYouCan (R. Chan et al., 2021): sIoU, PPV and F1 of objects.

Labels and predictions are split into 8-connected components; one contingency table of pixels by
(label component, predicted component) gives every count that the definitions need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Bool

THRESHOLDS = np.linspace(0.25, 0.75, 11)

Int32 = NDArray[np.int32]
Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FrameComponents:
    """siou, area, value: of each labelled component; ppv: of each predicted one.

    value: the label value that most of its pixels have, 0 where no values were given.
    """

    siou: Float64
    area: NDArray[np.int64]
    ppv: Float64
    value: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ComponentMetrics:
    """Means over the components of a set, and over the thresholds .25, .30 ... .75 for F1.

    siou is NaN when nothing is labelled; ppv is 0 when something is labelled but nothing predicted.
    """

    siou: float
    ppv: float
    f1: float
    objects: int
    predictions: int


class LabelComponents:
    """The labelled objects of one frame, to compare predictions with.

    Components under min_gt_px become ignored. values: label values, uint16 (H, W).
    """

    def __init__(
        self,
        anomaly: Bool,
        ignore: Bool,
        min_gt_px: int = 0,
        values: NDArray[np.uint16] | None = None,
    ) -> None:
        truth = _components(anomaly & ~ignore)
        areas = np.bincount(truth.ravel())
        areas[0] = max(areas[0], min_gt_px)
        self._ignore = ignore
        self._inside = ~ignore & (areas[truth] >= min_gt_px)
        self._truth = truth[self._inside]
        self._value = _commonest(self._truth, None if values is None else values[self._inside])

    def compare(self, predicted: Bool, min_pred_px: int = 0) -> FrameComponents:
        """With bool (H, W). Ignored pixels are cut out of the prediction first; then predicted
        components under min_pred_px are removed."""
        found = _components(predicted & ~self._ignore)
        sizes = np.bincount(found.ravel())
        sizes[0] = max(sizes[0], min_pred_px)
        found = np.where(sizes[found] >= min_pred_px, found, 0).astype(np.int32)
        return compare(self._truth, found[self._inside], self._value)


def _components(mask: Bool) -> Int32:
    """Numbers of the 8-connected components, 0 outside: int32 (H, W)."""
    _, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    return np.asarray(numbers, np.int32)


def _commonest(truth: Int32, values: NDArray[np.uint16] | None) -> NDArray[np.int64]:
    """The commonest value of each component, in the order of their numbers: int64 (N,)."""
    on = truth > 0
    numbers, place = np.unique(truth[on], return_inverse=True)
    if values is None or not len(numbers):
        return np.zeros(len(numbers), np.int64)
    kinds, kind = np.unique(values[on], return_inverse=True)
    table = np.bincount(
        place.ravel() * len(kinds) + kind.ravel(), minlength=len(numbers) * len(kinds)
    )
    return np.asarray(kinds[table.reshape(len(numbers), -1).argmax(axis=1)], np.int64)


def compare(truth: Int32, found: Int32, value: NDArray[np.int64]) -> FrameComponents:
    """sIoU and PPV of component numbers (0: none) of the same pixels, in any shape.

    value: of each labelled component that has a pixel, in the order of their numbers.
    """
    n_truth, n_found = int(truth.max(initial=0)) + 1, int(found.max(initial=0)) + 1
    joint = truth.ravel().astype(np.int64) * n_found + found.ravel()
    table = np.bincount(joint, minlength=n_truth * n_found).reshape(n_truth, n_found)
    truth_size, found_size = table.sum(axis=1)[1:], table.sum(axis=0)[1:]
    hits = table[1:, 1:]
    touched = hits > 0
    common = hits.sum(axis=1)
    on_any = hits.sum(axis=0)
    # |k u K^| less what K^ covers of other labelled objects
    others = (touched * on_any).sum(axis=1) - common
    union = (touched * found_size).sum(axis=1) + truth_size - common - others
    there, shown = truth_size > 0, found_size > 0
    return FrameComponents(
        siou=common[there] / union[there],
        area=truth_size[there],
        ppv=on_any[shown] / found_size[shown],
        value=value,
    )


def component_metrics(frames: Sequence[FrameComponents]) -> ComponentMetrics:
    """Pool the components of all frames of a set."""
    siou = np.concatenate([f.siou for f in frames]) if frames else np.zeros(0)
    ppv = np.concatenate([f.ppv for f in frames]) if frames else np.zeros(0)
    tp = (siou[:, None] >= THRESHOLDS).sum(axis=0)
    fn = len(siou) - tp
    fp = (ppv[:, None] < THRESHOLDS).sum(axis=0)
    total = 2 * tp + fn + fp
    f1 = np.where(total > 0, 2 * tp / np.maximum(total, 1), np.nan)
    return ComponentMetrics(
        siou=float(siou.mean()) if len(siou) else float("nan"),
        ppv=float(ppv.mean()) if len(ppv) else (0.0 if len(siou) else float("nan")),
        f1=float(f1.mean()),
        objects=len(siou),
        predictions=len(ppv),
    )
