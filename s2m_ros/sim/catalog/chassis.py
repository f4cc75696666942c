"""What vehicles are built from: bodies, wheels, lamps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from s2m_ros.sim.materials import RETROREFLECTIVE, RUBBER, STEEL, Material, plastic, srgb
from s2m_ros.sim.mesh import Mesh, box, loft, merge, revolve, superellipsoid
from s2m_ros.types import Float64

Rng = np.random.Generator
TRIM = plastic("1b1c1e", gloss=0.3)
RED_LAMP = Material(srgb("7a0c0c"), 0.05, 0.8, 0.05, emission=0.004)
AMBER_LAMP = Material(srgb("d87a10"), 0.05, 0.8, 0.05, emission=0.03)
CLEAR_LAMP = Material((0.6, 0.62, 0.63), 0.1, 0.9, 0.05, emission=0.04)


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


def hull(stations: Sequence[tuple[float, float, float, float, float]], material: Material) -> Mesh:
    """stations: x, width, low, high, corner."""
    return loft(np.stack([rounded_section(*s) for s in stations]), material)


def lamps(front_x: float, rear_x: float, y: float, z: float) -> list[Mesh]:
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


def beacon(x: float, y: float, z: float) -> list[Mesh]:
    return [revolve([(0.07, 0), (0.07, 0.1), (0.05, 0.14)], AMBER_LAMP, 14).moved((x, y, z))]
