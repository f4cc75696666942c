"""Overlap of boxes against pycocotools, painted boxes and numbers by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from s2m_ros.perception.overlap import box_iou, pairwise_iou

coordinate = st.floats(0, 50, width=32)
box = st.tuples(coordinate, coordinate, st.floats(1, 30), st.floats(1, 30)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(st.lists(box, min_size=1, max_size=8), st.lists(box, min_size=1, max_size=8))
@settings(deadline=None)
def test_iou_is_that_of_pycocotools(a: list, b: list) -> None:
    def corner_and_size(boxes: np.ndarray) -> np.ndarray:
        return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], 1).astype(np.float64)

    a, b = np.float32(a), np.float32(b)
    expected = coco.iou(corner_and_size(a), corner_and_size(b), [0] * len(b))
    np.testing.assert_allclose(pairwise_iou(a, b), expected, atol=1e-4)


def test_box_iou_is_that_of_painted_boxes() -> None:
    rng = np.random.default_rng(2)
    low = rng.integers(0, 20, (2, 9, 2))
    a, b = np.concatenate([low, low + rng.integers(1, 20, (2, 9, 2))], axis=2)
    painted = np.zeros((2, 9, 40, 40), np.bool_)
    for i, boxes in enumerate((a, b)):
        for j, (x0, y0, x1, y1) in enumerate(boxes):
            painted[i, j, y0:y1, x0:x1] = True
    both = (painted[0][:, None] & painted[1][None]).sum(axis=(2, 3))
    either = (painted[0][:, None] | painted[1][None]).sum(axis=(2, 3))
    np.testing.assert_allclose(pairwise_iou(a.astype(float), b.astype(float)), both / either)
    assert both.any()


def test_box_iou() -> None:
    a = np.array([[0, 0, 2, 2], [0, 0, 2, 2], [5, 5, 5, 5.0]])
    b = np.array([[1, 0, 3, 2], [0, 0, 2, 2], [0, 0, 2, 2.0]])
    np.testing.assert_allclose(box_iou(a, b), [1 / 3, 1, 0])
