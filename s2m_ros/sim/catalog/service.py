"""Ground support equipment that pushes, lifts and carries."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.chassis import TRIM, beacon, lamps, rounded_section, wheels
from s2m_ros.sim.catalog.parts import pick
from s2m_ros.sim.materials import (
    DARK_METAL,
    GLASS,
    RETROREFLECTIVE,
    RUBBER,
    STEEL,
    Material,
    cloth,
    paint,
    srgb,
)
from s2m_ros.sim.mesh import box, cylinder, extrude, loft, merge, superellipsoid, tube
from s2m_ros.sim.model import Model, stand

Rng = np.random.Generator


def tug(rng: Rng) -> Model:
    """A pushback tractor."""
    colour = paint(pick(rng, "e8e6de", "e0b41c", "d96a1c", "3a6ea8"), gloss=0.5)
    base = extrude(
        [
            (-2.7, 0.35),
            (2.7, 0.35),
            (2.75, 0.7),
            (2.6, 1.15),
            (0.9, 1.25),
            (-2.5, 1.2),
            (-2.75, 0.8),
        ],
        2.3,
        colour,
        taper=0.03,
    )
    cab = loft(
        np.stack(
            [
                rounded_section(0.0, 1.9, 0.0, 1.0, 0.1) * s + o
                for s, o in (
                    ((1, 1, 1), (0.1, 0, 1.1)),
                    ((1, 1, 1), (1.5, 0, 1.1)),
                    ((1, 0.94, 0.7), (1.9, 0, 1.1)),
                )
            ]
        ),
        GLASS,
    )
    roof = box((1.7, 1.85, 0.08), colour, (0.9, 0, 2.12))
    posts = [
        box((0.09, 0.09, 1.0), colour, (x, y, 1.62)) for x in (0.12, 1.5) for y in (-0.88, 0.88)
    ]
    checks = Material(
        srgb("d8b81c"), 0.04, 0.3, 0.15, second=srgb("19191b"), pattern="stripes", pattern_m=0.2
    )
    bumpers = [box((0.12, 2.3, 0.3), checks, (x, 0, 0.6)) for x in (-2.8, 2.8)]
    hitch = [box((0.4, 0.25, 0.2), DARK_METAL, (x, 0, 0.42)) for x in (-2.95, 2.95)]
    grille = [box((0.9, 0.02, 0.4), TRIM, (-1.5, s * 1.155, 0.85)) for s in (-1, 1)]
    stripe = [box((4.6, 0.012, 0.1), RETROREFLECTIVE, (0, s * 1.158, 0.55)) for s in (-1, 1)]
    return stand(
        "tug",
        "ServiceVehicle",
        merge(
            [
                base,
                cab,
                roof,
                *posts,
                *bumpers,
                *hitch,
                *grille,
                *stripe,
                *beacon(0.9, 0.6, 2.16),
                *wheels((-1.6, 1.6), 1.95, 0.5, 0.36),
                *lamps(2.72, -2.72, 0.85, 0.85),
            ]
        ),
    )


def belt_loader(rng: Rng) -> Model:
    colour = paint(pick(rng, "e6e4da", "e0b41c", "2f6aa8", "c9421c"), gloss=0.45)
    chassis = extrude([(-2.6, 0.4), (2.4, 0.4), (2.5, 0.85), (-2.6, 0.85)], 1.7, colour, taper=0.04)
    cab = box((0.9, 0.75, 0.7), colour, (-0.9, 0.5, 1.15))
    glass = box((0.75, 0.7, 0.55), GLASS, (-0.9, 0.5, 1.72))
    top = box((1.0, 0.85, 0.06), colour, (-0.9, 0.5, 2.02))
    length, rise = 7.2, float(rng.uniform(0.1, 0.32))
    frame = [box((length, 0.08, 0.22), colour, (0, s * 0.42, 0)) for s in (-1, 1)]
    belt = box((length - 0.1, 0.76, 0.05), RUBBER, (0, 0, 0.07))
    rails = [
        cylinder(0.025, (-length / 2, s * 0.5, 0.45), (length / 2, s * 0.5, 0.45), STEEL, 8)
        for s in (-1, 1)
    ]
    posts = [
        cylinder(0.02, (x, s * 0.48, 0), (x, s * 0.5, 0.45), STEEL, 6)
        for x in np.linspace(-3.3, 3.3, 6)
        for s in (-1, 1)
    ]
    boom = merge([*frame, belt, *rails, *posts]).moved(
        (0.3, -0.35, 1.25 + 1.2 * np.sin(rise)), pitch=-rise
    )
    strut = [
        cylinder(
            0.06,
            (1.6, -0.35 + s * 0.3, 0.8),
            (2.6, -0.35 + s * 0.3, 1.4 + 3.4 * np.sin(rise)),
            DARK_METAL,
            8,
        )
        for s in (-1, 1)
    ]
    return stand(
        "belt_loader",
        "ServiceVehicle",
        merge(
            [
                chassis,
                cab,
                glass,
                top,
                boom,
                *strut,
                *beacon(-0.9, 0.5, 2.05),
                *wheels((-1.7, 1.6), 1.5, 0.38, 0.26),
                *lamps(2.45, -2.6, 0.6, 0.68),
            ]
        ),
    )


def dolly(rng: Rng) -> Model:
    """A baggage cart with luggage on it."""
    colour = paint(pick(rng, "c8c8c0", "2f5f9e", "d8a81c"), grain=0.2)
    parts = [box((2.6, 1.5, 0.12), colour, (0, 0, 0.5)), *wheels((-0.9, 0.9), 1.2, 0.24, 0.14)]
    parts += [
        box((0.06, 0.06, 1.25), colour, (x, y, 1.15)) for x in (-1.25, 1.25) for y in (-0.7, 0.7)
    ]
    parts += [
        box((2.7, 1.6, 0.06), colour, (0, 0, 1.78)),
        box((0.04, 1.45, 1.1), DARK_METAL, (1.26, 0, 1.1)),
    ]
    parts += [cylinder(0.035, (1.3, 0, 0.4), (2.3, 0, 0.3), DARK_METAL, 8)]
    for x in np.linspace(-0.95, 0.85, 5):
        for layer in range(int(rng.integers(1, 4))):
            code = pick(rng, "1b1c20", "23324f", "7a1f2b", "3b4a36", "8a8d92", "b5602a")
            parts.append(
                superellipsoid((0.32, rng.uniform(0.9, 1.3), 0.28), cloth(code), 0.25, 10).moved(
                    (x, rng.uniform(-0.08, 0.08), 0.7 + 0.29 * layer)
                )
            )
    return stand("dolly", "ServiceVehicle", merge(parts))


def power_unit(rng: Rng) -> Model:
    """A ground power unit on a trailer."""
    colour = paint(pick(rng, "e0b41c", "e8e6de", "2f6aa8"), grain=0.12)
    body = superellipsoid((2.4, 1.4, 1.1), colour, 0.12, 16).moved((0, 0, 1.0))
    vents = [box((0.7, 0.02, 0.5), TRIM, (x, s * 0.7, 1.05)) for x in (-0.55, 0.4) for s in (-1, 1)]
    bar = cylinder(0.04, (1.2, 0, 0.45), (2.5, 0, 0.35), DARK_METAL, 8)
    cable = tube(
        [(-1.1, 0.3, 0.7), (-1.4, 0.4, 0.25), (-1.6, 0.5, 0.06), (-1.3, 0.7, 0.05)], 0.05, RUBBER, 8
    )
    return stand(
        "power_unit",
        "ServiceVehicle",
        merge([body, *vents, bar, cable, *wheels((-0.7, 0.7), 1.1, 0.26, 0.16)]),
    )


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "tug": tug,
    "belt_loader": belt_loader,
    "dolly": dolly,
    "power_unit": power_unit,
}
