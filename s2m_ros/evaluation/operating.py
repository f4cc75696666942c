"""The operating point: least evidence of a mask, by what false masks and true objects reach."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Bool, Float64, ObjectMasks
from .layouts import Label

ON_OBJECT = 0.5
"""A mask shows what is labelled unknown where so much of it lies there,"""
OF_OBJECT = 0.25
"""and finds an object where it covers so much of it."""


@dataclass(slots=True)
class Evidence:
    """What masks reach on footage. false: of each mask that shows nothing unknown; objects: of the
    best mask on each labelled object, 0 where there is none."""

    false: list[float] = field(default_factory=list)
    objects: list[float] = field(default_factory=list)

    def add(self, masks: ObjectMasks, label: Label | None) -> None:
        """The masks of one image, whatever their evidence is."""
        if label is None:
            self.false += [item.evidence for item in masks.items]
            return
        unknown, ignored = (_on_grid(m, masks.grid_size) for m in (label.anomaly, label.ignore))
        count, numbers = cv2.connectedComponents(unknown.astype(np.uint8))
        sizes = np.bincount(numbers.ravel(), minlength=count)
        best = np.zeros(count)
        for item in masks.items:
            bits = masks.dense(item)
            cells = max(1, int(bits.sum()))
            covered = np.bincount(numbers[bits], minlength=count)
            covered[0] = 0
            if covered.sum() >= ON_OBJECT * cells:
                found = covered >= OF_OBJECT * np.maximum(sizes, 1)
                best[found & (covered > 0)] = np.maximum(best[found & (covered > 0)], item.evidence)
            elif (ignored[bits].sum() + covered.sum()) < ON_OBJECT * cells:
                self.false.append(item.evidence)
        self.objects += best[1:].tolist()

    def kept(self, least: float) -> float:
        """Share of the labelled objects that a mask of at least this evidence finds."""
        return float((np.array(self.objects) >= least).mean()) if self.objects else 1.0

    def point(self, allowed: float, keep: float) -> float:
        """The least evidence that lets at most ``allowed`` false masks through, but lower where
        fewer than a share ``keep`` of the labelled objects that any mask shows would be found."""
        point = operating_point(np.asarray(self.false, np.float64), allowed)
        shown = np.sort([value for value in self.objects if value > 0])[::-1]
        if len(shown) and keep > 0:
            point = min(point, float(shown[max(0, int(np.ceil(keep * len(shown))) - 1)]))
        return point

    def passing(self, least: float) -> int:
        """False masks of at least this evidence."""
        return int((np.array(self.false) >= least).sum())


def operating_point(evidence: NDArray[np.float64], allowed: float) -> float:
    """The least evidence at which at most ``allowed`` of these false masks would have come out.

    When less than one is allowed the highest ones are continued by an exponential tail (mean
    excess over the k-th highest), because the footage itself cannot show so rare an event.
    """
    ranked: Float64 = np.sort(evidence)[::-1]
    if len(ranked) <= allowed:
        return 0.0
    if allowed >= 1:
        return float(np.nextafter(ranked[int(allowed)], 2.0))
    k = min(max(len(ranked) // 10, 5), len(ranked) - 1)
    if k < 1:
        return min(float(ranked[0]) + 0.05, 1.0)
    scale = max(float((ranked[:k] - ranked[k]).mean()), 1e-3)
    tail = float(ranked[k]) + scale * np.log(k / max(allowed, 1e-3))
    return float(min(max(tail, np.nextafter(ranked[0], 2.0)), 1.0))


def _on_grid(mask: Bool, size: tuple[int, int]) -> Bool:
    """A mask (H, W) at a size (width, height)."""
    small = cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return np.asarray(small > 0)
