"""The ground as a surface with slope, from one sweep.

A plane is found first (RANSAC over the lowest points of grid cells), then what the cells say beside
it is smoothed from coarse to fine, so that a cell without points inherits from its surroundings and
at last from the plane. Cells that stand out above their surroundings (a roof, a wall) lose their
say. All in base_link.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros import config
from s2m_ros.types import Bool, Float32, Float64

_LEVELS = 4096
_LEVEL_M = 0.005
_LOW_SHARE, _MIDDLE_SHARE = 0.1, 0.6
_WALL_RISE_M = 0.2
"""What rises so much between these shares of the points of a cell is hardly ground."""
_MAX_POINTS = 16_000
_SCALES = (6.0, 2.0, 0.8)  # cells, coarse to fine
_TRUST = 0.05  # weight of the coarser scale, in cells


@dataclass(frozen=True, slots=True, eq=False)
class GroundSurface:
    """Height of the ground over the plane of base_link.

    plane: float64 (3,), z = a x + b y + c; residual: float32 (ny, nx), metres over the plane at the
    cell centres of a grid whose corner is at ``corner`` (x, y); support: float32 (ny, nx), how many
    cells' worth of measurement is nearby; measured: False for an assumed plane.
    """

    plane: Float64
    residual: Float32
    support: Float32
    corner: tuple[float, float]
    cell_m: float
    noise_m: float
    measured: bool

    def height(self, xy: NDArray[np.floating]) -> Float64:
        """z of the ground, float64 (N,), at positions (N, 2), bilinear between cells."""
        x, y = xy.T
        residual = _bilinear(self.residual, *self._grid(x, y))
        return np.asarray(self.plane[0] * x + self.plane[1] * y + self.plane[2] + residual, float)

    def sigma(self, xy: NDArray[np.floating]) -> Float64:
        """Standard deviation of ``height``, float64 (N,), m: larger away from measurements."""
        x, y = xy.T
        support = _bilinear(self.support, *self._grid(x, y))
        far = 0.01 * np.hypot(x, y) + (0.0 if self.measured else 0.05)
        near = self.noise_m / np.sqrt(np.maximum(support, 1.0))
        return np.asarray(np.hypot(near, far / (1 + 10 * support)))

    def meet(self, origin: Float64, rays: Float64) -> tuple[Float64, Bool]:
        """Where rays (N, 3) from origin (3,) meet the surface: points (N, 3), and which do.

        Newton on the height above the surface with the slope of the plane; a ray that does not go
        down relative to the plane (at or above the horizon) does not meet it.
        """
        a, b, c = self.plane
        above = origin[2] - a * origin[0] - b * origin[1] - c
        sink = a * rays[:, 0] + b * rays[:, 1] - rays[:, 2]
        meets = sink > 1e-4
        sink = np.where(meets, sink, 1.0)
        length = np.full(len(rays), above) / sink
        for _ in range(5):
            hit = origin + length[:, None] * rays
            length = length + (hit[:, 2] - self.height(hit[:, :2])) / sink
        meets &= (length > 0) & np.isfinite(length)
        hit = origin + np.where(meets, length, 0.0)[:, None] * rays
        return hit, meets

    def _grid(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[Float32, Float32]:
        """Column and row of positions, 0 at the centre of the first cell."""
        column, row = (
            ((v - corner) / self.cell_m - 0.5).astype(np.float32)
            for v, corner in ((x, self.corner[0]), (y, self.corner[1]))
        )
        return column, row


def assumed_ground(settings: config.Ground) -> GroundSurface:
    """The flat plane that is taken while no LiDAR has measured the ground."""
    nothing = np.zeros((1, 1), np.float32)
    plane = np.array([0.0, 0.0, settings.height_m])
    return GroundSurface(plane, nothing, nothing, (0.0, 0.0), settings.cell_m, 0.05, False)


def estimate_ground(
    points: Float32, settings: config.Ground, before: GroundSurface | None = None
) -> GroundSurface:
    """The surface under a sweep (N, 3) in base_link; ``before`` is used where it is all there is.

    Returns ``before`` (or the assumed plane) when too few cells hold points.
    """
    known = before or assumed_ground(settings)
    near = _near(points, settings)
    plane = known.plane
    for _ in range(2):
        cells, low, trust = _low_points(near, plane, settings)
        if len(cells) < 8:
            return known
        plane = _fit_plane(_centres(cells, settings), low, trust, plane, settings)
    cells, low, trust = _low_points(near, plane, settings)
    side = _side(settings)
    value, weight = np.zeros((2, side * side), np.float32)
    value[cells] = low
    weight[cells] = trust
    shape = (side, side)
    value, weight = value.reshape(shape), weight.reshape(shape)
    smooth, support = np.zeros(shape, np.float32), weight
    # A cell is judged by surroundings that shrink with each round, never by itself alone.
    for rounds, gate in enumerate((0.5, 0.25, 0.15), start=1):
        stands_out = np.abs(value - smooth) / gate
        smooth, support = _smooth(value, weight / (1 + stands_out**4), _SCALES[:rounds])
    half = side * settings.cell_m / 2
    rough = GroundSurface(
        plane, smooth, support, (-half, -half), settings.cell_m, settings.tolerance_m / 3, True
    )
    return _refine(near, rough, settings)


def _refine(near: Float32, rough: GroundSurface, settings: config.Ground) -> GroundSurface:
    """Replace the low percentiles by the means of the points around them: no bias, less noise."""
    x, y, z = near.T
    above = z - rough.height(near[:, :2])
    on = np.flatnonzero(np.abs(above) < 2 * settings.tolerance_m)
    side = _side(settings)
    index = _index(near.T[:, on].T, settings)
    count = np.bincount(index, minlength=side * side)
    a, b, c = rough.plane.astype(np.float32)
    total = np.bincount(index, (z - (a * x + b * y + c))[on], minlength=side * side)
    mean = total / np.maximum(count, 1)
    weight = count / (count + 4.0)
    shape = (side, side)
    smooth, support = _smooth(
        mean.reshape(shape).astype(np.float32), weight.reshape(shape).astype(np.float32)
    )
    noise = 1.4826 * float(np.median(np.abs(above[on]))) if len(on) else settings.tolerance_m
    return GroundSurface(
        rough.plane, smooth, support, rough.corner, rough.cell_m, max(noise, 0.005), True
    )


def _near(points: Float32, settings: config.Ground) -> Float32:
    """Points that can be ground: in range, and not off by more than the steepest slope."""
    x, y, z = columns = points.T[:, :: 1 + len(points) // (2 * _MAX_POINTS)]
    radius2 = x * x + y * y
    above = np.abs(z - np.float32(settings.height_m))
    half = np.float32(_side(settings) * settings.cell_m / 2 - 1e-3)
    steepest = np.float32(settings.max_slope) * np.sqrt(radius2) + np.float32(0.6)
    keep = np.flatnonzero((above < steepest) & (radius2 < half * half))
    near: Float32 = columns[:, keep[:: 1 + len(keep) // _MAX_POINTS]].T
    return near


def _side(settings: config.Ground) -> int:
    return 2 * int(np.ceil(settings.max_range_m / settings.cell_m))


def _index(xy: NDArray[np.floating], settings: config.Ground) -> NDArray[np.int32]:
    side = _side(settings)
    column, row = ((xy[:, k] / settings.cell_m + side / 2).astype(np.int32) for k in (0, 1))
    return np.asarray(row * side + column)


def _centres(cells: NDArray[np.int32], settings: config.Ground) -> Float64:
    side = _side(settings)
    grid = np.column_stack([cells % side, cells // side])
    return np.asarray((grid + 0.5 - side / 2) * settings.cell_m)


def _low_points(
    near: Float32, plane: Float64, settings: config.Ground
) -> tuple[NDArray[np.int32], Float64, Float64]:
    """Of each cell with points: its index, a low percentile of the height over the plane, and how
    far that can be trusted to be ground: by the number of points and by how flat they lie.

    One integer key holds cell and height, so that a single sort serves all cells.
    """
    a, b, c = plane.astype(np.float32)
    above = near[:, 2] - (a * near[:, 0] + b * near[:, 1] + c)
    level = np.clip(above / _LEVEL_M + _LEVELS / 2, 0, _LEVELS - 1).astype(np.int32)
    key = np.sort(_index(near, settings) * _LEVELS + level)
    cell = key // _LEVELS
    start = np.flatnonzero(np.diff(cell, prepend=np.int32(-1)))
    count = np.diff(start, append=len(cell))
    low, middle = (
        key[start + (share * (count - 1)).astype(np.int64)] % _LEVELS
        for share in (_LOW_SHARE, _MIDDLE_SHARE)
    )
    rise = (middle - low) * _LEVEL_M
    trust = count / (count + 2.0) / (1 + (rise / _WALL_RISE_M) ** 2)
    return cell[start], (low + 0.5 - _LEVELS / 2) * _LEVEL_M, trust


def _fit_plane(
    xy: Float64, above: Float64, trust: Float64, plane: Float64, settings: config.Ground
) -> Float64:
    """The plane that most cells within 40 m lie on, none far below: RANSAC, then least squares.

    Heights are over ``plane``, which is itself a candidate; the draws are the same each time.
    """
    near = np.flatnonzero(np.hypot(xy[:, 0], xy[:, 1]) < 40.0)
    if len(near) < 8:
        return plane
    near = near[:: 1 + len(near) // 400]
    design = np.column_stack([xy[near], np.ones(len(near))])
    value, weight = above[near], trust[near]
    draws = np.random.default_rng(0).integers(0, len(near), (80, 3))
    corners = design[draws]
    fine = np.abs(np.linalg.det(corners)) > 4.0
    tries = np.linalg.solve(corners[fine], value[draws][fine][:, :, None])[:, :, 0]
    tries = np.concatenate([np.zeros((1, 3)), tries])
    slope = np.hypot(*(tries[:, :2] + plane[:2]).T)
    offset = np.abs(tries[:, 2] + plane[2] - settings.height_m)
    tries = tries[(slope <= settings.max_slope) & (offset < 0.6)]
    if len(tries) == 0:
        return plane
    off = value - tries @ design.T
    # Cells far below a plane speak against it: nothing lies under the ground.
    vote = 1 / (1 + (off / 0.1) ** 2) - 0.5 * (off < -0.3)
    score = (weight * vote).sum(axis=1)
    best = tries[int(score.argmax())]
    for scale in (0.15, 0.1, 0.08):
        w = weight / (1 + ((value - design @ best) / scale) ** 2) ** 2
        gram = design.T @ (design * w[:, None]) + 1e-6 * np.eye(3)
        best = np.linalg.solve(gram, design.T @ (w * value))
    return np.asarray(plane + best)


def _smooth(
    value: Float32, weight: Float32, scales: tuple[float, ...] = _SCALES
) -> tuple[Float32, Float32]:
    """Normalised convolution from coarse to fine; each scale falls back on the one before."""
    result = np.zeros_like(value)
    support = np.zeros_like(value)
    for scale in scales:
        area = np.float32(2 * np.pi * scale**2)
        mass = _blur(weight, scale) * area
        total = _blur(weight * value, scale) * area
        result = (total + _TRUST * result) / (mass + _TRUST)
        support = mass
    return result.astype(np.float32), support.astype(np.float32)


def _blur(grid: Float32, scale: float) -> Float32:
    width = 2 * int(2.5 * scale + 0.5) + 1
    blurred = cv2.GaussianBlur(grid, (width, width), scale, borderType=cv2.BORDER_CONSTANT)
    return np.asarray(blurred, np.float32)


def _bilinear(grid: Float32, column: Float32, row: Float32) -> Float32:
    """Values between cell centres, held constant beyond the border."""
    ny, nx = grid.shape
    column = np.clip(column, 0, nx - 1)
    row = np.clip(row, 0, ny - 1)
    left = np.minimum(column.astype(np.int32), max(nx - 2, 0))
    top = np.minimum(row.astype(np.int32), max(ny - 2, 0))
    u, v = column - left.astype(np.float32), row - top.astype(np.float32)
    flat = grid.ravel()
    at = top * nx + left
    right, below = int(nx > 1), nx * int(ny > 1)
    first, second = flat[at], flat[at + below]
    upper = first + (flat[at + right] - first) * u
    lower = second + (flat[at + below + right] - second) * u
    return np.asarray(upper + (lower - upper) * v, np.float32)
