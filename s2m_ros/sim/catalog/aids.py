"""Cones and chocks: at home on a stand, in the way elsewhere."""

from __future__ import annotations

import numpy as np

from s2m_ros.sim.catalog.parts import pick, thing
from s2m_ros.sim.materials import RETROREFLECTIVE, cloth, plastic, srgb
from s2m_ros.sim.mesh import extrude, revolve, superellipsoid, tube
from s2m_ros.sim.model import Model

Rng = np.random.Generator


def chock(rng: Rng) -> Model:
    """A wheel chock: a pair of wedges on a rope, or one wedge."""
    body = plastic(pick(rng, "e0b21c", "d9a414", "26282a", "c8401e"), gloss=0.2, grain=0.25)
    wedge = extrude([(-0.17, 0), (0.17, 0), (0.035, 0.21), (-0.035, 0.21)], 0.5, body, taper=0.06)
    stripe = plastic("1f2022", gloss=0.2) if body.albedo[0] > 0.1 else plastic("d8d8d0")
    bands = [
        extrude([(-0.175, 0.0), (0.175, 0), (0.037, 0.216), (-0.037, 0.216)], 0.05, stripe).moved(
            (0, y, 0)
        )
        for y in (-0.15, 0.0, 0.15)
    ]
    return thing(
        "chock",
        wedge,
        *bands,
        tube(
            [(0, 0.25, 0.12), (0.05, 0.32, 0.1), (0.1, 0.38, 0.03), (0.0, 0.5, 0.02)],
            0.012,
            cloth("c9b48a"),
        ),
    )


def cone(rng: Rng) -> Model:
    height = float(rng.uniform(0.45, 0.78))
    body = plastic(pick(rng, "e8501c", "ef5a12", "d9431a"), gloss=0.3)
    outer = 0.3 * height

    def radius(z: float) -> float:
        return 0.035 + (outer * 0.62 - 0.035) * (1 - z / height)

    skin = revolve([(radius(z), z) for z in (0.03, height)], body, 28)
    top = revolve([(radius(height), height), (0.01, height + 0.01)], body, 28)
    bands = [
        revolve(
            [(radius(a * height) + 0.004, a * height), (radius(b * height) + 0.004, b * height)],
            RETROREFLECTIVE,
            28,
            caps=False,
        )
        for a, b in ((0.35, 0.52), (0.66, 0.8))
    ]
    base = superellipsoid((outer * 1.7, outer * 1.7, 0.06), body.tinted(srgb("38302c")), 0.2)
    return thing("cone", skin, top, *bands, base.moved((0, 0, 0.03)))
