"""One drive as values: everything that a bag of outputs says, ready to be counted and drawn.

Images and sweeps stay on disk; ``pictures`` and ``sweeps`` read them one by one.
"""

from __future__ import annotations

import json
import struct
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from s2m_ros.bags import BagReader, Message
from s2m_ros.bags.calibration import camera_names, read_rig
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.ego import EgoMotion
from s2m_ros.types import (
    EgoPose,
    Hazards,
    Health,
    InputError,
    ObjectMasks,
    Objects3D,
    Sweep,
    UInt8,
)
from s2m_ros.wire import topics
from s2m_ros.wire.cdr import header_stamp_ns
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.hazards import decode_hazards
from s2m_ros.wire.health import decode_health
from s2m_ros.wire.image import decode_compressed, decode_image
from s2m_ros.wire.masks import decode_masks
from s2m_ros.wire.objects import decode_objects
from s2m_ros.wire.odometry import decode_odometry
from s2m_ros.wire.pointcloud import decode_sweep
from s2m_ros.wire.truth import TRUTH, TruthFrame, decode_truth

T = TypeVar("T")
LIVE, LOCKSTEP = "live", "lockstep"


@dataclass(frozen=True, slots=True, eq=False)
class Logged(Generic[T]):
    """A value and when it was recorded, on the bag's clock."""

    logged_ns: int
    value: T


@dataclass(frozen=True, slots=True, eq=False)
class Drive:
    """Inputs and outputs of one run over one drive.

    mode: LIVE or LOCKSTEP ('' for a foreign bag); images: stamps of each camera's images and when
    they were logged; truth: by stamp, empty for real data; drops: what the nodes discarded, by
    node and reason; problems: messages that could not be read.
    """

    bag: Path
    mode: str
    about: Mapping[str, str]
    start_ns: int
    duration_ns: int
    rig: Rig
    images: Mapping[str, Mapping[int, int]]
    masks: tuple[Logged[ObjectMasks], ...]
    objects: tuple[Logged[Objects3D], ...]
    hazards: tuple[Logged[Hazards], ...]
    markers: tuple[Logged[int], ...]
    health: tuple[Logged[Health], ...]
    drops: Mapping[str, Mapping[str, int]]
    ego: EgoMotion
    path: tuple[EgoPose, ...]
    truth: Mapping[int, TruthFrame]
    problems: tuple[str, ...]

    @property
    def cameras(self) -> tuple[str, ...]:
        return tuple(self.images)

    def seconds(self, ns: int) -> float:
        """Time since the start of the drive, s."""
        return (ns - self.start_ns) * 1e-9


def load_drive(path: Path, rig: Rig | None = None) -> Drive:
    """Read a bag that holds inputs and outputs.

    rig outweighs the calibration in the bag. Raises BagError when there is nothing to tell: no
    hazard array, or a bag that cannot be read.
    """
    with BagReader(path) as bag:
        bag.require(topics.HAZARDS, "s2m_msgs/msg/HazardArray")
        own_rig, errors = read_rig(bag)
        if rig is not None:
            own_rig.frames.update(rig.frames)
            own_rig.cameras.update(rig.cameras)
            own_rig.camera_frames.update(rig.camera_frames)
        names = camera_names(bag)
        collected = _collect(bag, _names_of_cameras(bag, names))
        return Drive(
            bag=path,
            mode=bag.about.get("mode", ""),
            about=bag.about,
            start_ns=bag.start_ns,
            duration_ns=bag.duration_ns,
            rig=own_rig,
            images=collected.images,
            masks=tuple(collected.masks),
            objects=tuple(collected.objects),
            hazards=tuple(collected.hazards),
            markers=tuple(collected.markers),
            health=tuple(collected.health),
            drops=collected.drops or json.loads(bag.about.get("drops", "{}")),
            ego=collected.ego,
            path=tuple(collected.path),
            truth=collected.truth,
            problems=tuple([str(e) for e in errors] + collected.problems),
        )


def pictures(
    path: Path, camera: str, only: Container[int] | None = None
) -> Iterator[tuple[int, UInt8]]:
    """(stamp, uint8 (H, W, 3) RGB) of each readable image of a camera, in order.

    only: stamps of the images that are wanted.
    """
    with BagReader(path) as bag:
        topic = _image_topic(bag, camera)
        if topic is None:
            return
        decode = decode_compressed if topic.endswith("/compressed") else decode_image
        for message in bag.messages([topic]):
            if only is not None and header_stamp_ns(message.data) not in only:
                continue
            try:
                value = bag.decode(message)
                yield stamp_ns(value.header.stamp), decode(value, topic)
            except InputError:
                continue  # counted in Drive.problems


