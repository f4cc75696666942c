"""One stage at one size: a step to be timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import scenes

from s2m_ros import config
from s2m_ros.hazards.markers import MarkerBook
from s2m_ros.hazards.policy import HazardPolicy
from s2m_ros.runtime.build import build_perception
from s2m_ros.tracking.tracker import Tracker
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.hazards import decode_hazards, encode_hazards
from s2m_ros.wire.image import decode_image, encode_image
from s2m_ros.wire.markers import encode_markers
from s2m_ros.wire.masks import decode_masks, encode_masks
from s2m_ros.wire.objects import decode_objects, encode_objects
from s2m_ros.wire.pointcloud import decode_sweep, encode_sweep

POINTS = (20_000, 50_000, 120_000, 250_000, 500_000)
OBJECTS = (0, 10, 25, 50, 100, 200)
CAMERAS = (1, 2, 3, 4, 5, 6)
SIZES = ((480, 270), (960, 540), (1280, 720), (1920, 1080))
USUAL_POINTS, USUAL_OBJECTS, USUAL_GRID = 120_000, 20, (480, 270)

Step = Callable[[int], object]


@dataclass(frozen=True)
class Case:
    """stage and over name a curve; size is the number on its axis."""

    stage: str
    over: str
    size: float
    step: Step


def cases(runs: int) -> Iterator[Case]:
    yield from _fusion()
    yield from _tracking(runs)
    yield from _codecs()
    yield from _perception()


def _fusion() -> Iterator[Case]:
    for points in POINTS:
        sweep = scenes.sweep(points, USUAL_OBJECTS)
        stage, masks = scenes.fusion(USUAL_OBJECTS, USUAL_GRID, 1)
        yield Case("fusion", "points", len(sweep.points), _fuse(stage, masks, sweep))
    for objects in OBJECTS:
        stage, masks = scenes.fusion(objects, USUAL_GRID, 1)
        sweep = scenes.sweep(USUAL_POINTS, objects)
        yield Case("fusion", "objects", objects, _fuse(stage, masks, sweep))
    for cameras in CAMERAS:
        stage, masks = scenes.fusion(USUAL_OBJECTS, USUAL_GRID, cameras)
        sweep = scenes.ring(USUAL_POINTS, USUAL_OBJECTS, cameras)
        yield Case("fusion", "cameras", cameras, _fuse(stage, masks, sweep))
    for size in SIZES:
        stage, masks = scenes.fusion(USUAL_OBJECTS, size, 1)
        sweep = scenes.sweep(USUAL_POINTS, USUAL_OBJECTS)
        yield Case("fusion", "mask pixels", size[0] * size[1], _fuse(stage, masks, sweep))


def _fuse(stage: object, masks: list, sweep: object) -> Step:
    return lambda _: stage.fuse(masks, sweep, None, None)


def _tracking(runs: int) -> Iterator[Case]:
    for count in OBJECTS:
        frames = scenes.objects(count, runs)
        tracker, policy = Tracker(config.Tracking()), HazardPolicy(config.Hazards())
        yield Case(
            "tracking and policy",
            "objects",
            count,
            lambda k, f=frames, t=tracker, p=policy: p.assess(t.update(f[k])),
        )


def _codecs() -> Iterator[Case]:
    factory = RosbagsFactory()
    for points in POINTS:
        sweep = scenes.sweep(points, USUAL_OBJECTS)
        yield Case(
            "codec of sweeps",
            "points",
            len(sweep.points),
            lambda _, s=sweep: decode_sweep(encode_sweep(factory, s), "bench"),
        )
    for size in SIZES:
        image = np.zeros((size[1], size[0], 3), np.uint8)
        yield Case(
            "codec of images",
            "pixels",
            size[0] * size[1],
            lambda _, i=image: decode_image(encode_image(factory, 0, "c", i, "bgr8"), "bench"),
        )
    for count in OBJECTS:
        masks = scenes.masks(count, USUAL_GRID)
        yield Case(
            "codec of masks",
            "objects",
            count,
            lambda _, m=masks: decode_masks(encode_masks(factory, m), "bench"),
        )
    for count in OBJECTS:
        frames = scenes.objects(count, 6)
        tracker, policy = Tracker(config.Tracking()), HazardPolicy(config.Hazards())
        hazards = [policy.assess(tracker.update(f)) for f in frames][-1]

        def both(_: int, objects=frames[-1], hazards=hazards) -> None:
            decode_objects(encode_objects(factory, objects), "bench")
            decode_hazards(encode_hazards(factory, hazards), "bench")
            encode_markers(0, "odom", MarkerBook().update(hazards))

        yield Case("codecs of objects, hazards, markers", "objects", count, both)


def _perception() -> Iterator[Case]:
    perception = build_perception(config.Config().perception)
    rng = np.random.default_rng(0)
    base = cv2.GaussianBlur(rng.integers(80, 150, (1080, 1920, 3), np.uint8), (0, 0), 3)
    for k in range(12):
        x, y = 150 * k + 40, 620 + 30 * (k % 5)
        cv2.rectangle(base, (x, y), (x + 60, y + 50), (200, 40 + 10 * k, 30), -1)
    for size in SIZES:
        image = cv2.resize(base, size, interpolation=cv2.INTER_AREA)
        yield Case(
            "perception, one camera",
            "pixels",
            size[0] * size[1],
            lambda _, i=image: perception.perceive(i),
        )
    image = cv2.resize(base, (960, 540), interpolation=cv2.INTER_AREA)
    for cameras in CAMERAS:
        yield Case(
            "perception, one after the other",
            "cameras",
            cameras,
            lambda _, n=cameras: [perception.perceive(image) for _ in range(n)],
        )
