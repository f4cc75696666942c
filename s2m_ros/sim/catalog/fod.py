"""Small things of a few centimetres that damage engines and tyres."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.parts import crumpled, pick, thing
from s2m_ros.sim.materials import ALUMINIUM, DARK_METAL, RUST, STEEL, Material, paint, plastic, srgb
from s2m_ros.sim.mesh import box, cylinder, extrude, loft, revolve, superellipsoid, tube
from s2m_ros.sim.model import Model

Rng = np.random.Generator


def stone(rng: Rng) -> Model:
    size = rng.uniform(0.06, 0.28) * rng.uniform(0.7, 1.3, 3)
    material = Material(srgb(pick(rng, "8a857c", "6f6a62", "a09484")), 0.01, 0.05, 0.4, 0.06)
    return thing("stone", crumpled(superellipsoid(size, material, 0.8, 16), rng, 0.12))


def fuel_cap(rng: Rng) -> Model:
    radius = float(rng.uniform(0.04, 0.08))
    metal = ALUMINIUM if rng.random() < 0.5 else paint(pick(rng, "b01c1c", "1d1e20", "c8a11a"))
    disc = revolve(
        [(radius, 0), (radius, 0.02), (radius * 0.9, 0.028), (radius * 0.3, 0.03)], metal, 28
    )
    grip = box((radius * 1.4, 0.014, 0.022), metal, (0, 0, 0.038))
    return thing("fuel_cap", disc, grip)


def bolt(rng: Rng) -> Model:
    length = float(rng.uniform(0.05, 0.12))
    metal = RUST if rng.random() < 0.3 else STEEL
    shank = cylinder(length * 0.11, (0, 0, 0), (length, 0, 0), metal, 12)
    angle = np.arange(6) * np.pi / 3
    head = np.stack([np.cos(angle), np.sin(angle)], axis=1) * length * 0.2
    flat = extrude(head, length * 0.16, metal).moved(yaw=np.pi / 2)
    return thing("bolt", shank, flat)


def wrench(rng: Rng) -> Model:
    length = float(rng.uniform(0.18, 0.45))
    metal = STEEL if rng.random() < 0.7 else DARK_METAL
    bar = superellipsoid((length, length * 0.1, length * 0.045), metal, 0.4)
    ring = tube(
        [
            (length * 0.5 + length * 0.09 * np.cos(a), length * 0.09 * np.sin(a), 0)
            for a in np.linspace(0, 2 * np.pi, 17)
        ],
        length * 0.03,
        metal,
        8,
    )
    jaw = [
        box(
            (length * 0.16, length * 0.05, length * 0.06), metal, (-length * 0.55, y * length, 0)
        ).moved(yaw=0.2 * np.sign(y))
        for y in (-0.08, 0.08)
    ]
    return thing("wrench", bar, ring, *jaw)


def nut(rng: Rng) -> Model:
    """A hexagon nut, 3 to 4.5 cm across, with its hole."""
    width = float(rng.uniform(0.03, 0.045))
    metal = RUST if rng.random() < 0.3 else STEEL
    angle = np.arange(24) * np.pi / 12
    flat = np.cos(np.pi / 6) / np.cos((angle % (np.pi / 3)) - np.pi / 6)  # radius of a hexagon
    outer = np.stack([np.cos(angle), np.sin(angle)], 1) * (width / 2 * flat)[:, None]
    inner = np.stack([np.cos(angle), np.sin(angle)], 1) * width * 0.27
    height = width * 0.8
    rings = [(inner, height), (inner, 0.0), (outer, 0.0), (outer, height), (inner, height)]
    sections = np.stack([np.insert(xy, 2, z, axis=1) for xy, z in rings])
    return thing("nut", loft(sections, metal, caps=False))


def target_cylinder(rng: Rng) -> Model:
    """The metal cylinder of FAA AC 150/5220-24: 3.1 cm high, 3.8 cm across."""
    return thing("target_cylinder", revolve([(0.019, 0), (0.019, 0.031)], STEEL, 28))


def target_sphere(rng: Rng) -> Model:
    """The sphere of FAA AC 150/5220-24, 4.3 cm across, of the size of a golf ball."""
    white = plastic("e8e8e2", gloss=0.5)
    return thing("target_sphere", superellipsoid((0.043, 0.043, 0.043), white, 1.0, 18))


def strip(rng: Rng) -> Model:
    """A torn and bent strip of sheet metal, 6 to 10 cm long."""
    length, width = float(rng.uniform(0.06, 0.1)), float(rng.uniform(0.015, 0.03))
    x = np.linspace(-0.5, 0.5, 9) * length
    z = 0.004 + 0.25 * length * np.square(x / length) * rng.uniform(0.4, 1.2)
    outline = np.vstack([np.stack([x, z - 0.0015], 1), np.stack([x, z + 0.0015], 1)[::-1]])
    sections = np.stack([np.insert(outline, 1, y, axis=1) for y in (-width / 2, width / 2)])
    metal = ALUMINIUM if rng.random() < 0.6 else RUST
    return thing("strip", loft(sections[:, ::-1], metal))


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "stone": stone,
    "fuel_cap": fuel_cap,
    "bolt": bolt,
    "wrench": wrench,
    "nut": nut,
    "target_cylinder": target_cylinder,
    "target_sphere": target_sphere,
    "strip": strip,
}
