"""One of each value that flows, for tests that pass it on."""

from __future__ import annotations

import importlib.util
from typing import Any

import numpy as np

from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.types import (
    EdgeMap,
    EgoPose,
    Evidence,
    Hazard,
    Hazards,
    Level,
    Object3D,
    ObjectMask,
    ObjectMasks,
    Objects3D,
    Prompt,
    RangeSource,
    Role,
    RoleMap,
    State,
    Track,
    TrackState,
    Visibility,
)
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.protocol import MessageFactory

NS = 1_700_000_000_123_456_789


def factories() -> list[MessageFactory]:
    """The factory of rosbags and, where rclpy is there, that of the nodes."""
    made: list[Any] = [RosbagsFactory()]
    if all(importlib.util.find_spec(name) for name in ("rclpy", "s2m_msgs")):
        from s2m_ros.nodes.factory import RclpyFactory

        made.append(RclpyFactory())
    return made


def ego(stamp_ns: int = NS, x: float = 3.0, yaw: float = 0.4) -> EgoPose:
    return EgoPose(
        stamp_ns, from_yaw(yaw, [x, -1.0, 0.2]), np.array([4.0, 0.1, 0.0]), np.array([0, 0, 0.05])
    )


def mask(identity: int = 1, bits: Any = None, x: int = 2, y: int = 3) -> ObjectMask:
    bits = np.array([[0, 1, 1], [1, 1, 0]], np.bool_) if bits is None else bits
    prompt = Prompt(
        np.array([8, 12, 20, 20], np.float32),
        np.array([[14, 16], [9, 13]], np.float32),
        np.array([1, 0], np.float32),
        0.75,
        0.5,
    )
    box = np.array([8, 12, 20, 20], np.float32)
    return ObjectMask(identity, x, y, bits, box, 0.5, 0.875, 0.25, 0.625, 0.75, prompt)


def masks(
    stamp_ns: int = NS,
    items: tuple[ObjectMask, ...] | None = None,
    camera: str = "front",
    image_size: tuple[int, int] = (64, 48),
    state: State = State.OK,
    reason: str = "",
) -> ObjectMasks:
    roles = np.full((6, 8), Role.SURFACE, np.uint8)
    roles[:2] = Role.SKY
    return ObjectMasks(
        stamp_ns,
        camera,
        f"{camera}_optical_frame",
        image_size,
        (image_size[0] // 4, image_size[1] // 4),
        (mask(), mask(7)) if items is None else items,
        RoleMap(roles, image_size),
        "learned",
        state,
        reason,
        5,
        {"low_evidence": 3, "duplicate": 1},
        EdgeMap(np.random.default_rng(0).random((5, 13)) < 0.3, image_size),
    )


def object3d(identity: int = 3, position: Any = (10.0, 1.0, 0.25)) -> Object3D:
    p = np.asarray(position, np.float64)
    corners = np.array([[0.5, 0.25], [-0.5, 0.25], [-0.5, -0.25], [0.5, -0.25]])
    return Object3D(
        id=identity,
        position=p,
        covariance=np.diag([0.01, 0.02, 0.03]),
        size=np.array([1.0, 0.5, 0.5]),
        yaw=0.3,
        footprint=corners + p[:2],
        height=0.5,
        range_m=float(np.hypot(p[0], p[1])),
        range_source=RangeSource.LIDAR,
        evidence=Evidence.CAMERA | Evidence.LIDAR,
        point_count=42,
        role=Role.UNKNOWN,
        score=0.875,
        contrast=0.5,
        predicted_iou=0.75,
        camera="front",
        mask_id=1,
        box=np.array([8, 12, 20, 20], np.float32),
    )


def objects(
    stamp_ns: int = NS,
    items: tuple[Object3D, ...] | None = None,
    state: State = State.OK,
    reason: str = "",
    frame_id: str = "odom",
    with_ego: bool = True,
) -> Objects3D:
    return Objects3D(
        stamp_ns,
        frame_id,
        (object3d(),) if items is None else items,
        ego(stamp_ns) if with_ego else None,
        state,
        reason,
        9,
        {"beyond_range": 2},
        Visibility(np.arange(7 * 3).reshape(7, 3) % 4 > 0, 12.5),
    )


def hazards(stamp_ns: int = NS) -> Hazards:
    item = object3d()
    track = Track(
        id=17,
        state=TrackState.CONFIRMED,
        position=item.position,
        velocity=np.array([0.5, -0.25, 0.0]),
        covariance=np.diag(np.arange(1.0, 7.0)),
        size=item.size,
        yaw=-2.5,
        footprint=item.footprint,
        height=0.5,
        existence=0.96875,
        hits=12,
        first_ns=stamp_ns - 1_200_000_000,
        last_ns=stamp_ns,
        evidence=item.evidence,
        range_source=item.range_source,
        point_count=42,
        score=0.875,
        contrast=0.5,
        camera="front",
        mask_id=1,
    )
    hazard = Hazard(
        track, Level.WARNING, ("near", "on_path"), "object 9.5 m ahead", 9.5, 1.5, np.inf, False
    )
    return Hazards(stamp_ns, "odom", (hazard,), ego(stamp_ns), State.DEGRADED, "no LiDAR", 4)


def assert_same(a: Any, b: Any, tolerance: float = 0.0) -> None:
    """Equal field by field; floats within ``tolerance``."""
    if isinstance(a, np.ndarray):
        assert a.shape == b.shape
        assert a.dtype == b.dtype
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
    elif isinstance(a, float):
        np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)
    elif isinstance(a, tuple):
        assert len(a) == len(b)
        for one, other in zip(a, b, strict=True):
            assert_same(one, other, tolerance)
    elif hasattr(type(a), "__dataclass_fields__"):
        assert type(a) is type(b)
        for name in type(a).__dataclass_fields__:
            assert_same(getattr(a, name), getattr(b, name), tolerance)
    else:
        assert a == b
