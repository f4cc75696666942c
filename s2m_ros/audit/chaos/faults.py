"""What is done to the messages of a drive while a fault lasts: seeded, pure but for its memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np

from s2m_ros.bags import Message
from s2m_ros.fusion.transforms import from_rotation_vector
from s2m_ros.wire.factory import load_typestore

IMAGE, CLOUD, ODOM = "sensor_msgs/msg/Image", "sensor_msgs/msg/PointCloud2", "nav_msgs/msg/Odometry"
INFO = "sensor_msgs/msg/CameraInfo"
BLIND, NOTICED, HARMLESS = "blind", "noticed", "harmless"
"""Nothing may look clear; must be said, though the pipeline still sees; may pass without a word."""
_TURN_RAD = np.radians(3.0)


@dataclass
class Hand:
    """What a fault has at hand: chance, and what it remembers of the stream since it began."""

    rng: np.random.Generator
    kept: dict[str, Any] = field(default_factory=dict)


Change = Callable[[Message, Hand], list[Message]]


@dataclass(frozen=True, slots=True)
class Fault:
    """change: of each message; effect: what the pipeline owes; process: done to a node instead."""

    name: str
    what: str
    effect: str
    change: Change | None = None
    process: str = ""


def edited(message: Message, edit: Callable[[Any], None]) -> Message:
    """The message with its fields changed by ``edit``."""
    store = load_typestore()
    value = store.deserialize_cdr(message.data, message.type)
    edit(value)
    return replace(message, data=bytes(store.serialize_cdr(value, message.type)))


def _lost(*kinds: str) -> Change:
    return lambda message, hand: [] if message.type in kinds else [message]


def _half(message: Message, hand: Hand) -> list[Message]:
    return [] if message.type in (IMAGE, CLOUD) and hand.rng.random() < 0.5 else [message]


def _delayed(most_s: float, chance: float = 1.0) -> Change:
    def change(message: Message, hand: Hand) -> list[Message]:
        if message.type not in (IMAGE, CLOUD, ODOM) or hand.rng.random() > chance:
            return [message]
        return [
            replace(message, stamp_ns=message.stamp_ns + int(hand.rng.uniform(0, most_s) * 1e9))
        ]

    return change


def _shifted(seconds: int) -> Change:
    def edit(value: Any) -> None:
        value.header.stamp.sec += seconds

    return lambda message, hand: [
        edited(message, edit) if message.type in (IMAGE, CLOUD, ODOM) else message
    ]


def _edit(kind: str, edit: Callable[[Any, Hand], None]) -> Change:
    return lambda message, hand: [
        edited(message, lambda value: edit(value, hand)) if message.type == kind else message
    ]


def _damage(value: Any, hand: Hand) -> None:
    how = int(hand.rng.integers(4))
    if how == 0:
        value.encoding = "h264"
    elif how == 1:
        value.step = int(hand.rng.integers(0, value.step))
    elif how == 2:
        value.width = 2**32 - 1
    else:
        value.height = int(value.height * 1000)


def _cut(value: Any, hand: Hand) -> None:
    value.data = value.data[: len(value.data) // 2]


def _wild(value: Any, hand: Hand) -> None:
    """Six of ten points are NaN, infinite or on the moon."""
    points = value.data.reshape(-1, value.point_step).copy()
    chosen = hand.rng.random(len(points)) < 0.6
    wild = hand.rng.choice(
        np.array([np.nan, np.inf, 1e30, -4e8], np.float32), (int(chosen.sum()), 3)
    )
    for i, name in enumerate("xyz"):
        offset = next(f.offset for f in value.fields if f.name == name)
        points[chosen, offset : offset + 4] = wild[:, i : i + 1].copy().view(np.uint8)
    value.data = points.reshape(-1)


def _frozen(value: Any, hand: Hand) -> None:
    value.data = hand.kept.setdefault(value.header.frame_id, value.data)


def _filled(level: int) -> Callable[[Any, Hand], None]:
    def edit(value: Any, hand: Hand) -> None:
        noise = hand.rng.integers(0, 3, value.data.shape)
        value.data = np.clip(noise + level if level < 128 else level - noise, 0, 255).astype(
            np.uint8
        )

    return edit


def _lidar_turned(about: list[float]) -> Callable[[Any, Hand], None]:
    """The LiDAR is turned by 3 degrees about this axis of its frame."""
    turn = from_rotation_vector(_TURN_RAD * np.array(about))

    def edit(value: Any, hand: Hand) -> None:
        points = value.data.reshape(-1, value.point_step).copy()
        columns = [next(f.offset for f in value.fields if f.name == name) for name in "xyz"]
        xyz = np.stack([points[:, o : o + 4].copy().view("<f4")[:, 0] for o in columns], axis=1)
        moved = (xyz @ turn.T).astype("<f4")
        for i, o in enumerate(columns):
            points[:, o : o + 4] = moved[:, i : i + 1].copy().view(np.uint8)
        value.data = points.reshape(-1)

    return edit


def _camera_turned(about: list[float]) -> Change:
    """The camera is turned by 3 degrees about this axis of its optical frame.

    Before its camera_info is heard a focal length of the picture's width is assumed.
    """
    turn = from_rotation_vector(_TURN_RAD * np.array(about))

    def edit(value: Any, hand: Hand) -> None:
        image = value.data.reshape(value.height, value.step)[:, : value.width * 3]
        image = image.reshape(value.height, value.width, 3)
        size = (int(value.width), int(value.height))
        guess = np.array([[size[0], 0, size[0] / 2], [0, size[0], size[1] / 2], [0, 0, 1.0]])
        k = hand.kept.get(value.header.frame_id, guess)
        warp = k @ turn @ np.linalg.inv(k)
        turned = cv2.warpPerspective(image, warp, size, borderMode=cv2.BORDER_REPLICATE)
        value.step, value.data = value.width * 3, np.asarray(turned, np.uint8).reshape(-1)

    turned_images = _edit(IMAGE, edit)

    def change(message: Message, hand: Hand) -> list[Message]:
        if message.type == INFO:
            info: Any = load_typestore().deserialize_cdr(message.data, message.type)
            hand.kept[info.header.frame_id] = np.reshape(info.k, (3, 3))
        return turned_images(message, hand)

    return change


FAULTS: tuple[Fault, ...] = (
    Fault("camera_loss", "no images", BLIND, _lost(IMAGE)),
    Fault("lidar_loss", "no sweeps", NOTICED, _lost(CLOUD)),
    Fault("odometry_loss", "no odometry", NOTICED, _lost(ODOM)),
    Fault("drops", "half of the images and sweeps lost", HARMLESS, _half),
    Fault("jitter", "each message up to 60 ms late", HARMLESS, _delayed(0.06)),
    Fault("reordering", "a third up to 300 ms late: out of order", HARMLESS, _delayed(0.3, 0.33)),
    Fault("time_back", "stamps of all sensors 5 s in the past", BLIND, _shifted(-5)),
    Fault("time_ahead", "stamps of all sensors 5 s in the future", BLIND, _shifted(5)),
    Fault("corrupted", "image headers that claim what is not there", BLIND, _edit(IMAGE, _damage)),
    Fault("truncated_image", "half of each image", BLIND, _edit(IMAGE, _cut)),
    Fault("truncated_cloud", "half of each sweep", NOTICED, _edit(CLOUD, _cut)),
    Fault("wild_points", "six of ten points NaN, infinite or huge", HARMLESS, _edit(CLOUD, _wild)),
    Fault("frozen", "one image again and again", BLIND, _edit(IMAGE, _frozen)),
    Fault("black", "black images", BLIND, _edit(IMAGE, _filled(0))),
    Fault("saturated", "white images", BLIND, _edit(IMAGE, _filled(255))),
    Fault(
        "lidar_tilted",
        "LiDAR turned by 3 degrees: it looks down",
        NOTICED,
        _edit(CLOUD, _lidar_turned([0, 1, 0])),
    ),
    Fault(
        "lidar_turned",
        "LiDAR turned by 3 degrees to the side",
        NOTICED,
        _edit(CLOUD, _lidar_turned([0, 0, 1])),
    ),
    Fault(
        "camera_tilted",
        "camera turned by 3 degrees: it looks up",
        NOTICED,
        _camera_turned([1, 0, 0]),
    ),
    Fault(
        "camera_turned",
        "camera turned by 3 degrees to the side",
        NOTICED,
        _camera_turned([0, 1, 0]),
    ),
    Fault("model_throws", "the model's session raises", BLIND, process="throw"),
    Fault("camera_killed", "camera node: SIGKILL", BLIND, process="kill camera_"),
    Fault("fusion_killed", "fusion node: SIGKILL", BLIND, process="kill fusion"),
    Fault("tracker_killed", "tracker node: SIGKILL", BLIND, process="kill tracker"),
    Fault("fusion_stopped", "fusion node: SIGSTOP", BLIND, process="stop fusion"),
    Fault("tracker_stopped", "tracker node: SIGSTOP", BLIND, process="stop tracker"),
)


def named(names: list[str]) -> list[Fault]:
    """The faults of these names, all when none is given. Raises ValueError with what there is."""
    table = {fault.name: fault for fault in FAULTS}
    unknown = sorted(set(names) - table.keys())
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: expected of {', '.join(table)}")
    return [table[name] for name in names] if names else list(FAULTS)
