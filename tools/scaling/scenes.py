"""Inputs of any size: sweeps, masks of several cameras, detections."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import detections
import numpy as np
import raycast

from s2m_ros import config
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.pipeline import Fusion
from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.types import ObjectMasks, Objects3D, Sweep

COLUMNS = 1800
GROUND = raycast.Slope()


@cache
def boxes(count: int) -> tuple[raycast.Box, ...]:
    """Small things before the camera, each with a place of its own."""
    rng = np.random.default_rng(count)
    bearings = np.linspace(-0.55, 0.55, max(count, 1))[:count]
    reaches = 5 + 25 * ((np.arange(count) * 0.618) % 1)
    return tuple(
        raycast.Box(1.5 + r * np.cos(a), r * np.sin(a), tuple(rng.uniform(0.2, 0.5, 3)), float(r))
        for r, a in zip(reaches, bearings, strict=True)
    )


@cache
def sweep(points: int, objects: int) -> Sweep:
    """About so many points: every beam of a fine one, thinned."""
    beams = int(np.ceil(points / COLUMNS / 0.66))
    full = raycast.sweep(GROUND, boxes(objects), beams=beams, columns=COLUMNS)
    kept = np.linspace(0, len(full.points) - 1, min(points, len(full.points))).astype(int)
    return replace(full, points=full.points[kept])


@cache
def masks(objects: int, grid: tuple[int, int]) -> ObjectMasks:
    return raycast.masks(GROUND, boxes(objects), grid)


def fusion(objects: int, grid: tuple[int, int], cameras: int) -> tuple[Fusion, list[ObjectMasks]]:
    """Cameras in a ring, each of which sees the same turned by 60 degrees."""
    frames = {"lidar": raycast.BASE_FROM_LIDAR}
    names = [f"camera{k}" for k in range(cameras)]
    for k, name in enumerate(names):
        frames[name] = from_yaw(k * np.pi / 3) @ raycast.BASE_FROM_CAMERA
    stage = Fusion(config.Fusion(), Rig(frames))
    seen = []
    for name in names:
        stage.set_camera(name, raycast.MODEL, name)
        seen.append(replace(masks(objects, grid), camera=name, frame_id=name))
    return stage, seen


def ring(points: int, objects: int, cameras: int) -> Sweep:
    """A sweep in which each of the cameras meets the objects that its masks show."""
    every = [
        raycast.Box(
            float(np.cos(turn) * b.x - np.sin(turn) * b.y),
            float(np.sin(turn) * b.x + np.cos(turn) * b.y),
            b.size,
            b.yaw + turn,
        )
        for turn in np.arange(cameras) * np.pi / 3
        for b in boxes(objects)
    ]
    beams = int(np.ceil(points / COLUMNS / 0.66))
    full = raycast.sweep(GROUND, every, beams=beams, columns=COLUMNS)
    kept = np.linspace(0, len(full.points) - 1, min(points, len(full.points))).astype(int)
    return replace(full, points=full.points[kept])


def objects(count: int, frames: int) -> list[Objects3D]:
    """Frames of detections that jitter; their places grow with their number."""
    rng = np.random.default_rng(0)
    side = 6.5 * np.sqrt(max(count, 1))
    places = rng.uniform((2, -side / 2), (2 + side, side / 2), (count, 2))
    return [
        detections.frame(k, *(detections.detection(*(p + rng.normal(0, 0.05, 2))) for p in places))
        for k in range(frames)
    ]