def sweeps(path: Path) -> Iterator[Sweep]:
    """Each readable sweep, in order."""
    with BagReader(path) as bag:
        for message in bag.messages([topics.POINTS]):
            try:
                yield decode_sweep(bag.decode(message), topics.POINTS)[0]
            except InputError:
                continue


class _Collected:
    """What one pass over the bag gathers."""

    def __init__(self) -> None:
        self.images: dict[str, dict[int, int]] = {}
        self.masks: list[Logged[ObjectMasks]] = []
        self.objects: list[Logged[Objects3D]] = []
        self.hazards: list[Logged[Hazards]] = []
        self.markers: list[Logged[int]] = []
        self.health: list[Logged[Health]] = []
        self.drops: dict[str, dict[str, int]] = {}
        self.ego = EgoMotion(keep_s=1e9)
        self.path: list[EgoPose] = []
        self.truth: dict[int, TruthFrame] = {}
        self.problems: list[str] = []


def _collect(bag: BagReader, cameras: list[str]) -> _Collected:
    result = _Collected()
    readers: dict[str, Callable[[Message], None]] = {}

    def on(name: str, decode: Callable[[Any], T], keep: Callable[[int, T], object]) -> None:
        def read(message: Message) -> None:
            keep(message.stamp_ns, decode(bag.decode(message)))

        readers["/" + name.strip("/")] = read

    def into(items: list[Logged[T]]) -> Callable[[int, T], None]:
        return lambda logged_ns, value: items.append(Logged(logged_ns, value))

    def place(_: int, pose: EgoPose) -> None:
        result.ego.add(pose)
        result.path.append(pose)

    def count(_: int, found: dict[str, dict[str, int]]) -> None:
        result.drops.update(found)

    def mark(logged_ns: int, stamp: int | None) -> None:
        if stamp is not None:
            result.markers.append(Logged(logged_ns, stamp))

    for camera in cameras:
        on(topics.masks(camera), lambda m: decode_masks(m, "masks"), into(result.masks))
        topic = _image_topic(bag, camera)
        if topic is not None:
            stamps = result.images.setdefault(camera, {})
            readers[topic] = _image_stamps(stamps)
    on(topics.OBJECTS, lambda m: decode_objects(m, topics.OBJECTS), into(result.objects))
    on(topics.HAZARDS, lambda m: decode_hazards(m, topics.HAZARDS), into(result.hazards))
    on(topics.HEALTH, decode_health, into(result.health))
    on(topics.MARKERS, _marker_stamp, mark)
    on(topics.DIAGNOSTICS, _drops, count)
    on(topics.ODOM, lambda m: decode_odometry(m, topics.ODOM, m.child_frame_id), place)
    on(TRUTH, decode_truth, lambda _, frame: result.truth.update({frame.stamp_ns: frame}))
    for message in bag.messages(readers):
        try:
            readers[message.topic](message)
        except (InputError, ValueError, struct.error) as error:
            result.problems.append(f"{message.topic}: {error}")
    return result


def _image_stamps(stamps: dict[int, int]) -> Callable[[Message], None]:
    def read(message: Message) -> None:
        stamps.setdefault(header_stamp_ns(message.data), message.stamp_ns)

    return read


def _marker_stamp(message: Any) -> int | None:
    return stamp_ns(message.markers[0].header.stamp) if message.markers else None


def _drops(message: Any) -> dict[str, dict[str, int]]:
    """Counters named ``drops.REASON`` in the diagnostics of a node."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for status in message.status:
        for item in status.values:
            kind, _, reason = item.key.partition(".")
            if kind == "drops" and item.value.isdigit():
                found[status.name.strip("/")][reason] = int(item.value)
    return dict(found)


def _names_of_cameras(bag: BagReader, with_calibration: list[str]) -> list[str]:
    """Cameras with masks or images, whether calibrated or not."""
    names = dict.fromkeys(with_calibration)
    for topic in bag.topics:
        parts = topic.name.strip("/").split("/")
        if (len(parts) >= 3 and parts[0] == "camera" and parts[2] == "image_raw") or (
            len(parts) == 3 and parts[0] == "s2m" and parts[2] == "masks"
        ):
            names[parts[1]] = None
    return list(names)


def _image_topic(bag: BagReader, camera: str) -> str | None:
    there = {t.name for t in bag.topics if t.count}
    names = ("/" + topics.image(camera, transport) for transport in ("raw", "compressed"))
    return next((name for name in names if name in there), None)
