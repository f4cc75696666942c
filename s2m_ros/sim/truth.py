"""What is really there at an instant, and how much of it each camera sees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects

from s2m_ros.fusion.transforms import apply
from s2m_ros.sim.camera import Camera
from s2m_ros.sim.catalog import category_of
from s2m_ros.sim.mesh import Mesh
from s2m_ros.sim.model import ANOMALY
from s2m_ros.sim.motion import Pose
from s2m_ros.sim.scene import Actor, Scene
from s2m_ros.sim.tracer import Tracer
from s2m_ros.types import Float64, Role
from s2m_ros.wire.truth import LEAST_SPAN_PX, TruthFrame, TruthObject, TruthView

MOST_RAYS = 3000
"""So many pixels at most tell which share of an object is hidden."""
ROLES = {
    ANOMALY: Role.UNKNOWN,
    "Car": Role.VEHICLE,
    "ServiceVehicle": Role.VEHICLE,
    "Pedestrian": Role.PERSON,
    "Aircraft": Role.AIRCRAFT,
    "Tree": Role.VEGETATION,
    "SignSymbol": Role.SIGN,
}
"""Role of a class; all others are STRUCTURE."""


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """A camera and the ids that its pixels show, uint16 (H, W); pose: its optical frame in the
    world, float64 (4, 4)."""

    name: str
    camera: Camera
    instances: NDArray[np.uint16]
    pose: Float64


class Witness:
    """States the truth about one scene. Each mesh is kept by itself, to see it unhidden."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._alone: dict[int, Tracer] = {}

    def state(
        self,
        stamp_ns: int,
        frame_id: str,
        odom_from_world: Float64,
        sights: Sequence[Sight],
        points: NDArray[np.int64],
    ) -> TruthFrame:
        """All actors as the scene has them now; points: LiDAR returns of each, int64 (A,)."""
        scene = self._scene
        views: list[dict[str, TruthView]] = [{} for _ in scene.actors]
        for sight in sights:
            for i, view in self._views(sight).items():
                views[i][sight.name] = view
        items = tuple(
            self._item(i, odom_from_world, views[i], int(points[i]))
            for i in range(len(scene.actors))
        )
        return TruthFrame(stamp_ns, frame_id, items)

    def _views(self, sight: Sight) -> dict[int, TruthView]:
        """By index of the actor, those that at least a pixel shows."""
        scene, out = self._scene, {}
        counts = np.bincount(sight.instances.ravel())
        boxes = find_objects(sight.instances.astype(np.int32))
        for i, actor in enumerate(scene.actors):
            if actor.id >= len(counts) or not counts[actor.id]:
                continue
            rows, columns = boxes[actor.id - 1]
            box = (columns.start, rows.start, columns.stop, rows.stop)
            shown = self._unhidden(i, sight, box)
            out[i] = TruthView(int(counts[actor.id]), box, shown)
        return out

    def _unhidden(self, i: int, sight: Sight, box: tuple[int, int, int, int]) -> float:
        """Share of the actor's outline that shows it, by rays that meet nothing else."""
        actor, pose = self._scene.actors[i], self._scene.poses[i]
        mesh = actor.model.at_distance(pose.travelled_m)
        world_from_model = self._scene.terrain.stand(pose)
        world_from_model[:3, 3] += world_from_model[:3, 2] * actor.model.hover_m
        model_from_optical = np.linalg.inv(world_from_model) @ sight.pose
        left, top, right, bottom = self._outline(mesh, model_from_optical, sight.camera, box)
        step = max(1, int(np.sqrt((right - left) * (bottom - top) / MOST_RAYS)))
        y, x = np.mgrid[top:bottom:step, left:right:step]
        flat = (y * sight.camera.model.size[0] + x).ravel()
        turn = model_from_optical[:3, :3] @ sight.camera.base_from_optical[:3, :3].T
        rays = np.ascontiguousarray(sight.camera.rays[flat] @ turn.T.astype(np.float32))
        eye = model_from_optical[:3, 3].astype(np.float32)
        eyes = np.ascontiguousarray(np.broadcast_to(eye, rays.shape))
        if id(mesh) not in self._alone:
            self._alone[id(mesh)] = Tracer(mesh.triangles)
        alone = self._alone[id(mesh)]
        would = alone.cast(eyes, rays).face >= 0
        does = sight.instances.ravel()[flat] == actor.id
        return float((would & does).sum() / would.sum()) if would.any() else 1.0

    @staticmethod
    def _outline(
        mesh: Mesh,
        model_from_optical: Float64,
        camera: Camera,
        box: tuple[int, int, int, int],
    ) -> tuple[int, int, int, int]:
        """A rectangle in the picture around the whole object: what is seen, and all corners."""
        width, height = camera.model.size
        vertices: Float64 = mesh.triangles[:, 0].astype(np.float64)
        optical_from_model = np.asarray(np.linalg.inv(model_from_optical), np.float64)
        optical = apply(optical_from_model, vertices)
        pixels, _ = camera.model.project(optical[optical[:, 2] > 0.05])
        pixels = pixels[np.isfinite(pixels).all(axis=1)]
        if not len(pixels):
            return box
        low, high = np.floor(pixels.min(axis=0)), np.ceil(pixels.max(axis=0)) + 1
        return (
            int(np.clip(low[0], 0, box[0])),
            int(np.clip(low[1], 0, box[1])),
            int(np.clip(high[0], box[2], width)),
            int(np.clip(high[1], box[3], height)),
        )

    def _item(
        self, i: int, odom_from_world: Float64, views: Mapping[str, TruthView], points: int
    ) -> TruthObject:
        actor, pose = self._scene.actors[i], self._scene.poses[i]
        low, high = actor.model.at_distance(pose.travelled_m).bounds()
        stand = odom_from_world @ self._scene.terrain.stand(pose)
        centre = (low + high) / 2 + (0, 0, actor.model.hover_m)
        position = stand[:3, :3] @ centre + stand[:3, 3]
        yaw = float(np.arctan2(stand[1, 0], stand[0, 0]))
        return TruthObject(
            actor.id,
            actor.name,
            role_of(actor),
            position,
            np.asarray(high - low, np.float64),
            yaw,
            sum(view.pixels for view in views.values()),
            points,
            category_of(actor.model.kind) or role_of(actor).name.lower(),
            _velocity(pose, stand, centre),
            views=views,
        )


def role_of(actor: Actor) -> Role:
    """What an actor is to the vehicle. A cone in use, say, is part of the stand."""
    role = ROLES.get(actor.model.category, Role.STRUCTURE)
    return Role.SIGN if actor.known and role is Role.UNKNOWN else role


def _velocity(pose: Pose, stand: Float64, centre: Float64) -> Float64:
    """Of the centre, m/s: the body moves along its own x axis and turns about its origin."""
    own = np.array([pose.speed - pose.turn_rate * centre[1], pose.turn_rate * centre[0], 0.0])
    return np.asarray(stand[:3, :3] @ own)


class FirstSight:
    """Remembers from which stamp on each object was large enough to be seen."""

    def __init__(self) -> None:
        self._first: dict[int, int] = {}

    def mark(self, frame: TruthFrame) -> TruthFrame:
        """The frame, the next in time, with ``first_ns`` filled in."""
        for item in frame.items:
            if item.span_px >= LEAST_SPAN_PX:
                self._first.setdefault(item.id, frame.stamp_ns)
        items = tuple(replace(i, first_ns=self._first.get(i.id, -1)) for i in frame.items)
        return replace(frame, items=items)
