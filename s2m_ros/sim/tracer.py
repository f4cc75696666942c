"""Ray casting against triangles by Embree, and against the level ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
        self._count = len(static)

    def set_moving(self, triangles: Float32) -> None:
        """Replace the moving triangles: float32 (F, 3, 3)."""
        self._moving = _scene(triangles)

    def cast(self, origins: Float32, directions: Float32) -> Hits:
        """The nearest hit of rays: float32 (N, 3) each, contiguous."""
        hits = _cast(self._static, origins, directions)
        if self._moving is None:
            return hits
        other = _cast(self._moving, origins, directions)
        nearer = other.distance < hits.distance
        return Hits(
            np.where(nearer, other.distance, hits.distance),
            np.where(nearer, other.face + np.int32(self._count), hits.face),
            np.where(nearer, other.u, hits.u),
            np.where(nearer, other.v, hits.v),
        )

    def blocked(self, origins: Float32, directions: Float32, reach: Float32 | None = None) -> Bool:
        """Whether anything lies along each ray, within reach (N,) lengths of it: bool (N,)."""
        out = np.zeros(len(origins), np.bool_)
        for scene in (self._static, self._moving):
            if scene is not None and len(origins):
                out |= scene.run(origins, directions, reach, query="OCCLUDED") >= 0
        return out


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
