"""Cars and vans."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.chassis import AMBER_LAMP, TRIM, beacon, hull, lamps, wheels
from s2m_ros.sim.catalog.parts import pick
from s2m_ros.sim.materials import GLASS, RETROREFLECTIVE, Material, paint, srgb
from s2m_ros.sim.mesh import box, extrude, merge, superellipsoid
from s2m_ros.sim.model import Model, stand

Rng = np.random.Generator


def car(rng: Rng) -> Model:
    colour = paint(
        pick(rng, "d8dadb", "1d1f23", "7d8288", "1f3b6b", "8a1620", "e9e9e6", "3c4a3f", "c7a020"),
        gloss=0.75,
    )
    suv = rng.random() < 0.4
    top = 1.68 if suv else 1.46
    belt = 1.02 if suv else 0.92
    body = hull(
        [
            (-2.2, 1.45, 0.42, 0.85, 0.1),
            (-2.12, 1.68, 0.3, belt + 0.02, 0.1),
            (-1.5, 1.8, 0.22, belt + 0.04, 0.1),
            (0.0, 1.82, 0.2, belt, 0.1),
            (1.0, 1.8, 0.22, belt - 0.04, 0.12),
            (1.75, 1.74, 0.24, belt - 0.16, 0.14),
            (2.12, 1.6, 0.28, belt - 0.26, 0.14),
            (2.22, 1.35, 0.36, 0.58, 0.1),
        ],
        colour,
    )
    rear = -2.0 if suv else -1.6
    cabin = hull(
        [
            (rear - 0.1, 1.5, belt - 0.15, belt + 0.05, 0.2),
            (rear + 0.35, 1.56, belt - 0.15, top - 0.06, 0.24),
            (-0.9, 1.58, belt - 0.15, top, 0.25),
            (0.05, 1.58, belt - 0.15, top - 0.02, 0.25),
            (0.45, 1.56, belt - 0.15, top - 0.16, 0.23),
            (1.05, 1.48, belt - 0.15, belt - 0.02, 0.1),
        ],
        GLASS,
    )
    roof = cabin.painted(colour, (cabin.centres[:, 2] > top - 0.11) & (cabin.centres[:, 0] < 0.35))
    pillars = [
        extrude(
            [
                (x, belt - 0.05),
                (x + 0.09, belt - 0.05),
                (x + 0.07 + d, top - 0.08),
                (x - 0.02 + d, top - 0.08),
            ],
            1.6,
            colour,
        ).scaled((1, 0.985, 1))
        for x, d in ((-0.45, 0.0),)
    ]
    del pillars  # The glass house reads better unbroken at this scale.
    trim = [box((4.2, 1.84, 0.1), TRIM, (0, 0, 0.3))]
    parts = [
        body,
        roof,
        *trim,
        *wheels((-1.32, 1.36), 1.62, 0.32, 0.2),
        *lamps(2.14, -2.15, 0.58, belt - 0.3),
        superellipsoid((0.1, 0.9, 0.2), TRIM, 0.3, 10).moved((2.16, 0, 0.5)),
    ]
    parts += [
        superellipsoid((0.1, 0.16, 0.12), colour, 0.5, 8).moved((0.78, s * 0.98, belt + 0.06))
        for s in (-1, 1)
    ]
    return stand("car", "Car", merge(parts))


def pickup(rng: Rng) -> Model:
    colour = paint(pick(rng, "e9e7df", "e0b020", "c9501c", "d8dadb", "2b4f86"), gloss=0.6)
    body = hull(
        [
            (-2.6, 1.6, 0.55, 1.06, 0.05),
            (-2.55, 1.8, 0.45, 1.1, 0.06),
            (0.2, 1.86, 0.36, 1.12, 0.08),
            (1.2, 1.86, 0.36, 1.12, 0.1),
            (2.2, 1.8, 0.4, 1.02, 0.12),
            (2.55, 1.6, 0.46, 0.9, 0.1),
        ],
        colour,
    )
    cabin = hull(
        [
            (-0.9, 1.6, 1.0, 1.6, 0.16),
            (-0.75, 1.64, 1.0, 1.76, 0.18),
            (0.5, 1.64, 1.0, 1.78, 0.18),
            (0.85, 1.62, 1.0, 1.66, 0.17),
            (1.5, 1.56, 1.0, 1.1, 0.1),
        ],
        GLASS,
    )
    cabin = cabin.painted(colour, (cabin.centres[:, 2] > 1.66) & (cabin.centres[:, 0] < 0.7))
    bed = [box((1.5, 1.5, 0.05), TRIM, (-1.75, 0, 1.11))]
    bar = [box((0.12, 1.1, 0.09), AMBER_LAMP, (-0.1, 0, 1.84))]
    stripe = [box((4.4, 0.012, 0.14), RETROREFLECTIVE, (0, s * 0.935, 0.86)) for s in (-1, 1)]
    checks = Material(
        srgb("e0c01c"), 0.04, 0.3, 0.1, second=srgb("1d1e20"), pattern="checks", pattern_m=0.14
    )
    flag = [box((0.03, 1.5, 0.26), checks, (-2.6, 0, 0.88))]
    return stand(
        "pickup",
        "Car",
        merge(
            [
                body,
                cabin,
                *bed,
                *bar,
                *stripe,
                *flag,
                *wheels((-1.6, 1.62), 1.64, 0.38, 0.24),
                *lamps(2.5, -2.58, 0.66, 0.8),
                box((5.0, 1.7, 0.12), TRIM, (0, 0, 0.42)),
            ]
        ),
    )


def van(rng: Rng) -> Model:
    colour = paint(pick(rng, "e6e6e2", "d9d4c4", "2f5f9e", "e0a81c"), gloss=0.55)
    body = hull(
        [
            (-2.6, 1.8, 0.4, 2.2, 0.06),
            (-2.5, 1.9, 0.3, 2.4, 0.08),
            (1.0, 1.92, 0.28, 2.42, 0.1),
            (1.5, 1.9, 0.3, 2.1, 0.16),
            (2.1, 1.84, 0.32, 1.3, 0.14),
            (2.6, 1.6, 0.4, 0.98, 0.1),
        ],
        colour,
    )
    centre = body.centres
    glass = (centre[:, 2] > 1.32) & (centre[:, 2] < 2.0) & (centre[:, 0] > 1.05)
    body = body.painted(GLASS, glass)
    sides = [box((0.75, 0.02, 0.5), GLASS, (0.75, s * 0.925, 1.6)) for s in (-1, 1)]
    return stand(
        "van",
        "Car",
        merge(
            [
                body,
                *sides,
                *wheels((-1.6, 1.7), 1.66, 0.34, 0.22),
                *lamps(2.5, -2.58, 0.66, 0.78),
                box((5.0, 1.8, 0.12), TRIM, (0, 0, 0.36)),
                *beacon(0.4, 0, 2.42),
            ]
        ),
    )


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "car": car,
    "pickup": pickup,
    "van": van,
}
