"""Embree's answers against Moeller and Trumbore's in float64, written out here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("embreex", reason="the simulator needs embreex (x86-64 Linux or macOS)")

from s2m_ros.sim.tracer import Tracer, ground_distance


def nearest(triangles: np.ndarray, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Distance to the nearest triangle along each ray, infinite for none: float64 (N,)."""
    a, b, c = triangles.astype(np.float64).transpose(1, 0, 2)
    d = directions.astype(np.float64)[:, None]
    o = origins.astype(np.float64)[:, None]
    ab, ac = b - a, c - a
    p = np.cross(d, ac[None])
    det = (ab * p).sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        s = o - a
        u = (s * p).sum(-1) / det
        q = np.cross(s, ab[None])
        v = (d * q).sum(-1) / det
        t = (ac * q).sum(-1) / det
        # Rays that graze an edge may go either way: they are left out by the caller.
        hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0) & (np.abs(det) > 1e-12)
    return np.asarray(np.where(hit, t, np.inf).min(axis=1))


def rays(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    origins = rng.uniform(-4, 4, (n, 3)).astype(np.float32)
    directions = rng.normal(0, 1, (n, 3)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return origins, directions


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31))
def test_hits_agree_with_the_formula(seed: int) -> None:
    rng = np.random.default_rng(seed)
    triangles = rng.uniform(-3, 3, (30, 3, 3)).astype(np.float32)
    origins, directions = rays(rng, 300)
    tracer = Tracer(triangles[:20])
    tracer.set_moving(triangles[20:])
    hits = tracer.cast(origins, directions)
    expected = nearest(triangles, origins, directions)
    agree = np.isclose(hits.distance, expected, rtol=1e-3, atol=1e-3)
    agree |= np.isinf(hits.distance) & np.isinf(expected)
    assert agree.mean() > 0.98  # the rest graze an edge
    found = np.isfinite(hits.distance)
    assert (tracer.blocked(origins, directions) == found).mean() > 0.99
    corner = triangles[hits.face[found]]
    u, v = hits.u[found, None], hits.v[found, None]
    point = corner[:, 0] * (1 - u - v) + corner[:, 1] * u + corner[:, 2] * v
    along = origins[found] + directions[found] * hits.distance[found, None]
    np.testing.assert_allclose(point, along, atol=2e-3)


def test_without_triangles_nothing_is_hit() -> None:
    origins, directions = rays(np.random.default_rng(0), 10)
    tracer = Tracer(np.zeros((0, 3, 3), np.float32))
    assert np.isinf(tracer.cast(origins, directions).distance).all()
    assert not tracer.blocked(origins, directions).any()


def test_the_ground_lies_below() -> None:
    origins = np.array([[0, 0, 2], [0, 0, 2], [0, 0, 2]], np.float32)
    directions = np.array([[0, 0, -1], [0.6, 0, -0.8], [1, 0, 0.1]], np.float32)
    np.testing.assert_allclose(ground_distance(origins, directions), [2, 2.5, np.inf], rtol=1e-6)
