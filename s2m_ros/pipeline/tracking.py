"""Object3DArray messages -> HazardArray and MarkerArray messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from s2m_ros.config import Config
from s2m_ros.hazards.markers import MarkerBook, MarkerSpec
from s2m_ros.hazards.policy import HazardPolicy
from s2m_ros.hazards.zones import Zone
from s2m_ros.pipeline.conditions import Conditions, heard
from s2m_ros.pipeline.timeline import Order, Timeline
from s2m_ros.pipeline.transforms import Transforms, TransformTree
from s2m_ros.tracking.tracker import Tracker
from s2m_ros.types import Float64, Hazards, InputError, Objects3D, State, Tracks
from s2m_ros.wire import topics
from s2m_ros.wire.geometry import require_stamp, stamp_ns
from s2m_ros.wire.hazards import encode_hazards
from s2m_ros.wire.markers import encode_markers
from s2m_ros.wire.objects import decode_objects
from s2m_ros.wire.protocol import MessageFactory
from s2m_ros.wire.tf import decode_transforms

_MAP_SLACK_S = 2.0


@dataclass(frozen=True)
class TrackingOutput:
    """A HazardArray and the markers that show it; tracks: what was judged, None for nothing."""

    hazards: Any
    specs: Sequence[MarkerSpec]
    tracks: Tracks | None = None

    @cached_property
    def markers(self) -> bytes:
        """The MarkerArray, serialised, with the stamp and frame of the hazards."""
        header = self.hazards.header
        return encode_markers(stamp_ns(header.stamp), header.frame_id, self.specs)


class TrackingStage:
    """Tracks the objects and judges the tracks.

    The state of the objects passes through to the hazards. When time goes back by more than a
    second, forward by more than tracks are remembered, or the frame changes, all tracks and markers
    are dropped and counted; one stray stamp alone is refused. ``transforms``
    says where the map of the zones is: the tree that ``add_transforms`` fills, unless another is
    set; named: the name of a topic in messages. Raises ConfigError for a policy or zones file that
    cannot be used.
    """

    def __init__(
        self, config: Config, factory: MessageFactory, named: Callable[[str], str] = str
    ) -> None:
        self.conditions = Conditions()
        self._drops: Counter[str] = Counter()
        self._factory = factory
        self._topic = named(topics.OBJECTS)
        self._tracker = Tracker(config.tracking)
        self._policy = HazardPolicy(config.hazards)
        self._map_frame = config.hazards.map_frame
        # Localisation corrects the map's place seldom, and little at a time.
        self._tree = TransformTree(slack_s=_MAP_SLACK_S)
        self.transforms: Transforms = self._tree
        self._markers = MarkerBook()
        self._stale_markers: list[Any] = self._markers.clear()
        self._timeline = Timeline()
        self._memory_ns = round(config.tracking.hold_s * 1e9)
        self._frame = ""
        self._tracked = 0
        self._sequence = 0

    @property
    def drops(self) -> Mapping[str, int]:
        """Everything discarded since the start, by reason."""
        return dict(self._drops)

    @property
    def needs_transforms(self) -> bool:
        """Whether zones lie in the map, so that its transform to the odometry frame matters."""
        return self._policy.needs_map

    def add_transforms(self, message: Any, static: bool) -> None:
        topic = topics.TF_STATIC if static else topics.TF
        try:
            transforms = decode_transforms(message, topic)
        except InputError as error:
            self.conditions.refuse(topic, error)
            self._drops["bad_transform"] += 1
            return
        self.conditions.clear(topic)
        for transform in transforms:
            self._tree.add(transform, static)

    def process(self, message: Any) -> TrackingOutput:
        """Answer one Object3DArray."""
        ns, frame = stamp_ns(message.header.stamp), message.header.frame_id
        try:
            require_stamp(message, self._topic)
            objects = decode_objects(message, self._topic)
            newest = self._timeline.last
            order = self._timeline.require(ns, self._topic)
        except InputError as error:
            self.conditions.set(self._topic, State.UNKNOWN, str(error))
            self._drops["bad_objects"] += 1
            return self.refuse(ns, frame, State.UNKNOWN, str(error))
        said = heard(objects.state, objects.reason, self._topic)
        objects = self._in_order(replace(objects, reason=said.reason), order, newest)
        if objects.state == State.OK:
            self.conditions.clear(self._topic)
        else:
            self.conditions.set(self._topic, objects.state, objects.reason)
        tracks = self._tracker.update(objects)
        self._tracked = len(tracks.items)
        self._drops.update({f"track_{name}": n for name, n in tracks.deleted.items()})
        odom_from_map, why = self._map(tracks)
        hazards = self._policy.assess(tracks, odom_from_map, why)
        return self._output(hazards, tracks, self._policy.zones(tracks, odom_from_map))

    def _map(self, tracks: Tracks) -> tuple[Float64 | None, str]:
        """odom_from_map at the stamp of the tracks, or why there is none."""
        if not self.needs_transforms or tracks.ego is None:
            self.conditions.clear("zones")
            return None, ""
        try:
            matrix = self.transforms.lookup(tracks.frame_id, self._map_frame, tracks.stamp_ns)
        except InputError as error:
            self.conditions.set("zones", State.DEGRADED, f"zones: {error}")
            return None, str(error)
        self.conditions.clear("zones")
        return matrix, ""

    def _in_order(self, objects: Objects3D, order: Order, newest: int | None) -> Objects3D:
        """The objects at a stamp that never falls, after a reset when they are of another time."""
        ns = objects.stamp_ns
        if order is Order.LATE:  # a late camera after a sweep that was answered alone
            assert newest is not None
            self._drops["out_of_order"] += 1
            objects = replace(objects, stamp_ns=newest)
        elif order is Order.JUMP and not 0 < ns - (newest or 0) < self._memory_ns:
            self._begin_anew("time_jumps", ns)
        if newest is not None and objects.frame_id != self._frame:
            self._begin_anew("frame_changes", objects.stamp_ns)
        self._frame = objects.frame_id
        return objects

    def _begin_anew(self, why: str, ns: int) -> None:
        self.reset(why)
        self._timeline.place(ns)

    def refuse(self, stamp_ns: int, frame_id: str, state: State, reason: str) -> TrackingOutput:
        """The answer when there is nothing to judge: empty, and not clear."""
        return self._output(Hazards(stamp_ns, frame_id, (), None, state, reason))

    @property
    def figures(self) -> Mapping[str, str]:
        """What diagnostics show beside state and drops: how much is tracked."""
        return {"tracks": str(self._tracked)}

    def adjust(self, config: Config) -> None:
        """Take over those changed settings that apply at once: the tracks live on."""
        self._policy = HazardPolicy(config.hazards, self._policy.rules, self._policy.all_zones)

    def reset(self, why: str = "time_jumps") -> None:
        """Forget all tracks and markers (the clock jumped)."""
        self._drops[why] += 1
        self._tracker.reset()
        self.transforms.clear_moving()
        self._stale_markers = self._markers.clear()
        self._timeline.forget()

    def _output(
        self, hazards: Hazards, tracks: Tracks | None = None, zones: Sequence[Zone] = ()
    ) -> TrackingOutput:
        self._sequence += 1
        hazards = replace(hazards, sequence=self._sequence)
        specs = [*self._stale_markers, *self._markers.update(hazards, zones)]
        self._stale_markers = []
        return TrackingOutput(encode_hazards(self._factory, hazards), specs, tracks)
