"""An archive of many short bags: `python tools/short_bags.py DIR --bags 1000`.

Drives of the simulator's scenarios, each with a seed of its own, small (480x270, LiDAR 32x600), cut
into single MCAP files of FRAMES images; each cut begins one image after the one before it. One in
POISONED is spoilt, by turns as ``POISONS`` say. Where some are there already it goes on with the
next drive.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from s2m_ros.bags import BagReader, BagWriter, Message
from s2m_ros.sim import scenario
from s2m_ros.sim.bag import write_bag

FRAMES = 5
POISONED = 50
CUTS = 40
"""Of one drive: the ground of a drive costs as much to paint as ten of its images."""
SMALL = {
    "camera.width": 480,
    "camera.height": 270,
    "lidar.beams": 32,
    "lidar.columns": 600,
}
_LEAD_NS, _TAIL_NS = 60_000_000, 60_000_000


def make(folder: Path, count: int, workers: int | None = None) -> list[Path]:
    """The bags ``bag_0000.mcap`` and so on; those that are there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    bags = [folder / f"bag_{i:04}.mcap" for i in range(count)]
    spoilt = poisoned(bags)
    names = [name for name in scenario.names() if len(scenario.load(name).views) == 1]
    for turn, first in enumerate(range(0, count, CUTS)):
        wanted = {i - first: bag for i, bag in enumerate(bags) if first <= i < first + CUTS}
        if all(bag.exists() for bag in wanted.values()):
            continue
        drive = scenario.load(names[turn % len(names)], {**SMALL, "seed": 1000 + turn})
        with tempfile.TemporaryDirectory(dir=folder) as place:
            seconds = (max(wanted) + FRAMES) / drive.camera.rate_hz
            write_bag(Path(place) / "drive", drive, duration_s=seconds, workers=workers)
            _cut(Path(place) / "drive", wanted)
        for bag in wanted.values():
            if bag.name in spoilt:
                POISONS[spoilt[bag.name]](bag)
        print(f"{first + len(wanted)} of {count} bags, {drive.name}", flush=True)
    return bags


def poisoned(bags: list[Path]) -> dict[str, str]:
    """How each of the poisoned ones is spoilt, by file name."""
    return dict(zip((bag.name for bag in bags[POISONED - 1 :: POISONED]), cycle(POISONS)))


def _cut(drive: Path, wanted: dict[int, Path]) -> None:
    """A bag of FRAMES images from each of these images on."""
    with BagReader(drive) as reader:
        held = list(reader.messages())
    (image,) = {m.topic for m in held if m.topic.endswith("/image_raw")}
    stamps = [m.stamp_ns for m in held if m.topic == image]
    for first, bag in wanted.items():
        begin, end = stamps[first] - _LEAD_NS, stamps[first + FRAMES - 1] + _TAIL_NS
        inside = (m for m in held if m.topic == "/tf_static" or begin <= m.stamp_ns <= end)
        _write(bag, inside, begin)


def _write(bag: Path, messages: Iterator[Message], begin_ns: int = 0) -> None:
    folder = bag.with_suffix(".making")
    with BagWriter(folder, overwrite=True) as writer:
        for message in messages:
            stamp = max(message.stamp_ns, begin_ns)
            writer.write(message.topic, message.data, stamp, message.type)
    (folder / f"{folder.name}.mcap").replace(bag)
    shutil.rmtree(folder)


def _rewritten(bag: Path, kept: Callable[[Message], Message | None]) -> None:
    with BagReader(bag) as reader:
        held = [kept(message) for message in reader.messages()]
    _write(bag, (message for message in held if message is not None))


def _truncated(bag: Path) -> None:
    os.truncate(bag, bag.stat().st_size // 2)


def _noise(bag: Path) -> None:
    bag.write_bytes(np.random.default_rng(0).bytes(20_000))


def _no_images(bag: Path) -> None:
    _rewritten(bag, lambda m: None if "image" in m.topic else m)


def _wrong_types(bag: Path) -> None:
    """The images' topic carries words."""
    text = b"\x00\x01\x00\x00\x06\x00\x00\x00hello\x00"
    _rewritten(
        bag,
        lambda m: (
            Message(m.topic, "std_msgs/msg/String", m.stamp_ns, text)
            if m.topic.endswith("/image_raw")
            else m
        ),
    )


def _corrupted(bag: Path) -> None:
    """Noise over the middle of the file: inside a chunk, its index is whole."""
    size = bag.stat().st_size
    with bag.open("r+b") as file:
        file.seek(size // 2)
        file.write(np.random.default_rng(0).bytes(size // 20))


POISONS: dict[str, Callable[[Path], None]] = {
    "cut short": _truncated,
    "not a bag": _noise,
    "no images": _no_images,
    "images of another type": _wrong_types,
    "a chunk of noise": _corrupted,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--bags", type=int, default=1000)
    parser.add_argument("--workers", type=int, help="Processes that render.")
    given = parser.parse_args()
    make(given.folder, given.bags, given.workers)


if __name__ == "__main__":
    main()
