"""Loose things of a hand's size and more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.parts import crumpled, pick, thing
from s2m_ros.sim.materials import (
    ALUMINIUM,
    DARK_METAL,
    RUBBER,
    RUST,
    WOOD,
    Material,
    paint,
    plastic,
    srgb,
)
from s2m_ros.sim.mesh import box, cylinder, from_faces, loft, merge, revolve, superellipsoid, tube
from s2m_ros.sim.model import ANOMALY, Model, stand

Rng = np.random.Generator


def bottle(rng: Rng) -> Model:
    scale = float(rng.uniform(0.8, 1.4))
    colour = pick(rng, "3f6fae", "2f7d46", "d8dde0", "8a5a20", "b5302a")
    body = plastic(colour, gloss=0.8, grain=0.05)
    profile = (
        np.array(
            [(0.02, 0), (0.034, 0.01), (0.034, 0.15), (0.03, 0.17), (0.014, 0.205), (0.014, 0.225)]
        )
        * scale
    )
    cap = revolve(np.array([(0.016, 0.22), (0.016, 0.24)]) * scale, plastic("e8e8e8"), 16)
    whole = merge([revolve(profile, body, 20), cap])
    if rng.random() < 0.7:
        whole = whole.moved(pitch=np.pi / 2)
    return stand("bottle", ANOMALY, whole)


def tyre(rng: Rng) -> Model:
    radius = float(rng.uniform(0.25, 0.5))
    ring = revolve(
        [
            (radius * 0.55, 0.03),
            (radius * 0.85, 0),
            (radius, 0.04),
            (radius, 0.18),
            (radius * 0.85, 0.22),
            (radius * 0.55, 0.19),
            (radius * 0.55, 0.03),
        ],
        RUBBER,
        36,
        caps=False,
    )
    whole = ring if rng.random() < 0.6 else ring.moved(pitch=np.pi / 2)
    return stand("tyre", ANOMALY, whole)


def pallet(rng: Rng) -> Model:
    planks = [box((1.2, 0.1, 0.02), WOOD, (0, y, 0.133)) for y in np.linspace(-0.35, 0.35, 6)]
    planks += [box((1.2, 0.1, 0.02), WOOD, (0, y, 0.01)) for y in (-0.35, 0, 0.35)]
    planks += [
        box((0.14, 0.1, 0.1), WOOD, (x, y, 0.07)) for x in (-0.5, 0, 0.5) for y in (-0.35, 0, 0.35)
    ]
    return thing("pallet", *planks)


def sheet(rng: Rng) -> Model:
    """Plastic film, tarpaulin or paper, crumpled on the ground."""
    n = 22
    size = rng.uniform(0.4, 1.6, 2)
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, n), np.linspace(-0.5, 0.5, n)), axis=-1)
    height = np.zeros((n, n))
    for octave in range(5):
        wave = rng.normal(0, 5.0 * 1.5**octave, 2)
        height += np.abs(np.sin(grid @ wave + rng.uniform(0, 6.3))) / 1.4**octave
    height *= rng.uniform(0.02, 0.06)
    edge = 1 + 0.25 * np.sin(np.arctan2(grid[..., 1], grid[..., 0]) * 3 + rng.uniform(0, 6.3))
    xy = grid * size * edge[..., None]
    vertices = np.dstack([xy, height]).reshape(-1, 3)
    i = (np.arange(n - 1)[:, None] * n + np.arange(n - 1)).ravel()
    faces = np.concatenate([np.stack([i, i + 1, i + n + 1], 1), np.stack([i, i + n + 1, i + n], 1)])
    colour = pick(rng, "d5d9dc", "2a62a8", "e8e4da", "1c1d1f", "3d7a4a", "c8b23a")
    return thing("sheet", from_faces(vertices, faces, plastic(colour, gloss=0.6, grain=0.1)))


def bucket(rng: Rng) -> Model:
    body = plastic(pick(rng, "2b5ca8", "d8d6cc", "c23a22", "27282a", "e0a21c"))
    shell = revolve([(0.11, 0), (0.15, 0.3), (0.155, 0.3), (0.115, 0.012)], body, 28, caps=False)
    floor = revolve([(0.11, 0.002), (0.11, 0.012)], body, 28)
    whole = merge([shell, floor])
    if rng.random() < 0.4:
        whole = whole.moved(pitch=1.5)
    return stand("bucket", ANOMALY, whole)


def plank(rng: Rng) -> Model:
    length = float(rng.uniform(0.5, 2.2))
    material = WOOD if rng.random() < 0.6 else (RUST if rng.random() < 0.5 else ALUMINIUM)
    return thing("plank", box((length, rng.uniform(0.06, 0.2), rng.uniform(0.02, 0.08)), material))


def ball(rng: Rng) -> Model:
    radius = float(rng.uniform(0.04, 0.14))
    material = Material(
        srgb(pick(rng, "e8e8e4", "d8c21a", "c8321e", "2a62a8", "e0701a")),
        0.04,
        0.4,
        second=srgb("22242a"),
        pattern="checks",
        pattern_m=radius * 0.8,
    )
    return thing("ball", superellipsoid((2 * radius,) * 3, material, 1.0, 22))


def canister(rng: Rng) -> Model:
    body = plastic(pick(rng, "b8231f", "e8e4d8", "2a62a8", "3b5a34"))
    size = np.array([0.16, 0.26, 0.34]) * rng.uniform(0.8, 1.3)
    parts = [
        superellipsoid(size, body, 0.2).moved((0, 0, size[2] / 2)),
        cylinder(
            0.025, (0, size[1] * 0.3, size[2]), (0, size[1] * 0.3, size[2] + 0.04), DARK_METAL, 12
        ),
        tube(
            [
                (0, -size[1] * 0.3, size[2] - 0.01),
                (0, -size[1] * 0.25, size[2] + 0.05),
                (0, size[1] * 0.1, size[2] + 0.05),
                (0, size[1] * 0.15, size[2] - 0.01),
            ],
            0.014,
            body,
            8,
        ),
    ]
    whole = merge(parts)
    return stand("canister", ANOMALY, whole.moved(roll=np.pi / 2) if rng.random() < 0.3 else whole)


def clutter(rng: Rng) -> Model:
    """A thing of no name: one to four random bodies of random materials."""
    patterns = ("", "", "stripes", "checks", "blotches")
    parts = []
    spread = float(rng.uniform(0.1, 0.5))
    for _ in range(int(rng.integers(1, 5))):
        colour = tuple(float(v) for v in rng.uniform(0.01, 0.75, 3) ** 1.5)
        other = tuple(float(v) for v in rng.uniform(0.01, 0.75, 3) ** 1.5)
        material = Material(
            (colour[0], colour[1], colour[2]),
            0.04,
            float(rng.uniform(0, 0.8)),
            float(rng.uniform(0.05, 0.4)),
            float(rng.uniform(0.05, 0.4)),
            (other[0], other[1], other[2]),
            patterns[int(rng.integers(5))],
            float(rng.uniform(0.03, 0.25)),
        )
        size = spread * rng.uniform(0.3, 1.6, 3)
        part = superellipsoid(size, material, float(rng.uniform(0.1, 1.0)), 16)
        if rng.random() < 0.5:
            part = crumpled(part, rng, float(rng.uniform(0.02, 0.15)))
        parts.append(
            part.moved(
                (*rng.normal(0, spread * 0.4, 2), size[2] / 2),
                *(float(a) for a in rng.uniform(-1, 1, 3) * (3, 0.4, 0.4)),
            )
        )
    return thing("clutter", *parts)


def duct(rng: Rng) -> Model:
    """A bent pipe or an engine cover panel."""
    if rng.random() < 0.5:
        t = np.linspace(0, 1.8, 12)
        path = np.stack([np.cos(t), np.sin(t), np.zeros(12)], 1) * rng.uniform(0.2, 0.5)
        return thing("duct", tube(path, float(rng.uniform(0.04, 0.1)), ALUMINIUM, 16))
    angle = np.linspace(-0.5, 0.5, 10)
    radius, width = rng.uniform(0.4, 1.0), rng.uniform(0.3, 0.8)
    arc = np.stack([radius * np.sin(angle), radius * (np.cos(angle) - np.cos(0.5))], 1)
    outline = np.vstack([arc, (arc - (0, 0.012))[::-1]])[::-1]
    sections = np.stack([np.insert(outline, 1, y, axis=1) for y in (-width / 2, width / 2)])
    return thing("duct", loft(sections[:, ::-1], paint("c9cccf")))


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "bottle": bottle,
    "tyre": tyre,
    "pallet": pallet,
    "sheet": sheet,
    "bucket": bucket,
    "plank": plank,
    "ball": ball,
    "canister": canister,
    "clutter": clutter,
    "duct": duct,
}
