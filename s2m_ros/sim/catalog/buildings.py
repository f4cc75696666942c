"""Terminal, hangar and the like; the facade faces -x."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from s2m_ros.sim.materials import DARK_METAL, GLASS, STEEL, Material, paint, srgb
from s2m_ros.sim.mesh import Mesh, box, cylinder, extrude, loft, merge
from s2m_ros.sim.model import Model, stand

Rng = np.random.Generator
CONCRETE_WALL = Material(srgb("a9a59c"), 0.01, 0.05, 0.22, 2.5)
WINDOW = replace(GLASS, second=(0.006, 0.006, 0.006), pattern="checks", pattern_m=3.6, emission=0.5)
"""Dark by day; by night light falls out of some."""


def terminal(rng: Rng) -> Model:
    """Two storeys of glass between concrete bands, 90 m long."""
    length, depth, height = 90.0, 16.0, float(rng.uniform(10, 14))
    panel = paint(str(rng.choice(["c9ccce", "b8b4aa", "8d959c", "d8d4ca"])), gloss=0.3, grain=0.08)
    parts: list[Mesh] = [box((depth, length, height), panel, (0, 0, height / 2))]
    x = -depth / 2
    parts.append(box((0.4, length, 3.4), CONCRETE_WALL, (x, 0, 1.7)))
    parts.append(box((0.1, length, height - 6.4), WINDOW, (x - 0.02, 0, 4.2 + (height - 6.4) / 2)))
    for y in np.arange(-length / 2, length / 2 + 0.1, 1.8):
        parts.append(
            box((0.16, 0.09, height - 6.2), STEEL, (x - 0.06, y, 4.2 + (height - 6.4) / 2))
        )
    for z in np.linspace(4.2, height - 2.2, 4):
        parts.append(box((0.18, length, 0.1), STEEL, (x - 0.06, 0, z)))
    for y in np.arange(-length / 2 + 4, length / 2 - 3, 9.0):
        door = rng.random()
        if door < 0.7:
            shade = paint(str(rng.choice(["6d7276", "4a4e52", "b8bcc0", "8a3a2a"])), gloss=0.2)
            parts.append(box((0.1, 4.0, 2.9), shade, (x - 0.22, y, 1.45)))
    parts.append(box((3.2, length, 0.35), panel, (x - 1.2, 0, 3.75)))
    parts.append(box((depth + 1.2, length + 1, 0.7), panel, (0, 0, height + 0.3)))
    for y in np.arange(-length / 2 + 6, length / 2, 14.0):
        parts.append(box((4, 5, 1.8), CONCRETE_WALL, (1.5, y, height + 1.4)))
    return stand("terminal", "Building", merge(parts))


def hangar(rng: Rng) -> Model:
    """A vaulted hangar with sliding doors, 48 m wide."""
    width, depth, eaves, rise = 48.0, 36.0, 10.0, float(rng.uniform(3, 6))
    sheet = Material(
        srgb(str(rng.choice(["9aa3aa", "7f8d94", "b9b4a4", "6f7d86"]))),
        0.05,
        0.3,
        0.06,
        2.0,
        second=srgb("7d868c"),
        pattern="stripes",
        pattern_m=0.45,
    )
    t = np.linspace(0, np.pi, 17)
    arch = np.stack([np.cos(t) * width / 2, eaves + np.sin(t) * rise], axis=1)
    outline = np.vstack([(width / 2, 0), arch, (-width / 2, 0)])
    shell = extrude(outline, depth, sheet).moved(yaw=-np.pi / 2)
    doors = []
    leaf = width * 0.86 / 8
    tones = [paint(code, gloss=0.2, grain=0.1) for code in ("a8b0b4", "9fa8ad")]
    for i in range(8):
        y = (i - 3.5) * leaf
        if 3 <= i <= 4 and rng.random() < 0.35:
            doors.append(
                box(
                    (0.2, leaf, eaves * 0.9),
                    Material((0.01, 0.01, 0.012)),
                    (-depth / 2 - 0.05, y, eaves * 0.45),
                )
            )
            continue
        doors.append(
            box(
                (0.3 + 0.2 * (i % 2), leaf * 0.99, eaves * 0.92),
                tones[i % 2],
                (-depth / 2 - 0.1, y, eaves * 0.46),
            )
        )
        doors.append(box((0.5, leaf * 0.6, 0.9), GLASS, (-depth / 2 - 0.15, y, eaves * 0.72)))
    return stand("hangar", "Building", merge([shell, *doors]))


def shed(rng: Rng) -> Model:
    """A small store, guard house or stack of containers."""
    colour = paint(
        str(rng.choice(["8a4a34", "3f5f7a", "6d7a6a", "b8b2a4", "d8d4ca"])), gloss=0.2, grain=0.2
    )
    size = np.array([rng.uniform(3, 8), rng.uniform(5, 14), rng.uniform(2.6, 5)])
    parts = [
        box(size, colour, (0, 0, size[2] / 2)),
        box(size * (1.06, 1.04, 0.05), DARK_METAL, (0, 0, size[2])),
    ]
    parts.append(box((0.1, 1.0, 2.1), DARK_METAL, (-size[0] / 2, size[1] * 0.2, 1.05)))
    parts.append(box((0.1, 1.4, 1.0), GLASS, (-size[0] / 2, -size[1] * 0.2, 1.6)))
    return stand("shed", "Building", merge(parts))


def jet_bridge(rng: Rng) -> Model:
    """A passenger bridge that reaches out along -x."""
    skin = Material(
        srgb(str(rng.choice(["c9ccce", "d4d0c4", "a9b4bc"]))),
        0.05,
        0.3,
        0.08,
        1.0,
        second=srgb("b0b5b8"),
        pattern="stripes",
        pattern_m=0.6,
    )
    parts: list[Mesh] = []
    for x0, x1, side in ((8.0, -2.0, 2.6), (-1.5, -12.0, 2.2)):
        section = np.array([(-side / 2, 0), (side / 2, 0), (side / 2, 2.7), (-side / 2, 2.7)])
        rows = [
            np.stack([np.full(4, x), -section[:, 0], section[:, 1] + 4.2], axis=1) for x in (x0, x1)
        ]
        parts.append(loft(np.stack(rows), skin))
        parts.append(box((x0 - x1 - 1, side + 0.02, 0.7), GLASS, ((x0 + x1) / 2, 0, 5.7)))
    parts.append(box((2.6, 3.6, 3.2), skin, (-13.0, 0, 5.6)))
    parts += [cylinder(0.35, (-8.5, s, 0.4), (-8.5, s, 4.3), STEEL, 14) for s in (-1.2, 1.2)]
    parts.append(box((1.6, 3.4, 0.6), DARK_METAL, (-8.5, 0, 0.7)))
    parts.append(cylinder(1.2, (9.0, 0, 0), (9.0, 0, 7.2), skin, 24))
    return stand("jet_bridge", "Building", merge(parts))


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "terminal": terminal,
    "hangar": hangar,
    "shed": shed,
    "jet_bridge": jet_bridge,
}
