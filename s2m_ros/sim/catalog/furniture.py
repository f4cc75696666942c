"""Masts, signs, fences and trees that stand for good."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.materials import DARK_METAL, RETROREFLECTIVE, STEEL, Material, cloth, paint, srgb
from s2m_ros.sim.mesh import box, cylinder, merge, superellipsoid, tube
from s2m_ros.sim.model import Model, stand

Rng = np.random.Generator
LAMP = Material((0.8, 0.8, 0.75), 0.05, 0.5, emission=1.2)


def mast(rng: Rng) -> Model:
    """A floodlight mast."""
    height = float(rng.uniform(16, 24))
    parts = [
        tube([(0, 0, 0), (0, 0, height)], [0.28, 0.14], STEEL, 12),
        box((0.4, 3.2, 0.25), DARK_METAL, (0, 0, height)),
    ]
    parts += [
        box((0.35, 0.5, 0.5), LAMP, (-0.2, y, height + 0.3)).moved()
        for y in np.linspace(-1.3, 1.3, 4)
    ]
    parts.append(box((1.0, 1.0, 0.8), paint("b8b4aa", grain=0.2), (0, 0, 0.4)))
    return stand("mast", "Pole", merge(parts))


def sign(rng: Rng) -> Model:
    """A taxiway sign: a low box on two legs."""
    width = float(rng.uniform(1.2, 2.6))
    face = Material(
        srgb(str(rng.choice(["e8b81c", "1c1d1f", "b5202a"]))), 0.03, 0.3, 0.06, retro=3.0
    )
    text = face.tinted(srgb("1c1d1f") if face.albedo[0] > 0.5 else srgb("e8c81c"))
    parts = [box((0.25, width, 0.7), face, (0, 0, 0.65))]
    n = int(rng.integers(2, 4))
    for i in range(n):
        y = (i - (n - 1) / 2) * width / (n + 0.5)
        for part in range(3):
            parts.append(
                box(
                    (0.27, 0.05 + 0.12 * (part == 1), 0.42 if part != 1 else 0.07),
                    text,
                    (0, y + (part - 1) * 0.1, 0.65),
                )
            )
    parts += [
        cylinder(0.04, (0, s * width * 0.35, 0), (0, s * width * 0.35, 0.35), STEEL, 8)
        for s in (-1, 1)
    ]
    return stand("sign", "SignSymbol", merge(parts))


def fence(rng: Rng) -> Model:
    """30 m of mesh fence along y, as posts and rails."""
    parts = [cylinder(0.04, (0, y, 0), (0, y, 2.4), STEEL, 6) for y in np.arange(-15, 15.1, 2.5)]
    parts += [
        cylinder(0.014, (0, -15, z), (0, 15, z), STEEL, 5) for z in np.arange(0.15, 2.45, 0.2)
    ]
    return stand("fence", "Fence", merge(parts))


def tree(rng: Rng) -> Model:
    leaf = cloth(str(rng.choice(["3f5a2a", "4a6a30", "35502c", "5a6a34"])), grain=0.6)
    height = float(rng.uniform(4, 9))
    parts = [tube([(0, 0, 0), (0, 0, height * 0.5)], [0.2, 0.12], cloth("4a3a2a"), 8)]
    for _ in range(14):
        at = rng.normal(0, 1, 3) * (height * 0.15, height * 0.15, height * 0.14) + (
            0,
            0,
            height * 0.68,
        )
        parts.append(superellipsoid(rng.uniform(0.2, 0.4, 3) * height, leaf, 1.0, 8).moved(at))
    return stand("tree", "Tree", merge(parts))


def post(rng: Rng) -> Model:
    body = paint(str(rng.choice(["e0b41c", "d8d8d2", "c83a1c"])), grain=0.15)
    parts = [
        cylinder(0.09, (0, 0, 0), (0, 0, 1.1), body, 16),
        cylinder(0.093, (0, 0, 0.75), (0, 0, 0.95), RETROREFLECTIVE, 16),
    ]
    return stand("post", "Pole", merge(parts))


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "mast": mast,
    "sign": sign,
    "fence": fence,
    "tree": tree,
    "post": post,
}
