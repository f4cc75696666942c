"""The ground as the sensors meet it: filtered look-ups in painted rasters, and fine grain."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from s2m_ros.sim import noise
from s2m_ros.sim.canvas import Canvas
from s2m_ros.types import Float32, UInt8

TAPS = 3
"""Look-ups along the viewing direction, where the pixel's footprint is longest."""


class Texture:
    """A raster with its reductions: uint8 (H, W, C), repeated or clamped at the border."""

    def __init__(
        self, image: UInt8, origin: tuple[float, ...], resolution_m: float, repeat: bool
    ) -> None:
        self.origin = origin
        self.resolution_m = resolution_m
        self._repeat = repeat
        self.levels = [np.ascontiguousarray(image)]
        while min(self.levels[-1].shape[:2]) > 8:
            h, w = self.levels[-1].shape[:2]
            self.levels.append(
                np.asarray(
                    cv2.resize(self.levels[-1], (w // 2, h // 2), interpolation=cv2.INTER_AREA),
                    np.uint8,
                )
            )

    def contains(self, x: Float32, y: Float32) -> np.ndarray:
        h, w = self.levels[0].shape[:2]
        u, v = (x - self.origin[0]) / self.resolution_m, (y - self.origin[1]) / self.resolution_m
        return np.asarray((u >= 0) & (v >= 0) & (u < w) & (v < h))

    def sample(
        self, x: Float32, y: Float32, footprint_m: Float32, along: Float32 | None = None
    ) -> Float32:
        """Values at points, averaged over about footprint_m: float32 (N, C) in [0, 255].

        along: float32 (N, 2), the way, m, over which ``TAPS`` look-ups are spread.
        """
        cell = np.float32(1 / self.resolution_m)
        u, v = (x - np.float32(self.origin[0])) * cell, (y - np.float32(self.origin[1])) * cell
        level = np.log2(np.maximum(footprint_m * cell, np.float32(1e-3))) + np.float32(0.5)
        level = np.clip(level, 0, len(self.levels) - 1).astype(np.int8)
        channels = self.levels[0].shape[2] if self.levels[0].ndim == 3 else 1
        out = np.empty((len(x), channels), np.float32)
        base_h, base_w = self.levels[0].shape[:2]
        half = np.float32(0.5)
        for i in np.flatnonzero(np.bincount(level, minlength=len(self.levels))):
            image = self.levels[i]
            index = np.flatnonzero(level == i)
            h, w = image.shape[:2]
            across, down = np.float32(w / base_w), np.float32(h / base_h)
            su, sv = u[index] * across - half, v[index] * down - half
            if along is None:
                found = noise.lookup(image, su, sv, self._repeat)
                out[index] = found.reshape(-1, channels)
                continue
            du, dv = along[index, 0] * (cell * across), along[index, 1] * (cell * down)
            total = np.zeros((len(index), channels), np.uint16)
            for tap in range(TAPS):
                shift = np.float32((tap + 0.5) / TAPS - 0.5)
                found = noise.lookup(image, su + shift * du, sv + shift * dv, self._repeat)
                total += found.reshape(-1, channels)
            out[index] = total * np.float32(1 / TAPS)
        return out


@dataclass(frozen=True, slots=True, eq=False)
class GroundSample:
    """albedo: float32 (N, 3), linear; wet: float32 (N,); zone: uint8 (N,), class label."""

    albedo: Float32
    wet: Float32
    zone: UInt8


class Ground:
    """What x and y look like: a fine canvas near the drive and a coarse one around it."""

    def __init__(self, canvases: list[Canvas], rng: np.random.Generator, grain: float) -> None:
        self._layers = [Texture(_encode(c), c.origin, c.resolution_m, False) for c in canvases]
        self._zones = [c.zone for c in canvases]
        aggregate = noise.tile(rng, 512, 0.6, 2.5)
        aggregate += np.float32(0.5) * np.maximum(noise.tile(rng, 512, 0.2, 3.0) - 1.2, 0)
        speckle = np.clip(128 + 127 * grain * aggregate, 0, 255).astype(np.uint8)
        self._grain = Texture(speckle, (0.0, 0.0), 0.003, True)

    def sample(
        self, x: Float32, y: Float32, lateral_m: Float32, forward_m: Float32, heading: Float32
    ) -> GroundSample:
        """The ground at points.

        lateral_m, forward_m: float32 (N,), the pixel's footprint across and along heading,
        float32 (N, 2), the viewing direction on the ground.
        """
        value = np.zeros((len(x), 4), np.float32)
        zone = np.zeros(len(x), np.uint8)
        left = np.ones(len(x), np.bool_)
        span = np.maximum(lateral_m, forward_m / TAPS)
        for i, layer in enumerate(self._layers):
            last = i == len(self._layers) - 1
            use = left if last else left & layer.contains(x, y)
            index = np.flatnonzero(use)
            if not len(index):
                continue
            xs, ys, ss, hs = x[index], y[index], span[index], heading[index]
            along = np.maximum(forward_m[index] - ss, 0)
            value[index] = layer.sample(xs, ys, ss, hs * along[:, None])
            zone[index] = _nearest(self._zones[i], layer, xs, ys)
            left &= ~use
        albedo = np.square(value[:, :3] * np.float32(1 / 255))
        near = np.flatnonzero(lateral_m < 0.02)
        if len(near):
            xs, ys, foot = x[near], y[near], np.maximum(lateral_m, 0.4 * forward_m)[near]
            fine = self._grain.sample(xs, ys, foot)
            turned = self._grain.sample(xs * 0.31 + ys * 0.21, ys * 0.31 - xs * 0.21, foot * 0.37)
            albedo[near] *= np.maximum(1 + (fine + turned - 256) / 160, 0.15)
        return GroundSample(albedo, value[:, 3] * np.float32(1 / 255), zone)

    def coarse(self, x: Float32, y: Float32) -> tuple[Float32, Float32]:
        """Mean albedo and wetness at points, of the cell alone: float32 (N,) each."""
        albedo, wet = np.zeros(len(x), np.float32), np.zeros(len(x), np.float32)
        left = np.ones(len(x), np.bool_)
        for i, layer in enumerate(self._layers):
            use = left if i == len(self._layers) - 1 else left & layer.contains(x, y)
            index = np.flatnonzero(use)
            value = _nearest(layer.levels[0], layer, x[index], y[index]).astype(np.float32) / 255
            albedo[index] = np.square(value[:, :3]).mean(axis=1)
            wet[index] = value[:, 3]
            left &= ~use
        return albedo, wet


def _encode(canvas: Canvas) -> UInt8:
    """Albedo under a square root, so that 8 bits serve dark surfaces; then wetness."""
    out = np.empty((*canvas.shape, 4), np.uint8)
    np.sqrt(np.clip(canvas.albedo, 0, 1), out=canvas.albedo)
    out[..., :3] = canvas.albedo * 255 + 0.5
    out[..., 3] = np.clip(canvas.wet, 0, 1) * 255 + 0.5
    return out


def _nearest(zone: UInt8, layer: Texture, x: Float32, y: Float32) -> UInt8:
    h, w = zone.shape[:2]
    column = np.clip((x - layer.origin[0]) / layer.resolution_m, 0, w - 1).astype(np.int32)
    row = np.clip((y - layer.origin[1]) / layer.resolution_m, 0, h - 1).astype(np.int32)
    return np.asarray(zone[row, column])
