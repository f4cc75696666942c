"""Small audit stores of made-up values, for tests that read them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import values

from s2m_ros.config import Audit, Config
from s2m_ros.perception.interfaces import Candidate, Frame, Verdict
from s2m_ros.pipeline.camera import CameraOutput
from s2m_ros.pipeline.conditions import Condition
from s2m_ros.pipeline.tracking import TrackingOutput
from s2m_ros.store.feed import Feed
from s2m_ros.store.layout import about
from s2m_ros.store.writer import StoreWriter
from s2m_ros.types import (
    Hazards,
    Level,
    ObjectMask,
    Prompts,
    ScoreMap,
    State,
    Tracks,
    UInt8,
)
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.hazards import encode_hazards
from s2m_ros.wire.masks import encode_masks
from s2m_ros.wire.objects import encode_objects

START_NS = 1_700_000_000_000_000_000
STEP_NS = 100_000_000
SIZE = (64, 48)


def stamp(i: int) -> int:
    return START_NS + i * STEP_NS


def picture(i: int = 0) -> UInt8:
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    return np.stack([4 * x, 5 * y, np.full_like(x, (7 * i) % 256)], axis=2).astype(np.uint8)


def object_mask(identity: int = 1) -> ObjectMask:
    return values.mask(identity)


def perceived(ns: int, score: Any = None, state: State = State.OK) -> Frame:
    """One mask that was kept, and one candidate that was not."""
    masks = values.masks(ns, (object_mask(),), image_size=SIZE, state=state)
    mask = masks.items[0]
    kept = Candidate(0, mask.x, mask.y, mask.bits, mask.predicted_iou, 0.9)
    weak = Candidate(1, 9, 6, np.ones((2, 3), np.bool_), 0.5, 0.7)
    prompts = Prompts(
        np.stack([mask.prompt.box, np.array([36, 24, 48, 32], np.float32)]),
        np.stack([mask.prompt.points, np.array([[40, 28], [0, 0]], np.float32)]),
        np.array([[1, 0], [1, -1]], np.float32),
        np.array([4.5, 2.5], np.float32),
        np.array([2.0, 0.75], np.float32),
        omitted=2,
    )
    if score is None:
        score = np.full((12, 16), 0.5, np.float32)
        score[3:5, 2:5] = 0.9999
        score[6:8, 9:12] = 0.99
    return Frame(
        masks,
        ScoreMap(np.asarray(score, np.float32), SIZE, "learned"),
        np.asarray(score, np.float32),
        prompts,
        (Verdict(kept, mask.evidence), Verdict(weak, 0.1, "low_evidence")),
        {"encode": 20.0, "total": 31.5},
    )


def judged(
    ns: int,
    level: Level = Level.WARNING,
    track: int = 17,
    distance_m: float = 9.5,
    state: State = State.OK,
    reason: str = "",
) -> Hazards:
    made = values.hazards(ns)
    item = made.items[0]
    item = replace(item, level=level, distance_m=distance_m, track=replace(item.track, id=track))
    return replace(made, items=(item,), state=state, reason=reason)


class Recorder:
    """Feeds made-up instants into a store."""

    def __init__(self, writer: StoreWriter, settings: Audit, camera: str = "front") -> None:
        self._factory = RosbagsFactory()
        self.feed = Feed(writer, settings)
        self._camera = camera

    def add(
        self, ns: int, hazards: Hazards, i: int = 0, items: tuple[ObjectMask, ...] = ()
    ) -> None:
        """items: the masks of the image, unless it is the one of ``perceived``."""
        factory = self._factory
        frame = perceived(ns)
        if items:
            frame = replace(frame, masks=replace(frame.masks, items=items))
        masks = encode_masks(factory, frame.masks)
        self.feed.image(self._camera, CameraOutput(masks, factory, picture(i), frame))
        objects = encode_objects(factory, values.objects(ns))
        tracks = Tracks(
            ns, hazards.frame_id, tuple(h.track for h in hazards.items), hazards.ego,
            deleted={"unconfirmed": 1},
        )  # fmt: skip
        output = TrackingOutput(encode_hazards(factory, hazards), (), tracks)
        self.feed.answer(objects, output)
        self.feed.health({"tracker": Condition(hazards.state, hazards.reason)}, ns)


def write_store(
    folder: Path, frames: int = 30, settings: Audit | None = None, **hazards: Any
) -> Path:
    """A store of so many frames at 10 Hz, all kept unless the settings say otherwise."""
    settings = settings or Audit(keep="all", segment_s=1.0)
    config = Config(audit=settings)
    with StoreWriter(folder, settings, about(config, source="made up"), wait=True) as writer:
        recorder = Recorder(writer, settings)
        for i in range(frames):
            recorder.add(stamp(i), judged(stamp(i), **hazards), i)
    assert writer.condition.state == State.OK, writer.condition
    return folder
