"""Ray casting against triangles by Embree, and against the level ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2m_ros.sim.vectors import length
from s2m_ros.types import Bool, Float32

try:
    from embreex import rtcore_scene
    from embreex.mesh_construction import TriangleMesh
except ImportError as error:  # Wheels exist for x86-64 Linux and macOS alone.
    raise ImportError(
        "the simulator needs embreex (x86-64 Linux or macOS): pip install 's2m-ros[sim]'"
    ) from error


@dataclass(frozen=True, slots=True, eq=False)
class Hits:
    """The nearest triangle along each ray.

    distance: float32 (N,), in lengths of the ray's direction, infinite for none; face: int32 (N,),
    -1 for none; u, v: float32 (N,), weights of the triangle's second and third corner.
    """

    distance: Float32
    face: NDArray[np.int32]
    u: Float32
    v: Float32


class Tracer:
    """Static triangles, and moving ones that are set anew for each instant.

    Faces are numbered through both: the static first.
    """

    def __init__(self, static: Float32) -> None:
        self._static = _scene(static)
        self._moving: Any = None
        self._spheres: Float32 = np.zeros((0, 4), np.float32)
        self._count = len(static)

    def set_moving(self, triangles: Float32, spheres: Float32 | None = None) -> None:
        """Replace the moving triangles: float32 (F, 3, 3).

        spheres: float32 (K, 4), centres and radii that hold them all.
        """
        self._moving = _scene(triangles)
        self._spheres = _sphere(triangles)[None] if spheres is None else spheres

    def cast(self, origins: Float32, directions: Float32) -> Hits:
        """The nearest hit of rays: float32 (N, 3) each, contiguous."""
        hits = _cast(self._static, origins, directions)
        if self._moving is None:
            return hits
        index = self._toward_moving(origins, directions)
        other = _cast(
            self._moving,
            np.ascontiguousarray(origins[index]),
            np.ascontiguousarray(directions[index]),
        )
        nearer = np.flatnonzero(other.distance < hits.distance[index])
        at = index[nearer]
        hits.distance[at], hits.face[at] = other.distance[nearer], other.face[nearer] + self._count
        hits.u[at], hits.v[at] = other.u[nearer], other.v[nearer]
        return hits

    def _toward_moving(self, origins: Float32, directions: Float32) -> NDArray[np.intp]:
        """Rays that may meet a sphere, seen from about where the first of them starts."""
        if not len(origins):
            return np.zeros(0, np.intp)
        spread = float(np.linalg.norm(np.ptp(origins, axis=0)))
        near = np.zeros(len(origins), np.bool_)
        for sphere in self._spheres:
            away = sphere[:3] - origins[0]
            distance, radius = float(np.linalg.norm(away)), float(sphere[3]) + spread + 1e-3
            if distance <= radius:
                return np.arange(len(origins))
            edge = np.float32(np.sqrt(1 - (radius / distance) ** 2))
            near |= directions @ (away / np.float32(distance)) >= edge * length(directions)
        return np.flatnonzero(near)

    def blocked(self, origins: Float32, directions: Float32, reach: Float32 | None = None) -> Bool:
        """Whether anything lies along each ray, within reach (N,) lengths of it: bool (N,)."""
        out = np.zeros(len(origins), np.bool_)
        for scene in (self._static, self._moving):
            if scene is not None and len(origins):
                out |= scene.run(origins, directions, reach, query="OCCLUDED") >= 0
        return out


def _sphere(triangles: Float32) -> Float32:
    """Centre and radius of a sphere about triangles: float32 (4,)."""
    points = triangles.reshape(-1, 3)
    if not len(points):
        return np.zeros(4, np.float32)
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    radius = np.sqrt(np.square(points - centre).sum(axis=1).max())
    return np.append(centre, radius).astype(np.float32)


def _scene(triangles: Float32) -> Any:
    if not len(triangles):
        return None
    scene = rtcore_scene.EmbreeScene()
    TriangleMesh(scene, np.ascontiguousarray(triangles, np.float32))
    return scene


def _cast(scene: Any, origins: Float32, directions: Float32) -> Hits:
    n = len(origins)
    if scene is None or n == 0:
        return Hits(
            np.full(n, np.inf, np.float32),
            np.full(n, -1, np.int32),
            np.zeros(n, np.float32),
            np.zeros(n, np.float32),
        )
    found = scene.run(origins, directions, output=True)
    face = found["primID"]
    distance = np.where(face >= 0, found["tfar"], np.float32(np.inf))
    return Hits(distance, face, found["u"], found["v"])


def ground_distance(origins: Float32, directions: Float32) -> Float32:
    """Distance to the plane z = 0 in lengths of the direction, or infinite: float32 (N,)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = -origins[:, 2] / directions[:, 2]
    return np.where((t > 0) & np.isfinite(t), t, np.inf).astype(np.float32)
