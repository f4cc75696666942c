"""nav_msgs/Odometry and s2m_msgs/Ego <-> EgoPose."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2m_ros.types import EgoPose, InputError
from s2m_ros.wire.checks import FASTEST, bounded
from s2m_ros.wire.geometry import header, matrix, numbers, pose, stamp_ns, vector3
from s2m_ros.wire.protocol import MessageFactory


def decode_odometry(message: Any, source: str, base_frame: str) -> EgoPose:
    """The pose and velocity of ``base_frame``. Raises InputError naming ``source``."""
    child = message.child_frame_id
    if child not in ("", base_frame):
        raise InputError(
            source,
            f"child_frame_id is '{child}', expected '{base_frame}'",
            "publish the odometry of that frame, or set fusion.base_frame",
        )
    return _ego(message.pose.pose, message.twist.twist, stamp_ns(message.header.stamp), source)


def encode_odometry(factory: MessageFactory, ego: EgoPose, odom_frame: str, base_frame: str) -> Any:
    return factory.make(
        "nav_msgs/msg/Odometry",
        header=header(factory, ego.stamp_ns, odom_frame),
        child_frame_id=base_frame,
        pose=factory.make(
            "geometry_msgs/msg/PoseWithCovariance", pose=pose(factory, ego.odom_from_base)
        ),
        twist=factory.make("geometry_msgs/msg/TwistWithCovariance", twist=_twist(factory, ego)),
    )


def encode_ego(factory: MessageFactory, ego: EgoPose | None) -> Any:
    if ego is None:
        return factory.make("s2m_msgs/msg/Ego", valid=False)
    return factory.make(
        "s2m_msgs/msg/Ego",
        valid=True,
        pose=pose(factory, ego.odom_from_base),
        twist=_twist(factory, ego),
    )


def decode_ego(message: Any, ns: int, source: str) -> EgoPose | None:
    """The pose at the stamp of the array that carries it, or None when it was not known."""
    return _ego(message.pose, message.twist, ns, source) if message.valid else None


def _twist(factory: MessageFactory, ego: EgoPose) -> Any:
    return factory.make(
        "geometry_msgs/msg/Twist",
        linear=vector3(factory, ego.velocity),
        angular=vector3(factory, ego.turn_rate),
    )


def _ego(pose_message: Any, twist: Any, ns: int, source: str) -> EgoPose:
    velocity, turn_rate = numbers(twist.linear), numbers(twist.angular)
    bounded(source, "twist (zeros where unknown)", velocity + turn_rate, FASTEST)
    return EgoPose(
        ns,
        matrix(pose_message.position, pose_message.orientation, source),
        np.array(velocity),
        np.array(turn_rate),
    )
