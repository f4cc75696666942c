"""Rain and spray: what they add to a picture and what they do to a laser beam."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros.sim.motion import Pose
from s2m_ros.sim.vectors import dot
from s2m_ros.types import Float32

SPRAY_SPEED_MPS = 2.0
"""From about here on wheels throw water up."""
EXTINCTION = 0.018
"""Of a laser beam in heavy rain, 1/m one way."""
NEAR_SHARE = 0.03
"""Of the beams that heavy rain sends back from close by."""
NEAR_MEAN_M = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """An ellipsoid of droplets. centre: float32 (3,); heading: cosine and sine of its length;
    semi_axes: float32 (3,); density: 1/m along a ray."""

    centre: Float32
    heading: Float32
    semi_axes: Float32
    density: float

    def chord(self, origins: Float32, directions: Float32) -> tuple[Float32, Float32]:
        """Where unit rays (N, 3) enter and leave it, m; both 0 where they pass by: (N,) each."""
        o, d = self._unit(origins - self.centre), self._unit(directions)
        a, b, c = dot(d, d), dot(o, d), dot(o, o) - 1
        square = b * b - a * c
        root = np.sqrt(np.maximum(square, 0))
        near, far = np.maximum((-b - root) / a, 0), np.maximum((-b + root) / a, 0)
        hit = (square > 0) & (far > 0)
        return np.where(hit, near, 0).astype(np.float32), np.where(hit, far, 0).astype(np.float32)

    def _unit(self, vectors: Float32) -> Float32:
        c, s = self.heading
        turned = np.stack(
            [
                vectors[:, 0] * c + vectors[:, 1] * s,
                vectors[:, 1] * c - vectors[:, 0] * s,
                vectors[:, 2],
            ],
            axis=1,
        )
        return np.asarray(turned / self.semi_axes, np.float32)


def spray_behind(pose: Pose, size: NDArray[np.floating], amount: float) -> Cloud | None:
    """The spray behind a vehicle of a (length, width, height), or None when it hardly moves."""
    if amount <= 0 or pose.speed < SPRAY_SPEED_MPS:
        return None
    reach = min(0.6 * pose.speed, 5.0)
    heading = np.array([np.cos(pose.yaw), np.sin(pose.yaw)], np.float32)
    back = float(size[0]) / 2 + reach * 0.7
    centre = np.array([pose.x - heading[0] * back, pose.y - heading[1] * back, 0.45], np.float32)
    axes = np.array([reach, float(size[1]) * 0.65, 0.8], np.float32)
    return Cloud(centre, heading, axes, 0.35 * amount * min(pose.speed / 7, 1.5))


def veil(
    clouds: Sequence[Cloud],
    colour: Float32,
    origins: Float32,
    directions: Float32,
    distance: Float32,
    light: Float32,
) -> None:
    """Lay spray of a light, (3,), over the colours (N, 3) of rays that end at distance (N,)."""
    for cloud in clouds:
        near, far = cloud.chord(origins, directions)
        depth = np.minimum(far, distance) - near
        index = np.flatnonzero(depth > 0.02)
        # Thin towards the rim: droplets are few there.
        share = depth[index] / (2 * float(cloud.semi_axes.min()))
        cover = (1 - np.exp(-cloud.density * depth[index] * np.minimum(share, 1.5)))[:, None]
        colour[index] += (light - colour[index]) * cover


def streaks(
    linear: Float32, rain: float, light: Float32, exposure_ms: float, rng: np.random.Generator
) -> None:
    """Draw falling drops over a picture, float32 (H, W, 3), that is exposed so long."""
    h, w = linear.shape[:2]
    mask = np.zeros((h, w), np.uint8)
    focal, lean = w * 0.7, rng.normal(0.05, 0.03)
    for _ in range(round(500 * rain)):
        away = 0.8 + rng.exponential(2.5)
        length = min(focal * 0.009 * max(exposure_ms, 1.0) / away, h / 4)
        x, y = rng.uniform(0, w), rng.uniform(-length, h)
        end = (int((x + lean * length) * 16), int((y + length) * 16))
        level = int(np.clip(60 / (0.6 + away * 0.5), 6, 45))
        thick = 2 if away < 1.0 else 1
        cv2.line(mask, (int(x * 16), int(y * 16)), end, level, thick, cv2.LINE_AA, 4)
    cover = cv2.GaussianBlur(mask, (0, 0), 0.8).astype(np.float32)[..., None] / 255
    linear += (light - linear) * cover


@dataclass(frozen=True, slots=True, eq=False)
class Echoes:
    """What drops do to each of N beams. range_m: float32, of the return from a drop, infinite for
    none; strength: float32, factor of the return from behind."""

    range_m: Float32
    strength: Float32


def echo(
    rain: float,
    clouds: Sequence[Cloud],
    origins: Float32,
    directions: Float32,
    distance: Float32,
    rng: np.random.Generator,
) -> Echoes:
    """Returns from rain and spray along beams, (N, 3), that meet a surface at distance (N,)."""
    n = len(origins)
    strength = np.exp(-2 * EXTINCTION * rain * np.minimum(distance, 500)).astype(np.float32)
    range_m = np.full(n, np.inf, np.float32)
    drops = np.flatnonzero(rng.random(n) < NEAR_SHARE * rain)
    range_m[drops] = 0.6 + rng.exponential(NEAR_MEAN_M, len(drops))
    for cloud in clouds:
        near, far = cloud.chord(origins, directions)
        depth = np.maximum(np.minimum(far, distance) - near, 0)
        index = np.flatnonzero(depth > 0)
        thick = cloud.density * depth[index]
        hit = rng.random(len(index)) < 1 - np.exp(-0.8 * thick)
        at = near[index] + depth[index] * rng.random(len(index)).astype(np.float32) ** 2
        range_m[index[hit]] = np.minimum(range_m[index[hit]], at[hit])
        strength[index] *= np.exp(-2 * thick)
    range_m[range_m >= distance] = np.inf
    return Echoes(range_m, strength)
