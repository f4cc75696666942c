"""What surfaces are made of."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

RGB = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Material:
    """How a surface answers to light.

    albedo: linear RGB in [0, 1]; specular: reflectance at normal incidence (0.04 for paint and
    plastic, 0.5 and more for bare metal); gloss in [0, 1]: 0 matt, 1 mirror; grain, grain_m:
    relative amplitude of the texture and size of its largest features; second, pattern,
    pattern_m: another albedo and how it alternates ('', 'stripes', 'checks', 'blotches') at which
    period; retro: gain of the LiDAR intensity over that of a matt surface; emission: linear
    radiance of a lamp by night, in the colour of its albedo.
    """

    albedo: RGB
    specular: float = 0.04
    gloss: float = 0.3
    grain: float = 0.12
    grain_m: float = 0.3
    second: RGB = (0.0, 0.0, 0.0)
    pattern: str = ""
    pattern_m: float = 0.2
    retro: float = 1.0
    emission: float = 0.0

    def tinted(self, albedo: RGB) -> Material:
        return replace(self, albedo=albedo)


def srgb(code: str) -> RGB:
    """Linear RGB of a hexadecimal sRGB colour such as 'e8a33d'."""
    value = np.array([int(code[i : i + 2], 16) for i in (0, 2, 4)]) / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return float(linear[0]), float(linear[1]), float(linear[2])


def paint(code: str, gloss: float = 0.55, grain: float = 0.06) -> Material:
    """Vehicle paint of an sRGB colour."""
    return Material(srgb(code), specular=0.04, gloss=gloss, grain=grain, grain_m=0.8)


def plastic(code: str, gloss: float = 0.35, grain: float = 0.1) -> Material:
    return Material(srgb(code), specular=0.04, gloss=gloss, grain=grain, grain_m=0.15)


def cloth(code: str, grain: float = 0.25) -> Material:
    return Material(srgb(code), specular=0.0, gloss=0.0, grain=grain, grain_m=0.12)


GLASS = Material((0.015, 0.02, 0.025), specular=0.08, gloss=0.95, grain=0.03, retro=0.1)
RUBBER = Material((0.022, 0.022, 0.023), specular=0.02, gloss=0.1, grain=0.35, grain_m=0.1)
STEEL = Material((0.42, 0.42, 0.43), specular=0.35, gloss=0.5, grain=0.15, grain_m=0.1)
ALUMINIUM = Material((0.62, 0.63, 0.64), specular=0.5, gloss=0.6, grain=0.08, grain_m=0.5)
DARK_METAL = Material((0.07, 0.07, 0.075), specular=0.15, gloss=0.4, grain=0.2, grain_m=0.2)
RUST = Material((0.19, 0.085, 0.045), specular=0.03, gloss=0.1, grain=0.45, grain_m=0.08)
SKIN = Material((0.42, 0.25, 0.17), specular=0.03, gloss=0.2, grain=0.08, grain_m=0.1)
RETROREFLECTIVE = Material((0.75, 0.76, 0.74), specular=0.1, gloss=0.3, grain=0.1, retro=8.0)
WOOD = Material(
    srgb("a9835a"),
    specular=0.02,
    gloss=0.1,
    grain=0.3,
    grain_m=0.25,
    second=srgb("8a6a45"),
    pattern="stripes",
    pattern_m=0.035,
)
CARDBOARD = Material(srgb("b08a5b"), specular=0.01, gloss=0.05, grain=0.12, grain_m=0.3)
