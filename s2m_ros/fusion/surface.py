"""The ground as a surface: a plane and what measurement says beside it. In base_link."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros import config
from s2m_ros.types import Bool, Float32, Float64

_REMAP_WIDTH = 1024


@dataclass(frozen=True, slots=True, eq=False)
class GroundSurface:
    """Height of the ground over the plane of base_link.

    plane: float64 (3,), z = a x + b y + c; residual: float32 (ny, nx), metres over the plane at the
    cell centres of a grid whose corner is at ``corner`` (x, y); support: float32 (ny, nx), how many
    cells' worth of measurement is nearby; measured: False for an assumed plane; sweeps: how many
    it was learned from.
    """

    plane: Float64
    residual: Float32
    support: Float32
    corner: tuple[float, float]
    cell_m: float
    noise_m: float
    measured: bool
    sweeps: int = 0

    def height(self, xy: NDArray[np.floating]) -> Float64:
        """z of the ground, float64 (N,), at positions (N, 2), bilinear between cells."""
        x, y = xy.T
        return np.asarray(
            self.plane[0] * x + self.plane[1] * y + self.plane[2] + self.residual_at(x, y), float
        )

    def above(self, points: Float32) -> Float32:
        """Height over the ground, float32 (N,), of points (N, 3)."""
        x, y, z = points.T
        a, b, c = self.plane.astype(np.float32)
        return np.asarray(z - (a * x + b * y + c) - self.residual_at(x, y), np.float32)

    def residual_at(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> Float32:
        """Height of the surface over its plane, float32 (N,)."""
        return bilinear(self.residual, *self._grid(x, y))

    def support_at(self, xy: NDArray[np.floating]) -> Float32:
        """Cells' worth of measurement near positions (N, 2): float32 (N,)."""
        return bilinear(self.support, *self._grid(*xy.T))

    def sigma(self, xy: NDArray[np.floating]) -> Float64:
        """Standard deviation of ``height``, float64 (N,), m: larger away from measurements."""
        x, y = xy.T
        support = self.support_at(xy)
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
        for _ in range(4):
            hit = origin + length[:, None] * rays
            length = length + (hit[:, 2] - self.height(hit[:, :2])) / sink
        meets &= (length > 0) & np.isfinite(length)
        hit = origin + np.where(meets, length, 0.0)[:, None] * rays
        return hit, meets

    def _grid(self, x: NDArray[np.floating], y: NDArray[np.floating]) -> tuple[Float32, Float32]:
        """Column and row of positions, 0 at the centre of the first cell."""
        column = (x - self.corner[0]) / self.cell_m - 0.5
        row = (y - self.corner[1]) / self.cell_m - 0.5
        return column.astype(np.float32, copy=False), row.astype(np.float32, copy=False)


def assumed_ground(settings: config.Ground) -> GroundSurface:
    """The flat plane that is taken while no LiDAR has measured the ground."""
    nothing = np.zeros((1, 1), np.float32)
    plane = np.array([0.0, 0.0, settings.height_m])
    return GroundSurface(plane, nothing, nothing, (0.0, 0.0), settings.cell_m, 0.05, False)


def bilinear(grid: Float32, column: Float32, row: Float32) -> Float32:
    """Values between cell centres, float32 (N,), held constant beyond the border."""
    n = len(column)
    if n == 0:
        return np.zeros(0, np.float32)
    if n <= _REMAP_WIDTH:
        x, y = column[None], row[None]
    else:  # OpenCV wants a rectangle, not too long
        at: Float32 = np.zeros((2, -(-n // _REMAP_WIDTH) * _REMAP_WIDTH), np.float32)
        at[0, :n], at[1, :n] = column, row
        x, y = at.reshape(2, -1, _REMAP_WIDTH)
    values = cv2.remap(grid, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(values, np.float32).ravel()[:n]
