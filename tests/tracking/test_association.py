from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from s2m_ros.tracking.association import assign, box_iou


def pair(tracks, detections, sigma=0.5, gate=0.99, boxes=None, sizes=None):  # type: ignore[no-untyped-def]
    tracks = np.c_[np.array(tracks, float).reshape(-1, 2), np.zeros(len(tracks))]
    detections = np.c_[np.array(detections, float).reshape(-1, 2), np.zeros(len(detections))]
    n, m = len(tracks), len(detections)
    p, r = (np.tile(sigma**2 / 2 * np.eye(3), (k, 1, 1)) for k in (n, m))
    b = (np.zeros((n, 4)), np.zeros((m, 4))) if boxes is None else boxes
    s = (np.ones((n, 3)), np.ones((m, 3))) if sizes is None else sizes
    rows, columns = assign(
        [(tracks, p)], s[0], b[0], ["front"] * n, detections, r, s[1], b[1], ["front"] * m, gate
    )
    return dict(zip(rows.tolist(), columns.tolist(), strict=True))


def test_the_gate_holds_its_mass() -> None:
    edge = 0.5 * np.sqrt(chi2.ppf(0.99, 2))
    assert pair([(0, 0)], [(edge - 1e-3, 0)]) == {0: 0}
    assert pair([(0, 0)], [(0, edge + 1e-3)]) == {}


def test_optimal_beats_greedy() -> None:
    """The nearest pair taken first would leave the other two alone."""
    assert pair([(0, 0), (1, 0)], [(0.9, 0), (2.3, 0)]) == {0: 0, 1: 1}


def test_size_and_box_decide_between_equals() -> None:
    sizes = np.array([[0.3, 0.3, 0.3], [2, 2, 2]])
    assert pair([(0, 0), (0, 0)], [(0, 0), (0, 0)], sizes=(sizes, sizes[::-1])) == {0: 1, 1: 0}
    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10.0]])
    assert pair([(0, 0), (0, 0)], [(0, 0), (0, 0)], boxes=(boxes, boxes[::-1])) == {0: 1, 1: 0}


points = st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), max_size=8)


@settings(deadline=None, max_examples=60)
@given(points, points)
def test_each_at_most_once_and_inside_the_gate(a, b) -> None:  # type: ignore[no-untyped-def]
    found = pair(a, b)
    assert len(set(found.values())) == len(found)
    for row, column in found.items():
        distance = np.hypot(*np.subtract(a[row], b[column]))
        assert (distance / 0.5) ** 2 <= chi2.ppf(0.99, 2) + 1e-9


def test_box_iou() -> None:
    a = np.array([[0, 0, 2, 2], [5, 5, 5, 5.0]])
    b = np.array([[1, 0, 3, 2], [0, 0, 2, 2.0]])
    np.testing.assert_allclose(box_iou(a, b), [[1 / 3, 1], [0, 0]])
