"""Tracks of made-up objects, and scenes of them to judge."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from detections import START_NS

from s2m_ros.types import (
    EgoPose,
    Evidence,
    Hazard,
    Hazards,
    RangeSource,
    Track,
    Tracks,
    TrackState,
)


def track(
    x: float, y: float, size: Any = (0.5, 0.4, 0.4), sigma: float = 0.1, **changes: Any
) -> Track:
    corners = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * np.array(size[:2]) / 2
    item = Track(
        id=12,
        state=TrackState.CONFIRMED,
        position=np.array([x, y, size[2] / 2]),
        velocity=np.zeros(3),
        covariance=sigma**2 * np.eye(6),
        size=np.array(size, float),
        yaw=0.0,
        footprint=corners + np.array([x, y]),
        height=size[2],
        existence=0.99,
        hits=9,
        first_ns=START_NS - 10**9,
        last_ns=START_NS,
        evidence=Evidence.CAMERA | Evidence.LIDAR,
        range_source=RangeSource.LIDAR,
        point_count=20,
        score=0.99,
        contrast=1.0,
        camera="front",
        mask_id=1,
    )
    return replace(item, **changes)


def scene(
    *items: Track, speed: float = 0.0, turn: float = 0.0, pose: Any = None, **changes: Any
) -> Tracks:
    ego = EgoPose(START_NS, np.eye(4) if pose is None else pose, np.array([speed, 0, 0]),
                  np.array([0, 0, turn]))  # fmt: skip
    return replace(Tracks(START_NS, "odom", items, ego), **changes)


def only(hazards: Hazards) -> Hazard:
    (item,) = hazards.items
    return item
