"""Objects that do not belong on the ground of an apron."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from s2m_ros.sim.materials import (
    ALUMINIUM,
    CARDBOARD,
    DARK_METAL,
    RETROREFLECTIVE,
    RUBBER,
    RUST,
    STEEL,
    WOOD,
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
    from_faces,
    loft,
    merge,
    revolve,
    superellipsoid,
    tube,
)
from s2m_ros.sim.model import ANOMALY, Model, stand

Rng = np.random.Generator


def _pick(rng: Rng, *codes: str) -> str:
    return codes[int(rng.integers(len(codes)))]


def _thing(kind: str, *meshes: Mesh) -> Model:
    return stand(kind, ANOMALY, merge(meshes))


def chock(rng: Rng) -> Model:
    """A wheel chock: a pair of wedges on a rope, or one wedge."""
    body = plastic(_pick(rng, "e0b21c", "d9a414", "26282a", "c8401e"), gloss=0.2, grain=0.25)
    wedge = extrude([(-0.17, 0), (0.17, 0), (0.035, 0.21), (-0.035, 0.21)], 0.5, body, taper=0.06)
    stripe = plastic("1f2022", gloss=0.2) if body.albedo[0] > 0.1 else plastic("d8d8d0")
    bands = [
        extrude([(-0.175, 0.0), (0.175, 0), (0.037, 0.216), (-0.037, 0.216)], 0.05, stripe).moved(
            (0, y, 0)
        )
        for y in (-0.15, 0.0, 0.15)
    ]
    return _thing(
        "chock",
        wedge,
        *bands,
        tube(
            [(0, 0.25, 0.12), (0.05, 0.32, 0.1), (0.1, 0.38, 0.03), (0.0, 0.5, 0.02)],
            0.012,
            cloth("c9b48a"),
        ),
    )


def cone(rng: Rng) -> Model:
    height = float(rng.uniform(0.45, 0.78))
    body = plastic(_pick(rng, "e8501c", "ef5a12", "d9431a"), gloss=0.3)
    outer = 0.3 * height

    def radius(z: float) -> float:
        return 0.035 + (outer * 0.62 - 0.035) * (1 - z / height)

    skin = revolve([(radius(z), z) for z in (0.03, height)], body, 28)
    top = revolve([(radius(height), height), (0.01, height + 0.01)], body, 28)
    bands = [
        revolve(
            [(radius(a * height) + 0.004, a * height), (radius(b * height) + 0.004, b * height)],
            RETROREFLECTIVE,
            28,
            caps=False,
        )
        for a, b in ((0.35, 0.52), (0.66, 0.8))
    ]
    base = superellipsoid((outer * 1.7, outer * 1.7, 0.06), body.tinted(srgb("38302c")), 0.2)
    return _thing("cone", skin, top, *bands, base.moved((0, 0, 0.03)))


def hose(rng: Rng) -> Model:
    """A hose or cable that lies in loops."""
    n = 90
    s = np.linspace(0, 1, n)
    length = rng.uniform(2.5, 6.0)
    bend = np.cumsum(np.convolve(rng.normal(0, 1, n + 14), np.ones(15) / 15, "valid")) * 0.55
    step = length / n
    x = np.cumsum(np.cos(bend)) * step
    y = np.cumsum(np.sin(bend)) * step
    radius = float(rng.uniform(0.03, 0.06))
    z = radius + 0.015 * np.sin(s * 11) ** 2
    colour = _pick(rng, "1d1d1f", "2b2c30", "d4551e", "3a4a68", "b8a21a", "6b2520")
    skin = tube(np.stack([x, y, z], axis=1), radius, plastic(colour, gloss=0.3, grain=0.2), 10)
    ends = [
        cylinder(radius * 1.35, p, p + (q - p) / np.linalg.norm(q - p) * 0.14, STEEL, 12)
        for p, q in (
            (np.array([x[0], y[0], radius * 1.35]), np.array([x[1], y[1], radius * 1.35])),
            (np.array([x[-1], y[-1], radius * 1.35]), np.array([x[-2], y[-2], radius * 1.35])),
        )
    ]
    return _thing("hose", skin, *ends)


def suitcase(rng: Rng) -> Model:
    """A trolley case, lying, on its side or upright."""
    length, width, depth = rng.uniform(0.55, 0.75), rng.uniform(0.38, 0.5), rng.uniform(0.22, 0.3)
    colour = _pick(
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
    body = CARDBOARD.tinted(srgb(_pick(rng, "b08a5b", "a37c4d", "c19b6a", "e2ded4")))
    tape = plastic(_pick(rng, "c9b27c", "8a6b3a", "d8d8d4"), gloss=0.4)
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
    return _thing("box", *parts)


def bag(rng: Rng) -> Model:
    """A soft bag: duffel, backpack or rubbish bag."""
    size = np.array([rng.uniform(0.35, 0.7), rng.uniform(0.25, 0.4), rng.uniform(0.22, 0.4)])
    colour = _pick(rng, "1b1c20", "23324f", "5b1f24", "4a5236", "c9cbd0", "2d6fb0", "7d7466")
    body = _crumpled(superellipsoid(size, cloth(colour), 0.55, 26), rng, 0.07)
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
    return _thing("bag", body, handle)


def _crumpled(mesh: Mesh, rng: Rng, amplitude: float) -> Mesh:
    """Pushed in and out along the radius by a few waves, relative to the size."""
    low, high = mesh.bounds()
    points = mesh.triangles.reshape(-1, 3).astype(np.float64)
    unit = (points - (low + high) / 2) / (high - low)
    push = np.zeros(len(points))
    for octave in range(4):
        wave = rng.normal(0, 3.0 * 1.7**octave, (3, 3))
        push += np.sin(unit @ wave + rng.uniform(0, 6.3, 3)).sum(axis=1) / 1.8**octave
    points = (low + high) / 2 + unit * (high - low) * (1 + amplitude * push / 3)[:, None]
    unique, inverse = np.unique(np.round(points, 6), axis=0, return_inverse=True)
    return from_faces(unique, inverse.reshape(-1, 3), mesh.materials[0])


def stone(rng: Rng) -> Model:
    size = rng.uniform(0.06, 0.28) * rng.uniform(0.7, 1.3, 3)
    material = Material(srgb(_pick(rng, "8a857c", "6f6a62", "a09484")), 0.01, 0.05, 0.4, 0.06)
    return _thing("stone", _crumpled(superellipsoid(size, material, 0.8, 16), rng, 0.12))


def fuel_cap(rng: Rng) -> Model:
    radius = float(rng.uniform(0.04, 0.08))
    metal = ALUMINIUM if rng.random() < 0.5 else paint(_pick(rng, "b01c1c", "1d1e20", "c8a11a"))
    disc = revolve(
        [(radius, 0), (radius, 0.02), (radius * 0.9, 0.028), (radius * 0.3, 0.03)], metal, 28
    )
    grip = box((radius * 1.4, 0.014, 0.022), metal, (0, 0, 0.038))
    return _thing("fuel_cap", disc, grip)


def bolt(rng: Rng) -> Model:
    length = float(rng.uniform(0.05, 0.12))
    metal = RUST if rng.random() < 0.3 else STEEL
    shank = cylinder(length * 0.11, (0, 0, 0), (length, 0, 0), metal, 12)
    angle = np.arange(6) * np.pi / 3
    head = np.stack([np.cos(angle), np.sin(angle)], axis=1) * length * 0.2
    flat = extrude(head, length * 0.16, metal).moved(yaw=np.pi / 2)
    return _thing("bolt", shank, flat)


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
    return _thing("wrench", bar, ring, *jaw)


def bottle(rng: Rng) -> Model:
    scale = float(rng.uniform(0.8, 1.4))
    colour = _pick(rng, "3f6fae", "2f7d46", "d8dde0", "8a5a20", "b5302a")
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


def animal(rng: Rng) -> Model:
    """A dog, fox or hare, standing or running; four phases of a gait."""
    height = float(rng.uniform(0.35, 0.65))
    fur = cloth(_pick(rng, "8d5a2b", "3a322c", "b9a283", "23211f", "a4521f"), grain=0.35)
    scale = height / 0.6
    phases = []
    for phase in range(4):
        swing = 0.35 * np.sin(phase * np.pi / 2)
        parts = [
            superellipsoid((0.62, 0.2, 0.25), fur, 0.9).moved((0, 0, 0.42)),
            superellipsoid((0.26, 0.17, 0.28), fur, 0.9).moved((0.24, 0, 0.46), pitch=-0.5),
            superellipsoid((0.22, 0.14, 0.15), fur, 0.9).moved((0.43, 0, 0.6)),
            superellipsoid((0.14, 0.07, 0.07), fur, 0.8).moved((0.54, 0, 0.57)),
            tube(
                [(-0.28, 0, 0.46), (-0.42, 0, 0.5), (-0.55, 0.03, 0.44)],
                [0.035, 0.03, 0.012],
                fur,
                8,
            ),
        ]
        parts += [
            superellipsoid((0.03, 0.05, 0.1), fur, 0.8).moved((0.38, y, 0.69))
            for y in (-0.05, 0.05)
        ]
        for x, y, sign in ((0.2, 0.07, 1), (0.2, -0.07, -1), (-0.22, 0.07, -1), (-0.22, -0.07, 1)):
            foot = x + sign * swing * 0.5
            parts.append(
                tube(
                    [(x, y, 0.38), ((x + foot) / 2 - 0.02, y, 0.2), (foot, y, 0.02)],
                    [0.055, 0.035, 0.028],
                    fur,
                    8,
                )
            )
        phases.append(merge(parts).scaled(scale))
    return stand("animal", ANOMALY, *phases, stride_m=0.9)


def bird(rng: Rng) -> Model:
    fur = cloth(_pick(rng, "2a2a2c", "c9cccf", "6f6a60"), grain=0.3)
    scale = float(rng.uniform(0.7, 1.3))
    leg = plastic("c77f2a")
    parts = [
        superellipsoid((0.3, 0.15, 0.16), fur, 0.95).moved((0, 0, 0.2), pitch=-0.35),
        superellipsoid((0.1, 0.08, 0.09), fur, 1.0).moved((0.15, 0, 0.32)),
        revolve([(0.016, 0), (0.002, 0.06)], leg, 8).moved((0.19, 0, 0.32), pitch=np.pi / 2),
        superellipsoid((0.2, 0.1, 0.03), fur, 0.8).moved((-0.18, 0, 0.15), pitch=-0.3),
    ]
    parts += [cylinder(0.007, (0, y, 0.14), (0.01, y, 0), leg, 6) for y in (-0.03, 0.03)]
    return stand("bird", ANOMALY, merge(parts).scaled(scale))


def barrier(rng: Rng) -> Model:
    """A plastic or trestle barrier that stands where none should."""
    length = float(rng.uniform(1.0, 1.8))
    red, white = plastic(_pick(rng, "d03a20", "e0701a")), plastic("dedcd4")
    if rng.random() < 0.5:
        body = extrude(
            [(-0.25, 0), (0.25, 0), (0.14, 0.3), (0.07, 0.85), (-0.07, 0.85), (-0.14, 0.3)],
            length,
            red if rng.random() < 0.6 else white,
            taper=0.04,
        )
        return _thing("barrier", body.moved(yaw=np.pi / 2))
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
    return _thing("barrier", *planks, *legs)


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
    return _thing("pallet", *planks)


def toolbox(rng: Rng) -> Model:
    body = paint(_pick(rng, "b3231f", "1f4f9a", "2b2d30", "d8a01a"))
    outline = [(-0.12, 0), (0.12, 0), (0.12, 0.14), (0.06, 0.22), (-0.06, 0.22), (-0.12, 0.14)]
    handle = tube(
        [(0, -0.14, 0.2), (0, -0.14, 0.27), (0, 0.14, 0.27), (0, 0.14, 0.2)], 0.012, DARK_METAL, 8
    )
    return _thing(
        "toolbox",
        extrude(outline, 0.5, body),
        handle,
        box((0.01, 0.06, 0.05), STEEL, (0.122, 0.1, 0.13)),
    )


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
    colour = _pick(rng, "d5d9dc", "2a62a8", "e8e4da", "1c1d1f", "3d7a4a", "c8b23a")
    return _thing("sheet", from_faces(vertices, faces, plastic(colour, gloss=0.6, grain=0.1)))


def bucket(rng: Rng) -> Model:
    body = plastic(_pick(rng, "2b5ca8", "d8d6cc", "c23a22", "27282a", "e0a21c"))
    shell = revolve([(0.11, 0), (0.15, 0.3), (0.155, 0.3), (0.115, 0.012)], body, 28, caps=False)
    floor = revolve([(0.11, 0.002), (0.11, 0.012)], body, 28)
    whole = merge([shell, floor])
    if rng.random() < 0.4:
        whole = whole.moved(pitch=1.5)
    return stand("bucket", ANOMALY, whole)


def strap(rng: Rng) -> Model:
    """A cargo strap or rope."""
    t = np.linspace(0, 1, 70)
    bend = np.cumsum(rng.normal(0, 0.22, 70))
    path = (
        np.stack([np.cumsum(np.cos(bend)), np.cumsum(np.sin(bend)), np.zeros(70)], 1)
        * rng.uniform(0.8, 2.4)
        / 70
    )
    path[:, 2] = 0.012 + 0.02 * np.abs(np.sin(9 * t))
    colour = _pick(rng, "d87a1c", "2c5fb0", "c9b48a", "d8c21a", "303236")
    return _thing("strap", tube(path, 0.012, cloth(colour), 6))


def plank(rng: Rng) -> Model:
    length = float(rng.uniform(0.5, 2.2))
    material = WOOD if rng.random() < 0.6 else (RUST if rng.random() < 0.5 else ALUMINIUM)
    return _thing("plank", box((length, rng.uniform(0.06, 0.2), rng.uniform(0.02, 0.08)), material))


def helmet(rng: Rng) -> Model:
    body = plastic(_pick(rng, "e8c21a", "e8e8e4", "c8321e", "2a62a8"), gloss=0.6)
    dome = revolve([(0.12, 0), (0.12, 0.04), (0.1, 0.1), (0.06, 0.135), (0.01, 0.15)], body, 28)
    brim = revolve([(0.15, 0.005), (0.12, 0.02)], body, 28)
    return _thing("helmet", dome.scaled((1.2, 1, 1)), brim.scaled((1.25, 1, 1)))


def ball(rng: Rng) -> Model:
    radius = float(rng.uniform(0.04, 0.14))
    material = Material(
        srgb(_pick(rng, "e8e8e4", "d8c21a", "c8321e", "2a62a8", "e0701a")),
        0.04,
        0.4,
        second=srgb("22242a"),
        pattern="checks",
        pattern_m=radius * 0.8,
    )
    return _thing("ball", superellipsoid((2 * radius,) * 3, material, 1.0, 22))


def canister(rng: Rng) -> Model:
    body = plastic(_pick(rng, "b8231f", "e8e4d8", "2a62a8", "3b5a34"))
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
            part = _crumpled(part, rng, float(rng.uniform(0.02, 0.15)))
        parts.append(
            part.moved(
                (*rng.normal(0, spread * 0.4, 2), size[2] / 2),
                *(float(a) for a in rng.uniform(-1, 1, 3) * (3, 0.4, 0.4)),
            )
        )
    return _thing("clutter", *parts)


def duct(rng: Rng) -> Model:
    """A bent pipe or an engine cover panel."""
    if rng.random() < 0.5:
        t = np.linspace(0, 1.8, 12)
        path = np.stack([np.cos(t), np.sin(t), np.zeros(12)], 1) * rng.uniform(0.2, 0.5)
        return _thing("duct", tube(path, float(rng.uniform(0.04, 0.1)), ALUMINIUM, 16))
    angle = np.linspace(-0.5, 0.5, 10)
    radius, width = rng.uniform(0.4, 1.0), rng.uniform(0.3, 0.8)
    arc = np.stack([radius * np.sin(angle), radius * (np.cos(angle) - np.cos(0.5))], 1)
    outline = np.vstack([arc, (arc - (0, 0.012))[::-1]])[::-1]
    sections = np.stack([np.insert(outline, 1, y, axis=1) for y in (-width / 2, width / 2)])
    return _thing("duct", loft(sections[:, ::-1], paint("c9cccf")))


MAKERS: dict[str, Callable[[Rng], Model]] = {
    "chock": chock,
    "cone": cone,
    "hose": hose,
    "suitcase": suitcase,
    "box": carton,
    "bag": bag,
    "stone": stone,
    "fuel_cap": fuel_cap,
    "bolt": bolt,
    "wrench": wrench,
    "bottle": bottle,
    "animal": animal,
    "bird": bird,
    "barrier": barrier,
    "tyre": tyre,
    "pallet": pallet,
    "toolbox": toolbox,
    "sheet": sheet,
    "bucket": bucket,
    "strap": strap,
    "plank": plank,
    "helmet": helmet,
    "ball": ball,
    "canister": canister,
    "clutter": clutter,
    "duct": duct,
}
