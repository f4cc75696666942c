"""Detections of made-up objects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from s2m_ros.types import (
    EgoPose,
    Evidence,
    Object3D,
    Objects3D,
    RangeSource,
    Role,
    State,
    Visibility,
)

STEP_NS = 100_000_000
START_NS = 1_700_000_000_000_000_000
ALL_ROUND = Visibility(np.ones((8, 100), np.bool_), 1.0)


def detection(x: float, y: float, sigma: float = 0.1, **changes: Any) -> Object3D:
    """A box of 0.5 x 0.4 x 0.6 m, its centre at (x, y, 0.3)."""
    corners = np.array([[0.25, 0.2], [-0.25, 0.2], [-0.25, -0.2], [0.25, -0.2]])
    item = Object3D(
        id=0,
        position=np.array([x, y, 0.3]),
        covariance=sigma**2 * np.eye(3),
        size=np.array([0.5, 0.4, 0.6]),
        yaw=0.0,
        footprint=corners + np.array([x, y]),
        height=0.6,
        range_m=float(np.hypot(x, y)),
        range_source=RangeSource.LIDAR,
        evidence=Evidence.CAMERA | Evidence.LIDAR,
        point_count=20,
        role=Role.UNKNOWN,
        score=0.99,
        contrast=1.0,
        predicted_iou=0.8,
        camera="",
        mask_id=1,
        box=np.zeros(4, np.float32),
    )
    return replace(item, **changes)


def frame(k: int, *items: Object3D, **changes: Any) -> Objects3D:
    """Frame number k at 10 Hz, the vehicle standing at the origin of odom and seeing all round."""
    ns = START_NS + k * STEP_NS
    ego = EgoPose(ns, np.eye(4), np.zeros(3), np.zeros(3))
    objects = Objects3D(ns, "odom", items, ego, State.OK, "", k, visibility=ALL_ROUND)
    return replace(objects, **changes)
