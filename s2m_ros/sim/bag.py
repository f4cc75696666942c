"""A simulated drive as a bag: cameras, LiDAR, odometry, calibration, truth."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from s2m_ros.bags.writer import BagWriter
from s2m_ros.fusion.calibration import Rig
from s2m_ros.sim.drive import (
    ODOM_FRAME,
    START_NS,
    SimFrame,
    drive,
    frame_count,
    odometer,
    optical_frame,
    rig_of,
)
from s2m_ros.sim.scenario import Scenario, load
from s2m_ros.wire import topics
from s2m_ros.wire.camera_info import encode_camera_info
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.image import encode_image
from s2m_ros.wire.odometry import encode_odometry
from s2m_ros.wire.pointcloud import encode_sweep
from s2m_ros.wire.protocol import MessageFactory
from s2m_ros.wire.tf import Transform, encode_transforms
from s2m_ros.wire.truth import TRUTH, encode_instances, encode_truth, instances

BASE_FRAME = "base_link"
SCENARIO_FILE = "scenario.yaml"


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
    """Write a drive as it is rendered; ``calibration.yaml`` and the scenario go beside it.

    scenario: a name, a file or a value; workers: processes that render, as many as there are cores
    unless given. advance(done, total) is called per frame. Returns the scenario.
    Raises InputError for a scenario that is not one, BagError when the bag cannot be made. Ended
    by an exception, KeyboardInterrupt too, it leaves a bag of the frames so far.
    """
    chosen = scenario if isinstance(scenario, Scenario) else load(scenario)
    if seed is not None:
        chosen = chosen.model_copy(update={"seed": seed})
    total = frame_count(chosen, duration_s)
    workers = min(os.cpu_count() or 1, 4) if workers is None else workers
    rig = rig_of(chosen)
    factory = RosbagsFactory()
    about = {"scenario": chosen.name, "seed": str(chosen.seed)}
    with BagWriter(out, overwrite=overwrite, about=about) as bag:
        rig.save(out / "calibration.yaml")
        chosen.save(out / SCENARIO_FILE)
        odometry = _Odometry(chosen, factory, bag)
        with closing(drive(chosen, None, duration_s, workers)) as frames:
            for i, frame in enumerate(frames):
                entries = sorted(_entries(factory, rig, frame), key=lambda entry: entry[0])
                if i == 0:
                    odometry.begin(entries[0][0])
                    _write_mounts(bag, factory, rig, entries[0][0])
                for ns, topic, message in entries:
                    odometry.until(ns)
                    bag.write(topic, message, ns)
                advance(i + 1, total)
        odometry.until(START_NS + round(total * 1e9 / chosen.camera.rate_hz))
    return chosen


class _Odometry:
    """Odometry at its own rate, from the same motion as the frames."""

    def __init__(self, scenario: Scenario, factory: MessageFactory, bag: BagWriter) -> None:
        self._odometer = odometer(scenario, scenario.seed)
        self._rate_hz = scenario.odometry.rate_hz
        self._factory, self._bag = factory, bag
        self._count = 0

    def begin(self, stamp_ns: int) -> None:
        """Start with the message that comes before a stamp or at it."""
        self._count = int((stamp_ns - START_NS) * self._rate_hz // 1_000_000_000)

    def until(self, stamp_ns: int) -> None:
        """Write all messages up to and with a stamp."""
        while (ns := START_NS + round(self._count * 1e9 / self._rate_hz)) <= stamp_ns:
            ego = self._odometer.stated((ns - START_NS) * 1e-9, ns)
            message = encode_odometry(self._factory, ego, ODOM_FRAME, BASE_FRAME)
            self._bag.write(topics.ODOM, message, ns)
            self._count += 1


def _write_mounts(bag: BagWriter, factory: MessageFactory, rig: Rig, stamp_ns: int) -> None:
    transforms = [
        Transform(stamp_ns, rig.base_frame, name, matrix)
        for name, matrix in rig.frames.items()
        if name != rig.base_frame
    ]
    bag.write(topics.TF_STATIC, encode_transforms(factory, transforms), stamp_ns)


def _entries(factory: MessageFactory, rig: Rig, frame: SimFrame) -> Iterator[tuple[int, str, Any]]:
    """Stamp, topic and message of all that a frame holds."""
    yield frame.stamp_ns, topics.POINTS, encode_sweep(factory, frame.sweep)
    for view in frame.views:
        ns, name, optical = view.stamp_ns, view.name, optical_frame(view.name)
        info = encode_camera_info(factory, ns, optical, rig.cameras[name])
        yield ns, topics.camera_info(name), info
        yield ns, topics.image(name), encode_image(factory, ns, optical, view.image, "rgb8")
        ids = encode_instances(factory, ns, optical, view.instances)
        yield ns, instances(name), ids
    for truth in frame.truth:
        yield truth.stamp_ns, TRUTH, encode_truth(factory, truth)
