"""Run a bag through the stages one message at a time: no ROS, no clock, nothing dropped.

The stages are those the nodes run. Each message is worked off completely before the next is read,
so the same bag, model and settings give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from s2m_ros.audit.inputs import Inputs
from s2m_ros.bags import BagReader, BagWriter, Message
from s2m_ros.pipeline.camera import CameraStage
from s2m_ros.pipeline.fusion import FusionStage
from s2m_ros.pipeline.tracking import TrackingStage
from s2m_ros.runtime.build import build_perception
from s2m_ros.types import InputError
from s2m_ros.wire import topics
from s2m_ros.wire.factory import RosbagsFactory

Build = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Run:
    """What was worked off and what came out, by topic; drops: by stage and reason."""

    processed: Mapping[str, int]
    produced: Mapping[str, int]
    drops: Mapping[str, Mapping[str, int]]


def run_lockstep(
    bag: BagReader,
    inputs: Inputs,
    outputs: Path,
    *,
    build: Build = build_perception,
    status: Callable[[str, float], None] = lambda what, share: None,
) -> Run:
    """Write the outputs of all stages for ``bag`` as the bag ``outputs``.

    An output is logged at the time of the input that caused it. Raises InputError when the model
    cannot be used.
    """
    return _Lockstep(bag, inputs, outputs, build, status).run()


class _Lockstep:
    def __init__(
        self,
        bag: BagReader,
        inputs: Inputs,
        outputs: Path,
        build: Build,
        status: Callable[[str, float], None],
    ) -> None:
        factory = RosbagsFactory()
        self._bag = bag
        self._inputs = inputs
        self._outputs = outputs
        self._status = status
        self._cameras = {
            name: CameraStage(inputs.config.model_copy(update={"camera": name}), factory, build)
            for name in inputs.config.cameras
        }
        self._fusion = FusionStage(inputs.config, factory)
        self._tracking = TrackingStage(inputs.config, factory)
        self._take: dict[str, Callable[[Message, Any], None]] = {}
        self._now_ns = bag.start_ns
        self._connect()

    def run(self) -> Run:
        for name, camera in self._cameras.items():
            self._status(f"loading the model of camera '{name}'", 0.0)
            if not camera.load():
                raise InputError(
                    f"model of camera '{name}'",
                    camera.conditions.worst().reason,
                    "see `s2m doctor`",
                )
        processed: Counter[str] = Counter()
        with BagWriter(self._outputs, compress=False, overwrite=True) as self._writer:
            for message in self._bag.messages(self._inputs.topics):
                self._now_ns = message.stamp_ns
                self._take[message.topic](message, self._bag.decode(message))
                self._follow(self._fusion.poll(message.stamp_ns))
                processed[message.topic] += 1
                share = (message.stamp_ns - self._bag.start_ns) / max(1, self._bag.duration_ns)
                self._status("working off every message", share)
            self._follow(self._fusion.drain())
            produced = dict(self._writer.counts)
        drops = {f"camera_{name}": dict(stage.drops) for name, stage in self._cameras.items()}
        drops["fusion"] = dict(self._fusion.drops)
        drops["tracker"] = dict(self._tracking.drops)
        return Run(dict(processed), produced, drops)

    def _connect(self) -> None:
        fusion = self._fusion

        def on(name: str, take: Callable[[Message, Any], None]) -> None:
            self._take["/" + name.strip("/")] = take

        for camera in self._cameras:
            self._take[self._inputs.images[camera]] = self._image(camera)
            on(topics.camera_info(camera), self._camera_info(camera))
        on(topics.POINTS, lambda _, value: fusion.add_cloud(value))
        on(topics.ODOM, lambda _, value: fusion.add_odometry(value))
        on(topics.TF, lambda _, value: fusion.add_transforms(value, False))
        on(topics.TF_STATIC, lambda _, value: fusion.add_transforms(value, True))

    def _image(self, camera: str) -> Callable[[Message, Any], None]:
        def take(message: Message, value: Any) -> None:
            output = self._cameras[camera].process(value)
            self._write(topics.masks(camera), output.masks)
            if output.score is not None:
                self._write(topics.score(camera), output.score)
            if output.overlay is not None:
                self._write(topics.overlay(camera), output.overlay)
            self._fusion.add_masks(output.masks)

        return take

    def _camera_info(self, camera: str) -> Callable[[Message, Any], None]:
        return lambda _, value: self._fusion.add_camera_info(camera, value)

    def _follow(self, arrays: list[Any]) -> None:
        for array in arrays:
            self._write(topics.OBJECTS, array)
            output = self._tracking.process(array)
            self._write(topics.HAZARDS, output.hazards)
            self._write(topics.MARKERS, output.markers)

    def _write(self, topic: str, message: Any) -> None:
        self._writer.write(topic, message, self._now_ns)
