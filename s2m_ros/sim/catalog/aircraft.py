"""Aircraft, nose along +x."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np

from s2m_ros.sim.catalog.chassis import wheel
from s2m_ros.sim.materials import ALUMINIUM, DARK_METAL, GLASS, Material, paint, srgb
from s2m_ros.sim.mesh import Mesh, box, cylinder, loft, merge, panel, revolve
from s2m_ros.sim.model import Model, stand
from s2m_ros.types import Float64

Rng = np.random.Generator
SKINS = ("eceeef", "e4e6e8", "f0efe9", "d5d9dd")
LIVERIES = ("1f3f8a", "b5202a", "1f7a5a", "e08a1c", "2a2d34", "6a2a7a", "0f8ab0")


def wing(
    root: Float64,
    tip: Float64,
    root_chord: float,
    tip_chord: float,
    material: Material,
    thickness: float = 0.12,
    upright: bool = False,
) -> Mesh:
    """A wing or fin between two leading edge points; upright: thickness along y."""
    t = np.concatenate([np.linspace(0, 1, 10), np.linspace(1, 0, 10)[1:-1]])
    half = 2.6 * (0.3 * np.sqrt(t) - 0.13 * t - 0.35 * t**2 * 0.5)
    half = np.maximum(half, 0) * np.where(np.arange(len(t)) < 10, 1, -1)
    sections = []
    for edge, chord in (
        (root, root_chord),
        ((root + tip) / 2, (root_chord + tip_chord) / 2),
        (tip, tip_chord),
    ):
        across = half * thickness * chord
        offset = np.stack([-t * chord, np.zeros_like(t), across], axis=1)
        if upright:
            offset = offset[:, [0, 2, 1]]
        sections.append(edge + offset)
    direction = np.sign((tip - root)[2 if upright else 1])
    stacked = np.stack(sections)
    flip = direction > 0 if upright else direction < 0
    return loft(stacked[:, ::-1] if flip else stacked, material)


def airliner(rng: Rng) -> Model:
    """A single-aisle twin: 37 m long, 34 m span."""
    skin = paint(SKINS[int(rng.integers(len(SKINS)))], gloss=0.6, grain=0.03)
    belly = paint("aeb4ba", gloss=0.5, grain=0.05)
    livery = paint(LIVERIES[int(rng.integers(len(LIVERIES)))], gloss=0.6, grain=0.03)
    centre, radius = 3.75, 1.98
    profile = [  # x, radius, centre height over the axis
        (18.6, 0.05, -0.75),
        (18.45, 0.42, -0.72),
        (18.0, 0.86, -0.6),
        (17.2, 1.3, -0.42),
        (16.2, 1.64, -0.24),
        (14.8, 1.88, -0.06),
        (13.0, radius, 0.0),
        (6.0, radius, 0.0),
        (0.0, radius, 0.0),
        (-6.0, radius, 0.0),
        (-8.0, radius, 0.0),
        (-10.5, 1.82, 0.14),
        (-13.0, 1.42, 0.5),
        (-15.5, 0.92, 0.85),
        (-17.5, 0.48, 1.05),
        (-18.7, 0.22, 1.1),
    ]
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    dense = np.linspace(0, len(profile) - 1, 3 * len(profile))
    stations = np.stack(
        [np.interp(dense, np.arange(len(profile)), column) for column in np.array(profile).T],
        axis=1,
    )
    sections = np.stack(
        [
            np.stack([np.full(48, x), -r * np.cos(angle), centre + dz + r * np.sin(angle)], axis=1)
            for x, r, dz in stations
        ]
    )
    hull = loft(sections, skin)
    middle = hull.centres
    hull = hull.painted(belly, middle[:, 2] < centre - 0.95)
    style = rng.integers(3)
    if style == 0:
        hull = hull.painted(livery, (middle[:, 2] > centre - 0.95) & (middle[:, 2] < centre - 0.35))
    elif style == 1:
        hull = hull.painted(livery, middle[:, 0] < -9.5 - 0.8 * (middle[:, 2] - centre))
    hull_parts: list[Mesh] = [hull]

    def on_skin(x: float, z: float, lift: float) -> tuple[float, float]:
        r = float(np.interp(-x, -stations[:, 0], stations[:, 1])) + lift
        dz = float(np.interp(-x, -stations[:, 0], stations[:, 2]))
        return r, float(np.sqrt(max(r * r - (z - dz) ** 2, 0.01)))

    def patch(x: float, z: float, width: float, height: float, material: Material) -> list[Mesh]:
        out = []
        for side in (-1, 1):
            rows = np.linspace(z - height / 2, z + height / 2, 4)
            for low, high in itertools.pairwise(rows):
                corners = []
                for px, pz in (
                    (x - width / 2, low),
                    (x + width / 2, low),
                    (x + width / 2, high),
                    (x - width / 2, high),
                ):
                    corners.append((px, side * on_skin(px, pz, 0.015)[1], centre + pz))
                out.append(panel(corners if side < 0 else corners[::-1], material))
        return out

    for x in np.arange(-10.0, 13.6, 0.533):
        hull_parts += patch(float(x), 0.42, 0.24, 0.34, GLASS)
    outline = paint("8f969c", gloss=0.4)
    for x in (14.6, -11.6):
        hull_parts += patch(x, 0.1, 0.95, 1.9, outline)
        hull_parts += patch(x, 0.1, 0.83, 1.78, skin)
    for x in (7.0, -7.5):
        hull_parts += list(patch(x, -0.9, 1.8, 1.15, outline)[3:])
    for start, end in ((0.03, 0.4), (0.45, 0.82), (0.87, 1.2)):
        points = []
        for share, x in ((start, 17.25), (end, 17.25), (end, 16.6), (start, 16.6)):
            x -= 0.25 * share
            r = float(np.interp(-x, -stations[:, 0], stations[:, 1])) + 0.03
            dz = float(np.interp(-x, -stations[:, 0], stations[:, 2]))
            points.append((x, r * np.sin(share), centre + dz + r * np.cos(share)))
        pane = panel(points, GLASS)
        hull_parts += [pane, pane.mirrored_y()]

    half: list[Mesh] = []
    half.append(wing(np.array([4.2, 1.2, 2.9]), np.array([-3.6, 16.2, 4.1]), 6.4, 1.6, belly))
    half.append(
        wing(np.array([-3.7, 16.2, 4.1]), np.array([-5.3, 16.7, 6.3]), 1.6, 0.55, livery, 0.09)
    )
    half.append(wing(np.array([-13.6, 0.5, 4.7]), np.array([-16.8, 6.2, 5.2]), 3.4, 1.3, skin, 0.1))
    nacelle_y, nacelle_z = 5.75, 1.95
    cowl = revolve(
        [
            (0.86, 2.2),
            (0.96, 2.28),
            (1.1, 2.1),
            (1.18, 1.2),
            (1.14, 0.0),
            (0.92, -1.5),
            (0.85, -1.6),
        ],
        livery if rng.random() < 0.5 else skin,
        40,
        caps=False,
    )
    duct = revolve([(0.85, 1.2), (0.86, 2.2)], ALUMINIUM, 40, caps=False)
    fan = revolve([(0.86, 1.1), (0.84, 1.2), (0.05, 1.3)], DARK_METAL, 40)
    spinner = revolve([(0.3, 1.25), (0.18, 1.6), (0.03, 1.75)], paint("2a2c30"), 20)
    core = revolve([(0.8, -1.5), (0.62, -1.6), (0.5, -2.5), (0.2, -3.1)], DARK_METAL, 30)
    inner = duct.triangles[:, ::-1], -duct.normals[:, ::-1]
    duct = Mesh(inner[0], inner[1], duct.material, duct.materials)
    engine = merge([cowl, duct, fan, spinner, core]).moved(pitch=np.pi / 2)
    half.append(engine.moved((2.9, nacelle_y, nacelle_z)))
    half.append(
        wing(
            np.array([4.4, nacelle_y, 2.9]),
            np.array([3.2, nacelle_y, 3.45]),
            4.6,
            3.6,
            belly,
            0.07,
            True,
        )
    )
    strut_x, strut_y = -1.8, 3.8
    half.append(cylinder(0.14, (strut_x, strut_y, 0.6), (strut_x, strut_y, 3.2), ALUMINIUM, 12))
    half.append(cylinder(0.08, (strut_x, strut_y, 1.4), (strut_x, 2.3, 2.9), ALUMINIUM, 10))
    half.append(box((0.9, 0.05, 1.1), belly, (strut_x, strut_y + 0.3, 1.9)))
    half += [wheel(strut_x, strut_y + d, 0.57, 0.4) for d in (-0.42, 0.42)]
    right = [mesh.mirrored_y() for mesh in half]
    fin = wing(np.array([-11.2, 0, 5.1]), np.array([-16.4, 0, 11.6]), 6.0, 2.2, livery, 0.1, True)
    nose_gear = [
        cylinder(0.1, (13.4, 0, 0.4), (13.5, 0, 2.2), ALUMINIUM, 12),
        cylinder(0.05, (13.4, 0, 0.9), (14.4, 0, 2.1), ALUMINIUM, 8),
        *[wheel(13.4, y, 0.38, 0.22) for y in (-0.26, 0.26)],
        *[box((1.3, 0.04, 0.7), skin, (14.0, y, 2.0)) for y in (-0.45, 0.45)],
    ]
    return stand("airliner", "Aircraft", merge([*hull_parts, *half, *right, fin, *nose_gear]))


def light_aircraft(rng: Rng) -> Model:
    """A high-wing single of 8 m."""
    skin = paint("eceae4", gloss=0.6, grain=0.04)
    livery = paint(LIVERIES[int(rng.integers(len(LIVERIES)))], gloss=0.6)
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = 0.7
    c, s = (np.sign(f) * np.abs(f) ** power for f in (np.cos(angle), np.sin(angle)))
    rows = [
        (2.3, 0.3, 0.3, 1.2),
        (2.2, 0.42, 0.42, 1.2),
        (1.2, 0.52, 0.5, 1.25),
        (0.6, 0.56, 0.75, 1.5),
        (-0.8, 0.56, 0.75, 1.5),
        (-2.0, 0.4, 0.45, 1.35),
        (-5.0, 0.12, 0.2, 1.3),
    ]
    hull = loft(
        np.stack([np.stack([np.full(28, x), -w * c, z + h * s], axis=1) for x, w, h, z in rows]),
        skin,
    )
    middle = hull.centres
    hull = hull.painted(
        GLASS,
        (middle[:, 2] > 1.6) & (middle[:, 2] < 2.15) & (middle[:, 0] < 1.1) & (middle[:, 0] > -1.4),
    )
    hull = hull.painted(livery, (middle[:, 2] < 1.3) & (middle[:, 2] > 1.05))
    left = [
        wing(np.array([0.9, 0, 2.25]), np.array([0.8, 5.4, 2.4]), 1.6, 1.1, skin),
        wing(np.array([-4.0, 0, 1.4]), np.array([-4.3, 1.7, 1.4]), 1.1, 0.7, skin),
        cylinder(0.04, (0.4, 0.5, 1.0), (0.4, 2.4, 2.25), skin, 8),
        cylinder(0.05, (-0.4, 0.4, 0.9), (-0.4, 1.15, 0.3), ALUMINIUM, 8),
        wheel(-0.4, 1.2, 0.22, 0.16),
    ]
    fin = wing(np.array([-3.4, 0, 1.5]), np.array([-4.7, 0, 2.9]), 1.5, 0.7, livery, 0.1, True)
    nose = [
        cylinder(0.04, (1.6, 0, 0.9), (1.7, 0, 0.2), ALUMINIUM, 8),
        wheel(1.7, 0.001, 0.18, 0.14),
        box((0.04, 0.14, 1.9), Material(srgb("2a2c2e"), 0.05, 0.5), (2.38, 0, 1.2)),
        revolve([(0.2, 0), (0.02, 0.3)], livery, 16).moved((2.3, 0, 1.2), pitch=np.pi / 2),
    ]
    return stand(
        "light_aircraft",
        "Aircraft",
        merge([hull, *left, *[mesh.mirrored_y() for mesh in left], fin, *nose]),
    )


MAKERS: dict[str, Callable[[Rng], Model]] = {"airliner": airliner, "light_aircraft": light_aircraft}
