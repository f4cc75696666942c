"""A spinning LiDAR and a camera that look at boxes on a ground with slope, by exact ray casting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import apply, from_yaw, invert
from s2m_ros.types import Float64, ObjectMask, ObjectMasks, Prompt, Role, RoleMap, Sweep

SIZE = (960, 540)
GRID = (480, 270)
MODEL = CameraModel.from_parameters(
    "test", SIZE, "plumb_bob", [700, 0, 479.5, 0, 700, 249.5, 0, 0, 1]
)
BASE_FROM_LIDAR = from_yaw(0.0, (1.0, 0.0, 1.9))
BASE_FROM_CAMERA = from_yaw(0.0, (1.5, 0.0, 1.5)) @ np.array(
    [[0, 0, 1, 0], [-1, 0, 0, 0], [0, -1, 0, 0], [0, 0, 0, 1]], float
)


@dataclass(frozen=True)
class Box:
    """A box that stands on the ground: centre x, y; size length, width, height; yaw, rad."""

    x: float
    y: float
    size: tuple[float, float, float]
    yaw: float = 0.0
    masked: bool = True
    role: Role = Role.UNKNOWN


@dataclass(frozen=True)
class Slope:
    """z = c + a x + b y + k x^2."""

    a: float = 0.0
    b: float = 0.0
    c: float = 0.0
    k: float = 0.0

    def height(self, x: Float64, y: Float64) -> Float64:
        return np.asarray(self.c + self.a * x + self.b * y + self.k * x * x)

    def meet(self, origin: Float64, rays: Float64) -> Float64:
        """Length along each ray (N, 3) to the ground; infinite where there is none."""
        t = np.full(len(rays), 5.0)
        with np.errstate(all="ignore"):
            for _ in range(12):
                p = origin + t[:, None] * rays
                gap = p[:, 2] - self.height(p[:, 0], p[:, 1])
                sink = (self.a + 2 * self.k * p[:, 0]) * rays[:, 0] + self.b * rays[:, 1]
                t = t + np.clip(gap / np.maximum(sink - rays[:, 2], 1e-3), -10, 10)
        hit = np.abs(gap) < 1e-4
        return np.where(hit & (t > 0), t, np.inf)


def cast(
    origin: Float64, rays: Float64, ground: Slope, boxes: Sequence[Box]
) -> tuple[Float64, Float64]:
    """Length (N,) to the nearest thing and which one it is: -1 nothing, 0 ground, i + 1 box i."""
    length = ground.meet(origin, rays)
    what = np.where(np.isfinite(length), 0, -1)
    for i, box in enumerate(boxes):
        z = float(ground.height(np.array(box.x), np.array(box.y)))
        base_from_box = from_yaw(box.yaw, (box.x, box.y, z + box.size[2] / 2))
        o = apply(invert(base_from_box), origin[None])[0]
        d = rays @ base_from_box[:3, :3]
        half = np.array(box.size) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            near, far = (-half - o) / d, (half - o) / d
        t_in = np.nanmax(np.minimum(near, far), axis=1)
        t_out = np.nanmin(np.maximum(near, far), axis=1)
        hit = (t_in < t_out) & (t_in > 0) & (t_in < length)
        length = np.where(hit, t_in, length)
        what = np.where(hit, i + 1, what)
    return length, what


def rig() -> Rig:
    return Rig({"lidar": BASE_FROM_LIDAR, "camera_optical_frame": BASE_FROM_CAMERA})


def sweep(
    ground: Slope,
    boxes: Sequence[Box],
    seed: int = 0,
    beams: int = 64,
    columns: int = 1800,
    noise_m: float = 0.015,
    sector: float = np.pi,
) -> Sweep:
    """One turn of a LiDAR of ``beams`` from -25 to +10 deg, range noise along the beam."""
    elevation, azimuth = np.meshgrid(
        np.radians(np.linspace(-25, 10, beams)),
        np.linspace(-sector, sector, columns, endpoint=False),
        indexing="ij",
    )
    rays = np.stack(
        [
            np.cos(elevation) * np.cos(azimuth),
            np.cos(elevation) * np.sin(azimuth),
            np.sin(elevation),
        ],
        -1,
    ).reshape(-1, 3)
    length, _ = cast(BASE_FROM_LIDAR[:3, 3], rays, ground, boxes)
    keep = length < 100
    rng = np.random.default_rng(seed)
    noisy = length[keep] + rng.normal(0, noise_m, int(keep.sum()))
    # Coordinate by coordinate in memory, as the codec gives them.
    points = np.asfortranarray(rays[keep] * noisy[:, None], np.float32)
    return Sweep(0, "lidar", points)


def fan(count: int) -> tuple[Slope, list[Box]]:
    """A slight slope, and boxes on it in a fan before the camera, 5 to 30 m away."""
    rng = np.random.default_rng(0)
    bearings = np.linspace(-0.52, 0.52, count)
    reaches = rng.permutation(np.linspace(5, 30, count))
    boxes = [
        Box(1.5 + r * np.cos(a), r * np.sin(a), tuple(rng.uniform(0.1, 0.8, 3)), float(r))
        for r, a in zip(reaches, bearings, strict=True)
    ]
    return Slope(a=0.01), boxes


def masks(ground: Slope, boxes: Sequence[Box], grid: tuple[int, int] = GRID) -> ObjectMasks:
    """Exact masks of the boxes that are ``masked``; the roles of all else."""
    u, v = np.meshgrid(np.arange(grid[0]) + 0.5, np.arange(grid[1]) + 0.5)
    pixels = np.stack([u.ravel(), v.ravel()], 1) * np.array(SIZE) / grid
    rays = MODEL.ray(pixels) @ BASE_FROM_CAMERA[:3, :3].T
    _, what = cast(BASE_FROM_CAMERA[:3, 3], rays, ground, boxes)
    what = what.reshape(grid[::-1])
    roles = np.where(what == 0, Role.SURFACE, Role.SKY).astype(np.uint8)
    items = []
    for i, box in enumerate(boxes):
        bits = what == i + 1
        roles[bits] = box.role if box.role else Role.SURFACE
        if box.masked and bits.any():
            items.append(mask_of(i, bits))
    return ObjectMasks(
        0, "front", "camera_optical_frame", SIZE, grid, tuple(items), RoleMap(roles, SIZE), "test"
    )


def mask_of(number: int, bits: np.ndarray) -> ObjectMask:
    rows, columns = np.flatnonzero(bits.any(axis=1)), np.flatnonzero(bits.any(axis=0))
    y, x = int(rows[0]), int(columns[0])
    patch = bits[y : rows[-1] + 1, x : columns[-1] + 1].copy()
    scale = SIZE[0] / bits.shape[1]
    box = np.array([x, y, columns[-1] + 1, rows[-1] + 1], np.float32) * np.float32(scale)
    none = np.zeros((0, 2), np.float32)
    prompt = Prompt(box, none, none[:, 0], 1.0, 1.0)
    return ObjectMask(number, x, y, patch, box, 0.99, 1.0, 2.0, 0.8, 0.9, prompt)
