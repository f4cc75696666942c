"""tf2_msgs/TFMessage <-> transforms."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from s2m_ros.types import Float64
from s2m_ros.wire.geometry import header, matrix, quaternion, stamp_ns, vector3
from s2m_ros.wire.protocol import MessageFactory


@dataclass(frozen=True, slots=True, eq=False)
class Transform:
    """parent_from_child: float64 (4, 4), takes points of ``child`` to ``parent``."""

    stamp_ns: int
    parent: str
    child: str
    parent_from_child: Float64


def decode_transforms(message: Any, source: str) -> list[Transform]:
    """Raises InputError naming ``source`` for a transform that is none."""
    return [
        Transform(
            stamp_ns(item.header.stamp),
            item.header.frame_id.lstrip("/"),
            item.child_frame_id.lstrip("/"),
            matrix(item.transform.translation, item.transform.rotation, source),
        )
        for item in message.transforms
    ]


def encode_transforms(factory: MessageFactory, transforms: Iterable[Transform]) -> Any:
    return factory.make(
        "tf2_msgs/msg/TFMessage",
        transforms=[
            factory.make(
                "geometry_msgs/msg/TransformStamped",
                header=header(factory, item.stamp_ns, item.parent),
                child_frame_id=item.child,
                transform=factory.make(
                    "geometry_msgs/msg/Transform",
                    translation=vector3(factory, item.parent_from_child[:3, 3]),
                    rotation=quaternion(factory, item.parent_from_child[:3, :3]),
                ),
            )
            for item in transforms
        ],
    )
