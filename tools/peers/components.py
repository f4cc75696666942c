"""Component metrics of a frame: one contingency table, against a pass over the image for each
component, as the published code of SegmentMeIfYouCan goes about it."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from measuring import Row, run

from s2m_ros.evaluation.component import LabelComponents

WORK = "component metrics of a 2048x1024 frame"


def frame(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labelled, predicted and ignored pixels: 40 objects, most found, 25 phantoms."""
    rng = np.random.default_rng(seed)
    truth, found = np.zeros((2, 1024, 2048), np.uint8)
    for k in range(65):
        x, y = int(rng.integers(40, 2008)), int(rng.integers(40, 984))
        axes = tuple(rng.integers(6, 50, 2).tolist())
        if k < 40:
            cv2.ellipse(truth, (x, y), axes, 0, 0, 360, 1, -1)
        if k >= 5:
            moved = (x + int(rng.integers(-6, 7)), y + int(rng.integers(-6, 7)))
            cv2.ellipse(found, moved, axes, 10, 0, 360, 1, -1)
    ignored = np.zeros(truth.shape, np.bool_)
    ignored[:60] = True
    return truth > 0, found > 0, ignored


def by_loops(
    truth: np.ndarray, found: np.ndarray, ignored: np.ndarray
) -> tuple[list[float], list[float]]:
    """sIoU of each labelled and PPV of each predicted component; one pass over the image each."""
    _, labels = cv2.connectedComponents((truth & ~ignored).astype(np.uint8), connectivity=8)
    _, predicted = cv2.connectedComponents((found & ~ignored).astype(np.uint8), connectivity=8)
    valid = ~ignored
    siou, ppv = [], []
    for k in range(1, int(labels.max()) + 1):
        own = (labels == k) & valid
        touching = np.unique(predicted[own])
        touching = touching[touching != 0]
        reached = np.isin(predicted, touching) & valid
        common = int(np.count_nonzero(own & (predicted != 0)))
        others = int(np.count_nonzero(reached & (labels != 0) & (labels != k)))
        union = int(np.count_nonzero(own)) + int(np.count_nonzero(reached)) - common - others
        siou.append(common / union)
    for k in range(1, int(predicted.max()) + 1):
        own = (predicted == k) & valid
        ppv.append(np.count_nonzero(own & (labels != 0)) / np.count_nonzero(own))
    return siou, ppv


def rows(repeats: int) -> Iterator[Row]:
    truth, found, ignored = frame()
    ours, table = run(
        WORK,
        "s2m_ros: contingency table",
        lambda: LabelComponents(truth, ignored).compare(found),
        repeats,
        True,
    )
    yield ours
    loops, (siou, ppv) = run(
        WORK,
        "component by component, as SMIYC's code",
        lambda: by_loops(truth, found, ignored),
        max(repeats // 2, 2),
        note="equal sIoU and PPV asserted",
    )
    np.testing.assert_allclose(table.siou, siou, rtol=1e-12)
    np.testing.assert_allclose(table.ppv, ppv, rtol=1e-12)
    yield loops
