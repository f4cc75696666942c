"""First pass of an evaluation: what perception, or scorers alone, find in each frame.

The network runs once a frame, whoever uses its encoding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..config import Perception as Settings
from ..perception.images import read_rgb
from ..perception.interfaces import Candidates, Encoder, Encoding, Frame
from ..perception.pipeline import Perception
from ..perception.selection import Selector
from ..runtime.build import build_perception
from ..types import Float32, InputError, ObjectMask, ObjectMasks, RoleMap, UInt8
from .layouts import Sample


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one frame gave.

    raw: float32 (h, w), the score before calibration. masks: at the operating point, None where
    the score alone was asked for; swept: at each operating point of a sweep, the lowest first.
    image_size, input_size: (width, height) of the image and of what the network saw of it.
    """

    sample: Sample
    image_size: tuple[int, int]
    input_size: tuple[int, int]
    raw: Float32
    masks: ObjectMasks | None
    swept: tuple[ObjectMasks, ...]
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
    """Perception at its operating point and, for a sweep, at others.

    A sweep perceives once more at its lowest point and selects anew at each of the others.
    """

    perception: Perception
    lowest: Perception | None
    sweep: tuple[float, ...]

    @classmethod
    def build(cls, settings: Settings, sweep: Sequence[float] = ()) -> Observer:
        """sweep: operating points, rising."""
        perception = build_perception(settings)
        perception.encoder = OnePass(perception.encoder)
        if not sweep:
            return cls(perception, None, ())
        selection = settings.selection.model_copy(update={"min_evidence": sweep[0]})
        lowest = build_perception(settings.model_copy(update={"selection": selection}))
        lowest.encoder = perception.encoder
        return cls(perception, lowest, tuple(sweep))

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
        swept = () if self.lowest is None else self._swept(self.lowest.perceive(image))
        size = self.perception.encoder.encode(image).input_size
        _require_finite(frame.raw, sample, self.perception.scorer.name)
        advance()
        return Found(
            sample,
            frame.masks.image_size,
            size,
            frame.raw,
            frame.masks,
            swept,
            frame.timings_ms,
        )

    def _swept(self, frame: Frame) -> tuple[ObjectMasks, ...]:
        """The masks of a frame as each operating point would let them through."""
        assert self.lowest is not None
        settings = self.lowest.selector.config
        proposed = tuple(verdict.candidate for verdict in frame.candidates)
        candidates = Candidates(frame.masks.grid_size, proposed)
        highest = max((item.evidence for item in frame.masks.items), default=0.0)
        masks = [frame.masks]
        for least in self.sweep[1:]:
            items: tuple[ObjectMask, ...] = ()
            if least <= highest:
                select = Selector(settings.model_copy(update={"min_evidence": least}))
                items = select(frame.score, frame.masks.roles, frame.prompts, candidates).items
            masks.append(replace(frame.masks, items=items))
        return tuple(masks)


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
                Found(sample, encoding.image_size, encoding.input_size, raw, None, (), times)
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
