"""Footage of a site, to be gone through several times: bags, folders of images, labelled images.

Of footage without labels nothing is known but that it holds nothing unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ..bags.reader import BagReader
from ..perception.images import SUFFIXES, read_rgb
from ..types import InputError, UInt8
from ..wire.image import decode_compressed, decode_image
from .layouts import Label, plain, read_label

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """image: uint8 (H, W, 3) RGB; label: what is unknown in it, None where nothing is."""

    image: UInt8
    label: Label | None = None


class Footage(Protocol):
    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Shot]:
        """In the same order each time."""
        ...

    @property
    def seconds(self) -> float:
        """How long the footage lasts."""
        ...


class Folder:
    """The images of a folder, in the order of their names."""

    def __init__(self, path: Path, rate_hz: float) -> None:
        self._paths = sorted(p for p in path.rglob("*") if p.suffix.lower() in SUFFIXES)
        self._rate_hz = rate_hz
        if not self._paths:
            raise InputError(str(path), "no image in this folder", "give images or a bag")

    def __len__(self) -> int:
        return len(self._paths)

    def __iter__(self) -> Iterator[Shot]:
        return (Shot(read_rgb(path)) for path in self._paths)

    @property
    def seconds(self) -> float:
        return len(self._paths) / self._rate_hz


class Labelled:
    """``images/`` with ``labels/`` of the same names, as the review page exports them."""

    def __init__(self, path: Path, rate_hz: float) -> None:
        self._samples = plain(path / "images", path / "labels")
        self._rate_hz = rate_hz

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[Shot]:
        for sample in self._samples:
            assert sample.label is not None
            yield Shot(read_rgb(sample.image), read_label(sample.label))

    @property
    def seconds(self) -> float:
        return len(self._samples) / self._rate_hz


class Bag:
    """The images of a rosbag2: of one topic, or of all its image topics."""

    def __init__(self, path: Path, topic: str | None = None) -> None:
        self._path = path
        with BagReader(path) as bag:
            if topic is not None:
                chosen = [bag.require(topic, IMAGE, COMPRESSED)]
            else:
                chosen = [t for t in bag.topics if t.type in (IMAGE, COMPRESSED) and t.count]
            if not chosen:
                raise InputError(str(path), "no image topic in this bag", "give --topic, or images")
            self._topics = [t.name for t in chosen]
            self._count = sum(t.count for t in chosen)
            self._seconds = bag.duration_ns * 1e-9

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Shot]:
        with BagReader(self._path) as bag:
            for message in bag.messages(self._topics):
                decode = decode_compressed if message.type == COMPRESSED else decode_image
                yield Shot(decode(bag.decode(message), message.topic))

    @property
    def seconds(self) -> float:
        return self._seconds


def open_footage(path: Path, rate_hz: float, topic: str | None = None) -> Footage:
    """A folder of labelled images, a folder of images, or else a bag."""
    if (path / "images").is_dir() and (path / "labels").is_dir():
        return Labelled(path, rate_hz)
    if path.is_dir() and not (path / "metadata.yaml").is_file():
        return Folder(path, rate_hz)
    return Bag(path, topic)


class Together:
    """Several pieces of footage one after another, every nth frame of them, as one."""

    def __init__(self, parts: Sequence[Footage], most: int = 0) -> None:
        self._parts = parts
        total = sum(len(part) for part in parts)
        self._step = max(1, -(-total // most)) if most else 1
        self._total = total

    def __len__(self) -> int:
        return -(-self._total // self._step)

    def __iter__(self) -> Iterator[Shot]:
        number = 0
        for part in self._parts:
            for shot in part:
                if number % self._step == 0:
                    yield shot
                number += 1

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self._parts) / self._step
