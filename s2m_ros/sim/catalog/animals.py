"""Animals that stray on to the apron."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.parts import pick
from s2m_ros.sim.materials import cloth, plastic
from s2m_ros.sim.mesh import cylinder, merge, revolve, superellipsoid, tube
from s2m_ros.sim.model import ANOMALY, Model, stand

Rng = np.random.Generator


def animal(rng: Rng) -> Model:
    """A dog, fox or hare, standing or running; four phases of a gait."""
    height = float(rng.uniform(0.35, 0.65))
    fur = cloth(pick(rng, "8d5a2b", "3a322c", "b9a283", "23211f", "a4521f"), grain=0.35)
    scale = height / 0.6
    phases = []
    for phase in range(4):
        swing = 0.35 * np.sin(phase * np.pi / 2)
        parts = [
            superellipsoid((0.62, 0.2, 0.25), fur, 0.9).moved((0, 0, 0.42)),
            superellipsoid((0.26, 0.17, 0.28), fur, 0.9).moved((0.24, 0, 0.46), pitch=-0.5),
            superellipsoid((0.22, 0.14, 0.15), fur, 0.9).moved((0.43, 0, 0.6)),
            superellipsoid((0.14, 0.07, 0.07), fur, 0.8).moved((0.54, 0, 0.57)),
            tube(
                [(-0.28, 0, 0.46), (-0.42, 0, 0.5), (-0.55, 0.03, 0.44)],
                [0.035, 0.03, 0.012],
                fur,
                8,
            ),
        ]
        parts += [
            superellipsoid((0.03, 0.05, 0.1), fur, 0.8).moved((0.38, y, 0.69))
            for y in (-0.05, 0.05)
        ]
        for x, y, sign in ((0.2, 0.07, 1), (0.2, -0.07, -1), (-0.22, 0.07, -1), (-0.22, -0.07, 1)):
            foot = x + sign * swing * 0.5
            parts.append(
                tube(
                    [(x, y, 0.38), ((x + foot) / 2 - 0.02, y, 0.2), (foot, y, 0.02)],
                    [0.055, 0.035, 0.028],
                    fur,
                    8,
                )
            )
        phases.append(merge(parts).scaled(scale))
    return stand("animal", ANOMALY, *phases, stride_m=0.9)


def bird(rng: Rng) -> Model:
    fur = cloth(pick(rng, "2a2a2c", "c9cccf", "6f6a60"), grain=0.3)
    scale = float(rng.uniform(0.7, 1.3))
    leg = plastic("c77f2a")
    parts = [
        superellipsoid((0.3, 0.15, 0.16), fur, 0.95).moved((0, 0, 0.2), pitch=-0.35),
        superellipsoid((0.1, 0.08, 0.09), fur, 1.0).moved((0.15, 0, 0.32)),
        revolve([(0.016, 0), (0.002, 0.06)], leg, 8).moved((0.19, 0, 0.32), pitch=np.pi / 2),
        superellipsoid((0.2, 0.1, 0.03), fur, 0.8).moved((-0.18, 0, 0.15), pitch=-0.3),
    ]
    parts += [cylinder(0.007, (0, y, 0.14), (0.01, y, 0), leg, 6) for y in (-0.03, 0.03)]
    return stand("bird", ANOMALY, merge(parts).scaled(scale))


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "animal": animal,
    "bird": bird,
}
