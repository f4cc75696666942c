"""Lays out an apron: base, joints, wear, stains and paint, on canvases of any resolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.interpolate import PchipInterpolator

from s2m_ros.sim.canvas import Canvas, Tiles
from s2m_ros.sim.ground import Ground
from s2m_ros.sim.materials import RGB, srgb
from s2m_ros.sim.model import label_of
from s2m_ros.sim.scenario import Marking, Region, Surface
from s2m_ros.sim.strokes import Blob, Line, Mark, Patch, Stroke, Text
from s2m_ros.types import Float32

YELLOW, WHITE, RED = srgb("dcae1e"), srgb("d8d8d2"), srgb("b23327")
BLACK: RGB = (0.03, 0.03, 0.032)
Box = tuple[float, float, float, float]
REGIONS: dict[str, tuple[str, RGB]] = {
    "grass": ("Tree", srgb("6b7440")),
    "road": ("Road", srgb("55565a")),
    "pavement": ("Pavement", srgb("9c9a94")),
}


def build(
    surface: Surface,
    markings: Sequence[Marking],
    regions: Sequence[Region],
    area: Box,
    rng: np.random.Generator,
    near_m: float = 0.02,
    far_m: float = 0.2,
    far_reach_m: float = 150.0,
    fine: Box | None = None,
) -> Ground:
    """The ground around area (x_min, y_min, x_max, y_max), worn and painted in cells of near_m.

    With fine, a part of it, only that part is so detailed and the rest has cells thrice as large.
    """
    tiles = Tiles(rng)
    x0, y0, x1, y1 = area
    canvases = [] if fine is None else [_canvas(fine, near_m, tiles)]
    canvases += [
        _canvas(area, near_m if fine is None else 3 * near_m, tiles),
        Canvas(
            (x0 - far_reach_m, y0 - far_reach_m),
            (x1 - x0 + 2 * far_reach_m, y1 - y0 + 2 * far_reach_m),
            far_m,
            tiles,
        ),
    ]
    slabs = rng.normal(0, 1, (64, 64)).astype(np.float32)
    base = _base_colour(surface, rng)
    strokes = [
        *_wear(surface, area, rng),
        *(_marking(m) for m in markings),
        *_late_wear(surface, area, rng),
    ]
    flat = [s for group in strokes for s in (group if isinstance(group, list) else [group])]
    for canvas in canvases:
        _lay_base(canvas, surface, base, slabs)
        for region in regions:
            label, tone = REGIONS[region.kind]
            Patch(
                region.points,
                tone,
                1.0,
                0.0,
                label_of(label),
                0.25 if region.kind == "grass" else 0.0,
            ).paint(canvas)
        for stroke in flat:
            stroke.paint(canvas)
    return Ground(canvases, rng, 0.11 if surface.kind == "concrete" else 0.2)


def _canvas(area: Box, cell_m: float, tiles: Tiles) -> Canvas:
    x0, y0, x1, y1 = area
    return Canvas((x0, y0), (x1 - x0, y1 - y0), cell_m, tiles)


def _base_colour(surface: Surface, rng: np.random.Generator) -> Float32:
    code = "a9a69e" if surface.kind == "concrete" else "6a6a6b"
    tint = 1 + rng.normal(0, 0.02, 3)
    return np.asarray(np.array(srgb(code)) * tint * surface.tone, np.float32)


def _lay_base(canvas: Canvas, surface: Surface, base: Float32, slabs: Float32) -> None:
    coarse, middle, fine = (canvas.noise(i) for i in range(3))
    strength = 1.0 if surface.kind == "concrete" else 0.8
    value = 1 + np.float32(strength) * (0.05 * coarse + 0.055 * middle + 0.035 * fine)
    x = (np.arange(canvas.shape[1]) + 0.5) * canvas.resolution_m + canvas.origin[0]
    y = (np.arange(canvas.shape[0]) + 0.5) * canvas.resolution_m + canvas.origin[1]
    if surface.kind == "concrete":
        i, j = (np.floor(a / surface.slab_m).astype(int) % 64 for a in (x, y))
        value *= 1 + 0.055 * slabs[j][:, i]
        joint = np.minimum(
            _joint(x, surface.slab_m, canvas.resolution_m)[None, :],
            _joint(y, surface.slab_m, canvas.resolution_m)[:, None],
        )
        value *= joint
    else:
        lane = np.floor(y / 4.5).astype(int) % 64
        value *= 1 + 0.03 * slabs[0][lane][:, None]
        value *= _joint(y, 4.5, canvas.resolution_m, 0.02, 0.75)[:, None]
    canvas.albedo[:] = np.maximum(value, 0.1)[..., None] * base
    # Warm and cold patches keep the grey from looking like a render.
    canvas.albedo[..., 0] *= 1 + 0.012 * coarse + 0.01 * middle
    canvas.albedo[..., 2] *= 1 - 0.014 * coarse
    canvas.zone[:] = label_of("Road")
    if surface.wetness > 0:
        film = 0.75 * surface.wetness + 0.22 * coarse * surface.wetness + 0.1 * middle
        canvas.wet[:] = np.clip(film, 0, 0.95 * surface.wetness + 0.05)


def _joint(
    x: np.ndarray, spacing: float, cell: float, width: float = 0.028, dark: float = 0.42
) -> Float32:
    """Brightness across joints at multiples of spacing, antialiased over a cell: float32 like x."""
    distance = np.abs((x / spacing + 0.5) % 1 - 0.5) * spacing
    cover = np.clip((width / 2 + cell / 2 - distance) / cell, 0, min(1.0, width / cell))
    spall = 0.08 * np.exp(-((distance / 0.12) ** 2))
    return np.asarray(1 - (1 - dark) * cover - spall, np.float32)


def _wear(surface: Surface, area: Box, rng: np.random.Generator) -> list[Stroke]:
    """What lies under the paint: patches and cracks."""
    x0, y0, x1, y1 = area
    hectares = (x1 - x0) * (y1 - y0) / 1e4
    out: list[Stroke] = []
    concrete = surface.kind == "concrete"
    for _ in range(rng.poisson(10 * surface.patches * hectares)):
        w, h = rng.uniform(0.5, 4.5, 2)
        if concrete and rng.random() < 0.5:
            w = h = surface.slab_m
        x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
        if w == surface.slab_m:
            x, y = (np.floor(v / w) * w for v in (x, y))
        grey = rng.uniform(0.6, 1.25) if concrete else rng.uniform(0.55, 1.15)
        base = (
            np.array(srgb("a9a69e" if concrete and rng.random() < 0.8 else "5c5c5e"))
            * surface.tone
            * grey
        )
        out.append(
            Patch(
                [(x, y), (x + w, y), (x + w, y + h), (x, y + h)],
                (float(base[0]), float(base[1]), float(base[2])),
                float(rng.uniform(0.5, 0.9)),
            )
        )
    for _ in range(rng.poisson(45 * surface.cracks * hectares)):
        n = int(rng.integers(8, 40))
        turn = np.cumsum(rng.normal(0, 0.35, n)) * 0.5 + rng.uniform(0, 6.3)
        step = rng.uniform(0.1, 0.35)
        xy = np.stack([np.cumsum(np.cos(turn)), np.cumsum(np.sin(turn))], 1) * step
        xy += (rng.uniform(x0, x1), rng.uniform(y0, y1))
        sealed = rng.random() < 0.3
        out.append(
            Mark(
                [(float(a), float(b)) for a, b in xy],
                0.07 if sealed else float(rng.uniform(0.006, 0.02)),
                0.3,
                0.9 if sealed else 0.75,
            )
        )
    return out


def _late_wear(surface: Surface, area: Box, rng: np.random.Generator) -> list[Stroke]:
    """What lies over the paint: rubber, oil, fuel, drips, scrapes, water."""
    x0, y0, x1, y1 = area
    hectares = (x1 - x0) * (y1 - y0) / 1e4
    out: list[Stroke] = []
    for _ in range(rng.poisson(60 * surface.tyre_marks * hectares)):
        heading = rng.normal(0, 0.3) + (np.pi if rng.random() < 0.5 else 0)
        if rng.random() < 0.3:
            heading += np.pi / 2
        n = 40
        bend = heading + np.cumsum(rng.normal(0, 0.01, n)) + np.linspace(0, rng.normal(0, 0.7), n)
        step = rng.uniform(0.15, 0.9)
        xy = np.stack([np.cumsum(np.cos(bend)), np.cumsum(np.sin(bend))], 1) * step
        xy += (rng.uniform(x0, x1), rng.uniform(y0, y1))
        normal = np.stack([-np.sin(bend), np.cos(bend)], 1)
        track, width = rng.uniform(1.4, 2.2), float(rng.uniform(0.14, 0.4))
        opacity, broken = float(rng.uniform(0.06, 0.32)), float(rng.uniform(0.1, 0.7))
        for side in (-1, 1):
            line = xy + side * normal * track / 2
            out.append(
                Mark([(float(a), float(b)) for a, b in line], width, 0.25, opacity, 0.03, broken)
            )
    for _ in range(rng.poisson(70 * surface.stains * hectares)):
        at = (float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1)))
        radius = float(rng.lognormal(-1.2, 0.8))
        out.append(
            Blob(
                at,
                radius,
                int(rng.integers(2**31)),
                float(rng.uniform(0.25, 0.75)),
                float(rng.uniform(0.25, 0.85)),
                float(rng.uniform(0.2, 0.8)),
                stretch=float(rng.uniform(1, 2.2)),
                yaw_rad=float(rng.uniform(0, 3.1)),
            )
        )
        if rng.random() < 0.4:
            for _ in range(int(rng.integers(3, 14))):
                drop = rng.normal(0, 1 + radius, 2)
                out.append(
                    Blob(
                        (at[0] + float(drop[0]), at[1] + float(drop[1])),
                        float(rng.uniform(0.02, 0.12)),
                        int(rng.integers(2**31)),
                        0.4,
                        float(rng.uniform(0.3, 0.8)),
                        0.6,
                    )
                )
    for _ in range(rng.poisson(14 * surface.stains * hectares)):
        at = (float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1)))
        out.append(
            Blob(
                at,
                float(rng.uniform(0.8, 4)),
                int(rng.integers(2**31)),
                float(rng.uniform(1.08, 1.25)),
                float(rng.uniform(0.3, 0.8)),
                0.9,
                stretch=float(rng.uniform(1, 2.5)),
                yaw_rad=float(rng.uniform(0, 3.1)),
            )
        )
    for _ in range(rng.poisson(25 * surface.cracks * hectares)):
        p = rng.uniform((x0, y0), (x1, y1))
        q = p + rng.normal(0, 0.6, 2)
        out.append(
            Mark(
                [(float(p[0]), float(p[1])), (float(q[0]), float(q[1]))],
                0.015,
                1.5,
                0.6,
                broken=0.5,
            )
        )
    for _ in range(rng.poisson(40 * surface.puddles * hectares)):
        at = (float(rng.uniform(x0, x1)), float(rng.uniform(y0, y1)))
        out.append(
            Blob(
                at,
                float(rng.lognormal(-0.1, 0.6)),
                int(rng.integers(2**31)),
                0.6,
                0.9,
                0.25,
                wet=1.0,
                stretch=float(rng.uniform(1, 2.5)),
                yaw_rad=float(rng.uniform(0, 3.1)),
            )
        )
    return out


def _marking(marking: Marking) -> list[Stroke]:
    wear = marking.wear
    points = marking.points if marking.kind in ("hatch", "number") else _curve(marking.points)
    match marking.kind:
        case "taxi_line":
            return [Line(points, 0.15, YELLOW, wear, border_m=0.07)]
        case "stand_line":
            return [Line(points, 0.3, YELLOW, wear)]
        case "edge":
            return [
                Line(points, 0.45, BLACK, wear + 0.1),
                Line(_shift(points, 0.15), 0.12, YELLOW, wear),
                Line(_shift(points, -0.15), 0.12, YELLOW, wear),
            ]
        case "red_line":
            return [Line(points, 0.2, RED, wear)]
        case "white_line":
            return [Line(points, 0.15, WHITE, wear)]
        case "dashed":
            return [Line(points, 0.15, WHITE, wear, dash_m=(1.5, 1.5))]
        case "stop_bar":
            return [Line(points, 0.4, WHITE, wear)]
        case "hatch":
            return _hatch(points, wear)
        case "number":
            return [
                Text(
                    marking.text,
                    points[0],
                    marking.height_m,
                    float(np.deg2rad(marking.yaw_deg)),
                    YELLOW,
                    wear,
                    BLACK,
                )
            ]


def _curve(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A smooth line through points, without overshoot."""
    xy = np.asarray(points, np.float64)
    if len(xy) < 3:
        return [(float(x), float(y)) for x, y in xy]
    chord = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
    at = np.linspace(0, chord[-1], max(len(xy), int(chord[-1]) + 2))
    return [(float(x), float(y)) for x, y in PchipInterpolator(chord, xy)(at)]


def _shift(points: Sequence[tuple[float, float]], left_m: float) -> list[tuple[float, float]]:
    xy = np.asarray(points, np.float64)
    along = np.gradient(xy, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    moved = xy + left_m * np.stack([-along[:, 1], along[:, 0]], axis=1)
    return [(float(x), float(y)) for x, y in moved]


def _hatch(points: Sequence[tuple[float, float]], wear: float) -> list[Stroke]:
    """A rectangle (two corners) filled with red slanting lines."""
    (x0, y0), (x1, y1) = points[0], points[1]
    ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]
    out: list[Stroke] = [Line(ring, 0.15, RED, wear)]
    width, height = abs(x1 - x0), abs(y1 - y0)
    low_x, low_y = min(x0, x1), min(y0, y1)
    for s in np.arange(1.0, width + height, 1.0):
        a = (low_x + min(s, width), low_y + max(0.0, s - width))
        b = (low_x + max(0.0, s - height), low_y + min(s, height))
        out.append(Line([a, b], 0.12, RED, wear))
    return out
