"""What the stages hand out -> the messages of a store."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from s2m_ros.config import Audit
from s2m_ros.pipeline.camera import CameraOutput
from s2m_ros.pipeline.conditions import Condition
from s2m_ros.pipeline.tracking import TrackingOutput
from s2m_ros.store.pictures import COMPRESSED, RAW, Pictures
from s2m_ros.store.writer import StoreWriter
from s2m_ros.types import Health
from s2m_ros.wire import topics
from s2m_ros.wire.candidates import encode_candidates, encode_score
from s2m_ros.wire.cdr import header_stamp_ns, marker_stamp_ns
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.health import encode_health
from s2m_ros.wire.markers import MARKERS
from s2m_ros.wire.tracks import encode_tracks

HEALTH_EVERY_NS = 1_000_000_000
_STAMP_END = 12
"""A calibration is the same when its bytes after CDR's head and the header's stamp are."""


class Feed:
    """Hands the outputs of the stages to a writer; encoding happens in the writer's thread."""

    def __init__(self, writer: StoreWriter, settings: Audit) -> None:
        self._writer = writer
        self._settings = settings
        self._factory = RosbagsFactory()
        self._pictures = Pictures(settings)
        self._healthy: dict[str, tuple[int, Condition]] = {}
        self._sequence = 0
        self._calibration: set[bytes] = set()

    def image(self, camera: str, output: CameraOutput) -> None:
        """All that perception made of one image."""
        masks, frame, image = output.masks, output.frame, output.image
        ns, frame_id = stamp_ns(masks.header.stamp), masks.header.frame_id
        put = self._writer.put
        put(topics.masks(camera), "s2m_msgs/msg/ObjectMaskArray", masks, ns)
        if frame is not None:
            score = partial(encode_score, self._factory, ns, frame_id, frame.score)
            put(topics.score_picture(camera), RAW, score, ns)
            weighed = partial(encode_candidates, frame)
            put(topics.candidates(camera), "s2m_msgs/msg/MaskCandidateArray", weighed, ns)
        if image is not None and self._settings.picture_width:
            picture = partial(self._pictures.of, ns, frame_id, image)
            put(topics.picture(camera), COMPRESSED, picture, ns)

    def answer(self, objects: Any, tracking: TrackingOutput) -> None:
        """An Object3DArray and what tracking made of it."""
        ns = stamp_ns(objects.header.stamp)
        put = self._writer.put
        put(topics.OBJECTS, "s2m_msgs/msg/Object3DArray", objects, ns)
        if tracking.tracks is not None:
            tracks = partial(encode_tracks, tracking.tracks)
            put(topics.TRACKS, "s2m_msgs/msg/TrackArray", tracks, ns)
        put(topics.MARKERS, MARKERS, tracking.markers, ns)
        put(topics.HAZARDS, "s2m_msgs/msg/HazardArray", tracking.hazards, ns)

    def health(self, conditions: Mapping[str, Condition], ns: int) -> None:
        """What the stages say of themselves: when it changes, and once a second."""
        for node, condition in conditions.items():
            before = self._healthy.get(node)
            if before and before[1] == condition and ns - before[0] < HEALTH_EVERY_NS:
                continue
            self._healthy[node] = ns, condition
            self._sequence += 1
            said = Health(node, condition.state, condition.reason, ns, self._sequence)
            message = encode_health(self._factory, said)
            self._writer.put(topics.HEALTH, "s2m_msgs/msg/Health", message, ns)

    def input(self, topic: str, kind: str, data: bytes, logged_ns: int) -> None:
        """A message that came in, as CDR bytes. Calibration is always stored."""
        name = topic.strip("/")
        lasting = name == topics.TF_STATIC.strip("/") or name.endswith("/camera_info")
        if lasting and data[_STAMP_END:] not in self._calibration:
            self._calibration.add(data[_STAMP_END:])
            self._writer.put(topic, kind, data, logged_ns, latched=True)
        elif self._settings.inputs:
            self._writer.put(topic, kind, data, logged_ns)


class RawFeed:
    """Hands messages to a writer as the bytes that came over the wire."""

    def __init__(self, writer: StoreWriter, settings: Audit) -> None:
        self._writer = writer
        self._settings = settings
        self._inputs = Feed(writer, settings)
        self._pictures = Pictures(settings)

    def take(self, topic: str, kind: str, camera: str, data: bytes, now_ns: int) -> None:
        """A serialised message of a topic that ``wire.topics`` names, heard at now_ns."""
        if camera and kind in (RAW, COMPRESSED) and topic.startswith("camera/"):
            if self._settings.picture_width:
                picture = partial(self._pictures.of_bytes, data, kind, topic)
                ns = header_stamp_ns(data)
                self._writer.put(topics.picture(camera), COMPRESSED, picture, ns)
            self._inputs.input(topic, kind, data, now_ns)
        elif topic in (topics.POINTS, topics.ODOM, topics.TF, topics.TF_STATIC) or (
            topic.endswith("/camera_info")
        ):
            self._inputs.input(topic, kind, data, now_ns)
        elif topic == topics.MARKERS:
            ns = marker_stamp_ns(data)
            self._writer.put(topic, kind, data, ns if ns >= 0 else now_ns)
        else:
            self._writer.put(topic, kind, data, header_stamp_ns(data))
