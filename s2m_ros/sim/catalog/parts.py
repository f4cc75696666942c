"""What the makers of several subjects share."""

from __future__ import annotations

import numpy as np

from s2m_ros.sim.mesh import Mesh, from_faces, merge
from s2m_ros.sim.model import ANOMALY, Model, stand

Rng = np.random.Generator


def pick(rng: Rng, *codes: str) -> str:
    return codes[int(rng.integers(len(codes)))]


def thing(kind: str, *meshes: Mesh) -> Model:
    return stand(kind, ANOMALY, merge(meshes))


def crumpled(mesh: Mesh, rng: Rng, amplitude: float) -> Mesh:
    """Pushed in and out along the radius by a few waves, relative to the size."""
    low, high = mesh.bounds()
    points = mesh.triangles.reshape(-1, 3).astype(np.float64)
    unit = (points - (low + high) / 2) / (high - low)
    push = np.zeros(len(points))
    for octave in range(4):
        wave = rng.normal(0, 3.0 * 1.7**octave, (3, 3))
        push += np.sin(unit @ wave + rng.uniform(0, 6.3, 3)).sum(axis=1) / 1.8**octave
    points = (low + high) / 2 + unit * (high - low) * (1 + amplitude * push / 3)[:, None]
    unique, inverse = np.unique(np.round(points, 6), axis=0, return_inverse=True)
    return from_faces(unique, inverse.reshape(-1, 3), mesh.materials[0])
