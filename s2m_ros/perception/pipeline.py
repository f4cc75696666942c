"""One image in, all unknown objects out: encode, score, prompt, segment, select."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..config import Perception as Settings
from ..types import ObjectMasks, Prompts, UInt8
from .interfaces import Candidates, Encoder, Frame, Prompter, Scorer, Segmenter
from .outline import outlines
from .selection import Selector


@dataclass
class Stopwatch:
    """Milliseconds between one mark and the next."""

    times_ms: dict[str, float] = field(default_factory=dict)
    _last_s: float = field(default_factory=time.perf_counter)

    def mark(self, name: str) -> None:
        now_s = time.perf_counter()
        self.times_ms[name] = (now_s - self._last_s) * 1e3
        self._last_s = now_s


class Perception:
    """The composed stages. Identical images give identical masks, bit for bit."""

    def __init__(
        self,
        encoder: Encoder,
        scorer: Scorer,
        prompter: Prompter,
        segmenter: Segmenter,
        config: Settings,
    ) -> None:
        self.encoder = encoder
        self.scorer = scorer
        self.prompter = prompter
        self.segmenter = segmenter
        self.selector = Selector(config.selection)

    @property
    def info(self) -> Mapping[str, str]:
        """What runs here: model, hash, provider, scorer, segmenter."""
        segmenter = {f"segmenter_{k}": v for k, v in self.segmenter.info.items()}
        return {**self.encoder.info, "scorer": self.scorer.name, **segmenter}

    def warm_up(self) -> None:
        """Let each network run once, so that what is made at first use is there."""
        encoding = self.encoder.encode(np.zeros((480, 640, 3), np.uint8))
        score = self.scorer.calibrate(self.scorer.raw(encoding), encoding.image_size)
        self.prompter(score, self.encoder.roles(encoding))
        box, one = np.array([[280, 200, 360, 280]], np.float32), np.ones(1, np.float32)
        centre = box.reshape(1, 2, 2).mean(1, keepdims=True)
        self.segmenter(encoding, Prompts(box, centre, one[None], one, one))

    def perceive(
        self,
        image: UInt8,
        stamp_ns: int = 0,
        camera: str = "",
        frame_id: str = "",
        sequence: int = 0,
    ) -> Frame:
        """Find the unknown objects in uint8 (H, W, 3) RGB; InputError when it is no such image."""
        watch = Stopwatch()
        encoding = self.encoder.encode(image)
        watch.mark("encode")
        raw = self.scorer.raw(encoding)
        score = self.scorer.calibrate(raw, encoding.image_size)
        roles = self.encoder.roles(encoding)
        watch.mark("score")
        prompts = self.prompter(score, roles)
        watch.mark("prompt")
        decoded = self.segmenter(encoding, prompts)
        drawn = outlines(score, prompts, decoded.grid_size)
        candidates = Candidates(decoded.grid_size, (*decoded.items, *drawn))
        watch.mark("mask")
        selected = self.selector(score, roles, prompts, candidates)
        watch.mark("select")
        weak = {"weak_prompt": prompts.omitted} if prompts.omitted else {}
        masks = ObjectMasks(
            stamp_ns=stamp_ns,
            camera=camera,
            frame_id=frame_id,
            image_size=encoding.image_size,
            grid_size=candidates.grid_size,
            items=selected.items,
            roles=roles,
            scorer=score.scorer,
            sequence=sequence,
            drops={**selected.drops, **weak},
        )
        timings_ms = {**watch.times_ms, "total": sum(watch.times_ms.values())}
        return Frame(masks, score, raw, prompts, selected.verdicts, timings_ms)
