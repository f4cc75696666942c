"""The cells of the ground: what a sweep says of each, what is remembered, the surface through all.

Each cell is measured anew, weighed against what is remembered of it, and smoothed from coarse to
fine, so that a cell without points inherits from its surroundings and at last from the plane.
Cells that stand out above their surroundings (a roof, a wall) lose their say.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros import config
from s2m_ros.fusion.groups import begins, lengths
from s2m_ros.fusion.surface import GroundSurface
from s2m_ros.types import Float32, Float64

TRUST = 0.05  # weight of the coarser scale, in cells
_LEVELS = 4096
_LEVEL_M = 0.005
_LOW_SHARE, _MIDDLE_SHARE = 0.1, 0.6
_WALL_RISE_M = 0.2
"""What rises so much between these shares of the points of a cell is hardly ground."""
_MAX_POINTS = 10_000
_SCALES = (6.0, 2.0, 0.8)  # cells, coarse to fine
_REACH = 2.5  # of a blur, standard deviations
_SMALL = 128
_CONTRADICTS_M = 0.05
_FADED = np.float32(1e-12)
"""What fades for good would end in denormal numbers, which take several times as long to compute
with: it ends here."""


@dataclass(frozen=True, slots=True, eq=False)
class Memory:
    """The plane (3,), the heights of cells over it as measured, not smoothed, what they weigh,
    and the smooth surface through them: float32 (side, side) each."""

    plane: Float64
    value: Float32
    weight: Float32
    smooth: Float32


def surface_of(
    memory: Memory, noise_m: float, settings: config.Ground, sweeps: int
) -> GroundSurface:
    smooth, support = memory.smooth, _blur(memory.weight[None], _SCALES[-1])[0]
    half = len(smooth) * settings.cell_m / 2
    return GroundSurface(
        memory.plane, smooth, support, (-half, -half), settings.cell_m, noise_m, True, sweeps
    )


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The cells with points: index, centres (N, 2), a low percentile of the height over what was
    known, and how far it can be trusted to be ground: by the number of points and by how flat
    they lie. points: float32 (P, 3), with their cell and height over what was known, (P,)."""

    index: NDArray[np.int32]
    centre: Float64
    low: Float64
    trust: Float64
    points: Float32
    cell: NDArray[np.int32]
    above: Float32

    def means(self, tilt: Float64, within_m: float) -> tuple[Float64, Float64, Float64]:
        """Of each cell: the centre (N, 2), and the mean height over what was known, tilted, of the
        points so near to it, and their number: float64 (N,)."""
        a, b, c = tilt.astype(np.float32)
        off = self.above - (a * self.points[:, 0] + b * self.points[:, 1] + c)
        on = np.abs(off) < within_m
        n = int(self.cell.max(initial=0)) + 1
        cell = self.cell[on]
        count = np.bincount(cell, minlength=n)[self.index].astype(float)
        total = np.bincount(cell, off[on], n)[self.index]
        return self.centre, np.asarray(total / np.maximum(count, 1)), count


def low_points(near: Float32, before: Memory, settings: config.Ground) -> Cells:
    """One integer key holds cell and height, so that a single sort serves all cells."""
    a, b, c = before.plane.astype(np.float32)
    x, y, z = near.T
    index = _index(near, settings)
    above = z - (a * x + b * y + c) - before.smooth.ravel()[index]
    level = np.clip(above * np.float32(1 / _LEVEL_M) + _LEVELS / 2, 0, _LEVELS - 1)
    key = np.sort(index * _LEVELS + level.astype(np.int32))
    cell = key // _LEVELS
    start = begins(cell)
    count = lengths(start, len(cell))
    low, middle = (
        key[start + (share * (count - 1)).astype(np.int64)] % _LEVELS
        for share in (_LOW_SHARE, _MIDDLE_SHARE)
    )
    rise = (middle - low) * _LEVEL_M
    trust = count / (count + 2.0) / (1 + (rise / _WALL_RISE_M) ** 2)
    cell = cell[start]
    return Cells(
        cell,
        _centres(cell, settings),
        (low + 0.5 - _LEVELS / 2) * _LEVEL_M,
        np.asarray(trust),
        near,
        index,
        above,
    )


