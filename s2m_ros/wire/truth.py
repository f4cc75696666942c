"""Ground truth of a simulated drive, as JSON in a std_msgs/String that any tool shows.

One message for each stamp that an image has, and beside it, for each camera, a picture of which
object each pixel shows (``instances``): a sensor_msgs/Image, 16UC1, ids of the objects, 0 for none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2m_ros.types import Float64, InputError, Role
from s2m_ros.wire.geometry import header
from s2m_ros.wire.protocol import MessageFactory

TRUTH = "truth/objects"
LEAST_SPAN_PX = 6
"""An object counts as visible from the first frame on in which it spans so many pixels."""


def instances(camera: str) -> str:
    """Topic with the ids of the objects that a camera's pixels show."""
    return f"truth/{camera}/instances"


@dataclass(frozen=True, slots=True)
class TruthView:
    """What one camera sees of an object.

    pixels: how many show it; box: columns and rows (left, top, right, bottom) of these, right and
    bottom exclusive; visible: share of its outline within the picture that nothing hides.
    """

    pixels: int
    box: tuple[int, int, int, int]
    visible: float

    @property
    def span_px(self) -> int:
        """The longer side of the box."""
        return max(self.box[2] - self.box[0], self.box[3] - self.box[1])


@dataclass(frozen=True, slots=True, eq=False)
class TruthObject:
    """One real object. role is UNKNOWN for what the system exists to find.

    id: the same on all frames, and in ``instances``; position: float64 (3,), centre of the
    oriented box; size: float64 (3,), length, width, height; yaw: rad about z; pixels: how many
    the cameras see of it, points: how many LiDAR returns it gives, both -1 where nobody counted.
    category: what sort of thing it is ('fod', 'cone', 'animal', 'vehicle', ...); velocity:
    float64 (3,), m/s; first_ns: stamp of the first image in which it spanned ``LEAST_SPAN_PX``,
    -1 as long as none did; views: by camera, those that see it.
    """

    id: int
    name: str
    role: Role
    position: Float64
    size: Float64
    yaw: float
    pixels: int = -1
    points: int = -1
    category: str = ""
    velocity: Float64 = field(default_factory=lambda: np.zeros(3))
    first_ns: int = -1
    views: Mapping[str, TruthView] = field(default_factory=dict)

    @property
    def span_px(self) -> int:
        """Its longest side in any picture, 0 where none shows it."""
        return max((view.span_px for view in self.views.values()), default=0)

    @property
    def visible(self) -> float:
        """Share that nothing hides, in the camera that sees most of it; 0 where none does."""
        best = max(self.views.values(), key=lambda view: view.pixels, default=None)
        return best.visible if best else 0.0


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
                "category": item.category,
                "velocity": [round(float(v), 4) for v in item.velocity],
                "first_ns": item.first_ns,
                "views": {
                    camera: [view.pixels, *view.box, round(view.visible, 3)]
                    for camera, view in item.views.items()
                },
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


def encode_instances(
    factory: MessageFactory, stamp_ns: int, frame_id: str, ids: NDArray[np.uint16]
) -> Any:
    """A sensor_msgs/Image of object ids, uint16 (H, W), 0 for none."""
    height, width = ids.shape
    return factory.make(
        "sensor_msgs/msg/Image",
        header=header(factory, stamp_ns, frame_id),
        height=height,
        width=width,
        encoding="16UC1",
        is_bigendian=0,
        step=2 * width,
        data=np.ascontiguousarray(ids, "<u2").reshape(-1).view(np.uint8),
    )


def decode_instances(message: Any) -> NDArray[np.uint16]:
    """Object ids, uint16 (H, W). Raises InputError for another image."""
    data = np.frombuffer(message.data, np.uint8)
    if message.encoding != "16UC1" or len(data) != 2 * message.width * message.height:
        raise InputError(
            "instances",
            f"expected a 16UC1 image, got {message.encoding} with {len(data)} bytes",
            "write it with encode_instances",
        )
    return data.view("<u2").reshape(message.height, message.width)


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
        str(entry.get("category", "")),
        np.array(entry.get("velocity", (0, 0, 0)), np.float64),
        int(entry.get("first_ns", -1)),
        {camera: _view(*numbers) for camera, numbers in entry.get("views", {}).items()},
    )


def _view(pixels: int, left: int, top: int, right: int, bottom: int, visible: float) -> TruthView:
    return TruthView(int(pixels), (left, top, right, bottom), float(visible))
