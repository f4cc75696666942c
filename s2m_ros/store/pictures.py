"""The images of a drive as a store keeps them: JPEG, no wider than the settings say."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from PIL import Image

from s2m_ros.config import Audit
from s2m_ros.types import InputError, UInt8
from s2m_ros.wire.cdr import CdrReader, CdrWriter
from s2m_ros.wire.image import decode_compressed, decode_image

RAW = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
_FORMAT = "rgb8; jpeg compressed bgr8"


class Pictures:
    """Makes the CompressedImage of one image after another, in one thread."""

    def __init__(self, settings: Audit) -> None:
        self._width = settings.picture_width
        self._how = [cv2.IMWRITE_JPEG_QUALITY, settings.picture_quality]
        self._bgr: UInt8 | None = None

    def of_bytes(self, data: bytes, kind: str, topic: str) -> bytes:
        """Of a serialised Image or CompressedImage, which stays as it is where it is small."""
        try:
            image = _read(data, kind)
        except (struct.error, ValueError, IndexError) as error:
            raise InputError(topic, f"no {kind}: {error}", "check its publisher") from error
        if kind == RAW:
            return self.of(image.stamp_ns, image.frame_id, decode_image(image, topic))
        if _width_of(image.data) <= self._width:
            return data
        return self.of(image.stamp_ns, image.frame_id, decode_compressed(image, topic))

    def of(self, ns: int, frame_id: str, image: UInt8) -> bytes:
        """Of uint8 (H, W, 3) RGB."""
        height, width = image.shape[:2]
        if width > self._width:
            size = (self._width, max(1, round(height * self._width / width)))
            # The mean over whole pixels costs ten times as much, and shows only from a half on.
            how = cv2.INTER_AREA if 2 * size[0] <= width else cv2.INTER_LINEAR
            image = np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
        # Into the memory of the last one: new pages of it cost more than turning the colours.
        kept = self._bgr if self._bgr is not None and self._bgr.shape == image.shape else None
        self._bgr = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2BGR, dst=kept), np.uint8)
        _, jpeg = cv2.imencode(".jpg", self._bgr, self._how)
        out = CdrWriter()
        out.header(ns, frame_id)
        out.text(_FORMAT)
        out.numbers(np.asarray(jpeg, np.uint8))
        return out.finish()


@dataclass(slots=True)
class _Message:
    """The fields of an Image or a CompressedImage, whose data stay where they are."""

    stamp_ns: int
    frame_id: str
    height: int = 0
    width: int = 0
    encoding: str = ""
    is_bigendian: int = 0
    step: int = 0
    format: str = ""
    data: memoryview | bytes = b""


def _read(data: bytes, kind: str) -> _Message:
    reader = CdrReader(data)
    message = _Message(*reader.header())
    if kind == RAW:
        message.height, message.width = (int(v) for v in reader.take("2I"))
        message.encoding = reader.text()
        message.is_bigendian = int(reader.take("B")[0])
        message.step = reader.count()
    else:
        message.format = reader.text()
    message.data = reader.block(reader.count())
    return message


def _width_of(data: memoryview | bytes) -> int:
    """Of a packed picture by its head, 0 when that is none: it is stored as it came."""
    try:
        with Image.open(BytesIO(data)) as head:
            return int(head.width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 0
