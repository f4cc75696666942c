"""A scenario, frame by frame: what the sensors measure, and what is really there."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.sim import apron, camera, catalog, lidar
from s2m_ros.sim.model import ANOMALY
from s2m_ros.sim.motion import Pose, Way, base_matrix, ego_pose
from s2m_ros.sim.scenario import Actor as ActorEntry
from s2m_ros.sim.scenario import Scenario
from s2m_ros.sim.scene import Actor, Scene
from s2m_ros.sim.shader import Shader
from s2m_ros.sim.sky import Sky, daylight
from s2m_ros.types import EgoPose, Role, Sweep, UInt8
from s2m_ros.wire.truth import TruthFrame, TruthObject

START_NS = 1_700_000_000_000_000_000
LIDAR_FRAME = "lidar"
ODOM_FRAME = "odom"
MARGIN_M = 30.0
ROLES = {
    ANOMALY: Role.UNKNOWN,
    "Car": Role.VEHICLE,
    "ServiceVehicle": Role.VEHICLE,
    "Pedestrian": Role.PERSON,
    "Aircraft": Role.AIRCRAFT,
    "Tree": Role.VEGETATION,
    "SignSymbol": Role.SIGN,
}
"""Role of a category; all others are STRUCTURE."""


@dataclass(frozen=True, slots=True, eq=False)
class SimFrame:
    """One instant. image: uint8 (H, W, 3) RGB; instances: uint16 (H, W), ids of ``truth``, 0 for
    none; labels: uint8 (H, W), see ``model.CLASSES``; the sweep is in its sensor frame."""

    stamp_ns: int
    image: UInt8
    sweep: Sweep
    ego: EgoPose
    truth: TruthFrame
    instances: np.ndarray
    labels: UInt8


def optical_frame(name: str) -> str:
    return f"camera_{name}_optical_frame"


def rig_of(scenario: Scenario) -> Rig:
    """Extrinsics and intrinsics of the scenario's sensors."""
    sensor = scenario.camera
    built = camera.build(sensor)
    model = CameraModel.from_parameters(
        f"scenario '{scenario.name}'",
        (sensor.width, sensor.height),
        "plumb_bob",
        built.matrix.ravel(),
        built.distortion,
    )
    frame = optical_frame(sensor.name)
    return Rig(
        {frame: built.base_from_optical, LIDAR_FRAME: lidar.base_from_lidar(scenario.lidar)},
        {sensor.name: model},
        {sensor.name: frame},
    )


def ego_way(scenario: Scenario) -> Way:
    """The way of the vehicle, which rolls from the first frame on."""
    return Way(scenario.ego.points, scenario.ego.speed_mps, scenario.ego.start_s, True)


