"""Logit patches on the mask grid."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.perception.interfaces import Candidate
from s2m_ros.perception.paste import cropped, paste

GRID = (64, 48)


def dense(candidate: Candidate) -> np.ndarray:
    full = np.zeros(GRID[::-1], np.bool_)
    h, w = candidate.bits.shape
    full[candidate.y : candidate.y + h, candidate.x : candidate.x + w] = candidate.bits
    return full


def disc(side: int) -> np.ndarray:
    axis = (np.arange(side) + 0.5) / side * 2 - 1
    return (12 * (0.8 - np.hypot(axis[None], axis[:, None]))).astype(np.float32)


@given(
    st.floats(-20, 60), st.floats(-20, 50), st.floats(3, 50), st.floats(3, 50), st.integers(8, 64)
)
@settings(deadline=None, max_examples=50)
def test_a_disc_lands_where_its_window_is(
    x: float, y: float, width: float, height: float, side: int
) -> None:
    found = dense(paste(disc(side), np.float32([x, y, x + width, y + height]), GRID, 0, 0.5))
    v, u = np.mgrid[: GRID[1], : GRID[0]] + 0.5
    radius = np.hypot((u - x) / width * 2 - 1, (v - y) / height * 2 - 1)
    blur = 2.5 / min(width, height, side) * 2
    assert not found[radius > 0.8 + blur].any()
    assert found[radius < 0.8 - blur].all()


def test_window_outside_the_grid_gives_an_empty_candidate() -> None:
    candidate = paste(disc(16), np.float32([100, 0, 120, 20]), GRID, 3, 0.5)
    assert candidate.bits.size == 0
    assert candidate.prompt == 3


def test_a_sharp_mask_is_more_stable_than_a_soft_one() -> None:
    window = np.float32([4, 4, 40, 40])
    sharp = paste(disc(32) * 10, window, GRID, 0, 0.5)
    soft = paste(disc(32) * 0.2, window, GRID, 0, 0.5)
    assert sharp.stability > 0.9
    assert soft.stability < 0.5


def test_thin_parts_survive_shrinking() -> None:
    logits = np.full((64, 64), -4.0, np.float32)
    logits[:, 28:36] = 8
    found = dense(paste(logits, np.float32([10, 10, 18, 18]), GRID, 0, 0.5))
    assert found[10:18].any(axis=1).all()


def test_crop_is_tight() -> None:
    bits = np.zeros((9, 9), np.bool_)
    bits[3:5, 2:7] = True
    candidate = cropped(bits, 10, 20, 0, 0.5, 1.0)
    assert (candidate.x, candidate.y) == (12, 23)
    assert candidate.bits.shape == (2, 5)
    assert cropped(np.zeros((3, 3), np.bool_), 1, 1, 0, 0.5, 1.0).bits.size == 0


@pytest.mark.parametrize("side", [16, 64])
def test_patch_never_leaves_the_grid(side: int) -> None:
    candidate = paste(disc(side), np.float32([-10, -10, 80, 80]), GRID, 0, 0.5)
    h, w = candidate.bits.shape
    assert candidate.x >= 0
    assert candidate.y >= 0
    assert candidate.x + w <= GRID[0]
    assert candidate.y + h <= GRID[1]
