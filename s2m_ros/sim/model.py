"""A thing that can be placed in the scene."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2m_ros.sim.mesh import Mesh
from s2m_ros.types import Float64

CLASSES = (
    "Sky",
    "Building",
    "Pole",
    "Road",
    "Pavement",
    "Tree",
    "SignSymbol",
    "Fence",
    "Car",
    "Pedestrian",
    "Bicyclist",
    "Aircraft",
    "ServiceVehicle",
)
"""Names of the class label map, in the order of the default model's classes."""

ANOMALY = "Anomaly"
ANOMALY_LABEL = 255
"""Label of what belongs to none of the classes."""


def label_of(category: str) -> int:
    """The value of a category in the class label map."""
    return ANOMALY_LABEL if category == ANOMALY else CLASSES.index(category)


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """Geometry of one object on its own ground: centre of the footprint at the origin.

    meshes: one, or the phases of a gait that repeats every stride_m; category: a name of
    CLASSES, or ANOMALY; hover_m: height of the lowest point over the ground.
    """

    kind: str
    category: str
    meshes: tuple[Mesh, ...]
    stride_m: float = 1.0
    hover_m: float = 0.0

    @property
    def size(self) -> Float64:
        """Length, width, height of the first mesh."""
        low, high = self.meshes[0].bounds()
        return high - low

    def at_distance(self, travelled_m: float) -> Mesh:
        """The mesh after the object has moved so far."""
        phase = int(np.floor(travelled_m / self.stride_m * len(self.meshes)))
        return self.meshes[phase % len(self.meshes)]


def stand(kind: str, category: str, *meshes: Mesh, stride_m: float = 1.0) -> Model:
    """A model whose first mesh is centred over the origin and stands on the ground."""
    low, high = meshes[0].bounds()
    middle = (low + high) / 2
    offset = (-middle[0], -middle[1], -low[2])
    return Model(kind, category, tuple(mesh.moved(offset) for mesh in meshes), stride_m)