class Stage:
    """A scenario that is set up once and rendered at any instant."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.way = ego_way(scenario)
        rng = np.random.default_rng((seed, 1))
        light = scenario.light
        sky = Sky(
            daylight(
                light.preset,
                light.sun_azimuth_deg,
                light.sun_elevation_deg,
                light.clouds,
                light.visibility_m,
            ),
            rng,
        )
        points = np.array(scenario.ego.points)
        low, high = points.min(axis=0) - MARGIN_M / 2, points.max(axis=0) + MARGIN_M
        area = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        ground = apron.build(scenario.surface, scenario.markings, scenario.regions, area, rng)
        actors = [_actor(i, entry, seed) for i, entry in enumerate(scenario.actors)]
        self.scene = Scene(ground, sky, actors)
        self.shader = Shader(self.scene, seed)
        self.camera = camera.build(scenario.camera)

    def ego(self, t: float, stamp_ns: int) -> EgoPose:
        return ego_pose(self.way.at(t), stamp_ns)

    def frame(self, number: int) -> SimFrame:
        """Frame ``number``, the same each time for a seed."""
        scenario = self.scenario
        t = number / scenario.camera.rate_hz
        stamp_ns = START_NS + round(t * 1e9)
        self.scene.move(t)
        ego = self.ego(t, stamp_ns)
        noise_seed = self.seed * 1_000_003 + number
        picture = camera.take(
            self.shader, self.camera, ego.odom_from_base, scenario.camera, noise_seed
        )
        sweep, hit = lidar.scan(
            self.scene,
            scenario.lidar,
            lambda s: base_matrix(self.way.at(s)),
            t,
            stamp_ns,
            LIDAR_FRAME,
            noise_seed,
        )
        truth = self._truth(stamp_ns, picture.instances, hit)
        return SimFrame(
            stamp_ns, picture.image, sweep, ego, truth, picture.instances, picture.labels
        )

    def _truth(self, stamp_ns: int, instances: np.ndarray, hit: np.ndarray) -> TruthFrame:
        actors = self.scene.actors
        pixels = np.bincount(instances.ravel(), minlength=len(actors) + 1)
        points = lidar.hits_by_actor(hit, len(actors))
        items = tuple(
            _truth_of(actor, pose, int(pixels[actor.id]), int(points[i]))
            for i, (actor, pose) in enumerate(zip(actors, self.scene.poses, strict=True))
        )
        return TruthFrame(stamp_ns, ODOM_FRAME, items)


def frame_count(scenario: Scenario, duration_s: float | None = None) -> int:
    return max(1, round((duration_s or scenario.duration_s) * scenario.camera.rate_hz))


def drive(
    scenario: Scenario, seed: int | None = None, duration_s: float | None = None, workers: int = 1
) -> Iterator[SimFrame]:
    """The frames of a scenario in order, rendered by ``workers`` processes."""
    count = frame_count(scenario, duration_s)
    seed = scenario.seed if seed is None else seed
    if workers <= 1:
        stage = Stage(scenario, seed)
        yield from (stage.frame(i) for i in range(count))
        return
    # Embree's threads do not survive a fork, so that each worker sets its own stage.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _set_stage, (scenario, seed)) as pool:
        waiting = [pool.submit(_frame, i) for i in range(min(count, 4 * workers))]
        for i in range(count):
            yield waiting.pop(0).result()
            if i + 4 * workers < count:
                waiting.append(pool.submit(_frame, i + 4 * workers))


_stage: Stage | None = None


def _set_stage(scenario: Scenario, seed: int) -> None:
    global _stage  # one a worker process
    _stage = Stage(scenario, seed)


def _frame(number: int) -> SimFrame:
    assert _stage is not None
    return _stage.frame(number)


def _actor(index: int, entry: ActorEntry, seed: int) -> Actor:
    own = entry.seed if entry.seed is not None else seed * 1009 + index
    model = catalog.make(entry.kind, np.random.default_rng((own, 11)))
    known = model.category != ANOMALY if entry.known is None else entry.known
    name = entry.name or entry.kind
    if entry.path is not None:
        way = Way(entry.path.points, entry.path.speed_mps, entry.path.start_s)
        return Actor(index + 1, name, model, way.at, True, known)
    x, y = entry.at or (0.0, 0.0)
    pose = Pose(x, y, float(np.deg2rad(entry.yaw_deg)), 0.0, 0.0, 0.0)
    return Actor(index + 1, name, model, lambda _: pose, False, known)


def _truth_of(actor: Actor, pose: Pose, pixels: int, points: int) -> TruthObject:
    low, high = actor.model.at_distance(pose.travelled_m).bounds()
    centre = (low + high) / 2
    c, s = np.cos(pose.yaw), np.sin(pose.yaw)
    position = np.array(
        [
            pose.x + c * centre[0] - s * centre[1],
            pose.y + s * centre[0] + c * centre[1],
            actor.model.hover_m + centre[2],
        ],
        np.float64,
    )
    role = ROLES.get(actor.model.category, Role.STRUCTURE)
    if actor.known and role is Role.UNKNOWN:
        role = Role.SIGN  # a cone in use, say: part of the stand
    size = np.asarray(high - low, np.float64)
    return TruthObject(actor.id, actor.name, role, position, size, pose.yaw, pixels, points)
