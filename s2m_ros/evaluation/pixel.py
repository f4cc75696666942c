"""Pixel metrics over all labelled pixels of a set, pooled: AP, AUROC, FPR at 95 % TPR, best F1.

Exact (no bins): only values of anomalous pixels can change recall, so it is enough to count, for
each of those values, how many normal pixels score at least as high.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..types import Bool, Float32


@dataclass(frozen=True, slots=True)
class PixelMetrics:
    """Fractions in [0, 1]; NaN when there are no anomalous or no normal pixels.

    threshold: of the best F1 (predict where score >= threshold).
    """

    ap: float
    auroc: float
    fpr95: float
    best_f1: float
    threshold: float
    positives: int
    negatives: int


class PixelPool:
    """Collects the labelled pixels of a set, frame by frame."""

    def __init__(self) -> None:
        self._positive: list[Float32] = []
        self._negative: list[Float32] = []

    def add(self, score: Float32, anomaly: Bool, ignore: Bool) -> None:
        """One frame: score float32 (H, W); anomaly, ignore: bool (H, W)."""
        self._positive.append(score[anomaly & ~ignore])
        self._negative.append(score[~anomaly & ~ignore])

    def metrics(self) -> PixelMetrics:
        """Of all frames so far. The pool is empty afterwards: a set can hold 10^8 pixels."""
        return pixel_metrics(_joined(self._positive), _joined(self._negative))


def _joined(parts: list[Float32]) -> Float32:
    """One array of all parts, each let go once it is copied."""
    whole = np.empty(sum(map(len, parts)), np.float32)
    end = len(whole)
    while parts:
        part = parts.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole


def pixel_metrics(positive: Float32, negative: Float32) -> PixelMetrics:
    """Metrics from the scores of anomalous and of normal pixels, float32 (N,).

    ``negative`` is sorted in place. Raises ValueError when a score is not finite.
    """
    p, n = len(positive), len(negative)
    if not p or not n:
        nan = float("nan")
        return PixelMetrics(nan, nan, nan, nan, nan, p, n)
    negative.sort()
    if not (np.isfinite(positive).all() and np.isfinite(negative[[0, -1]]).all()):
        raise ValueError("scores: expected finite values, got some that are not")
    values, counts = np.unique(positive, return_counts=True)
    values, counts = values[::-1], counts[::-1]
    tp: NDArray[np.float64] = np.cumsum(counts).astype(np.float64)
    fp = (n - np.searchsorted(negative, values, side="left")).astype(np.float64)
    precision = tp / (tp + fp)
    f1 = 2 * tp / (tp + fp + p)
    best = int(np.argmax(f1))
    lower = np.searchsorted(negative, values, side="left")
    equal = np.searchsorted(negative, values, side="right") - lower
    at95 = int(np.searchsorted(tp, 0.95 * p - 1e-9, side="left"))
    return PixelMetrics(
        ap=float((counts * precision).sum() / p),
        auroc=float((counts * (lower + 0.5 * equal)).sum() / (float(p) * n)),
        fpr95=float(fp[at95] / n),
        best_f1=float(f1[best]),
        threshold=float(values[best]),
        positives=p,
        negatives=n,
    )
