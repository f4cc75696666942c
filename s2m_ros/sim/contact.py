"""How much of the sky an object hides from the ground around it: the dark rim at its foot."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from s2m_ros.sim import noise
from s2m_ros.sim.mesh import Mesh
from s2m_ros.sim.tracer import Tracer
from s2m_ros.types import Float32

CELLS, RAYS = 40, 24


@dataclass(frozen=True, slots=True, eq=False)
class ContactPatch:
    """openness: float32 (CELLS, CELLS), share of the sky seen from the ground; low, high: the
    rectangle that it covers, x and y in the model's own frame. Beyond it the sky is open."""

    openness: Float32
    low: Float32
    high: Float32


@lru_cache(maxsize=1024)
def trace(mesh: Mesh) -> ContactPatch:
    """Cast cosine-weighted rays from a grid of ground points about the mesh."""
    low, high = (b.astype(np.float32) for b in mesh.bounds())
    margin = np.float32(min(max(0.9 * float(high[2]), 0.06), 5.0))
    low2, high2 = low[:2] - margin, high[:2] + margin
    rng = np.random.default_rng(len(mesh.triangles))
    cell = (high2 - low2) / CELLS
    grid = np.stack(np.meshgrid(np.arange(CELLS), np.arange(CELLS)), axis=-1).reshape(-1, 1, 2)
    n = CELLS * CELLS
    xy = low2 + (grid + rng.random((n, RAYS, 2))).astype(np.float32) * cell
    origins = np.concatenate([xy, np.full((n, RAYS, 1), 0.001, np.float32)], axis=2).reshape(-1, 3)
    index = np.arange(RAYS)
    radius = np.sqrt((index + 0.5) / RAYS)
    angle = index * 2.39996 + rng.uniform(0, 6.3, (n, 1))
    directions = np.stack(
        [
            radius * np.cos(angle),
            radius * np.sin(angle),
            np.broadcast_to(np.sqrt(1 - radius**2), angle.shape),
        ],
        axis=2,
    ).reshape(-1, 3)
    blocked = Tracer(mesh.triangles).blocked(
        np.ascontiguousarray(origins, np.float32), np.ascontiguousarray(directions, np.float32)
    )
    openness = 1 - blocked.reshape(CELLS, CELLS, RAYS).mean(axis=2).astype(np.float32)
    openness = cv2.GaussianBlur(openness, (0, 0), 0.8, borderType=cv2.BORDER_REPLICATE)
    # The rim fades to open sky, so that the rectangle does not show.
    ramp = np.minimum(np.arange(CELLS), np.arange(CELLS)[::-1]).astype(np.float32) / (CELLS * 0.15)
    fade = np.minimum(np.minimum(ramp[None], ramp[:, None]), 1)
    return ContactPatch(1 - (1 - openness) * fade, low2, high2)


def apply(
    patch: ContactPatch,
    x: Float32,
    y: Float32,
    origin: Float32,
    heading: Float32,
    openness: Float32,
) -> None:
    """Multiply openness, float32 (N,), at ground points by what the object leaves of the sky."""
    reach = float(np.abs(np.stack([patch.low, patch.high])).max() * 1.42)
    near = np.flatnonzero((np.abs(x - origin[0]) < reach) & (np.abs(y - origin[1]) < reach))
    if not len(near):
        return
    dx, dy = x[near] - origin[0], y[near] - origin[1]
    local_x, local_y = dx * heading[0] + dy * heading[1], dy * heading[0] - dx * heading[1]
    size = patch.high - patch.low
    u, v = (local_x - patch.low[0]) / size[0] * CELLS, (local_y - patch.low[1]) / size[1] * CELLS
    inside = np.flatnonzero((u > 0) & (v > 0) & (u < CELLS) & (v < CELLS))
    if not len(inside):
        return
    half = np.float32(0.5)
    value = noise.lookup(patch.openness, u[inside] - half, v[inside] - half, repeat=False)
    openness[near[inside]] *= value
