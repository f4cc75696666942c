"""Everything that stands or moves in one scene, as arrays that rays can be cast against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from s2m_ros.sim.ground import Ground
from s2m_ros.sim.lamps import Lamp
from s2m_ros.sim.materials import Material
from s2m_ros.sim.mesh import Mesh
from s2m_ros.sim.model import ANOMALY, Model, label_of
from s2m_ros.sim.motion import Pose
from s2m_ros.sim.shadows import ShadowReach
from s2m_ros.sim.sky import Sky
from s2m_ros.sim.terrain import LEVEL, Terrain
from s2m_ros.sim.tracer import Tracer
from s2m_ros.types import Float32, Float64, UInt8

PATTERNS = ("", "stripes", "checks", "blotches")


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A model in the scene. id: value in instance maps, from 1 on; motion: pose at a time, s."""

    id: int
    name: str
    model: Model
    motion: Callable[[float], Pose]
    moving: bool
    known: bool

    @property
    def label(self) -> int:
        return label_of(self.model.category)

    @property
    def anomalous(self) -> bool:
        return self.model.category == ANOMALY


class MaterialTable:
    """The materials of a scene in columns, one row each."""

    def __init__(self) -> None:
        self._rows: dict[Material, int] = {}

    def index(self, material: Material) -> int:
        return self._rows.setdefault(material, len(self._rows))

    def freeze(self) -> dict[str, np.ndarray]:
        rows = list(self._rows) or [Material((0.5, 0.5, 0.5))]
        columns = {
            name: np.array([getattr(m, name) for m in rows], np.float32)
            for name in (
                "albedo",
                "second",
                "specular",
                "gloss",
                "grain",
                "grain_m",
                "pattern_m",
                "retro",
                "emission",
            )
        }
        columns["pattern"] = np.array([PATTERNS.index(m.pattern) for m in rows], np.uint8)
        return columns


@dataclass(slots=True, eq=False)
class _Batch:
    triangles: Float32
    normals: Float32
    material: NDArray[np.int32]
    actor: NDArray[np.int32]


