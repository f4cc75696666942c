"""Hoses, cables and straps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.parts import pick, thing
from s2m_ros.sim.materials import STEEL, cloth, plastic
from s2m_ros.sim.mesh import cylinder, tube
from s2m_ros.sim.model import Model

Rng = np.random.Generator


def hose(rng: Rng) -> Model:
    """A hose or cable that lies in loops."""
    n = 90
    s = np.linspace(0, 1, n)
    length = rng.uniform(2.5, 6.0)
    bend = np.cumsum(np.convolve(rng.normal(0, 1, n + 14), np.ones(15) / 15, "valid")) * 0.55
    step = length / n
    x = np.cumsum(np.cos(bend)) * step
    y = np.cumsum(np.sin(bend)) * step
    radius = float(rng.uniform(0.03, 0.06))
    z = radius + 0.015 * np.sin(s * 11) ** 2
    colour = pick(rng, "1d1d1f", "2b2c30", "d4551e", "3a4a68", "b8a21a", "6b2520")
    skin = tube(np.stack([x, y, z], axis=1), radius, plastic(colour, gloss=0.3, grain=0.2), 10)
    ends = [
        cylinder(radius * 1.35, p, p + (q - p) / np.linalg.norm(q - p) * 0.14, STEEL, 12)
        for p, q in (
            (np.array([x[0], y[0], radius * 1.35]), np.array([x[1], y[1], radius * 1.35])),
            (np.array([x[-1], y[-1], radius * 1.35]), np.array([x[-2], y[-2], radius * 1.35])),
        )
    ]
    return thing("hose", skin, *ends)


def strap(rng: Rng) -> Model:
    """A cargo strap or rope."""
    t = np.linspace(0, 1, 70)
    bend = np.cumsum(rng.normal(0, 0.22, 70))
    path = (
        np.stack([np.cumsum(np.cos(bend)), np.cumsum(np.sin(bend)), np.zeros(70)], 1)
        * rng.uniform(0.8, 2.4)
        / 70
    )
    path[:, 2] = 0.012 + 0.02 * np.abs(np.sin(9 * t))
    colour = pick(rng, "d87a1c", "2c5fb0", "c9b48a", "d8c21a", "303236")
    return thing("strap", tube(path, 0.012, cloth(colour), 6))


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "hose": hose,
    "strap": strap,
}
