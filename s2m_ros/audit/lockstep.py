"""Run a bag through the stages one message at a time: no ROS, no clock, nothing dropped.

The stages are those the nodes run. Each message is worked off completely before the next is read,
so the same bag, model and settings give the same bytes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from s2m_ros.audit.inputs import Inputs
from s2m_ros.audit.status import Status
from s2m_ros.bags import BagReader, BagWriter, Message
from s2m_ros.perception.pipeline import Stopwatch
from s2m_ros.pipeline.camera import CameraOutput, CameraStage
from s2m_ros.pipeline.conditions import Condition
from s2m_ros.pipeline.fusion import FusionStage
from s2m_ros.pipeline.tracking import TrackingOutput, TrackingStage
from s2m_ros.runtime.build import build_perception
from s2m_ros.store.feed import Feed
from s2m_ros.store.writer import StoreWriter
from s2m_ros.types import InputError
from s2m_ros.wire import topics
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.markers import MARKERS

Build = Callable[..., Any]
READ, CAMERA, FUSION, TRACKING = "read", "camera", "fusion", "tracking"


@dataclass(frozen=True, slots=True)
class Run:
    """What was worked off and what came out, by topic; drops: by stage and reason."""

    processed: Mapping[str, int]
    produced: Mapping[str, int]
    drops: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An Object3DArray message, and what tracking made of it."""

    objects: Any
    tracking: TrackingOutput


@dataclass(frozen=True, slots=True)
class Step:
    """One input message, recorded at stamp_ns, and all that it caused.

    message: as it came, None at the end; image: the answer of ``camera`` when it was an image;
    share: how much of the bag is done; times_ms: what reading the message, the camera, fusion and
    tracking took.
    """

    stamp_ns: int
    message: Message | None
    topic: str
    camera: str
    image: CameraOutput | None
    answers: tuple[Answer, ...]
    share: float
    times_ms: Mapping[str, float] = field(default_factory=dict)


def run_lockstep(
    bag: BagReader,
    inputs: Inputs,
    outputs: Path | None,
    *,
    build: Build = build_perception,
    store: StoreWriter | None = None,
    status: Status = lambda what, share: None,
) -> Run:
    """Write the outputs of all stages for ``bag`` as the bag ``outputs``, and into ``store``; None
    for what is not wanted.

    An output is logged at the time of the input that caused it. Raises InputError when the model
    cannot be used.
    """
    stages = Lockstep(inputs, build)
    stages.load(status)
    processed: Counter[str] = Counter()
    feed = Feed(store, inputs.config.audit) if store is not None else None
    written = BagWriter(outputs, compress=False, overwrite=True) if outputs is not None else None
    with written or nullcontext():
        for step in stages.steps(bag):
            if step.topic:
                processed[step.topic] += 1
            if written is not None:
                _write(written, step)
            if feed is not None:
                hand_over(step, feed)
                if step.answers:
                    newest = stamp_ns(step.answers[-1].objects.header.stamp)
                    feed.health(stages.conditions, newest)
            status("working off every message", step.share)
    return Run(dict(processed), dict(written.counts) if written else {}, stages.drops)


def _write(writer: BagWriter, step: Step) -> None:
    if step.image is not None:
        _write_image(writer, step.camera, step.image, step.stamp_ns)
    for answer in step.answers:
        writer.write(topics.OBJECTS, answer.objects, step.stamp_ns)
        writer.write(topics.HAZARDS, answer.tracking.hazards, step.stamp_ns)
        writer.write(topics.MARKERS, answer.tracking.markers, step.stamp_ns, MARKERS)


def _write_image(writer: BagWriter, camera: str, output: CameraOutput, now_ns: int) -> None:
    writer.write(topics.masks(camera), output.masks, now_ns)
    if output.score is not None:
        writer.write(topics.score(camera), output.score, now_ns)
    if output.overlay is not None:
        writer.write(topics.overlay(camera), output.overlay, now_ns)


