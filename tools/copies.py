"""How often the pixels of an image and the points of a sweep are copied: `tools/env python
tools/copies.py`.

From the bytes of the middleware to the network's input, and to fusion. Each line of Python that
takes fresh memory of a good part of the message's size is listed, in units of that size; what
OpenCV takes for itself and gives back is not seen.
"""

# ruff: noqa: E402
from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np

from s2m_ros.config import load
from s2m_ros.perception.image_health import FrozenWatch, blindness
from s2m_ros.runtime.trunk import resized
from s2m_ros.types import Sweep
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.image import decode_image, encode_image
from s2m_ros.wire.pointcloud import decode_sweep, encode_sweep

FACTORY = RosbagsFactory()
IMAGE, CLOUD = "sensor_msgs/msg/Image", "sensor_msgs/msg/PointCloud2"
NETWORK = (640, 352)
"""What the small preset looks at."""
LEAST = 0.2
"""Of the message's size: what is smaller is no copy of it."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Memory that one line took; share: of the message's size."""

    place: str
    share: float


class _Watch:
    """Traces the lines of our own code and notes how far memory rose on each."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._at: list[str] = []
        self._base = 0
        self.found: list[Copy] = []

    def run(self, call: Callable[[], Any]) -> Any:
        tracemalloc.start()
        self._at = ["the middleware"]
        self._begin()
        sys.settrace(self._called)
        try:
            return call()
        finally:
            sys.settrace(None)
            self._end()
            tracemalloc.stop()

    def _called(self, frame: FrameType, event: str, arg: object) -> Any:
        if not frame.f_code.co_filename.startswith(str(ROOT / "s2m_ros")):
            return None
        self._end()
        self._at.append("")
        self._begin()
        return self._line

    def _line(self, frame: FrameType, event: str, arg: object) -> Any:
        self._end()
        if event == "line":
            path = Path(frame.f_code.co_filename).relative_to(ROOT)
            self._at[-1] = f"{path}:{frame.f_lineno} {frame.f_code.co_name}"
        elif event == "return":
            self._at.pop()
        self._begin()
        return self._line

    def _begin(self) -> None:
        tracemalloc.reset_peak()
        self._base = tracemalloc.get_traced_memory()[0]

    def _end(self) -> None:
        share = (tracemalloc.get_traced_memory()[1] - self._base) / self._size
        if share >= LEAST:
            self.found.append(Copy(self._at[-1], round(share, 2)))


def copies(size: int, call: Callable[[], Any]) -> tuple[Any, list[Copy]]:
    """What a call returns, and where it took memory of at least a fifth of ``size`` bytes."""
    call()  # what is made once is no copy of this message
    watch = _Watch(size)
    return watch.run(call), watch.found


def total(found: list[Copy]) -> float:
    """How many times the message all of them are."""
    return round(sum(copy.share for copy in found), 2)


def image_path(data: bytes, deserialize: Callable[[bytes], Any]) -> list[Copy]:
    """From a serialised Image to what the network is given."""
    frozen = FrozenWatch(load().intake.frozen_ms)

    def look() -> None:
        image = decode_image(deserialize(data), "image")
        blindness(image)
        frozen.look(image, 1)
        resized(image, NETWORK)

    return copies(len(data), look)[1]


def sweep_path(data: bytes, deserialize: Callable[[bytes], Any]) -> list[Copy]:
    """From a serialised PointCloud2 to the sweep that fusion gets."""
    return copies(len(data), lambda: decode_sweep(deserialize(data), "points"))[1]


def made_image() -> bytes:
    """A serialised 960x540 Image, rgb8."""
    noise = np.random.default_rng(0).integers(0, 255, (540, 960, 3), np.uint8)
    image = encode_image(FACTORY, 1, "camera", noise, "rgb8")
    return bytes(FACTORY.typestore.serialize_cdr(image, IMAGE))


def made_sweep() -> bytes:
    """A serialised PointCloud2 of 64 x 1,800 points with intensity and time."""
    points = np.random.default_rng(0).normal(0, 20, (115_200, 3)).astype(np.float32)
    offsets = np.zeros(len(points), np.int64)
    message = encode_sweep(FACTORY, Sweep(1, "lidar", points, points[:, 0], offsets))
    return bytes(FACTORY.typestore.serialize_cdr(message, CLOUD))


def rosbags(kind: str) -> Callable[[bytes], Any]:
    """Deserialisation without ROS."""
    return lambda data: FACTORY.typestore.deserialize_cdr(data, kind)


def reader(kind: str) -> Callable[[bytes], Any]:
    """rclpy's deserialisation, or that of rosbags where ROS is not installed."""
    try:
        from rclpy.serialization import deserialize_message

        from s2m_ros.nodes.factory import message_type
    except ImportError:
        return rosbags(kind)
    return lambda data: deserialize_message(data, message_type(kind))


def main() -> None:
    for name, data, found in (
        ("image, 960x540 rgb8", made := made_image(), image_path(made, reader(IMAGE))),
        ("sweep, 115,200 points", made := made_sweep(), sweep_path(made, reader(CLOUD))),
    ):
        print(f"{name}: {len(data) / 1e6:.2f} MB, {total(found):.2f} times taken")
        for copy in found:
            print(f"  {copy.share:5.2f} x  {copy.place}")


if __name__ == "__main__":
    main()
