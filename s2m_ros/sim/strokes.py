"""What lies on an apron: paint, stains, marks, patches. Each paints itself on any canvas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from s2m_ros.sim.canvas import Canvas
from s2m_ros.sim.materials import RGB
from s2m_ros.sim.noise import smoothstep
from s2m_ros.types import Float32

Points = Sequence[tuple[float, float]]


def _worn(canvas: Canvas, window: tuple[slice, slice], wear: float) -> Float32:
    """Share of paint left: float32 over the window."""
    field = 0.6 * canvas.noise(2)[window] + 0.7 * canvas.noise(1)[window]
    flakes = smoothstep(-0.3, 0.3, field + 2.6 - 3.2 * wear)
    return np.asarray(flakes * (1 - 0.35 * wear), np.float32)


@dataclass(frozen=True, slots=True)
class Line:
    """A painted line or, without a width, a painted polygon."""

    points: Points
    width_m: float | None
    colour: RGB
    wear: float = 0.3
    dash_m: tuple[float, float] | None = None
    border_m: float = 0.0

    def paint(self, canvas: Canvas) -> None:
        window = canvas.window(self.points, (self.width_m or 0) + self.border_m)
        if window is None:
            return
        lines = (
            [np.asarray(self.points)] if self.dash_m is None else _dashes(self.points, *self.dash_m)
        )
        left = _worn(canvas, window, self.wear)
        if self.border_m and self.width_m:
            cover = canvas.coverage(window, lines, self.width_m + 2 * self.border_m)
            canvas.blend(window, cover * left * 0.85, (0.03, 0.03, 0.032))
        canvas.blend(window, canvas.coverage(window, lines, self.width_m) * left, self.colour)


def _dashes(points: Points, dash: float, gap: float) -> list[np.ndarray]:
    xy = np.asarray(points, np.float64)
    s = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
    out = []
    for start in np.arange(0, s[-1], dash + gap):
        at = np.linspace(start, min(start + dash, s[-1]), 5)
        out.append(np.stack([np.interp(at, s, xy[:, i]) for i in (0, 1)], axis=1))
    return out


@dataclass(frozen=True, slots=True)
class Text:
    """Painted letters, read along yaw_rad."""

    text: str
    at: tuple[float, float]
    height_m: float
    yaw_rad: float
    colour: RGB
    wear: float = 0.3
    plate: RGB | None = None

    def paint(self, canvas: Canvas) -> None:
        scale, thick = 4.0, 16
        (w, h), base = cv2.getTextSize(self.text, cv2.FONT_HERSHEY_SIMPLEX, scale, thick)
        pad = 40
        stencil = np.zeros((h + base + 2 * pad, w + 2 * pad), np.uint8)
        cv2.putText(
            stencil,
            self.text,
            (pad, h + pad),
            cv2.FONT_HERSHEY_SIMPLEX,
            scale,
            255,
            thick,
            cv2.LINE_AA,
        )
        metre = self.height_m / h
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        # Text runs along (s, -c), its top points along (c, s): read by someone who faces yaw.
        corners = np.array([(0, 0), (stencil.shape[1], 0), (0, stencil.shape[0])], np.float64)
        local = (corners - (stencil.shape[1] / 2, stencil.shape[0] / 2)) * metre
        world = self.at + local[:, :1] * np.array([s, -c]) - local[:, 1:] * np.array([c, s])
        reach = np.hypot(*stencil.shape) * metre / 2
        window = canvas.window([self.at], reach)
        if window is None:
            return
        corner = np.array([window[1].start, window[0].start], np.float32)
        matrix = cv2.getAffineTransform(corners.astype(np.float32), canvas.pixels(world) - corner)
        size = (window[1].stop - window[1].start, window[0].stop - window[0].start)
        left = _worn(canvas, window, self.wear)
        shrink = max(1, int(canvas.resolution_m / metre / 2))
        soft = cv2.blur(stencil, (shrink, shrink))
        if self.plate is not None:
            full = cv2.warpAffine(np.full_like(stencil, 255), matrix, size) / np.float32(255)
            canvas.blend(window, np.asarray(full * left, np.float32), self.plate)
        cover = cv2.warpAffine(soft, matrix, size) / np.float32(255)
        canvas.blend(window, np.asarray(cover * left, np.float32), self.colour)


@dataclass(frozen=True, slots=True)
class Blob:
    """A stain or puddle of irregular shape."""

    at: tuple[float, float]
    radius_m: float
    seed: int
    factor: float = 0.5
    opacity: float = 0.8
    softness: float = 0.4
    wet: float | None = None
    stretch: float = 1.0
    yaw_rad: float = 0.0

    def paint(self, canvas: Canvas) -> None:
        reach = self.radius_m * max(self.stretch, 1.0) * 1.7
        window = canvas.window([self.at], reach)
        if window is None:
            return
        rows, columns = window
        x = (
            (np.arange(columns.start, columns.stop) + 0.5) * canvas.resolution_m
            + canvas.origin[0]
            - self.at[0]
        )
        y = (
            (np.arange(rows.start, rows.stop) + 0.5) * canvas.resolution_m
            + canvas.origin[1]
            - self.at[1]
        )
        c, s = np.cos(self.yaw_rad), np.sin(self.yaw_rad)
        along = (x[None] * c + y[:, None] * s) / (self.radius_m * self.stretch)
        across = (y[:, None] * c - x[None] * s) / self.radius_m
        rng = np.random.default_rng(self.seed)
        field = np.zeros((64, 64), np.float32)
        for octave in (4, 8, 16, 32):
            field += cv2.resize(
                rng.normal(0, 1, (octave, octave)).astype(np.float32),
                (64, 64),
                interpolation=cv2.INTER_CUBIC,
            ) * np.float32(octave**-0.75)
        u = np.clip((along / 3.5 + 0.5) * 63, 0, 63).astype(np.float32)
        v = np.clip((across / 3.5 + 0.5) * 63, 0, 63).astype(np.float32)
        rough = cv2.remap(field, u, v, cv2.INTER_LINEAR)
        radial = (
            np.hypot(along, across).astype(np.float32)
            + 0.75 * rough
            + 0.06 * canvas.noise(2)[window]
        )
        alpha = smoothstep(1.0, 1.0 - self.softness, radial) * np.float32(self.opacity)
        canvas.blend(window, alpha, factor=self.factor, wet=self.wet)


@dataclass(frozen=True, slots=True)
class Mark:
    """A soft dark (or light) streak: rubber, drips, scrapes, joints, cracks."""

    points: Points
    width_m: float
    factor: float
    opacity: float
    blur_m: float = 0.0
    broken: float = 0.0
    wet: float | None = None

    def paint(self, canvas: Canvas) -> None:
        window = canvas.window(self.points, self.width_m + 3 * self.blur_m)
        if window is None:
            return
        alpha = canvas.coverage(window, [np.asarray(self.points)], self.width_m)
        sigma = self.blur_m / canvas.resolution_m
        if sigma > 0.3:
            alpha = np.asarray(cv2.GaussianBlur(alpha, (0, 0), sigma), np.float32)
        if self.broken:
            alpha *= smoothstep(-0.5, 0.8, canvas.noise(1)[window] + 1.3 - 2 * self.broken)
        canvas.blend(window, alpha * np.float32(self.opacity), factor=self.factor, wet=self.wet)


@dataclass(frozen=True, slots=True)
class Patch:
    """A repaired or differently surfaced polygon, with its own tone and a dark seam."""

    points: Points
    tone: RGB
    opacity: float = 0.8
    seam_m: float = 0.03
    zone: int | None = None
    ragged: float = 0.0

    def paint(self, canvas: Canvas) -> None:
        window = canvas.window(self.points, self.seam_m)
        if window is None:
            return
        alpha = canvas.coverage(window, [self.points], None)
        if self.ragged:
            edge = cv2.GaussianBlur(alpha, (0, 0), max(self.ragged / canvas.resolution_m, 0.5))
            alpha = smoothstep(0.4, 0.6, edge + 0.12 * canvas.noise(1)[window] * (edge > 0.01))
        texture = 1 + 0.12 * canvas.noise(1)[window] + 0.1 * canvas.noise(2)[window]
        if self.zone is not None:
            canvas.zone[window][alpha > 0.5] = self.zone
            canvas.wet[window] *= 1 - alpha
            texture = texture + 0.25 * canvas.noise(2)[window] + 0.2 * canvas.noise(0)[window]
        colour = np.maximum(texture, 0.2)[..., None] * np.asarray(self.tone, np.float32)
        canvas.blend(window, alpha * np.float32(self.opacity), colour)
        if self.seam_m:
            ring = [*self.points, self.points[0]]
            canvas.blend(window, canvas.coverage(window, [ring], self.seam_m) * 0.6, factor=0.4)


Stroke = Line | Text | Blob | Mark | Patch
