"""First pass of an evaluation: what perception, or scorers alone, find in each frame.

The network runs once a frame, whoever uses its encoding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..config import Perception as Settings
from ..perception.images import read_rgb
from ..perception.interfaces import Encoder, Encoding
from ..perception.pipeline import Perception
from ..runtime.build import build_perception
from ..types import Float32, InputError, ObjectMasks, RoleMap, UInt8
from .layouts import Sample


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one frame gave.

    raw: float32 (h, w), the score before calibration. masks: at the operating point, None where
    the score alone was asked for; weak: all masks over a lower point, None without a sweep.
    image_size, input_size: (width, height) of the image and of what the network saw of it.
    """

    sample: Sample
    image_size: tuple[int, int]
    input_size: tuple[int, int]
    raw: Float32
    masks: ObjectMasks | None
    weak: ObjectMasks | None
    timings_ms: Mapping[str, float]


class OnePass:
    """An encoder that keeps its last encoding, for others that ask for the same image."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._last: tuple[UInt8, Encoding] | None = None

    @property
    def info(self) -> Mapping[str, str]:
        return self._encoder.info

    def encode(self, image: UInt8) -> Encoding:
        if self._last is None or self._last[0] is not image:
            self._last = None  # both at once would be twice the memory
            self._last = (image, self._encoder.encode(image))
        return self._last[1]

    def roles(self, encoding: Encoding) -> RoleMap | None:
        return self._encoder.roles(encoding)


@dataclass(frozen=True, slots=True, eq=False)
class Observer:
    """Perception at its operating point and, for a sweep, once more at a lower one."""

    perception: Perception
    weak: Perception | None

    @classmethod
    def build(cls, settings: Settings, lowest: float | None = None) -> Observer:
        """lowest: the evidence down to which masks are wanted for a sweep."""
        perception = build_perception(settings)
        perception.encoder = OnePass(perception.encoder)
        if lowest is None:
            return cls(perception, None)
        selection = settings.selection.model_copy(update={"min_evidence": lowest})
        weak = build_perception(settings.model_copy(update={"selection": selection}))
        weak.encoder = perception.encoder
        return cls(perception, weak)

    @property
    def min_evidence(self) -> float:
        """The operating point."""
        return self.perception.selector.config.min_evidence

    def __call__(
        self, samples: Sequence[Sample], advance: Callable[[], None] = lambda: None
    ) -> list[Found]:
        """Perceive every frame. The first is perceived twice, so that no timing holds the start."""
        if samples:
            self.perception.perceive(read_rgb(samples[0].image))
        return [self._one(sample, advance) for sample in samples]

    def _one(self, sample: Sample, advance: Callable[[], None]) -> Found:
        image = read_rgb(sample.image)
        frame = self.perception.perceive(image, camera=sample.name)
        weak = None if self.weak is None else self.weak.perceive(image, camera=sample.name).masks
        size = self.perception.encoder.encode(image).input_size
        _require_finite(frame.raw, sample, self.perception.scorer.name)
        advance()
        return Found(
            sample,
            frame.masks.image_size,
            size,
            frame.raw,
            frame.masks,
            weak,
            frame.timings_ms,
        )


def score_frames(
    encoder: Encoder,
    scorers: Mapping[str, Callable[[Encoding], Float32]],
    samples: Iterable[Sample],
    advance: Callable[[], None] = lambda: None,
) -> dict[str, list[Found]]:
    """The raw scores of each scorer on each frame, no prompts, no masks."""
    found: dict[str, list[Found]] = {name: [] for name in scorers}
    for sample in samples:
        image = read_rgb(sample.image)
        start = time.perf_counter()
        encoding = encoder.encode(image)
        encode_ms = (time.perf_counter() - start) * 1e3
        for name, function in scorers.items():
            start = time.perf_counter()
            raw = function(encoding)
            score_ms = (time.perf_counter() - start) * 1e3
            _require_finite(raw, sample, name)
            times = {"encode": encode_ms, "score": score_ms, "total": encode_ms + score_ms}
            found[name].append(
                Found(sample, encoding.image_size, encoding.input_size, raw, None, None, times)
            )
        advance()
    return found


def _require_finite(raw: Float32, sample: Sample, scorer: str) -> None:
    bad = int(np.count_nonzero(~np.isfinite(raw)))
    if bad:
        raise InputError(
            str(sample.image),
            f"scorer '{scorer}' gave {bad} values of {raw.size} that are not finite",
            "mend the model or the scorer: nothing can be measured on such a map",
        )
