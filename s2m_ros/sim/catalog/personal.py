"""What people wear and carry, and lose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.parts import crumpled, pick, thing
from s2m_ros.sim.materials import DARK_METAL, Material, cloth, plastic, srgb
from s2m_ros.sim.mesh import cylinder, merge, revolve, superellipsoid, tube
from s2m_ros.sim.model import Model

Rng = np.random.Generator


def helmet(rng: Rng) -> Model:
    body = plastic(pick(rng, "e8c21a", "e8e8e4", "c8321e", "2a62a8"), gloss=0.6)
    dome = revolve([(0.12, 0), (0.12, 0.04), (0.1, 0.1), (0.06, 0.135), (0.01, 0.15)], body, 28)
    brim = revolve([(0.15, 0.005), (0.12, 0.02)], body, 28)
    return thing("helmet", dome.scaled((1.2, 1, 1)), brim.scaled((1.25, 1, 1)))


def vest(rng: Rng) -> Model:
    """A high-visibility vest that lies in a heap."""
    body = superellipsoid((0.5, 0.42, 0.12), cloth(pick(rng, "d8e81c", "f07a18")), 0.8, 30)
    band = Material(srgb("b8bab6"), 0.05, 0.2, 0.1, retro=8.0)
    heap = crumpled(body, rng, 0.16)
    x = heap.centres[:, 0]
    return thing("vest", heap.painted(band, (np.abs(np.abs(x) - 0.12) < 0.022)))


def headset(rng: Rng) -> Model:
    """Ear defenders with a microphone arm."""
    shell = plastic(pick(rng, "c8321e", "e0b41c", "2b2d30", "2f7d46"), gloss=0.5)
    arc = np.linspace(0, np.pi, 15)
    bow = tube(
        np.stack([0.02 * np.sin(arc), 0.085 * np.cos(arc), 0.035 + 0.11 * np.sin(arc)], 1),
        0.009,
        plastic("1b1c1e"),
        8,
    )
    cups = [
        superellipsoid((0.085, 0.05, 0.075), shell, 0.5, 12).moved((0, y, 0.0375))
        for y in (-0.085, 0.085)
    ]
    arm = tube([(0.0, 0.1, 0.04), (0.08, 0.1, 0.02), (0.13, 0.05, 0.015)], 0.005, DARK_METAL, 6)
    return thing("headset", merge([bow, *cups, arm]).moved(pitch=float(rng.uniform(0.9, 1.4))))


def glove(rng: Rng) -> Model:
    """A working glove, palm down."""
    skin = cloth(pick(rng, "d8d4c8", "c8a03c", "2b2c2e", "d8581c", "3a5fa0"))
    palm = superellipsoid((0.13, 0.105, 0.045), skin, 0.6, 14).moved((0, 0, 0.022))
    cuff = superellipsoid((0.09, 0.1, 0.05), skin.tinted(srgb("30343c")), 0.5, 12)
    fingers = [
        tube(
            [(0.05, y, 0.022), (0.1, y * 1.2, 0.028), (0.145 - abs(y) * 0.6, y * 1.35, 0.016)],
            [0.013, 0.013, 0.011],
            skin,
            8,
        )
        for y in (-0.038, -0.013, 0.013, 0.038)
    ]
    thumb = tube([(0.0, 0.045, 0.02), (0.045, 0.08, 0.018)], 0.013, skin, 8)
    return thing("glove", palm, cuff.moved((-0.085, 0, 0.024)), *fingers, thumb)


def wand(rng: Rng) -> Model:
    """A marshaller's wand."""
    tip = Material(srgb("f05a14"), 0.04, 0.6, 0.05)
    parts = [
        tube([(0, 0, 0.024), (0.28, 0, 0.02)], [0.021, 0.017], tip, 14),
        cylinder(0.018, (-0.16, 0, 0.024), (0, 0, 0.024), plastic("1d1e20"), 12),
    ]
    return thing("wand", *parts)


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "helmet": helmet,
    "vest": vest,
    "headset": headset,
    "glove": glove,
    "wand": wand,
}
