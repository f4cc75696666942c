"""A scenario, frame by frame: what the sensors measure, and what is really there."""

from __future__ import annotations

import multiprocessing
import signal
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from s2m_ros.fusion.calibration import Rig
from s2m_ros.sim import apron, camera, catalog, lamps, lidar
from s2m_ros.sim.mesh import Mesh
from s2m_ros.sim.model import ANOMALY
from s2m_ros.sim.motion import Pose, Way
from s2m_ros.sim.odometry import Odometer
from s2m_ros.sim.scenario import Actor as ActorEntry
from s2m_ros.sim.scenario import CameraSensor, Scenario
from s2m_ros.sim.scene import Actor, Scene
from s2m_ros.sim.shader import Shader
from s2m_ros.sim.sky import Sky, daylight
from s2m_ros.sim.terrain import Terrain
from s2m_ros.sim.truth import FirstSight, Sight, Witness
from s2m_ros.sim.weather import spray_behind
from s2m_ros.types import EgoPose, Sweep, UInt8
from s2m_ros.wire.truth import TruthFrame

START_NS = 1_700_000_000_000_000_000
LIDAR_FRAME = "lidar"
ODOM_FRAME = "odom"
MARGIN_M = 30.0
"""How far from the way of the vehicle the ground shows wear."""
FINE_M = 9.0
"""How far around it the ground is painted in cells of 2 cm."""


@dataclass(frozen=True, slots=True, eq=False)
class SimView:
    """One camera's picture. image: uint8 (H, W, 3) RGB; instances: uint16 (H, W), ids of the
    truth's objects, 0 for none; labels: uint8 (H, W), see ``model.CLASSES``."""

    name: str
    stamp_ns: int
    image: UInt8
    instances: NDArray[np.uint16]
    labels: UInt8


@dataclass(frozen=True, slots=True, eq=False)
class SimFrame:
    """One turn of the LiDAR and the pictures that go with it, the earliest first.

    ego: what odometry states at the middle of the turn; truth: one for each stamp of a picture;
    the sweep is in its sensor frame.
    """

    stamp_ns: int
    views: tuple[SimView, ...]
    sweep: Sweep
    ego: EgoPose
    truth: tuple[TruthFrame, ...]


def optical_frame(name: str) -> str:
    return f"camera_{name}_optical_frame"


def rig_of(scenario: Scenario) -> Rig:
    """Extrinsics and intrinsics of the scenario's sensors."""
    built = {view.name: camera.build(view) for view in scenario.views}
    frames = {optical_frame(name): c.base_from_optical for name, c in built.items()}
    return Rig(
        frames | {LIDAR_FRAME: lidar.base_from_lidar(scenario.lidar)},
        {name: c.model for name, c in built.items()},
        {name: optical_frame(name) for name in built},
    )


def odometer(scenario: Scenario, seed: int) -> Odometer:
    """The way of the vehicle, which rolls from the first frame on, and what it is taken for."""
    ego = scenario.ego
    way = Way(ego.points, ego.speed_mps, ego.start_s, True)
    terrain = Terrain(scenario.relief)
    return Odometer(way, scenario.odometry, terrain, scenario.duration_s, seed)


