"""Labelled frames from a simulated drive: the truth in its bag says what each pixel shows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from ..bags.reader import BagReader
from ..bags.topics import absolute
from ..perception.images import write
from ..types import InputError, Role
from ..wire import topics
from ..wire.image import decode_image
from ..wire.truth import TRUTH, TruthFrame, decode_instances, decode_truth, instances

OTHER = "other"
FIRST_VALUE = 10
"""Label value of the first category; smaller ones keep the meaning they have in other sets."""


NAMES = {"fod": "small FOD", "personal_equipment": "personnel equipment"}
"""What to call categories of the simulator in tables; the others keep their own name."""


def label_bags(bags: Sequence[Path], out: Path) -> Path:
    """Write the images of simulated drives with their labels: images/, labels/, categories.yaml.

    A label holds a value for each category of unknown objects; all that is known is 0. Returns
    ``out``. Raises InputError when a bag has no truth of what each pixel shows.
    """
    for folder in ("images", "labels"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    values: dict[str, int] = {}
    for bag in bags:
        with BagReader(bag) as reader:
            written = sum(_write(reader, camera, bag, out, values) for camera in _cameras(reader))
        if not written:
            raise InputError(
                str(bag), "no image with its truth pixel by pixel", "make the bag with `s2m sim`"
            )
    table = {value: NAMES.get(name, name) for name, value in values.items()}
    (out / "categories.yaml").write_text(yaml.safe_dump(table or {FIRST_VALUE: OTHER}))
    return out


def _write(reader: BagReader, camera: str, bag: Path, out: Path, values: dict[str, int]) -> int:
    """Write the frames of a camera; how many there were."""
    truths = {
        frame.stamp_ns: frame
        for frame in (decode_truth(reader.decode(m)) for m in reader.messages([TRUTH]))
    }
    shown = {
        _stamp_ns(message): message
        for message in map(reader.decode, reader.messages([instances(camera)]))
    }
    written = 0
    for picture in map(reader.decode, reader.messages([topics.image(camera)])):
        stamp_ns = _stamp_ns(picture)
        if stamp_ns not in shown or stamp_ns not in truths:
            continue
        name = f"{bag.stem}_{camera}_{written:05}.png"
        write(out / "images" / name, decode_image(picture, topics.image(camera)))
        ids = decode_instances(shown[stamp_ns])
        write(out / "labels" / name, _label(ids, truths[stamp_ns], values))
        written += 1
    return written


def _cameras(reader: BagReader) -> list[str]:
    """The cameras whose images the truth explains pixel by pixel."""
    there = {topic.name for topic in reader.topics if topic.count}
    names = {parts[2] for parts in (name.split("/") for name in there) if parts[1] == "camera"}
    return [
        name
        for name in sorted(names)
        if {absolute(topics.image(name)), absolute(instances(name))} <= there
    ]


def _stamp_ns(message: Any) -> int:
    return int(message.header.stamp.sec) * 1_000_000_000 + int(message.header.stamp.nanosec)


def _label(ids: NDArray[np.uint16], truth: TruthFrame, values: dict[str, int]) -> NDArray[np.uint8]:
    """The label of one frame; ``values`` grows by each category that is new."""
    table = np.zeros(1 << 16, np.uint8)
    for item in truth.items:
        if item.role is Role.UNKNOWN:
            table[item.id] = values.setdefault(item.category or OTHER, FIRST_VALUE + len(values))
    return table[ids]
