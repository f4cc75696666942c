"""The metric family of S2M: IoU and F1 of each image over thresholds 0, .01 ... 1, averaged.

The canvas of an image is in [0, 1]; a pixel is predicted where the canvas is over the threshold.
Images without a labelled anomaly score 0 in the published form whatever is predicted; they are
left out here and stand in the false masks of clean frames instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Bool, Float32

THRESHOLDS = np.arange(101) / 100.0

Float64 = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FrameCurves:
    """IoU and F1 of one image at each threshold: float64 (101,)."""

    iou: Float64
    f1: Float64


@dataclass(frozen=True, slots=True)
class S2MMetrics:
    """iou: at the one threshold that is best for the set; auiou, mean_f1: means over thresholds."""

    iou: float
    auiou: float
    mean_f1: float
    threshold: float
    images: int


def frame_curves(canvas: Float32, anomaly: Bool, ignore: Bool) -> FrameCurves | None:
    """Curves of one image, or None when nothing is labelled in it."""
    truth = anomaly & ~ignore
    positives = np.count_nonzero(truth)
    if not positives:
        return None
    shown = ~ignore & (canvas > 0)  # the others are predicted at no threshold
    # a pixel of value v is predicted at the thresholds below v: the first ceil(100 v) of them
    steps = np.searchsorted(THRESHOLDS, canvas[shown].astype(np.float64), side="left")
    above = _tail(np.bincount(steps, minlength=len(THRESHOLDS) + 1))
    true = _tail(np.bincount(steps[truth[shown]], minlength=len(THRESHOLDS) + 1))
    union = above + positives - true
    return FrameCurves(true / union, 2 * true / (above + positives))


def cut_curves(predicted: Bool, anomaly: Bool, ignore: Bool) -> FrameCurves | None:
    """Curves of a map that was cut already, bool (H, W): the same at every threshold."""
    truth = anomaly & ~ignore
    positives = np.count_nonzero(truth)
    if not positives:
        return None
    true = np.count_nonzero(predicted & truth)
    above = np.count_nonzero(predicted & ~ignore)
    every = np.ones(len(THRESHOLDS))
    return FrameCurves(
        every * (true / (above + positives - true)), every * (2 * true / (above + positives))
    )


def _tail(counts: NDArray[np.intp]) -> Float64:
    """How many pixels are predicted at threshold t: those with more than t steps."""
    return np.asarray(np.cumsum(counts[::-1])[::-1][1:], np.float64)


def s2m_metrics(frames: Sequence[FrameCurves | None]) -> S2MMetrics:
    """Average the images of a set that have labelled anomalies."""
    used = [frame for frame in frames if frame is not None]
    if not used:
        nan = float("nan")
        return S2MMetrics(nan, nan, nan, nan, 0)
    iou = np.mean([frame.iou for frame in used], axis=0)
    f1 = np.mean([frame.f1 for frame in used], axis=0)
    best = int(np.argmax(iou))
    return S2MMetrics(
        float(iou[best]), float(iou.mean()), float(f1.mean()), float(THRESHOLDS[best]), len(used)
    )
