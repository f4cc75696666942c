"""Equipment that stands where it should not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.parts import pick, thing
from s2m_ros.sim.materials import (
    ALUMINIUM,
    DARK_METAL,
    RUBBER,
    STEEL,
    Material,
    cloth,
    paint,
    plastic,
    srgb,
)
from s2m_ros.sim.mesh import box, cylinder, extrude, merge, revolve, tube
from s2m_ros.sim.model import ANOMALY, Model, stand

Rng = np.random.Generator


def barrier(rng: Rng) -> Model:
    """A plastic or trestle barrier that stands where none should."""
    length = float(rng.uniform(1.0, 1.8))
    red, white = plastic(pick(rng, "d03a20", "e0701a")), plastic("dedcd4")
    if rng.random() < 0.5:
        body = extrude(
            [(-0.25, 0), (0.25, 0), (0.14, 0.3), (0.07, 0.85), (-0.07, 0.85), (-0.14, 0.3)],
            length,
            red if rng.random() < 0.6 else white,
            taper=0.04,
        )
        return thing("barrier", body.moved(yaw=np.pi / 2))
    n = 6
    planks = [
        box(
            (length / n, 0.03, 0.18),
            red if i % 2 else white,
            ((i + 0.5) / n * length - length / 2, 0, z),
        )
        for i in range(n)
        for z in (0.9, 0.45)
    ]
    legs = [
        cylinder(0.02, (x, 0, 1.0), (x, y, 0), STEEL, 8)
        for x in (-length * 0.42, length * 0.42)
        for y in (-0.3, 0.3)
    ]
    return thing("barrier", *planks, *legs)


def toolbox(rng: Rng) -> Model:
    body = paint(pick(rng, "b3231f", "1f4f9a", "2b2d30", "d8a01a"))
    outline = [(-0.12, 0), (0.12, 0), (0.12, 0.14), (0.06, 0.22), (-0.06, 0.22), (-0.12, 0.14)]
    handle = tube(
        [(0, -0.14, 0.2), (0, -0.14, 0.27), (0, 0.14, 0.27), (0, 0.14, 0.2)], 0.012, DARK_METAL, 8
    )
    return thing(
        "toolbox",
        extrude(outline, 0.5, body),
        handle,
        box((0.01, 0.06, 0.05), STEEL, (0.122, 0.1, 0.13)),
    )


def towbar(rng: Rng) -> Model:
    """An aircraft tow-bar: a long bar on two small wheels, with an eye and a head."""
    colour = paint(pick(rng, "e0b41c", "c8321e", "e4e2da"), grain=0.15)
    length = float(rng.uniform(3.2, 4.2))
    axle = -0.18 * length
    eye = [
        (length / 2 + 0.1 + 0.1 * np.cos(a), 0.1 * np.sin(a), 0.32)
        for a in np.linspace(0, 2 * np.pi, 17)
    ]
    parts = [
        cylinder(0.055, (-length / 2, 0, 0.34), (length / 2, 0, 0.32), colour, 16),
        tube(eye, 0.025, DARK_METAL, 8),
        box((0.3, 0.16, 0.2), DARK_METAL, (-length / 2, 0, 0.34)),
        box((0.1, 0.62, 0.1), colour, (-length / 2 - 0.12, 0, 0.34)),
        cylinder(0.03, (axle, -0.32, 0.17), (axle, 0.32, 0.17), DARK_METAL, 10),
        box((0.08, 0.08, 0.2), colour, (axle, 0, 0.25)),
    ]
    parts += [
        box((0.3, 0.07, 0.12), DARK_METAL, (-length / 2 - 0.25, y, 0.34)) for y in (-0.27, 0.27)
    ]
    parts += [
        cylinder(0.17, (axle, y - 0.04, 0.17), (axle, y + 0.04, 0.17), RUBBER, 24)
        for y in (-0.32, 0.32)
    ]
    stripes = Material(
        srgb("d8d8d2"), 0.04, 0.3, 0.1, second=srgb("c02a1c"), pattern="stripes", pattern_m=0.2
    )
    parts.append(cylinder(0.058, (-0.2, 0, 0.333), (0.9, 0, 0.327), stripes, 16))
    return thing("towbar", *parts)


def ladder(rng: Rng) -> Model:
    """A ladder that was left lying, or a pair of steps that stands."""
    length, width = float(rng.uniform(2.0, 3.2)), 0.42
    rails = [box((length, 0.03, 0.07), ALUMINIUM, (0, y, 0.035)) for y in (-width / 2, width / 2)]
    rungs = [
        cylinder(0.016, (x, -width / 2, 0.035), (x, width / 2, 0.035), ALUMINIUM, 8)
        for x in np.arange(-length / 2 + 0.15, length / 2, 0.28)
    ]
    flat = merge([*rails, *rungs])
    if rng.random() < 0.5:
        return stand("ladder", ANOMALY, flat)
    lean = 1.2
    front = flat.moved(pitch=-lean)
    back = merge(rails).moved(pitch=lean).moved((length * np.cos(lean), 0, 0))
    return stand("ladder", ANOMALY, merge([front, back]))


def container(rng: Rng) -> Model:
    """A unit load device: an aluminium box for the hold with one slanted corner."""
    outline = [(-0.78, 0.1), (0.45, 0.1), (0.98, 0.62), (0.98, 1.63), (-0.78, 1.63)]
    skin = Material(
        srgb("b9bcbd"), 0.3, 0.35, 0.18, 0.4, second=srgb("a2a6a8"), pattern="stripes",
        pattern_m=0.35,
    )  # fmt: skip
    body = extrude(outline, 1.5, skin)
    door = box(
        (1.5, 0.02, 1.3), cloth(pick(rng, "2a5fa8", "c8cacc", "b8321e")), (0.05, -0.76, 0.95)
    )
    base = box((1.56, 1.53, 0.1), ALUMINIUM, (0.0, 0, 0.05))
    edge = [box((0.04, 1.52, 0.04), STEEL, (x, 0, z)) for x, z in ((-0.78, 1.62), (0.98, 1.62))]
    return thing("container", body, door, base, *edge)


def extinguisher(rng: Rng) -> Model:
    """A fire extinguisher, standing or fallen."""
    red = paint("c01c18", gloss=0.6)
    body = revolve([(0.085, 0), (0.09, 0.02), (0.09, 0.42), (0.05, 0.5), (0.03, 0.52)], red, 24)
    head = box((0.11, 0.04, 0.06), DARK_METAL, (0.02, 0, 0.55))
    hose = tube(
        [(0.03, 0, 0.53), (0.12, 0, 0.48), (0.12, 0, 0.25), (0.1, 0, 0.15)], 0.012, RUBBER, 8
    )
    band = revolve([(0.092, 0.2), (0.092, 0.32)], plastic("e4e2d8"), 24, caps=False)
    whole = merge([body, head, hose, band])
    fallen = rng.random() < 0.5
    return stand("extinguisher", ANOMALY, whole.moved(roll=np.pi / 2) if fallen else whole)


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "barrier": barrier,
    "toolbox": toolbox,
    "towbar": towbar,
    "ladder": ladder,
    "container": container,
    "extinguisher": extinguisher,
}
