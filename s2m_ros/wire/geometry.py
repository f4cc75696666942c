"""Times, headers, vectors, rotations and poses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s2m_ros.fusion.transforms import from_quaternion, to_quaternion
from s2m_ros.types import Float64, InputError
from s2m_ros.wire.checks import FARTHEST_M, bounded
from s2m_ros.wire.protocol import MessageFactory

SECOND_NS = 1_000_000_000
_LAST_NS = 2**31 * SECOND_NS - 1

Vector = NDArray[np.floating] | Sequence[float]
"""Three numbers."""


def require_stamp(message: Any, source: str) -> int:
    """The stamp of a message with a header, nanoseconds. InputError when it was never set."""
    ns = stamp_ns(message.header.stamp)
    if ns <= 0:
        raise InputError(
            source, "stamp is zero", "have its driver stamp each message with the time of measuring"
        )
    return ns


def stamp_ns(time: Any) -> int:
    """Nanoseconds of a builtin_interfaces Time or Duration, at most what such a message holds."""
    return min(int(time.sec) * SECOND_NS + int(time.nanosec), _LAST_NS)


def time(factory: MessageFactory, ns: int) -> Any:
    sec, nanosec = divmod(int(ns), SECOND_NS)
    return factory.make("builtin_interfaces/msg/Time", sec=sec, nanosec=nanosec)


def duration(factory: MessageFactory, seconds: float) -> Any:
    sec, nanosec = divmod(round(seconds * SECOND_NS), SECOND_NS)
    return factory.make("builtin_interfaces/msg/Duration", sec=sec, nanosec=nanosec)


def header(factory: MessageFactory, ns: int, frame_id: str) -> Any:
    return factory.make("std_msgs/msg/Header", stamp=time(factory, ns), frame_id=frame_id)


def point(factory: MessageFactory, xyz: Vector) -> Any:
    return factory.make("geometry_msgs/msg/Point", **_xyz(xyz))


def points(factory: MessageFactory, rows: ArrayLike) -> list[Any]:
    """A Point for each row of (K, 3)."""
    made = np.asarray(rows, np.float64).reshape(-1, 3)
    return factory.rows("geometry_msgs/msg/Point", ("x", "y", "z"), made)


def vector3(factory: MessageFactory, xyz: Vector) -> Any:
    return factory.make("geometry_msgs/msg/Vector3", **_xyz(xyz))


def numbers(message: Any) -> tuple[float, float, float]:
    """x, y, z of a Point, Point32 or Vector3."""
    return message.x, message.y, message.z


def xyz(message: Any) -> Float64:
    """float64 (3,) of a Point, Point32 or Vector3."""
    return np.array([message.x, message.y, message.z], np.float64)


def extent(message: Any, source: str) -> Float64:
    """float64 (3,) of a Vector3 that holds lengths. Raises InputError where one is below zero."""
    size = numbers(message)
    bounded(source, "size", size)
    if min(size) < 0:
        raise InputError(source, f"size {list(size)} is negative", "publish lengths")
    return np.array(size)


def covariance(values: Any, side: int, source: str) -> Float64:
    """float64 (side, side), symmetric with no negative variance. Raises InputError."""
    matrix = np.array(values, np.float64).reshape(side, side)
    bounded(source, "covariance", matrix)
    variance = matrix.diagonal()
    deviation = np.sqrt(np.maximum(variance, 0.0))
    excess = np.abs(matrix) - 1.001 * (deviation[:, None] * deviation)
    if variance.min() < 0 or excess.max() > 1e-9:
        raise InputError(
            source,
            f"covariance with the variances {matrix.diagonal().tolist()} is none",
            "publish a matrix that is positive semi-definite",
        )
    return np.asarray((matrix + matrix.T) / 2)


def yaw_pose(factory: MessageFactory, position: Vector, yaw: float) -> Any:
    """A Pose turned by ``yaw`` rad about z."""
    return factory.make(
        "geometry_msgs/msg/Pose",
        position=point(factory, position),
        orientation=factory.make(
            "geometry_msgs/msg/Quaternion",
            x=0.0,
            y=0.0,
            z=math.sin(yaw / 2),
            w=math.cos(yaw / 2),
        ),
    )


def yaw(quaternion: Any, source: str) -> float:
    """The rotation about z of a quaternion message, rad in (-pi, pi].

    Raises InputError for what is far from unit length.
    """
    x, y, z, w = quaternion.x, quaternion.y, quaternion.z, quaternion.w
    length = math.sqrt(x * x + y * y + z * z + w * w)
    if not 0.5 < length < 2.0:
        raise InputError(
            source, f"quaternion {[x, y, z, w]} has length {length:g}", "publish unit quaternions"
        )
    return float(np.arctan2(2 * (w * z + x * y), 1 - 2 * (y * y + z * z)))


def pose(factory: MessageFactory, matrix: Float64) -> Any:
    """A Pose from a rigid transform, float64 (4, 4)."""
    return factory.make(
        "geometry_msgs/msg/Pose",
        position=point(factory, matrix[:3, 3]),
        orientation=quaternion(factory, matrix[:3, :3]),
    )


def matrix(position: Any, orientation: Any, source: str) -> Float64:
    """The rigid transform, float64 (4, 4), of a Point or Vector3 and a Quaternion.

    Raises InputError when a value is not finite or the quaternion has no length.
    """
    quaternion = [orientation.x, orientation.y, orientation.z, orientation.w]
    bounded(source, "position", numbers(position), FARTHEST_M)
    try:
        return from_quaternion(xyz(position), quaternion)
    except ValueError as error:
        raise InputError(
            source, str(error), "publish finite values and a quaternion of unit length"
        ) from error


def quaternion(factory: MessageFactory, rotation: Float64) -> Any:
    """A Quaternion with w >= 0 from a rotation, float64 (3, 3) or (4, 4)."""
    x, y, z, w = to_quaternion(rotation).tolist()
    return factory.make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w)


def polygon(factory: MessageFactory, footprint: Float64, z: float) -> Any:
    """A Polygon at height ``z`` from float64 (K, 2)."""
    corners = np.full((len(footprint), 3), z)
    corners[:, :2] = footprint
    points = factory.rows("geometry_msgs/msg/Point32", ("x", "y", "z"), corners)
    return factory.make("geometry_msgs/msg/Polygon", points=points)


def footprint(message: Any) -> Float64:
    """float64 (K, 2) of a Polygon."""
    return np.array([(p.x, p.y) for p in message.points], np.float64).reshape(-1, 2)


def _xyz(values: Vector) -> dict[str, float]:
    x, y, z = values.tolist() if isinstance(values, np.ndarray) else map(float, values)
    return {"x": x, "y": y, "z": z}
