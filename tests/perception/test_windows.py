"""The decoder's window of the picture: where it lies, and that its pixels are the right ones."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.perception.windows import crops, windows_of


def test_a_window_is_the_box_and_its_margin() -> None:
    windows = windows_of(np.float32([[10, 20, 50, 40], [5, 5, 7, 7]]), 0.25, 6.0)
    np.testing.assert_allclose(windows, [[0, 15, 60, 45], [1.5, 1.5, 10.5, 10.5]])


def ramp(height: int, width: int) -> np.ndarray:
    """Red grows to the right, green downwards: a colour is a place."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    return np.dstack([x, y, np.full_like(x, 9)]).astype(np.uint8)


@settings(deadline=None, max_examples=60)
@given(
    x=st.floats(2, 100), y=st.floats(2, 80), size=st.floats(5, 140), side=st.sampled_from([16, 48])
)
def test_samples_are_taken_where_the_window_lies(
    x: float, y: float, size: float, side: int
) -> None:
    image = ramp(240, 250)
    window = np.float32([[x, y, x + size, y + size]])
    patch = crops(image, window, side)[0].astype(np.float32)
    centres = (np.arange(side) + 0.5) * size / side - 0.5
    inner = slice(1, -1)  # the picture's own border is black
    np.testing.assert_allclose(
        patch[inner, inner, 0], np.tile(x + centres, (side, 1))[inner, inner], atol=1.6
    )
    np.testing.assert_allclose(
        patch[inner, inner, 1].T, np.tile(y + centres, (side, 1))[inner, inner], atol=1.6
    )


@pytest.mark.parametrize("size", [60, 200, 700])
def test_a_large_window_is_averaged_as_opencv_averages(size: int) -> None:
    rng = np.random.default_rng(size)
    image = cv2.GaussianBlur(
        rng.integers(0, 256, (720, 720, 3)).astype(np.uint8), (0, 0), size / 24
    )
    patch = crops(image, np.float32([[8, 8, 8 + size, 8 + size]]), 48)[0]
    expected = cv2.resize(image[8 : 8 + size, 8 : 8 + size], (48, 48), interpolation=cv2.INTER_AREA)
    inner = np.s_[2:-2, 2:-2]
    assert np.abs(patch[inner].astype(int) - expected[inner]).mean() < 3


def test_outside_of_the_picture_is_black() -> None:
    image = np.full((40, 40, 3), 200, np.uint8)
    left, far = crops(image, np.float32([[-20, 0, 20, 40], [500, 500, 540, 540]]), 16)
    assert (left[:, :7] == 0).all()
    assert (left[1:-1, 9:] == 200).all()
    assert (far == 0).all()
    assert crops(image, np.zeros((0, 4), np.float32), 16).shape == (0, 16, 16, 3)