class Stage:
    """A scenario that is set up once and rendered at any instant."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.scenario, self.seed = scenario, seed
        self.odometer = odometer(scenario, seed)
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
        low, high = points.min(axis=0) - FINE_M, points.max(axis=0) + FINE_M
        fine = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
        ground = apron.build(
            scenario.surface, scenario.markings, scenario.regions, area, rng, fine=fine
        )
        actors = [_actor(i, entry, seed) for i, entry in enumerate(scenario.actors)]
        self._floodlights = tuple(lamps.floodlight(lamp) for lamp in light.lamps)
        self.scene = Scene(ground, sky, actors, Terrain(scenario.relief), self._floodlights)
        self.shader = Shader(self.scene, seed)
        self.cameras = {view.name: camera.build(view) for view in scenario.views}
        self._witness = Witness(self.scene)

    def frame(self, number: int) -> SimFrame:
        """Frame ``number``, the same each time for a seed; ``first_ns`` is not known yet."""
        scenario, scene = self.scenario, self.scene
        t = number / scenario.camera.rate_hz
        stamp_ns = START_NS + round(t * 1e9)
        seed = self.seed * 1_000_003 + number
        mounted = self.odometer.true(t) @ lidar.base_from_lidar(scenario.lidar)
        scene.move(lidar.passing_times(scene.poses_at(t), mounted, t))
        sweep, hit = lidar.scan(
            scene, scenario.lidar, self.odometer.true, t, stamp_ns, LIDAR_FRAME, seed, self._air()
        )
        points = lidar.hits_by_actor(hit, len(scene.actors))
        views, truth = [], []
        for phase_ms in sorted({view.phase_ms for view in scenario.views}):
            at = t + phase_ms * 1e-3
            ns = stamp_ns + round(phase_ms * 1e6)
            scene.move(at)
            sights = []
            for i, sensor in enumerate(scenario.views):
                if sensor.phase_ms == phase_ms:
                    view, sight = self._look(sensor, at, ns, seed + 7_919 * i)
                    views.append(view)
                    sights.append(sight)
            drift = self.odometer.odom_from_world(at)
            truth.append(self._witness.state(ns, ODOM_FRAME, drift, sights, points))
        ego = self.odometer.stated(t, stamp_ns)
        return SimFrame(stamp_ns, tuple(views), sweep, ego, tuple(truth))

    def _look(
        self, sensor: CameraSensor, t: float, stamp_ns: int, seed: int
    ) -> tuple[SimView, Sight]:
        pose = self.odometer.true(t)
        built = self.cameras[sensor.name]
        beams = lamps.headlights(pose, self.scenario.light.headlights)
        self.scene.lamps = (*self._floodlights, *beams)
        later = self.odometer.true(t + sensor.exposure_ms * 1e-3)
        picture = camera.take(self.shader, built, pose, sensor, seed, later=later, air=self._air())
        sight = Sight(sensor.name, built, picture.instances, pose @ built.base_from_optical)
        image, instances, labels = picture.image, picture.instances, picture.labels
        return SimView(sensor.name, stamp_ns, image, instances, labels), sight

    def _air(self) -> camera.Air:
        weather = self.scenario.weather
        clouds = (
            spray_behind(pose, actor.model.size, weather.spray)
            for actor, pose in zip(self.scene.actors, self.scene.poses, strict=True)
            if actor.model.category in ("Car", "ServiceVehicle")
        )
        return camera.Air(weather.rain, tuple(c for c in clouds if c is not None))


def frame_count(scenario: Scenario, duration_s: float | None = None) -> int:
    return max(1, round((duration_s or scenario.duration_s) * scenario.camera.rate_hz))


def drive(
    scenario: Scenario, seed: int | None = None, duration_s: float | None = None, workers: int = 1
) -> Generator[SimFrame, None, None]:
    """The frames of a scenario in order, rendered by ``workers`` processes."""
    first = FirstSight()
    count = frame_count(scenario, duration_s)
    for frame in _frames(scenario, scenario.seed if seed is None else seed, count, workers):
        yield replace(frame, truth=tuple(first.mark(t) for t in frame.truth))


def _frames(scenario: Scenario, seed: int, count: int, workers: int) -> Iterator[SimFrame]:
    if workers <= 1:
        stage = Stage(scenario, seed)
        yield from (stage.frame(i) for i in range(count))
        return
    # Embree's threads do not survive a fork, so that each worker sets its own stage.
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, context, _set_stage, (scenario, seed))
    try:
        waiting: deque[Future[SimFrame]] = deque()
        for i in range(count):
            while len(waiting) < min(2 * workers, count - i):
                waiting.append(pool.submit(_frame, i + len(waiting)))
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_stage: Stage | None = None


def _set_stage(scenario: Scenario, seed: int) -> None:
    global _stage  # one a worker process
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all; the parent ends the pool.
    _stage = Stage(scenario, seed)


def _frame(number: int) -> SimFrame:
    assert _stage is not None
    return _stage.frame(number)


def _actor(index: int, entry: ActorEntry, seed: int) -> Actor:
    own = entry.seed if entry.seed is not None else seed * 1009 + index
    model = catalog.make(entry.kind, np.random.default_rng((own, 11)))
    if entry.scale != 1:
        meshes: tuple[Mesh, ...] = tuple(mesh.scaled(entry.scale) for mesh in model.meshes)
        model = replace(model, meshes=meshes, stride_m=model.stride_m * entry.scale)
    known = model.category != ANOMALY if entry.known is None else entry.known
    name = entry.name or entry.kind
    if entry.path is not None:
        way = Way(entry.path.points, entry.path.speed_mps, entry.path.start_s)
        return Actor(index + 1, name, model, way.at, True, known)
    x, y = entry.at or (0.0, 0.0)
    pose = Pose(x, y, float(np.deg2rad(entry.yaw_deg)), 0.0, 0.0, 0.0)
    return Actor(index + 1, name, model, lambda _: pose, False, known)
