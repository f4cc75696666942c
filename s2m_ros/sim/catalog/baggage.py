"""Bags, suitcases and boxes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.parts import crumpled, pick, thing
from s2m_ros.sim.materials import CARDBOARD, RUBBER, cloth, plastic, srgb
from s2m_ros.sim.mesh import box, cylinder, merge, superellipsoid, tube
from s2m_ros.sim.model import ANOMALY, Model, stand

Rng = np.random.Generator


def suitcase(rng: Rng) -> Model:
    """A trolley case, lying, on its side or upright."""
    length, width, depth = rng.uniform(0.55, 0.75), rng.uniform(0.38, 0.5), rng.uniform(0.22, 0.3)
    colour = pick(
        rng, "7a1f2b", "1c2f55", "2f5d50", "b9303f", "1a1a1c", "c56a1f", "5a2a6b", "9a9ea3"
    )
    body = plastic(colour, gloss=0.45, grain=0.1)
    rib = plastic(colour, gloss=0.3)
    parts = [superellipsoid((depth, width, length), body, 0.18).moved((0, 0, length / 2))]
    parts += [
        superellipsoid((depth * 1.03, 0.025, length * 0.93), rib, 0.2).moved(
            (0, y * width, length / 2)
        )
        for y in (-0.3, -0.15, 0, 0.15, 0.3)
    ]
    parts += [
        cylinder(0.028, (x, y - 0.012, 0), (x, y + 0.012, 0), RUBBER, 12)
        for x in (-depth * 0.32, depth * 0.32)
        for y in (-width * 0.4, width * 0.4)
    ]
    z = length
    parts.append(
        tube(
            [(0, -0.1, z - 0.01), (0, -0.1, z + 0.05), (0, 0.1, z + 0.05), (0, 0.1, z - 0.01)],
            0.012,
            plastic("1a1a1c"),
            8,
        )
    )
    whole = merge(parts)
    pose = rng.integers(3)
    if pose == 0:
        whole = whole.moved(pitch=np.pi / 2)
    elif pose == 1:
        whole = whole.moved(roll=np.pi / 2)
    return stand("suitcase", ANOMALY, whole)


def carton(rng: Rng) -> Model:
    size = np.array([rng.uniform(0.3, 0.75), rng.uniform(0.25, 0.55), rng.uniform(0.2, 0.5)])
    body = CARDBOARD.tinted(srgb(pick(rng, "b08a5b", "a37c4d", "c19b6a", "e2ded4")))
    tape = plastic(pick(rng, "c9b27c", "8a6b3a", "d8d8d4"), gloss=0.4)
    label = plastic("e8e8e4", gloss=0.2)
    top = box((size[0] * 1.001, 0.05, 0.004), tape, (0, 0, size[2]))
    side = box(
        (0.003, size[1] * 0.4, size[2] * 0.35), label, (size[0] / 2, size[1] * 0.15, size[2] * 0.55)
    )
    parts = [box(size, body, (0, 0, size[2] / 2)), top, side]
    if rng.random() < 0.4:
        lid = box((size[0] * 0.48, size[1], 0.006), body).moved(
            (-size[0] * 0.6, 0, size[2] + size[0] * 0.12), pitch=float(rng.uniform(-0.9, -0.3))
        )
        parts.append(lid)
    return thing("box", *parts)


def bag(rng: Rng) -> Model:
    """A soft bag: duffel, backpack or rubbish bag."""
    size = np.array([rng.uniform(0.35, 0.7), rng.uniform(0.25, 0.4), rng.uniform(0.22, 0.4)])
    colour = pick(rng, "1b1c20", "23324f", "5b1f24", "4a5236", "c9cbd0", "2d6fb0", "7d7466")
    body = crumpled(superellipsoid(size, cloth(colour), 0.55, 26), rng, 0.07)
    handle = tube(
        [
            (-0.12, 0, size[2] * 0.45),
            (-0.07, 0, size[2] * 0.62),
            (0.07, 0, size[2] * 0.62),
            (0.12, 0, size[2] * 0.45),
        ],
        0.014,
        cloth("17171a"),
        8,
    )
    return thing("bag", body, handle)


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "suitcase": suitcase,
    "box": carton,
    "bag": bag,
}
