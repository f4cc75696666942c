from __future__ import annotations

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial import ConvexHull

from s2m_ros import config
from s2m_ros.hazards.outline import gaps, vehicle
from s2m_ros.tracking.detections import stack


def hull(seed: int, count: int, shift: float) -> np.ndarray:
    points = np.random.default_rng(seed).uniform((shift - 1, -1), (shift + 1, 1), (count, 2))
    return points[ConvexHull(points).vertices]


def reference(a: np.ndarray, b: np.ndarray) -> float:
    """Least distance over convex combinations of the corners."""
    n = len(a)
    corners = np.vstack([a, -b])
    start = np.r_[np.full(n, 1 / n), np.full(len(b), 1 / len(b))]
    sums = [{"type": "eq", "fun": lambda w: w[:n].sum() - 1},
            {"type": "eq", "fun": lambda w: w[n:].sum() - 1}]  # fmt: skip
    found = minimize(lambda w: ((w @ corners) ** 2).sum(), start, bounds=[(0, 1)] * len(start),
                     constraints=sums, options={"ftol": 1e-14, "maxiter": 300})  # fmt: skip
    return float(np.sqrt(found.fun))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(3, 8), st.floats(0, 5))
def test_gap_is_the_least_distance(seed: int, count: int, shift: float) -> None:
    a, b = hull(seed, count, 0), hull(seed + 1, count, shift)
    (gap,) = gaps(a[None], b)
    assert abs(gap - reference(a, b)) < 2e-3
    area, _ = cv2.intersectConvexConvex(a.astype(np.float32), b.astype(np.float32))
    assert (gap == 0) or area <= 1e-6
    assert abs(gaps(b[None], a)[0] - gap) < 1e-12


def test_points_segments_and_crossing_boxes() -> None:
    square = np.array([[1, 0], [1, 1], [0, 1], [0, 0.0]])
    outlines = stack([
        np.array([[3.0, 0.5]]),
        np.array([[-1.0, 2.0], [2.0, 2.0]]),
        np.array([[0.5, 0.5]]),
        np.array([[0.6, -1], [0.6, 2], [0.4, 2], [0.4, -1.0]]),
    ])  # fmt: skip
    np.testing.assert_allclose(gaps(outlines, square), [2, 1, 0, 0])


def test_the_vehicle_lies_around_base_link() -> None:
    outline = vehicle(config.Hazards())
    np.testing.assert_allclose(outline.max(axis=0), [3, 1])
    np.testing.assert_allclose(outline.min(axis=0), [-1, -1])
    assert cv2.contourArea(outline.astype(np.float32), oriented=True) > 0
