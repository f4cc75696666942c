"""A painted piece of ground: albedo and wetness on a raster, and the strokes laid on it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike

from s2m_ros.sim import noise
from s2m_ros.types import Float32, UInt8

PERIODS_M = (64.0, 8.0, 2.0)
"""Periods of the noise tiles: they repeat, and agree between canvases of any resolution."""


class Tiles:
    """The noise that all canvases of one scene share."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.fields = [
            noise.tile(rng, 512, 2.0),
            noise.tile(rng, 512, 1.7),
            noise.tile(rng, 256, 1.0),
        ]


class Canvas:
    """A raster over the rectangle from origin (x, y) with cells of resolution_m.

    albedo: float32 (H, W, 3), linear; wet: float32 (H, W), 0 dry to 1 water; zone: uint8 (H, W),
    label of the ground's class. Row 0 lies at the lowest y.
    """

    def __init__(
        self,
        origin: tuple[float, float],
        size_m: tuple[float, float],
        resolution_m: float,
        tiles: Tiles,
    ) -> None:
        self.resolution_m = resolution_m
        self.origin = tuple(round(o / resolution_m) * resolution_m for o in origin)
        self.shape = (round(size_m[1] / resolution_m), round(size_m[0] / resolution_m))
        self.albedo: Float32 = np.zeros((*self.shape, 3), np.float32)
        self.wet: Float32 = np.zeros(self.shape, np.float32)
        self.zone: UInt8 = np.zeros(self.shape, np.uint8)
        self._tiles = tiles
        self._noise: list[Float32 | None] = [None] * len(PERIODS_M)

    def noise(self, scale: int) -> Float32:
        """The shared noise of one scale (0 coarse, 1 middle, 2 fine) over the whole canvas."""
        cached = self._noise[scale]
        if cached is None:
            cells = round(PERIODS_M[scale] / self.resolution_m)
            field = self._tiles.fields[scale]
            how = cv2.INTER_AREA if cells < len(field) else cv2.INTER_LINEAR
            field = np.asarray(cv2.resize(field, (cells, cells), interpolation=how), np.float32)
            first = [round(o / self.resolution_m) % cells for o in self.origin]
            rows = (np.arange(self.shape[0]) + first[1]) % cells
            columns = (np.arange(self.shape[1]) + first[0]) % cells
            cached = np.ascontiguousarray(field[rows][:, columns], dtype=np.float32)
            self._noise[scale] = cached
        return cached

    def pixels(self, points: ArrayLike) -> Float32:
        """World points (N, 2) as column and row (float32), cell centres at whole numbers."""
        xy = np.asarray(points, np.float64).reshape(-1, 2)
        return np.asarray((xy - self.origin) / self.resolution_m - 0.5, np.float32)

    def window(self, points: ArrayLike, margin_m: float) -> tuple[slice, slice] | None:
        """Rows and columns of the box about the points, or None when it lies outside."""
        xy = self.pixels(points)
        margin = margin_m / self.resolution_m + 2
        low = np.maximum(np.floor(xy.min(axis=0) - margin), 0).astype(int)
        high = np.minimum(np.ceil(xy.max(axis=0) + margin) + 1, self.shape[::-1]).astype(int)
        if (high <= low).any():
            return None
        return slice(low[1], high[1]), slice(low[0], high[0])

    def coverage(
        self, window: tuple[slice, slice], lines: Sequence[ArrayLike], width_m: float | None
    ) -> Float32:
        """Antialiased cover of polylines of a width, or of polygons: float32 over the window."""
        rows, columns = window
        mask = np.zeros((rows.stop - rows.start, columns.stop - columns.start), np.uint8)
        corner = np.array([columns.start, rows.start], np.float32)
        scaled = [np.round((self.pixels(line) - corner) * 256).astype(np.int32) for line in lines]
        if width_m is None:
            cv2.fillPoly(mask, scaled, 255, cv2.LINE_AA, 8)
            return np.asarray(mask / np.float32(255), np.float32)
        cells = width_m / self.resolution_m
        thickness = max(1, round(cells))
        cv2.polylines(mask, scaled, False, 255, thickness, cv2.LINE_AA, 8)
        return np.asarray(mask * np.float32(min(1.0, cells / thickness) / 255), np.float32)

    def blend(
        self,
        window: tuple[slice, slice],
        alpha: Float32,
        colour: ArrayLike | None = None,
        factor: float = 1.0,
        wet: float | None = None,
    ) -> None:
        """Lay a colour over the window, or darken by a factor; set the wetness too."""
        area = self.albedo[window]
        a = alpha[..., None]
        target = area * np.float32(factor) if colour is None else np.asarray(colour, np.float32)
        area += (target - area) * a
        if wet is not None:
            self.wet[window] += (np.float32(wet) - self.wet[window]) * alpha
