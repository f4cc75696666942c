"""Image message -> masks, score map and overlay messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from s2m_ros.config import Config
from s2m_ros.perception.interfaces import Frame, PerceptionError
from s2m_ros.perception.overlay import draw
from s2m_ros.perception.pipeline import Perception
from s2m_ros.pipeline.conditions import Conditions
from s2m_ros.runtime.build import build_perception
from s2m_ros.types import InputError, ObjectMasks, State, UInt8
from s2m_ros.wire import topics
from s2m_ros.wire.factory import MessageFactory
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.image import decode_compressed, decode_image, encode_compressed, encode_image
from s2m_ros.wire.masks import encode_masks


@dataclass(frozen=True)
class CameraOutput:
    """Messages of one image: ObjectMaskArray, and on demand score (32FC1) and overlay (JPEG)."""

    masks: Any
    score: Any | None = None
    overlay: Any | None = None
    timings_ms: Mapping[str, float] = field(default_factory=dict)


class CameraStage:
    """One camera. Without a usable model or image it answers UNKNOWN, with the reason.

    build makes the perception; ``load`` calls it, and again after it failed. other: converter
    for encodings that our own codec lacks.
    """

    def __init__(
        self,
        config: Config,
        factory: MessageFactory,
        build: Callable[..., Perception] = build_perception,
        other: Callable[[Any], UInt8] | None = None,
    ) -> None:
        self.conditions = Conditions()
        self.drops: Counter[str] = Counter()
        self.topic = topics.image(config.camera, config.intake.transport)
        self._camera = config.camera
        self._compressed = config.intake.transport == "compressed"
        self._settings = config.perception
        self._factory = factory
        self._build = build
        self._other = other
        self._perception: Perception | None = None
        self._sequence = 0
        self.conditions.set("model", State.BUILDING, "the model is being loaded")

    @property
    def info(self) -> Mapping[str, str]:
        """Model, hashes and execution provider, once loaded."""
        return self._perception.info if self._perception else {}

    def load(self) -> bool:
        """Load the model. False, with the reason as a condition, when it cannot be used."""
        try:
            self._perception = self._build(self._settings)
        except (InputError, PerceptionError) as error:
            self.conditions.set("model", State.UNKNOWN, str(error))
            return False
        self.conditions.clear("model")
        return True

    def process(
        self, message: Any, want_score: bool = True, want_overlay: bool = True
    ) -> CameraOutput:
        """Answer one Image or CompressedImage; every image gets a masks message."""
        self._sequence += 1
        if self._perception is None:
            held = self.conditions.get("model")
            self.drops["no_model"] += 1
            assert held is not None
            return CameraOutput(self.refuse(message.header, held.state, held.reason))
        try:
            image = self._decode(message)
            frame = self._perception.perceive(
                image,
                stamp_ns(message.header.stamp),
                self._camera,
                message.header.frame_id,
                self._sequence,
            )
        except InputError as error:
            self.conditions.set(self.topic, State.UNKNOWN, str(error))
            self.drops["bad_image"] += 1
            return CameraOutput(self.refuse(message.header, State.UNKNOWN, str(error)))
        self.conditions.clear(self.topic)
        self.drops.update({f"candidate_{name}": n for name, n in frame.masks.drops.items()})
        return self._output(image, frame, want_score, want_overlay)

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

    def _decode(self, message: Any) -> UInt8:
        if self._compressed:
            return decode_compressed(message, self.topic)
        return decode_image(message, self.topic, self._other)

    def _output(self, image: UInt8, frame: Frame, score: bool, overlay: bool) -> CameraOutput:
        masks = frame.masks
        make, ns, frame_id = self._factory, masks.stamp_ns, masks.frame_id
        return CameraOutput(
            encode_masks(make, masks),
            encode_image(make, ns, frame_id, frame.score.scores, "32FC1") if score else None,
            encode_compressed(make, ns, frame_id, draw(image, masks)) if overlay else None,
            frame.timings_ms,
        )
