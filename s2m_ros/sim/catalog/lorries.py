"""Lorries of the apron."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.chassis import beacon, hull, lamps, wheels
from s2m_ros.sim.catalog.parts import pick
from s2m_ros.sim.materials import ALUMINIUM, DARK_METAL, GLASS, STEEL, paint
from s2m_ros.sim.mesh import box, cylinder, loft, merge, tube
from s2m_ros.sim.model import Model, stand

Rng = np.random.Generator


def catering_lorry(rng: Rng) -> Model:
    colour = paint(pick(rng, "e8e8e4", "d8d4c8"), gloss=0.5)
    livery = paint(pick(rng, "c02a24", "2a5fa8", "2f7d52", "e08a1c"), gloss=0.5)
    cab = hull(
        [
            (1.9, 2.2, 0.5, 2.3, 0.06),
            (2.0, 2.3, 0.45, 2.4, 0.06),
            (3.2, 2.3, 0.45, 2.35, 0.08),
            (3.75, 2.25, 0.5, 1.4, 0.06),
            (3.85, 2.1, 0.55, 1.2, 0.05),
        ],
        livery,
    )
    centre = cab.centres
    cab = cab.painted(GLASS, (centre[:, 2] > 1.42) & (centre[:, 2] < 2.12) & (centre[:, 0] > 2.5))
    lift = float(rng.choice([0.0, 0.0, 2.2]))
    hold = box((5.6, 2.4, 2.4), colour, (-1.3, 0, 2.35 + lift))
    band = [
        box((5.62, 2.42, 0.35), livery, (-1.3, 0, 1.5 + lift)),
        box((5.62, 2.42, 0.12), livery, (-1.3, 0, 3.3 + lift)),
    ]
    seams = [
        box((0.03, 2.425, 2.3), ALUMINIUM, (x, 0, 2.35 + lift))
        for x in (-4.05, -2.7, -1.3, 0.1, 1.45)
    ]
    frame = box((7.6, 1.0, 0.28), DARK_METAL, (-0.2, 0, 0.78))
    scissor = []
    if lift:
        for s in (-1, 1):
            scissor += [
                cylinder(0.08, (-3.0, s * 0.8, 0.95), (0.6, s * 0.8, 1.1 + lift), STEEL, 8),
                cylinder(0.08, (0.6, s * 0.8, 0.95), (-3.0, s * 0.8, 1.1 + lift), STEEL, 8),
            ]
    rear = [box((0.02, 2.2, 2.1), ALUMINIUM, (-4.11, 0, 2.35 + lift))]
    return stand(
        "catering_lorry",
        "ServiceVehicle",
        merge(
            [
                cab,
                hold,
                *band,
                *seams,
                frame,
                *scissor,
                *rear,
                *beacon(2.6, 0, 2.4),
                *wheels((-2.9, -1.8, 2.75), 2.05, 0.48, 0.32),
                *lamps(3.85, -4.1, 0.9, 0.85),
            ]
        ),
    )


def fuel_truck(rng: Rng) -> Model:
    colour = paint(pick(rng, "e8e8e4", "d8a81c", "3f7a4a"), gloss=0.55)
    cab = hull(
        [
            (2.6, 2.3, 0.5, 2.6, 0.05),
            (2.7, 2.4, 0.45, 2.7, 0.06),
            (4.2, 2.4, 0.45, 2.6, 0.08),
            (4.45, 2.3, 0.5, 1.5, 0.05),
        ],
        colour,
    )
    centre = cab.centres
    cab = cab.painted(GLASS, (centre[:, 2] > 1.6) & (centre[:, 2] < 2.4) & (centre[:, 0] > 3.3))
    angle = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    ring = np.stack([np.zeros(32), 1.2 * np.cos(angle), 0.85 * np.sin(angle)], axis=1)
    tank = loft(
        np.stack(
            [
                ring * s + (x, 0, 1.95)
                for x, s in (
                    (-4.4, 0.6),
                    (-4.3, 0.92),
                    (-4.1, 1.0),
                    (2.1, 1.0),
                    (2.3, 0.92),
                    (2.4, 0.6),
                )
            ]
        ),
        colour,
    )
    stripe = [
        box((6.4, 0.02, 0.22), paint(pick(rng, "c02a24", "2a5fa8")), (-1, s * 1.195, 1.95))
        for s in (-1, 1)
    ]
    locker = [box((1.6, 0.3, 0.6), ALUMINIUM, (0.3, s * 1.02, 0.8)) for s in (-1, 1)]
    frame = box((8.4, 0.9, 0.3), DARK_METAL, (-0.2, 0, 0.9))
    rail = [
        tube(
            [(-4, s * 0.35, 2.8), (-4, s * 0.35, 3.05), (2, s * 0.35, 3.05), (2, s * 0.35, 2.8)],
            0.02,
            STEEL,
            6,
        )
        for s in (-1, 1)
    ]
    return stand(
        "fuel_truck",
        "ServiceVehicle",
        merge(
            [
                cab,
                tank,
                *stripe,
                *locker,
                frame,
                *rail,
                *beacon(3.4, 0, 2.7),
                *wheels((-3.4, -2.2, 3.4), 2.1, 0.5, 0.34),
                *lamps(4.45, -4.4, 0.95, 0.9),
            ]
        ),
    )


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "catering_lorry": catering_lorry,
    "fuel_truck": fuel_truck,
}