def measure(
    near: Float32, cells: Cells, tilt: Float64, before: Memory, settings: config.Ground
) -> tuple[Memory, float]:
    """The surface from the cells of a sweep and what is remembered, and the noise of points."""
    shape = before.value.shape
    flat = before.smooth.ravel()
    value, weight = np.zeros((2, *shape), np.float32)
    value.ravel()[cells.index] = cells.low - cells.centre @ tilt[:2] - tilt[2] + flat[cells.index]
    weight.ravel()[cells.index] = cells.trust
    # A cell is judged by surroundings that shrink with each round, never by itself alone.
    smooth = before.smooth
    # Of the first sweep the surroundings are not known yet.
    known = bool(before.weight.any())
    for rounds, gate in ((3, 0.15),) if known else ((1, 0.5), (2, 0.25), (3, 0.15)):
        fresh = weight / (1 + np.square(np.square((value - smooth) / np.float32(gate))))
        mixed, both = _mix(value, fresh, before)
        smooth = _smooth(mixed, both, _SCALES[:rounds])
    # The low percentiles give way to the means of the points around: no bias, less noise.
    a, b, c = before.plane.astype(np.float32)
    x, y, z = near.T
    over = z - (a * x + b * y + c)
    rough = GroundSurface(
        before.plane, smooth, smooth, (-len(smooth) * settings.cell_m / 2,) * 2,
        settings.cell_m, 0.0, True,
    )  # fmt: skip
    above = over - rough.residual_at(x, y)
    on = np.flatnonzero(np.abs(above) < 2 * settings.tolerance_m)
    index = cells.cell.take(on)
    count = np.bincount(index, minlength=smooth.size).astype(np.float32)
    total = np.bincount(index, over.take(on), minlength=smooth.size)
    mean = (total / np.maximum(count, 1)).astype(np.float32).reshape(shape)
    mixed, both = _mix(mean, (count / (count + 4)).reshape(shape), before)
    noise = 1.4826 * _median(np.abs(above.take(on))) if len(on) else settings.tolerance_m
    memory = Memory(before.plane, mixed, both, _smooth(mixed, both))
    return memory, max(noise, 0.005)


def _median(values: Float32) -> float:
    """As NumPy's, without its search for NaN, which takes as long."""
    middle = len(values) // 2
    if len(values) % 2:
        return float(np.partition(values, middle)[middle])
    return float(np.partition(values, (middle - 1, middle))[middle - 1 : middle + 1].mean())


def _mix(value: Float32, weight: Float32, before: Memory) -> tuple[Float32, Float32]:
    """Cells as measured now and as remembered; memory yields where it contradicts."""
    apart = np.where(weight > 0, value - before.value, 0) / np.float32(_CONTRADICTS_M)
    old = before.weight / (1 + np.square(apart))
    both = weight + old
    mixed = (weight * value + old * before.value) / np.maximum(both, np.float32(1e-6))
    both[both < _FADED] = 0
    return mixed, both


def _smooth(value: Float32, weight: Float32, scales: tuple[float, ...] = _SCALES) -> Float32:
    """Normalised convolution from coarse to fine; each scale falls back on the one before."""
    result: Float32 = np.zeros_like(value)
    both = np.stack([weight * value, weight])
    both[np.abs(both) < _FADED] = 0
    for scale in scales:
        total, mass = _blur(both, scale)
        result *= np.float32(TRUST)
        result += total
        mass += np.float32(TRUST)
        result /= mass
    return result


def _blur(grids: Float32, scale: float) -> Float32:
    """Sums of grids (K, n, n) over the surroundings, in cells."""
    if grids.shape[-1] <= _SMALL:
        kernel = _kernel(grids.shape[-1], scale)
        return np.asarray(kernel @ grids @ kernel)
    width = 2 * int(_REACH * scale + 0.5) + 1
    blurred = [
        cv2.GaussianBlur(grid, (width, width), scale, borderType=cv2.BORDER_CONSTANT)
        for grid in grids
    ]
    return np.asarray(np.stack(blurred) * np.float32(2 * np.pi * scale**2), np.float32)


@lru_cache(maxsize=16)
def _kernel(side: int, scale: float) -> Float32:
    """Sums over the surroundings along one axis, float32 (side, side), symmetric. On small grids
    the product of matrices is several times as fast as a filter of 31 taps."""
    reach = int(_REACH * scale + 0.5)
    away = np.arange(side)
    away = away - away[:, None]
    weight = np.where(np.abs(away) <= reach, np.exp(-0.5 * (away / scale) ** 2), 0.0)
    total = np.exp(-0.5 * (np.arange(-reach, reach + 1) / scale) ** 2).sum()
    return np.asarray(weight * (np.sqrt(2 * np.pi) * scale / total), np.float32)


def points_near(points: Float32, settings: config.Ground) -> Float32:
    """Points that can be ground: in range, and not off by more than the steepest slope."""
    x, y, z = columns = points.T
    radius2 = x * x + y * y
    above = np.abs(z - np.float32(settings.height_m))
    half = np.float32(side_of(settings) * settings.cell_m / 2 - 1e-3)
    steepest = np.float32(settings.max_slope) * np.sqrt(radius2) + np.float32(0.6)
    keep = np.flatnonzero((above < steepest) & (radius2 < half * half))
    near: Float32 = columns.take(keep[:: 1 + len(keep) // _MAX_POINTS], axis=1).T
    return near


def side_of(settings: config.Ground) -> int:
    return 2 * int(np.ceil(settings.max_range_m / settings.cell_m))


def _index(xy: NDArray[np.floating], settings: config.Ground) -> NDArray[np.int32]:
    side = side_of(settings)
    column, row = ((xy[:, k] / settings.cell_m + side / 2).astype(np.int32) for k in (0, 1))
    return np.asarray(row * side + column)


def _centres(cells: NDArray[np.int32], settings: config.Ground) -> Float64:
    side = side_of(settings)
    grid = np.column_stack([cells % side, cells // side])
    return np.asarray((grid + 0.5 - side / 2) * settings.cell_m)
