from __future__ import annotations

from dataclasses import replace

import numpy as np
from detections import detection
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from s2m_ros.tracking.association import Looks, assign
from s2m_ros.tracking.detections import Detections, stack


def pair(tracks, detections, sigma=0.5, gate=0.99, boxes=None, sizes=None,
         contrasts=None):  # type: ignore[no-untyped-def]  # fmt: skip
    n, m = len(tracks), len(detections)
    b = (np.zeros((n, 4)), np.zeros((m, 4))) if boxes is None else boxes
    s = (np.ones((n, 3)), np.ones((m, 3))) if sizes is None else sizes
    c = (np.ones(n), np.ones(m)) if contrasts is None else contrasts
    items = [
        detection(*xy, size=size, box=box, camera="front", contrast=contrast)
        for xy, size, box, contrast in zip(detections, s[1], b[1], c[1], strict=True)
    ]
    noise = np.tile(sigma**2 / 2 * np.eye(3), (m, 1, 1))
    pairs = assign(
        np.array(tracks, float).reshape(1, n, 2),
        np.tile(sigma**2 / 2 * np.eye(2), (1, n, 1, 1)),
        Looks(s[0], b[0], np.full(n, "front"), np.array(c[0])),
        replace(Detections.of(items), r=noise),
        gate,
    )
    return dict(zip(pairs.rows.tolist(), pairs.columns.tolist(), strict=True))


def test_the_gate_holds_its_mass() -> None:
    edge = 0.5 * np.sqrt(chi2.ppf(0.99, 2))
    assert pair([(0, 0)], [(edge - 1e-3, 0)]) == {0: 0}
    assert pair([(0, 0)], [(0, edge + 1e-3)]) == {}


def test_optimal_beats_greedy() -> None:
    """The nearest pair taken first would leave the other two alone."""
    assert pair([(0, 0), (1, 0)], [(0.9, 0), (2.3, 0)]) == {0: 0, 1: 1}


def test_size_box_and_contrast_decide_between_equals() -> None:
    sizes = np.array([[0.3, 0.3, 0.3], [2, 2, 2]])
    assert pair([(0, 0), (0, 0)], [(0, 0), (0, 0)], sizes=(sizes, sizes[::-1])) == {0: 1, 1: 0}
    boxes = np.array([[0, 0, 10, 10], [20, 0, 30, 10.0]])
    assert pair([(0, 0), (0, 0)], [(0, 0), (0, 0)], boxes=(boxes, boxes[::-1])) == {0: 1, 1: 0}
    contrasts = np.array([0.5, 2.0])
    swapped = pair([(0, 0), (0, 0)], [(0, 0), (0, 0)], contrasts=(contrasts, contrasts[::-1]))
    assert swapped == {0: 1, 1: 0}


points = st.lists(st.tuples(st.floats(-5, 5), st.floats(-5, 5)), max_size=8)


@settings(deadline=None, max_examples=60)
@given(points, points)
def test_each_at_most_once_and_inside_the_gate(a, b) -> None:  # type: ignore[no-untyped-def]
    found = pair(a, b)
    assert len(set(found.values())) == len(found)
    for row, column in found.items():
        distance = np.hypot(*np.subtract(a[row], b[column]))
        assert (distance / 0.5) ** 2 <= chi2.ppf(0.99, 2) + 1e-9


def test_outlines_of_unlike_length_as_one_array() -> None:
    a, b = np.arange(6.0).reshape(3, 2), np.array([[7.0, 8.0]])
    both = stack([a, np.zeros((0, 2)), b])
    np.testing.assert_array_equal(both, [a, np.zeros((3, 2)), [[7, 8]] * 3])
    assert stack([]).shape == (0, 1, 2)
    bare = Detections.of([detection(3, 4, footprint=np.zeros((0, 2))), detection(3, 4)])
    np.testing.assert_allclose(bare.outline[0], bare.outline[1])
