"""Upright edges: the sides of what stands out, in sun and shade, and nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.perception.edges import upright_edges
from s2m_ros.types import UInt8


def picture(contrast: float = 60.0, noise: float = 2.0) -> UInt8:
    """960 x 540, with a block from column 300 to 420 and row 150 to 400."""
    grey = np.random.default_rng(0).normal(90, noise, (540, 960))
    grey[150:400, 300:420] += contrast
    return np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_a_block_has_two_sides() -> None:
    found = upright_edges(picture())
    assert found.edges.shape == (90, 320)
    assert found.image_size == (960, 540)
    columns = found.edges[28:64].mean(axis=0)  # rows well inside the block
    assert set(np.flatnonzero(columns > 0.9)) == {99, 100, 139, 140}
    assert columns[(np.arange(320) % 40 > 22)].max() < 0.2


def test_shade_shows_the_same_sides() -> None:
    sun = upright_edges(picture()).edges[28:64]
    shade = upright_edges((picture() / 3).astype(np.uint8)).edges[28:64]
    assert (shade[:, [99, 100, 139, 140]] == sun[:, [99, 100, 139, 140]]).mean() > 0.95


def test_a_level_line_and_a_plain_picture_have_none() -> None:
    line = picture(0.0, 0.0)
    line[250:] = 160
    assert not upright_edges(line).edges.any()
    assert upright_edges(picture(0.0)).edges.mean() < 0.05


@given(st.integers(1, 700), st.integers(1, 700))
def test_any_size_gives_a_grid_over_the_whole(width: int, height: int) -> None:
    found = upright_edges(np.zeros((height, width, 3), np.uint8))
    rows, columns = found.edges.shape
    assert columns == min(width, 320)
    assert 1 <= rows <= max(1, height)
    assert not found.edges.any()
