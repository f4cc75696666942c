"""Image message -> masks, score map and overlay messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from s2m_ros.config import Config
from s2m_ros.perception.edges import upright_edges
from s2m_ros.perception.image_health import FrozenWatch, blindness
from s2m_ros.perception.interfaces import Frame, PerceptionError
from s2m_ros.perception.overlay import draw
from s2m_ros.perception.pipeline import Perception
from s2m_ros.pipeline.conditions import Conditions
from s2m_ros.runtime.build import build_perception
from s2m_ros.types import InputError, ObjectMasks, State, UInt8
from s2m_ros.wire import topics
from s2m_ros.wire.candidates import encode_candidates, encode_score
from s2m_ros.wire.geometry import require_stamp, stamp_ns
from s2m_ros.wire.image import decode_compressed, decode_image, encode_compressed, encode_image
from s2m_ros.wire.masks import encode_masks
from s2m_ros.wire.protocol import MessageFactory

_EDGES_EVERY_NS = 150_000_000
"""A camera that slipped is told as soon from each second image at 10 Hz as from each."""


@dataclass(frozen=True)
class CameraOutput:
    """The answer to one image. The pictures are made when asked for, and None after a refusal."""

    masks: Any
    factory: MessageFactory
    image: UInt8 | None = None
    frame: Frame | None = None

    @property
    def timings_ms(self) -> Mapping[str, float]:
        return self.frame.timings_ms if self.frame else {}

    @cached_property
    def score(self) -> Any | None:
        """The score map as sensor_msgs/Image, 32FC1."""
        if self.frame is None:
            return None
        masks, scores = self.frame.masks, self.frame.score.scores
        return encode_image(self.factory, masks.stamp_ns, masks.frame_id, scores, "32FC1")

    @cached_property
    def score_picture(self) -> Any | None:
        """The score map in steps of grey, sensor_msgs/Image, mono8."""
        if self.frame is None:
            return None
        masks = self.frame.masks
        return encode_score(self.factory, masks.stamp_ns, masks.frame_id, self.frame.score)

    @cached_property
    def candidates(self) -> bytes | None:
        """All that was weighed for the image, s2m_msgs/MaskCandidateArray, serialised."""
        return None if self.frame is None else encode_candidates(self.frame)

    @cached_property
    def overlay(self) -> Any | None:
        """The image with the masks drawn over it, as JPEG sensor_msgs/CompressedImage."""
        if self.frame is None or self.image is None:
            return None
        masks = self.frame.masks
        picture = draw(self.image, masks)
        return encode_compressed(self.factory, masks.stamp_ns, masks.frame_id, picture)


class CameraStage:
    """One camera. Without a usable model or image it answers UNKNOWN, with the reason.

    build makes the perception; ``load`` calls it, and again after it failed. other: converter
    for encodings that our own codec lacks; named: the name of a topic in messages.
    """

    def __init__(
        self,
        config: Config,
        factory: MessageFactory,
        build: Callable[..., Perception] = build_perception,
        other: Callable[[Any], UInt8] | None = None,
        named: Callable[[str], str] = str,
    ) -> None:
        self.conditions = Conditions()
        self._drops: Counter[str] = Counter()
        self.topic = named(topics.image(config.camera, config.intake.transport))
        self._camera = config.camera
        self._compressed = config.intake.transport == "compressed"
        self._compared = config.fusion.calibration_check == "all"
        self._settings = config.perception
        self._factory = factory
        self._build = build
        self._other = other
        self._perception: Perception | None = None
        self._frozen = FrozenWatch(config.intake.frozen_ms)
        self._sequence = 0
        self._edges_ns = -_EDGES_EVERY_NS
        self.conditions.set("model", State.BUILDING, "the model is being loaded")

    @property
    def drops(self) -> Mapping[str, int]:
        """Everything discarded since the start, by reason."""
        return dict(self._drops)

    @property
    def info(self) -> Mapping[str, str]:
        """Model, hashes and execution provider, once loaded."""
        return self._perception.info if self._perception else {}

    def load(self) -> bool:
        """Load the model and warm it up. False, and a condition says why, when it is unusable."""
        try:
            self._perception = self._build(self._settings)
        except (InputError, PerceptionError) as error:
            self.conditions.set("model", State.UNKNOWN, str(error))
            return False
        self._perception.warm_up()
        self.conditions.clear("model")
        return True

    def process(self, message: Any) -> CameraOutput:
        """Answer one Image or CompressedImage; every image gets a masks message."""
        self._sequence += 1
        if self._perception is None:
            held = self.conditions.get("model")
            self._drops["no_model"] += 1
            assert held is not None
            return self._refused(message, held.state, held.reason)
        try:
            image = self._decode(message)
            self._require_sight(image, stamp_ns(message.header.stamp))
            frame = self._perception.perceive(
                image,
                require_stamp(message, self.topic),
                self._camera,
                message.header.frame_id,
                self._sequence,
            )
        except InputError as error:
            self.conditions.set(self.topic, State.UNKNOWN, str(error))
            self._drops["bad_image"] += 1
            return self._refused(message, State.UNKNOWN, str(error))
        frame = self._with_edges(frame, image)
        self.conditions.clear(self.topic)
        self._drops.update({f"candidate_{name}": n for name, n in frame.masks.drops.items()})
        return CameraOutput(encode_masks(self._factory, frame.masks), self._factory, image, frame)

    @property
    def figures(self) -> Mapping[str, str]:
        """What diagnostics show beside state and drops: model, hashes, provider."""
        return self.info

    def adjust(self, config: Config) -> None:
        """Take over those changed settings that apply at once."""
        self._frozen.limit_ms = config.intake.frozen_ms

    def reset(self, why: str = "time_jumps") -> None:
        """The clock jumped: an image has no past to forget, so it is only counted."""
        self._drops[why] += 1
        self._frozen.reset()

    def refuse(self, header: Any, state: State, reason: str) -> Any:
        """The masks message of an image that could not be looked at: empty, and not clear."""
        return encode_masks(
            self._factory,
            ObjectMasks(
                stamp_ns=stamp_ns(header.stamp),
                camera=self._camera,
                frame_id=header.frame_id,
                image_size=(0, 0),
                grid_size=(0, 0),
                items=(),
                roles=None,
                scorer="",
                state=state,
                reason=reason,
                sequence=self._sequence,
            ),
        )

    def _with_edges(self, frame: Frame, image: UInt8) -> Frame:
        """With the edges of the image now and then: they compare the camera with the LiDAR."""
        since_ns = frame.masks.stamp_ns - self._edges_ns
        if not self._compared or 0 <= since_ns < _EDGES_EVERY_NS:
            return frame
        self._edges_ns = frame.masks.stamp_ns
        return replace(frame, masks=replace(frame.masks, edges=upright_edges(image)))

    def _decode(self, message: Any) -> UInt8:
        if self._compressed:
            return decode_compressed(message, self.topic)
        return decode_image(message, self.topic, self._other)

    def _require_sight(self, image: UInt8, ns: int) -> None:
        """Raise InputError for a picture that shows nothing, or nothing new."""
        problem = blindness(image) or self._frozen.look(image, ns)
        if problem:
            raise InputError(
                self.topic, f"the picture is {problem}", "check lens, exposure and camera driver"
            )

    def _refused(self, message: Any, state: State, reason: str) -> CameraOutput:
        return CameraOutput(self.refuse(message.header, state, reason), self._factory)
