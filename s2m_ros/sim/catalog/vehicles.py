"""Cars and ground support equipment."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from s2m_ros.sim.materials import (
    ALUMINIUM,
    DARK_METAL,
    GLASS,
    RETROREFLECTIVE,
    RUBBER,
    STEEL,
    Material,
    cloth,
    paint,
    plastic,
    srgb,
)
from s2m_ros.sim.mesh import (
    Mesh,
    box,
    cylinder,
    extrude,
    loft,
    merge,
    revolve,
    superellipsoid,
    tube,
)
from s2m_ros.sim.model import Model, stand
from s2m_ros.types import Float64

Rng = np.random.Generator
TRIM = plastic("1b1c1e", gloss=0.3)
RED_LAMP = Material(srgb("7a0c0c"), 0.05, 0.8, 0.05)
AMBER_LAMP = Material(srgb("d87a10"), 0.05, 0.8, 0.05)
CLEAR_LAMP = Material((0.6, 0.62, 0.63), 0.1, 0.9, 0.05)


def _pick(rng: Rng, *codes: str) -> str:
    return codes[int(rng.integers(len(codes)))]


def wheel(x: float, y: float, radius: float, width: float) -> Mesh:
    """A wheel on an axle along y, standing on the ground; the hub faces away from the middle."""
    tyre = revolve(
        [
            (radius * 0.6, 0),
            (radius * 0.92, 0),
            (radius, width * 0.2),
            (radius, width * 0.8),
            (radius * 0.92, width),
            (radius * 0.6, width),
        ],
        RUBBER,
        28,
    )
    rim = revolve(
        [
            (radius * 0.6, width * 0.9),
            (radius * 0.52, width * 1.01),
            (radius * 0.15, width * 0.85),
            (radius * 0.12, width),
        ],
        STEEL,
        20,
    )
    whole = merge([tyre, rim]).moved((0, 0, -width / 2)).moved(roll=-np.pi / 2)
    return (whole if y > 0 else whole.mirrored_y()).moved((x, y, radius))


def wheels(rows: Sequence[float], track: float, radius: float, width: float) -> list[Mesh]:
    return [wheel(x, s * track / 2, radius, width) for x in rows for s in (-1, 1)]


def rounded_section(x: float, width: float, low: float, high: float, corner: float) -> Float64:
    """A rounded rectangle across the vehicle at x: float64 (24, 3)."""
    angle = (np.arange(24) + 0.5) / 24 * 2 * np.pi
    power = 0.35
    y = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power * width / 2
    z = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    z = (low + high) / 2 + z * (high - low) / 2
    y = y * (1 - corner * np.clip((z - low) / (high - low), 0, 1) ** 2)
    return np.stack([np.full(24, x), y, z], axis=1)


def _body(stations: Sequence[tuple[float, float, float, float, float]], material: Material) -> Mesh:
    """stations: x, width, low, high, corner."""
    return loft(np.stack([rounded_section(*s) for s in stations]), material)


def _lamps(front_x: float, rear_x: float, y: float, z: float) -> list[Mesh]:
    front = [
        superellipsoid((0.1, 0.32, 0.14), CLEAR_LAMP, 0.5, 10).moved((front_x, s * y, z))
        for s in (-1, 1)
    ]
    rear = [
        superellipsoid((0.08, 0.2, 0.22), RED_LAMP, 0.4, 10).moved((rear_x, s * y, z + 0.1))
        for s in (-1, 1)
    ]
    plates = [
        box((0.02, 0.5, 0.11), RETROREFLECTIVE, (x, 0, z - 0.25))
        for x in (front_x + 0.03, rear_x - 0.03)
    ]
    return front + rear + plates


def _beacon(x: float, y: float, z: float) -> list[Mesh]:
    return [revolve([(0.07, 0), (0.07, 0.1), (0.05, 0.14)], AMBER_LAMP, 14).moved((x, y, z))]


def car(rng: Rng) -> Model:
    colour = paint(
        _pick(rng, "d8dadb", "1d1f23", "7d8288", "1f3b6b", "8a1620", "e9e9e6", "3c4a3f", "c7a020"),
        gloss=0.75,
    )
    suv = rng.random() < 0.4
    top = 1.68 if suv else 1.46
    belt = 1.02 if suv else 0.92
    body = _body(
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
    cabin = _body(
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
        *_lamps(2.14, -2.15, 0.58, belt - 0.3),
        superellipsoid((0.1, 0.9, 0.2), TRIM, 0.3, 10).moved((2.16, 0, 0.5)),
    ]
    parts += [
        superellipsoid((0.1, 0.16, 0.12), colour, 0.5, 8).moved((0.78, s * 0.98, belt + 0.06))
        for s in (-1, 1)
    ]
    return stand("car", "Car", merge(parts))


def pickup(rng: Rng) -> Model:
    colour = paint(_pick(rng, "e9e7df", "e0b020", "c9501c", "d8dadb", "2b4f86"), gloss=0.6)
    body = _body(
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
    cabin = _body(
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
                *_lamps(2.5, -2.58, 0.66, 0.8),
                box((5.0, 1.7, 0.12), TRIM, (0, 0, 0.42)),
            ]
        ),
    )


def van(rng: Rng) -> Model:
    colour = paint(_pick(rng, "e6e6e2", "d9d4c4", "2f5f9e", "e0a81c"), gloss=0.55)
    body = _body(
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
                *_lamps(2.5, -2.58, 0.66, 0.78),
                box((5.0, 1.8, 0.12), TRIM, (0, 0, 0.36)),
                *_beacon(0.4, 0, 2.42),
            ]
        ),
    )


def tug(rng: Rng) -> Model:
    """A pushback tractor."""
    colour = paint(_pick(rng, "e8e6de", "e0b41c", "d96a1c", "3a6ea8"), gloss=0.5)
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
                *_beacon(0.9, 0.6, 2.16),
                *wheels((-1.6, 1.6), 1.95, 0.5, 0.36),
                *_lamps(2.72, -2.72, 0.85, 0.85),
            ]
        ),
    )


def belt_loader(rng: Rng) -> Model:
    colour = paint(_pick(rng, "e6e4da", "e0b41c", "2f6aa8", "c9421c"), gloss=0.45)
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
                *_beacon(-0.9, 0.5, 2.05),
                *wheels((-1.7, 1.6), 1.5, 0.38, 0.26),
                *_lamps(2.45, -2.6, 0.6, 0.68),
            ]
        ),
    )


def catering_lorry(rng: Rng) -> Model:
    colour = paint(_pick(rng, "e8e8e4", "d8d4c8"), gloss=0.5)
    livery = paint(_pick(rng, "c02a24", "2a5fa8", "2f7d52", "e08a1c"), gloss=0.5)
    cab = _body(
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
                *_beacon(2.6, 0, 2.4),
                *wheels((-2.9, -1.8, 2.75), 2.05, 0.48, 0.32),
                *_lamps(3.85, -4.1, 0.9, 0.85),
            ]
        ),
    )


def fuel_truck(rng: Rng) -> Model:
    colour = paint(_pick(rng, "e8e8e4", "d8a81c", "3f7a4a"), gloss=0.55)
    cab = _body(
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
        box((6.4, 0.02, 0.22), paint(_pick(rng, "c02a24", "2a5fa8")), (-1, s * 1.195, 1.95))
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
                *_beacon(3.4, 0, 2.7),
                *wheels((-3.4, -2.2, 3.4), 2.1, 0.5, 0.34),
                *_lamps(4.45, -4.4, 0.95, 0.9),
            ]
        ),
    )


def dolly(rng: Rng) -> Model:
    """A baggage cart with luggage on it."""
    colour = paint(_pick(rng, "c8c8c0", "2f5f9e", "d8a81c"), grain=0.2)
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
            code = _pick(rng, "1b1c20", "23324f", "7a1f2b", "3b4a36", "8a8d92", "b5602a")
            parts.append(
                superellipsoid((0.32, rng.uniform(0.9, 1.3), 0.28), cloth(code), 0.25, 10).moved(
                    (x, rng.uniform(-0.08, 0.08), 0.7 + 0.29 * layer)
                )
            )
    return stand("dolly", "ServiceVehicle", merge(parts))


def power_unit(rng: Rng) -> Model:
    """A ground power unit on a trailer."""
    colour = paint(_pick(rng, "e0b41c", "e8e6de", "2f6aa8"), grain=0.12)
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
    "car": car,
    "pickup": pickup,
    "van": van,
    "tug": tug,
    "belt_loader": belt_loader,
    "catering_lorry": catering_lorry,
    "fuel_truck": fuel_truck,
    "dolly": dolly,
    "power_unit": power_unit,
}