def hand_over(step: Step, feed: Feed) -> None:
    """Give what came in and what was made of it to the audit store."""
    if step.message is not None:
        message = step.message
        feed.input(message.topic, message.type, message.data, message.stamp_ns)
    if step.image is not None:
        feed.image(step.camera, step.image)
    for answer in step.answers:
        feed.answer(answer.objects, answer.tracking)


class Lockstep:
    """The stages of all nodes, fed message by message."""

    def __init__(self, inputs: Inputs, build: Build = build_perception) -> None:
        factory = RosbagsFactory()
        self._inputs = inputs
        self._cameras = {
            name: CameraStage(inputs.config.model_copy(update={"camera": name}), factory, build)
            for name in inputs.config.cameras
        }
        self._fusion = FusionStage(inputs.config, factory)
        self._tracking = TrackingStage(inputs.config, factory)
        self._take: dict[str, Callable[[Any], None]] = {}
        self._images: dict[str, str] = {}
        self._connect()

    @property
    def drops(self) -> dict[str, Mapping[str, int]]:
        """Everything discarded so far, by stage and reason."""
        drops = {f"camera_{name}": dict(stage.drops) for name, stage in self._cameras.items()}
        return {**drops, "fusion": dict(self._fusion.drops), "tracker": dict(self._tracking.drops)}

    @property
    def conditions(self) -> dict[str, Condition]:
        """What keeps each stage from OK now, by the name of its node."""
        stages = {f"camera_{name}": stage for name, stage in self._cameras.items()}
        held = {name: stage.conditions for name, stage in stages.items()}
        held |= {"fusion": self._fusion.conditions, "tracker": self._tracking.conditions}
        return {name: conditions.worst() for name, conditions in held.items()}

    def load(self, status: Status = lambda what, share: None) -> None:
        """Load the model of each camera. Raises InputError when one cannot be used."""
        for name, camera in self._cameras.items():
            status(f"loading the model of camera '{name}'", 0.0)
            if not camera.load():
                raise InputError(
                    f"model of camera '{name}'",
                    camera.conditions.worst().reason,
                    "see `s2m doctor`",
                )

    def steps(self, bag: BagReader, end_ns: int | None = None) -> Iterator[Step]:
        """Work off the messages recorded up to and with end_ns, then what still waits."""
        now_ns = bag.start_ns
        for message in bag.messages(self._inputs.topics):
            if end_ns is not None and message.stamp_ns > end_ns:
                break
            now_ns, image = message.stamp_ns, None
            watch = Stopwatch()
            value = bag.decode(message)
            watch.mark(READ)
            camera = self._images.get(message.topic, "")
            if camera:
                image = self._cameras[camera].process(value)
                watch.mark(CAMERA)
                self._fusion.add_masks(image.masks)
            else:
                self._take[message.topic](value)
            objects = self._fusion.poll(now_ns)
            watch.mark(FUSION)
            answers = self._follow(objects)
            watch.mark(TRACKING)
            share = (now_ns - bag.start_ns) / max(1, bag.duration_ns)
            yield Step(
                now_ns, message, message.topic, camera, image, answers, share, watch.times_ms
            )
        yield Step(now_ns, None, "", "", None, self._follow(self._fusion.drain()), 1.0)

    def _connect(self) -> None:
        fusion = self._fusion

        def on(name: str, take: Callable[[Any], None]) -> None:
            self._take["/" + name.strip("/")] = take

        for camera in self._cameras:
            self._images[self._inputs.images[camera]] = camera
            on(topics.camera_info(camera), partial(fusion.add_camera_info, camera))
        on(topics.POINTS, fusion.add_cloud)
        on(topics.ODOM, fusion.add_odometry)
        for topic, static in ((topics.TF, False), (topics.TF_STATIC, True)):
            on(topic, partial(self._add_transforms, static=static))

    def _add_transforms(self, message: Any, static: bool) -> None:
        self._fusion.add_transforms(message, static)
        if self._tracking.needs_transforms:
            self._tracking.add_transforms(message, static)

    def _follow(self, arrays: list[Any]) -> tuple[Answer, ...]:
        return tuple(Answer(array, self._tracking.process(array)) for array in arrays)
