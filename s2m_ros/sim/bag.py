"""A simulated drive as a bag: camera, LiDAR, odometry, calibration, truth."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from s2m_ros.bags.writer import BagWriter
from s2m_ros.fusion.calibration import Rig
from s2m_ros.sim.drive import (
    ODOM_FRAME,
    SimFrame,
    drive,
    ego_way,
    frame_count,
    optical_frame,
    rig_of,
)
from s2m_ros.sim.motion import ego_pose
from s2m_ros.sim.scenario import Scenario, load
from s2m_ros.wire import topics
from s2m_ros.wire.camera_info import encode_camera_info
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.image import encode_image
from s2m_ros.wire.odometry import encode_odometry
from s2m_ros.wire.pointcloud import encode_sweep
from s2m_ros.wire.protocol import MessageFactory
from s2m_ros.wire.tf import Transform, encode_transforms
from s2m_ros.wire.truth import TRUTH, encode_truth

ODOMETRY_HZ = 50
BASE_FRAME = "base_link"


def write_bag(
    out: Path,
    scenario: str | Path | Scenario,
    *,
    seed: int | None = None,
    duration_s: float | None = None,
    overwrite: bool = False,
    workers: int | None = None,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Scenario:
    """Write a drive as it is rendered, and ``calibration.yaml`` beside the recording.

    scenario: a name, a file or a value; workers: processes that render, as many as there are cores
    unless given. advance(done, total) is called per frame. Returns the scenario.
    Raises InputError for a scenario that is not one, BagError when the bag cannot be made.
    """
    chosen = scenario if isinstance(scenario, Scenario) else load(scenario)
    total = frame_count(chosen, duration_s)
    workers = min(os.cpu_count() or 1, 4) if workers is None else workers
    rig = rig_of(chosen)
    factory = RosbagsFactory()
    about = {"scenario": chosen.name, "seed": str(chosen.seed if seed is None else seed)}
    with BagWriter(out, overwrite=overwrite, about=about) as bag:
        odometry = _Odometry(chosen, factory, bag)
        for i, frame in enumerate(drive(chosen, seed, duration_s, workers)):
            if i == 0:
                transforms = [
                    Transform(frame.stamp_ns, rig.base_frame, name, matrix)
                    for name, matrix in rig.frames.items()
                    if name != rig.base_frame
                ]
                bag.write(topics.TF_STATIC, encode_transforms(factory, transforms), frame.stamp_ns)
            odometry.until(frame.stamp_ns)
            _write_frame(bag, factory, rig, chosen.camera.name, frame)
            advance(i + 1, total)
        odometry.until(frame.stamp_ns + round(1e9 / chosen.camera.rate_hz))
    rig.save(out / "calibration.yaml")
    return chosen


class _Odometry:
    """Odometry at its own rate, from the same motion as the frames."""

    def __init__(self, scenario: Scenario, factory: MessageFactory, bag: BagWriter) -> None:
        self._way = ego_way(scenario)
        self._factory, self._bag = factory, bag
        self._start_ns: int | None = None
        self._count = 0

    def until(self, stamp_ns: int) -> None:
        """Write all messages up to and with a stamp; the first call sets the start."""
        if self._start_ns is None:
            self._start_ns = stamp_ns
        while (ns := self._start_ns + self._count * 1_000_000_000 // ODOMETRY_HZ) <= stamp_ns:
            ego = ego_pose(self._way.at((ns - self._start_ns) * 1e-9), ns)
            message = encode_odometry(self._factory, ego, ODOM_FRAME, BASE_FRAME)
            self._bag.write(topics.ODOM, message, ns)
            self._count += 1


def _write_frame(
    bag: BagWriter, factory: MessageFactory, rig: Rig, name: str, frame: SimFrame
) -> None:
    ns = frame.stamp_ns
    optical = optical_frame(name)
    info = encode_camera_info(factory, ns, optical, rig.cameras[name])
    bag.write(topics.camera_info(name), info, ns)
    bag.write(topics.POINTS, encode_sweep(factory, frame.sweep), ns)
    image = encode_image(factory, ns, optical, frame.image, "rgb8")
    bag.write(topics.image(name), image, ns)
    bag.write(TRUTH, encode_truth(factory, frame.truth), ns)
