"""Masks, cloud, odometry and calibration messages -> Object3DArray messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Protocol

from s2m_ros.config import Config
from s2m_ros.config import Pairing as PairingSettings
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.ego import EgoMotion
from s2m_ros.fusion.pairing import Pair, Pairing
from s2m_ros.fusion.pipeline import Fusion
from s2m_ros.pipeline.calibration import Calibration
from s2m_ros.pipeline.clocks import SyncRecord
from s2m_ros.pipeline.conditions import Condition, Conditions, heard, worst
from s2m_ros.pipeline.timeline import Order, Timeline
from s2m_ros.pipeline.transforms import Transforms, TransformTree
from s2m_ros.types import EgoPose, InputError, ObjectMasks, Objects3D, State, Sweep
from s2m_ros.wire import topics
from s2m_ros.wire.geometry import require_stamp
from s2m_ros.wire.masks import decode_masks
from s2m_ros.wire.objects import encode_objects
from s2m_ros.wire.odometry import decode_odometry
from s2m_ros.wire.pointcloud import decode_sweep
from s2m_ros.wire.protocol import MessageFactory
from s2m_ros.wire.tf import decode_transforms


class PairingBackend(Protocol):
    """What decides which sweep goes with which image; ``Pairing`` is the default."""

    @property
    def drops(self) -> Mapping[str, int]: ...
    def add_masks(self, masks: ObjectMasks) -> bool: ...
    def add_sweep(self, sweep: Sweep) -> bool: ...
    def poll(self, now_ns: int) -> list[Pair]: ...
    def drain(self) -> list[Pair]: ...
    def flush(self) -> None: ...
    def adjust(self, settings: PairingSettings) -> None: ...


class FusionStage:
    """All cameras and the LiDAR of one vehicle.

    Each pair gets an Object3DArray whose state says what was missing: without a usable camera
    UNKNOWN, without LiDAR, odometry or one of several cameras DEGRADED. While no masks come at
    all, each sweep is answered alone, UNKNOWN. ``transforms`` replaces the tree that
    ``add_transforms`` fills; named: the name of a topic in messages.
    """

    def __init__(
        self,
        config: Config,
        factory: MessageFactory,
        transforms: Transforms | None = None,
        pairing: PairingBackend | None = None,
        named: Callable[[str], str] = str,
    ) -> None:
        self.conditions = Conditions()
        self._drops: Counter[str] = Counter()
        self._points: Counter[str] = Counter()
        self._settings = config.fusion
        self._names = tuple(config.cameras)
        self._silence_ns = round(config.intake.input_timeout_ms * 1e6)
        self._factory = factory
        self._named = named
        self._tree = TransformTree()
        self._transforms: Transforms = transforms or self._tree
        self._calibration = Calibration(config.fusion, self._transforms, self.conditions, named)
        self._pairing = pairing or Pairing(config.fusion.pairing, config.cameras)
        self._sync = {name: SyncRecord() for name in config.cameras}
        self._ego = EgoMotion()
        self._fusion = Fusion(config.fusion, self._calibration.rig)
        self._set: dict[str, tuple[CameraModel, str]] = {}
        # Stamp of the newest masks (before the first, of the first sweep); and the newest sweep
        # while masks fail to come.
        self._seen_ns: int | None = None
        self._unseen: Sweep | None = None
        self._timelines: dict[str, Timeline] = {}
        self._sequence = 0

    @property
    def drops(self) -> Mapping[str, int]:
        """Everything discarded since the start, by reason; of single points as ``points_...``."""
        return {
            **self._drops,
            **{f"pairing_{k}": n for k, n in self._pairing.drops.items()},
            **{f"points_{k}": n for k, n in dict(self._points).items()},
        }

    def add_masks(self, message: Any) -> None:
        topic = self._named(topics.masks(message.camera))
        try:
            masks = decode_masks(message, topic)
            self._in_time(topic, message)
        except InputError as error:
            self._refuse(topic, error, "bad_masks")
            return
        self.conditions.clear(topic)
        if self._pairing.add_masks(masks):
            self._drops["time_jumps"] += 1
        self._seen_ns = masks.stamp_ns
        self._unseen = None

    def add_cloud(self, message: Any) -> None:
        topic = self._named(topics.POINTS)
        try:
            sweep, dropped = decode_sweep(message, topic)
            if not len(sweep.points):
                problem = "no point is finite" if dropped else "the cloud is empty"
                raise InputError(topic, problem, "check the LiDAR and its driver")
            self._in_time(topic, message)
        except InputError as error:
            self._refuse(topic, error, "bad_cloud")
            return
        self.conditions.clear(topic)
        self._points.update(dropped)
        if self._pairing.add_sweep(sweep):
            self._drops["time_jumps"] += 1
        if self._seen_ns is None or sweep.stamp_ns < self._seen_ns - self._silence_ns:
            self._seen_ns = sweep.stamp_ns
        if sweep.stamp_ns - self._seen_ns > self._silence_ns:
            self._unseen = sweep

    def add_odometry(self, message: Any) -> None:
        topic = self._named(topics.ODOM)
        try:
            ego = decode_odometry(message, topic, self._settings.base_frame)
            order = self._in_time(topic, message)
        except InputError as error:
            self._refuse(topic, error, "bad_odometry")
            return
        self.conditions.clear(topic)
        if order is Order.LATE:  # the buffer would take it for a jump
            self._drops["odometry_out_of_order"] += 1
        else:
            self._ego.add(ego)

    def add_camera_info(self, camera: str, message: Any) -> None:
        if not self._calibration.add_camera_info(camera, message):
            self._drops["bad_camera_info"] += 1

    def add_transforms(self, message: Any, static: bool) -> None:
        topic = topics.TF_STATIC if static else topics.TF
        try:
            transforms = decode_transforms(message, topic)
        except InputError as error:
            self._refuse(topic, error, "bad_transform")
            return
        self.conditions.clear(topic)
        for transform in transforms:
            self._tree.add(transform, static)

    def poll(self, now_ns: int) -> list[Any]:
        """The Object3DArray of all that is decided at a time of the stamps' clock."""
        answers = [self._answer(pair) for pair in self._pairing.poll(now_ns)]
        unseen, self._unseen = self._unseen, None
        return answers if unseen is None else [*answers, self._answer_unseen(unseen)]

    def drain(self) -> list[Any]:
        """What still waits at the end of a recording."""
        return [self._answer(pair) for pair in self._pairing.drain()]

    @property
    def figures(self) -> Mapping[str, str]:
        """What diagnostics show beside state and drops: how well each camera meets the LiDAR."""
        return {f"sync.{name}.{k}": v for name, s in self._sync.items() for k, v in s.figures()}

    def adjust(self, config: Config) -> None:
        """Take over those changed settings that apply at once."""
        self._pairing.adjust(config.fusion.pairing)
        self._silence_ns = round(config.intake.input_timeout_ms * 1e6)

    def reset(self, why: str = "time_jumps") -> None:
        """Forget all that has a time (the clock jumped); calibration stays."""
        self._pairing.flush()
        self._timelines.clear()
        self._ego.clear()
        self._transforms.clear_moving()
        self._fusion, self._set = Fusion(self._settings, self._calibration.rig), {}
        self._seen_ns = self._unseen = None
        self._drops[why] += 1

    def refuse(self, stamp_ns: int, state: State, reason: str) -> Any:
        """The message of an instant that could not be looked at: empty, and not clear."""
        self._sequence += 1
        frame = self._settings.base_frame
        return encode_objects(
            self._factory, Objects3D(stamp_ns, frame, (), None, state, reason, self._sequence)
        )

    def _answer(self, pair: Pair) -> Any:
        found: list[Condition] = []
        for arrived in pair.masks:
            apart = None if pair.sweep is None else pair.sweep.stamp_ns - arrived.stamp_ns
            self._sync[arrived.camera].add(apart)
        for camera in pair.missing:
            self._sync[camera].add(None)
        masks = self._usable_masks(pair, found)
        sweep = self._usable_sweep(pair.sweep, pair.reason, found)
        return self._fuse(pair.stamp_ns, masks, sweep, found)

    def _answer_unseen(self, sweep: Sweep) -> Any:
        names = ", ".join(self._named(topics.masks(camera)) for camera in self._names)
        reason = f"{names}: silent: check that the camera nodes run and get images"
        found = [Condition(State.UNKNOWN, reason)]
        return self._fuse(sweep.stamp_ns, [], self._usable_sweep(sweep, "", found), found)

    def _fuse(
        self, stamp_ns: int, masks: list[ObjectMasks], sweep: Sweep | None, found: list[Condition]
    ) -> Any:
        ego = self._ego_at(stamp_ns, found)
        sweep_ego = self._ego.at(sweep.stamp_ns) if sweep is not None and ego is not None else None
        objects = self._fusion.fuse(masks, sweep, ego, sweep_ego)
        self._points.update(self._fusion.point_drops)
        found.append(Condition(objects.state, objects.reason))
        found += [Condition(State.DEGRADED, doubt) for doubt in self._fusion.doubts]
        self.conditions.replace("output", found)
        verdict = worst(found)
        self._drops.update(objects.drops)
        self._sequence += 1
        return encode_objects(
            self._factory,
            replace(
                objects,
                stamp_ns=stamp_ns,
                state=verdict.state,
                reason=verdict.reason,
                sequence=self._sequence,
            ),
        )

    def _usable_masks(self, pair: Pair, found: list[Condition]) -> list[ObjectMasks]:
        """The masks that could be made and placed; why not, for the others, goes to ``found``."""
        usable: list[ObjectMasks] = []
        failed: list[Condition] = []
        for masks in pair.masks:
            said = heard(masks.state, masks.reason, self._named(topics.masks(masks.camera)))
            if masks.state not in (State.OK, State.DEGRADED):
                failed.append(said)
                self._drops["masks_unknown"] += 1
                continue
            try:
                model = self._calibration.camera(masks)
            except InputError as error:
                failed.append(Condition(State.UNKNOWN, str(error)))
                self._drops["masks_uncalibrated"] += 1
                continue
            if self._set.get(masks.camera) != (model, masks.frame_id):
                self._fusion.set_camera(masks.camera, model, masks.frame_id)
                self._set[masks.camera] = model, masks.frame_id
            found.append(said)
            usable.append(masks)
        for camera in pair.missing:
            topic = self._named(topics.masks(camera))
            reason = str(self.conditions.error(topic) or f"{topic}: no masks in time")
            failed.append(Condition(State.UNKNOWN, reason))
        # While another camera sees, the loss of one only degrades.
        found += [Condition(State.DEGRADED, c.reason) for c in failed] if usable else failed
        return usable

    def _usable_sweep(
        self, sweep: Sweep | None, why_not: str, found: list[Condition]
    ) -> Sweep | None:
        if sweep is None:
            topic = self._named(topics.POINTS)
            reason = self.conditions.error(topic) or f"{topic}: {why_not}"
            found.append(Condition(State.DEGRADED, str(reason)))
            return None
        try:
            self._calibration.place(sweep.frame_id, sweep.stamp_ns)
        except InputError as error:
            found.append(Condition(State.DEGRADED, str(error)))
            self._drops["sweep_uncalibrated"] += 1
            return None
        return sweep

    def _ego_at(self, stamp_ns: int, found: list[Condition]) -> EgoPose | None:
        ego = self._ego.at(stamp_ns)
        if ego is None:
            came = "no pose near this image" if len(self._ego) else "no message yet"
            topic = self._named(topics.ODOM)
            reason = self.conditions.error(topic) or (
                f"{topic}: {came}: publish odometry with stamps of the sensors' clock; "
                f"until then objects are given in '{self._settings.base_frame}'"
            )
            found.append(Condition(State.DEGRADED, str(reason)))
            self._drops["no_odometry"] += 1
        return ego

    def _in_time(self, topic: str, message: Any) -> Order:
        """The place of a stamp among those of its topic. InputError for zero and for a stray."""
        return self._timelines.setdefault(topic, Timeline()).require(
            require_stamp(message, topic), topic
        )

    def _refuse(self, source: str, error: InputError, drop: str) -> None:
        self.conditions.refuse(source, error)
        self._drops[drop] += 1