class Scene:
    """Ground, sky and actors. ``move(t)`` sets the instant that rays see.

    After it, by face: normals (F, 3, 3), face_material, face_actor (index into actors); by actor:
    origin (A, 2), heading (A, 2) as cosine and sine of the yaw, base (A,), height of the ground.
    lamps: what gives light besides the sun; set anew as the vehicle moves.
    """

    def __init__(
        self,
        ground: Ground,
        sky: Sky,
        actors: Sequence[Actor],
        terrain: Terrain = LEVEL,
        lamps: Sequence[Lamp] = (),
    ) -> None:
        self.ground, self.sky, self.actors, self.terrain = ground, sky, tuple(actors), terrain
        self.lamps: tuple[Lamp, ...] = tuple(lamps)
        self._table = MaterialTable()
        self._rows = {
            id(mesh): np.array([self._table.index(m) for m in mesh.materials], np.int32)
            for actor in actors
            for mesh in actor.model.meshes
        }
        self.materials = self._table.freeze()
        if not sky.light.lit:
            self.materials["emission"][:] = 0
        self.poses = [a.motion(0.0) for a in self.actors]
        self._static = self._gather([i for i, a in enumerate(self.actors) if not a.moving])
        self._moving = [i for i, a in enumerate(self.actors) if a.moving]
        self.tracer = Tracer(self._static.triangles)
        self.labels: UInt8 = np.array([a.label for a in self.actors], np.uint8)
        self.ids = np.array([a.id for a in self.actors], np.uint16)
        self._extent = {i: _extent(self.actors[i].model) for i in self._moving}
        self._bounds = {a.id: np.stack(a.model.meshes[0].bounds()) for a in self.actors}
        self.move(0.0)

    def move(self, t: float | Float64) -> None:
        """Put every moving actor where it is at t seconds, one for all or float64 (A,)."""
        self.poses = self.poses_at(t)
        self.origin = np.array([(p.x, p.y) for p in self.poses], np.float32).reshape(-1, 2)
        self.heading = np.array(
            [(np.cos(p.yaw), np.sin(p.yaw)) for p in self.poses], np.float32
        ).reshape(-1, 2)
        self.base = self.terrain.height(self.origin[:, 0], self.origin[:, 1]).astype(np.float32)
        batches = [self._static]
        if self._moving:
            moving = self._gather(self._moving)
            self.tracer.set_moving(moving.triangles, self._spheres())
            batches.append(moving)
        self._shadows: dict[int, ShadowReach] = {}
        self.normals = np.concatenate([b.normals for b in batches])
        self.face_material = np.concatenate([b.material for b in batches])
        self.face_actor = np.concatenate([b.actor for b in batches])

    def poses_at(self, t: float | Float64) -> list[Pose]:
        """Where the actors are at t, as ``move`` takes it; the scene stays as it is."""
        times = np.broadcast_to(t, (len(self.actors),))
        return [a.motion(float(s)) for a, s in zip(self.actors, times, strict=True)]

    def _spheres(self) -> Float32:
        """Centre and radius of spheres about the moving actors, in any phase: float32 (M, 4)."""
        out = []
        for i in self._moving:
            stand = self.terrain.stand(self.poses[i])
            low, high = self._extent[i]
            centre = stand[:3, :3] @ ((low + high) / 2) + stand[:3, 3]
            out.append(np.append(centre, np.linalg.norm(high - low) / 2 + 0.01))
        return np.array(out, np.float32)

    @property
    def shadows(self) -> ShadowReach:
        """Where the sun can cast a shadow now."""
        return self._reach(-1)

    def lamp_shadows(self, number: int) -> ShadowReach:
        """Where a lamp can."""
        return self._reach(number)

    def _reach(self, number: int) -> ShadowReach:
        if number not in self._shadows:
            light = self.sky.light
            if not self.terrain.level:
                made = ShadowReach.everywhere()
            elif number < 0:
                made = ShadowReach.of_sun(self._boxes(), light.direction, light.softness)
            else:
                made = ShadowReach.of_lamp(self._boxes(), self.lamps[number].place)
            self._shadows[number] = made
        return self._shadows[number]

    def _boxes(self) -> Iterator[Float64]:
        """Corners (8, 3) of the box of each actor."""
        for actor, pose in zip(self.actors, self.poses, strict=True):
            bounds = self._bounds[actor.id]
            corners = np.array(list(product(*bounds.T)))
            corners[:, 2] += actor.model.hover_m
            stand = self.terrain.stand(pose)
            yield corners @ stand[:3, :3].T + stand[:3, 3]

    def _gather(self, indices: Sequence[int]) -> _Batch:
        triangles, normals, material, owner = (
            [np.zeros((0, 3, 3), np.float32)],
            [np.zeros((0, 3, 3), np.float32)],
            [np.zeros(0, np.int32)],
            [np.zeros(0, np.int32)],
        )
        for i in indices:
            actor = self.actors[i]
            pose = self.poses[i]
            mesh = actor.model.at_distance(pose.travelled_m)
            stand = self.terrain.stand(pose)
            lift = stand[:3, :3] @ (0, 0, actor.model.hover_m)
            placed: Mesh = mesh.moved(stand[:3, 3] + lift, pose.yaw, *self.terrain.tilt(pose))
            triangles.append(placed.triangles)
            normals.append(placed.normals)
            material.append(self._rows[id(mesh)][placed.material])
            owner.append(np.full(len(placed.triangles), i, np.int32))
        return _Batch(
            np.concatenate(triangles),
            np.concatenate(normals),
            np.concatenate(material),
            np.concatenate(owner),
        )


def _extent(model: Model) -> tuple[Float64, Float64]:
    """Lowest and highest corner of a model in all its phases."""
    corners = [mesh.bounds() for mesh in model.meshes]
    lift = np.array([0, 0, model.hover_m])
    low = np.min([low for low, _ in corners], axis=0) + lift
    return low, np.max([high for _, high in corners], axis=0) + lift
