"""People in working clothes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.materials import RETROREFLECTIVE, RUBBER, SKIN, cloth, plastic, srgb
from s2m_ros.sim.mesh import Mesh, merge, superellipsoid, tube
from s2m_ros.sim.model import Model, stand

Rng = np.random.Generator
PHASES = 8


def person(rng: Rng) -> Model:
    """Someone with a hi-vis vest: eight phases of a walk, the first of them standing."""
    vest = cloth(str(rng.choice(["d8e81c", "f07a18", "e8f020"])), grain=0.12)
    trousers = cloth(str(rng.choice(["1c2333", "2b2c2e", "3a3a30", "20304a"])))
    sleeves = vest if rng.random() < 0.4 else cloth(str(rng.choice(["1c2333", "46505c", "22252a"])))
    skin = SKIN.tinted(tuple(float(v * rng.uniform(0.35, 1.15)) for v in srgb("c48e6c")))  # type: ignore[arg-type]
    cap = plastic(str(rng.choice(["1b1c20", "e8e8e4", "d8a81c", "2a5fa8", "3a2a1c"])))
    scale = float(rng.uniform(0.93, 1.05))
    phases = [
        _figure(
            0.0 if i == 0 else np.sin(2 * np.pi * i / PHASES), i, vest, trousers, sleeves, skin, cap
        )
        for i in range(PHASES)
    ]
    return stand("person", "Pedestrian", *[mesh.scaled(scale) for mesh in phases], stride_m=1.5)


def _figure(swing: float, phase: int, vest, trousers, sleeves, skin, cap) -> Mesh:  # type: ignore[no-untyped-def]
    bounce = 0.02 * np.cos(4 * np.pi * phase / PHASES)
    hip, shoulder = 0.93 + bounce, 1.45 + bounce
    parts = [
        tube(
            [
                (0, 0, hip - 0.06),
                (0, 0, hip + 0.12),
                (0.01, 0, hip + 0.34),
                (0.01, 0, shoulder - 0.02),
                (0.0, 0, shoulder + 0.05),
            ],
            [0.15, 0.15, 0.165, 0.17, 0.08],
            vest,
            20,
        ).scaled((0.78, 1.15, 1)),
        tube([(0.0, 0, shoulder), (0.015, 0, shoulder + 0.12)], 0.055, skin, 12),
        superellipsoid((0.2, 0.16, 0.24), skin, 0.9, 16).moved((0.03, 0, shoulder + 0.21)),
        superellipsoid((0.22, 0.185, 0.14), cap, 0.9, 14).moved((0.015, 0, shoulder + 0.28)),
    ]
    for z in (hip + 0.1, hip + 0.25):
        parts.append(
            tube(
                [(0, 0, z), (0, 0, z + 0.05)],
                0.176 if z > hip + 0.2 else 0.166,
                RETROREFLECTIVE,
                20,
            ).scaled((0.79, 1.155, 1))
        )
    for side in (-1.0, 1.0):
        reach = side * swing
        knee = (0.22 * reach + 0.04 * abs(swing), side * 0.1, 0.5 + bounce)
        foot = (
            0.36 * reach - (0.1 if reach < 0 else 0.0),
            side * 0.1,
            0.09 + (0.06 if reach < -0.3 else 0),
        )
        parts.append(tube([(0, side * 0.09, hip), knee, foot], [0.098, 0.07, 0.055], trousers, 14))
        parts.append(
            superellipsoid((0.27, 0.1, 0.1), RUBBER, 0.6, 12).moved(
                (foot[0] + 0.06, foot[1], foot[2] - 0.04)
            )
        )
        elbow = (-0.16 * reach, side * 0.27, shoulder - 0.29)
        hand = (-0.26 * reach + 0.1, side * 0.28, shoulder - 0.55)
        parts.append(
            tube(
                [(0, side * 0.185, shoulder - 0.02), elbow, hand], [0.065, 0.052, 0.04], sleeves, 12
            )
        )
        parts.append(
            superellipsoid((0.09, 0.05, 0.12), skin, 0.8, 10).moved(
                (hand[0], hand[1], hand[2] - 0.04)
            )
        )
    return merge(parts)


MAKERS: dict[str, Callable[[Rng], Model]] = {"person": person}
