"""Periodic random textures."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros.types import Float32


def tile(rng: np.random.Generator, size: int, slope: float = 1.8, finest: float = 2.0) -> Float32:
    """Noise that repeats without a seam: float32 (size, size), mean 0, standard deviation 1.

    slope: power spectrum ~ 1 / f^slope; finest: shortest wavelength in it, in cells.
    """
    f = np.fft.fftfreq(size)
    radius = np.hypot(f[:, None], np.fft.rfftfreq(size)[None, :])
    gain = np.where(
        (radius > 0) & (radius <= 1 / finest), np.maximum(radius, 1e-9) ** (-slope / 2), 0
    )
    spectrum = np.fft.rfft2(rng.standard_normal((size, size))) * gain
    field = np.fft.irfft2(spectrum, s=(size, size))
    return np.asarray(field / field.std(), np.float32)


def smoothstep(low: float, high: float, value: NDArray[np.floating[Any]]) -> Float32:
    """0 below low, 1 above high, smooth between."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


LAST_CELL = 30_000


def lookup(field: NDArray[Any], u: Float32, v: Float32, repeat: bool = True) -> NDArray[Any]:
    """Bilinear values of a raster (H, W) or (H, W, C) at N points, of its own type: (N,) or (N, C).

    u, v: column and row, whole numbers at the centres of cells; the raster repeats or its border
    goes on. (OpenCV takes the points only as a picture of bounded size.)
    """
    n, width = len(u), 1024
    if n == 0:
        return np.zeros((0, *field.shape[2:]), field.dtype)
    height = -(-n // width)
    maps = []
    for value, size in ((u, field.shape[1]), (v, field.shape[0])):
        padded = np.zeros(height * width, np.float32)
        # Beyond 16 bits OpenCV loses track, and wrapping here costs as much as the look-up.
        far = repeat and n > 0 and max(-float(value.min()), float(value.max())) > LAST_CELL
        padded[:n] = np.mod(value, size) if far else value
        maps.append(padded.reshape(height, width))
    border = cv2.BORDER_WRAP if repeat else cv2.BORDER_REPLICATE
    out = np.asarray(cv2.remap(field, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=border))
    return out.reshape(-1, *field.shape[2:])[:n]
