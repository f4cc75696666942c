"""Meshes against closed formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.sim.materials import RUBBER, STEEL
from s2m_ros.sim.mesh import (
    Mesh,
    box,
    cylinder,
    extrude,
    merge,
    revolve,
    rotation_matrix,
    superellipsoid,
    tube,
)

SIZES = st.tuples(*[st.floats(0.05, 20.0)] * 3)
ANGLES = st.floats(-3.0, 3.0)


def volume(mesh: Mesh) -> float:
    """By the divergence theorem: right only when closed and wound outwards."""
    a, b, c = mesh.triangles.astype(np.float64).transpose(1, 0, 2)
    return float((a * np.cross(b, c)).sum() / 6)


@settings(max_examples=40, deadline=None)
@given(SIZES, SIZES)
def test_box_volume_and_bounds(size: tuple[float, ...], centre: tuple[float, ...]) -> None:
    mesh = box(size, STEEL, centre)
    low, high = mesh.bounds()
    np.testing.assert_allclose(high - low, size, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose((low + high) / 2, centre, atol=1e-4)
    assert volume(mesh) == pytest.approx(np.prod(size), rel=1e-2)


def test_round_bodies_tend_to_their_formulas() -> None:
    ball = superellipsoid((2.0, 3.0, 4.0), STEEL, 1.0, 40)
    assert volume(ball) == pytest.approx(4 / 3 * np.pi * 1.0 * 1.5 * 2.0, rel=0.02)
    rod = cylinder(0.5, (1, 2, 3), (4, 6, 3), STEEL, 64)
    assert volume(rod) == pytest.approx(np.pi * 0.25 * 5.0, rel=0.01)
    cone = revolve([(1.0, 0.0), (0.0, 3.0)], STEEL, 96)
    assert volume(cone) == pytest.approx(np.pi, rel=0.01)
    wedge = extrude([(0, 0), (2, 0), (0, 1)], 3.0, STEEL)
    assert volume(wedge) == pytest.approx(3.0, rel=1e-5)


def test_a_bent_tube_keeps_its_bore() -> None:
    turn = np.linspace(0, np.pi, 60)
    path = np.stack([np.cos(turn) * 5, np.sin(turn) * 5, np.zeros(60)], axis=1)
    expected = np.pi * 0.1**2 * np.pi * 5
    assert volume(tube(path, 0.1, RUBBER, 48)) == pytest.approx(expected, rel=0.02)


@settings(max_examples=30, deadline=None)
@given(SIZES, ANGLES, ANGLES, ANGLES)
def test_moving_keeps_volume_and_unit_normals(
    offset: tuple[float, ...], yaw: float, pitch: float, roll: float
) -> None:
    mesh = box((1.0, 2.0, 3.0), STEEL)
    moved = mesh.moved(offset, yaw, pitch, roll)
    assert volume(moved) == pytest.approx(6.0, rel=1e-2)
    np.testing.assert_allclose(np.linalg.norm(moved.normals, axis=-1), 1, atol=1e-5)
    rotation = rotation_matrix(yaw, pitch, roll)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)


def test_normals_look_out_of_smooth_bodies_and_stay_sharp_on_boxes() -> None:
    ball = superellipsoid((2.0, 2.0, 2.0), STEEL, 1.0, 24)
    outward = (ball.normals * ball.triangles).sum(axis=-1)
    assert outward.min() > 0.97
    cube = box((1, 1, 1), STEEL)
    assert set(np.abs(cube.normals).max(axis=-1).ravel().round(6)) == {1.0}


def test_mirroring_keeps_the_winding_and_merging_keeps_materials() -> None:
    left = box((1, 1, 1), STEEL, (0, 2, 0))
    right = left.mirrored_y()
    assert volume(right) == pytest.approx(1.0, rel=1e-5)
    assert right.triangles[..., 1].max() < 0
    both = merge([left, box((1, 1, 1), RUBBER)])
    assert [both.materials[i] for i in np.unique(both.material)] == [STEEL, RUBBER]
