"""What the sensor makes of the light: exposure, lens blur, bloom, noise and tone curve."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from s2m_ros.sim.scenario import CameraSensor
from s2m_ros.types import Float32, UInt8

SHIFTS = 128
"""Noise is one field, laid over each picture at another of so many rows and columns."""
DAY_GAIN = 1.0
"""Gain at which the sensor's noise is what ``CameraSensor.noise`` says."""


def auto_gain(linear: Float32) -> float:
    """Gain that brings the lower two thirds of a picture, where the ground is, to middle grey."""
    sample = linear[linear.shape[0] // 3 :: 4, ::4].reshape(-1, 3).mean(axis=1)
    return 0.3 / max(float(np.mean(np.minimum(sample, 1.5))), 5e-4)


def develop(linear: Float32, gain: float, sensor: CameraSensor, rng: np.random.Generator) -> UInt8:
    """The picture of radiance, float32 (H, W, 3), as the camera stores it: uint8 (H, W, 3)."""
    h, w = linear.shape[:2]
    scale = w / 960
    linear = linear * np.float32(gain)
    bright = np.clip(linear - 1.2, 0, 12)
    if bright.any():
        small = cv2.resize(bright, (w // 4, h // 4), interpolation=cv2.INTER_AREA)
        bloom = cv2.resize(cv2.GaussianBlur(small, (0, 0), 5 * scale), (w, h))
        linear += np.float32(0.12) * bloom
    if sensor.blur_px > 0:
        sigma_px = max(sensor.blur_px * scale, 0.3)
        linear = np.asarray(cv2.GaussianBlur(linear, (0, 0), sigma_px), np.float32)
    linear *= _vignette(h, w)
    if sensor.noise > 0:
        linear += _noise(linear, gain, sensor.noise, rng)
    value = np.minimum(np.sqrt(np.maximum(linear, 0)) * 2000, 4095).astype(np.uint16)
    # Each pixel falls to either side of its value, so that dark sky shows no steps.
    return np.asarray(_TONES[value] + rng.random((h, w, 1), dtype=np.float32), np.uint8)


@lru_cache(maxsize=8)
def _vignette(height: int, width: int) -> Float32:
    """Share of light towards the corners: float32 (H, W, 1)."""
    y, x = np.ogrid[-1 : 1 : complex(0, height), -1 : 1 : complex(0, width)]
    return (1 - 0.2 * ((x * x + y * y * 0.5) / 1.5) ** 1.3).astype(np.float32)[..., None]


@lru_cache(maxsize=2)
def _grain(height: int, width: int) -> Float32:
    """White noise with half of it common to all channels, more than a picture: (H, W, 3)."""
    rng = np.random.default_rng(20_231)
    size = (height + SHIFTS, width + SHIFTS)
    white = rng.standard_normal((*size, 3), dtype=np.float32)
    return np.asarray(white + np.float32(1.3) * rng.standard_normal((*size, 1), dtype=np.float32))


def _noise(linear: Float32, gain: float, amount: float, rng: np.random.Generator) -> Float32:
    """Photon noise, whose variance grows with light and gain, and the sensor's own."""
    h, w = linear.shape[:2]
    more = (
        max(gain / DAY_GAIN, 1.0) ** 0.35
    )  # wider apertures and longer exposures make up for most
    down, right = rng.integers(SHIFTS, size=2)
    white = _grain(h, w)[down : down + h, right : right + w] * np.float32(rng.choice((-1, 1)))
    variance = np.maximum(linear, 0) * np.float32(0.00018 * more) + np.float32(0.00002)
    return np.asarray(np.sqrt(variance) * white * np.float32(0.6 * amount), np.float32)


def _tone_curve() -> Float32:
    """sRGB value, 0 to 255, of the square root of exposure in steps of 1 / 2000: float32 (4096,).

    Linear in the dark with a soft shoulder in the light, then the encoding of IEC 61966-2-1.
    """
    x = np.square(np.arange(4096) / 2000.0)
    value = np.clip(x * (1 + x / 6.0) / (1 + x * 0.62), 0, 1)
    encoded = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.asarray(np.minimum(encoded * 255, 254.999), np.float32)


_TONES = _tone_curve()
