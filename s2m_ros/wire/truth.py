"""Ground truth of a simulated drive, as JSON in a std_msgs/String that any tool shows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from s2m_ros.types import Float64, InputError, Role
from s2m_ros.wire.protocol import MessageFactory

TRUTH = "truth/objects"


@dataclass(frozen=True, slots=True, eq=False)
class TruthObject:
    """One real object. role is UNKNOWN for what the system exists to find.

    position: float64 (3,), centre of the oriented box; size: float64 (3,), length, width, height;
    yaw: rad about z; pixels: how many the camera sees of it, points: how many LiDAR returns it
    gives, both -1 where nobody counted.
    """

    id: int
    name: str
    role: Role
    position: Float64
    size: Float64
    yaw: float
    pixels: int = -1
    points: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class TruthFrame:
    """All objects at the stamp of an image, in the odometry frame ``frame_id``."""

    stamp_ns: int
    frame_id: str
    items: tuple[TruthObject, ...]


def encode_truth(factory: MessageFactory, frame: TruthFrame) -> Any:
    """A std_msgs/String, to be published on ``TRUTH``."""
    tree = {
        "stamp_ns": frame.stamp_ns,
        "frame_id": frame.frame_id,
        "objects": [
            {
                "id": item.id,
                "name": item.name,
                "role": item.role.name,
                "position": [round(float(v), 4) for v in item.position],
                "size": [round(float(v), 4) for v in item.size],
                "yaw": round(float(item.yaw), 5),
                "pixels": item.pixels,
                "points": item.points,
            }
            for item in frame.items
        ],
    }
    return factory.make("std_msgs/msg/String", data=json.dumps(tree, separators=(",", ":")))


def decode_truth(message: Any) -> TruthFrame:
    """Raises InputError for text that ``encode_truth`` did not write."""
    try:
        tree = json.loads(message.data)
        return TruthFrame(
            int(tree["stamp_ns"]),
            str(tree["frame_id"]),
            tuple(_object(entry) for entry in tree["objects"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            TRUTH, f"not a ground truth message ({error!r})", "write it with encode_truth"
        ) from error


def _object(entry: dict[str, Any]) -> TruthObject:
    position, size = (np.array(entry[name], np.float64) for name in ("position", "size"))
    if position.shape != (3,) or size.shape != (3,):
        raise ValueError(f"position and size: expected three numbers, got {entry}")
    return TruthObject(
        int(entry["id"]),
        str(entry["name"]),
        Role[entry["role"]],
        position,
        size,
        float(entry["yaw"]),
        int(entry.get("pixels", -1)),
        int(entry.get("points", -1)),
    )
