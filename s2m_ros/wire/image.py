"""sensor_msgs/Image and CompressedImage <-> uint8 (H, W, 3) RGB arrays.

Packed RGB comes out as a view of the message's own memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s2m_ros.types import Float32, InputError, UInt8, shortened
from s2m_ros.wire.checks import cells
from s2m_ros.wire.geometry import header
from s2m_ros.wire.protocol import MessageFactory

Convert = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class Layout:
    """How an encoding lies in memory, and the way from there to RGB.

    channels: samples per pixel; dtype: of one sample; half_rows: rows in halves of the image
    height (3 for planar 4:2:0); even: the width and, when planar, the height must be even;
    least: pixels on each side that the conversion needs.
    """

    channels: int
    to_rgb: Convert
    dtype: type[np.uint8] | type[np.uint16] = np.uint8
    half_rows: int = 2
    even: bool = False
    least: int = 1


def _cv(code: int) -> Convert:
    return lambda image: np.asarray(cv2.cvtColor(image, code))


def _high_byte(convert: Convert) -> Convert:
    return lambda image: convert((image >> 8).astype(np.uint8))


# OpenCV names a Bayer pattern by the second row's second and third pixel, ROS by the first two
# rows from the origin: bayer_rggb is OpenCV's BayerBG.
_BAYER = {
    "rggb": cv2.COLOR_BayerBG2RGB,
    "bggr": cv2.COLOR_BayerRG2RGB,
    "gbrg": cv2.COLOR_BayerGR2RGB,
    "grbg": cv2.COLOR_BayerGB2RGB,
}
_GREY = _cv(cv2.COLOR_GRAY2RGB)
_BGR = _cv(cv2.COLOR_BGR2RGB)
_UYVY = Layout(2, _cv(cv2.COLOR_YUV2RGB_UYVY), even=True)
_YUYV = Layout(2, _cv(cv2.COLOR_YUV2RGB_YUYV), even=True)

LAYOUTS: Mapping[str, Layout] = {
    "rgb8": Layout(3, lambda image: image),
    "bgr8": Layout(3, _BGR),
    "8UC3": Layout(3, _BGR),
    "rgba8": Layout(4, _cv(cv2.COLOR_RGBA2RGB)),
    "bgra8": Layout(4, _cv(cv2.COLOR_BGRA2RGB)),
    "8UC4": Layout(4, _cv(cv2.COLOR_BGRA2RGB)),
    "mono8": Layout(1, _GREY),
    "8UC1": Layout(1, _GREY),
    "mono16": Layout(1, _high_byte(_GREY), np.uint16),
    "16UC1": Layout(1, _high_byte(_GREY), np.uint16),
    **{f"bayer_{name}8": Layout(1, _cv(code), least=3) for name, code in _BAYER.items()},
    **{
        f"bayer_{name}16": Layout(1, _high_byte(_cv(code)), np.uint16, least=3)
        for name, code in _BAYER.items()
    },
    "yuv422": _UYVY,
    "uyvy": _UYVY,
    "yuv422_yuy2": _YUYV,
    "yuyv": _YUYV,
    "nv12": Layout(1, _cv(cv2.COLOR_YUV2RGB_NV12), half_rows=3, even=True),
    "nv21": Layout(1, _cv(cv2.COLOR_YUV2RGB_NV21), half_rows=3, even=True),
}


def decode_image(message: Any, source: str, other: Convert | None = None) -> UInt8:
    """uint8 (H, W, 3) RGB of a sensor_msgs/Image, honouring step and byte order.

    16-bit samples keep their high byte. ``other`` is asked for encodings that are not in
    ``LAYOUTS`` (it takes the message). Raises InputError naming ``source``.
    """
    layout = LAYOUTS.get(message.encoding)
    if layout is None:
        if other is not None:
            return np.ascontiguousarray(other(message), np.uint8)
        raise InputError(
            source,
            f"encoding '{message.encoding}' is not supported",
            f"publish one of {', '.join(LAYOUTS)}, or install cv_bridge",
        )
    return np.asarray(layout.to_rgb(_samples(message, layout, source)), np.uint8)


def _samples(message: Any, layout: Layout, source: str) -> NDArray[Any]:
    """The samples as (rows, W) or (rows, W, channels): a view wherever the byte order allows."""
    width, height, step = int(message.width), int(message.height), int(message.step)
    if width <= 0 or height <= 0:
        raise InputError(
            source, f"image of {width} x {height} pixels", "publish images with width and height"
        )
    if layout.even and (width % 2 or (layout.half_rows == 3 and height % 2)):
        raise InputError(
            source,
            f"encoding '{message.encoding}' of {width} x {height} pixels shares colour between "
            "pixels and needs even sizes",
            "set an even resolution in the camera driver",
        )
    if width < layout.least or height < layout.least:
        raise InputError(
            source,
            f"image of {width} x {height} pixels, '{message.encoding}' needs {layout.least} a side",
            "publish larger images",
        )
    cells(source, "image", width, height)
    rows = height * layout.half_rows // 2
    dtype = np.dtype(layout.dtype)
    row_bytes = width * layout.channels * dtype.itemsize
    if step < row_bytes:
        raise InputError(
            source,
            f"step is {step} bytes, a row of {width} '{message.encoding}' pixels takes {row_bytes}",
            "let the driver set step to the bytes of a row, padding included",
        )
    data = np.frombuffer(message.data, np.uint8)
    needed = step * (rows - 1) + row_bytes
    if data.size < needed:
        raise InputError(
            source,
            f"truncated image data: {data.size} bytes, expected {step * rows} for "
            f"{width} x {height} '{message.encoding}' with step {step}",
            "check the driver and the middleware's limits on message size",
        )
    pixels = np.lib.stride_tricks.as_strided(data, (rows, row_bytes), (step, 1), writeable=False)
    if dtype.itemsize > 1:
        order = dtype.newbyteorder(">" if message.is_bigendian else "<")
        pixels = np.ascontiguousarray(pixels).view(order).astype(dtype, copy=False)
    shape = (rows, width) if layout.channels == 1 else (rows, width, layout.channels)
    return pixels.reshape(shape) if step == row_bytes else _split(pixels, shape)


def _split(pixels: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    # reshape would copy a padded image; splitting the last axis by strides does not.
    if len(shape) == 2:
        return pixels
    strides = (pixels.strides[0], shape[2] * pixels.itemsize, pixels.itemsize)
    return np.lib.stride_tricks.as_strided(pixels, shape, strides, writeable=False)


def decode_compressed(message: Any, source: str) -> UInt8:
    """uint8 (H, W, 3) RGB of a sensor_msgs/CompressedImage (JPEG, PNG, whatever OpenCV reads).

    Raises InputError naming ``source``.
    """
    data = np.frombuffer(message.data, np.uint8)
    image = None
    problem = damage(data, source)
    if not problem:
        try:
            image = cv2.imdecode(data, cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
        except cv2.error:
            image = None
    if image is None:
        raise InputError(
            source,
            f"{data.size} bytes of format '{shortened(message.format)}' do not decode as an image"
            f"{problem}",
            "publish whole JPEG or PNG images, or set intake.transport to 'raw'",
        )
    # image_transport notes the channel order it handed to the encoder as 'compressed rgb8'.
    if "compressed rgb" in message.format:
        return np.asarray(image, np.uint8)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def damage(data: UInt8, source: str) -> str:
    """What is wrong with compressed bytes that OpenCV would hide or choke on, or nothing.

    OpenCV fills the rest of a picture that is cut short with grey, which would look clear, and
    makes room for whatever size a header claims.
    """
    try:
        with Image.open(BytesIO(data.tobytes()), formats=_FORMATS) as header:
            size, kind = header.size, header.format
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return f" ({error})" if isinstance(error, Image.DecompressionBombError) else ""
    cells(source, "image", *size)
    end = _ENDS.get(kind or "")
    if end is not None and end not in data[-_PADDING:].tobytes():
        return f": its end is missing, the {kind} is cut short"
    return ""


_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
_ENDS = {"JPEG": b"\xff\xd9", "PNG": b"IEND"}
_PADDING = 4096
"""Some encoders fill their buffer up behind the end of the picture."""

_OUTPUTS = {
    "rgb8": (3, "uint8"),
    "bgr8": (3, "uint8"),
    "mono8": (1, "uint8"),
    "32FC1": (1, "float32"),
}


def encode_image(
    factory: MessageFactory,
    stamp_ns: int,
    frame_id: str,
    image: UInt8 | Float32,
    encoding: Literal["rgb8", "bgr8", "mono8", "32FC1"] = "rgb8",
) -> Any:
    """A sensor_msgs/Image of uint8 (H, W, 3), uint8 (H, W) or, as 32FC1, float32 (H, W)."""
    height, width = image.shape[:2]
    channels, dtype = _OUTPUTS[encoding]
    if image.size != height * width * channels or image.dtype != dtype:
        raise ValueError(
            f"'{encoding}' is {dtype} with {channels} channels, got {image.dtype} {image.shape}"
        )
    return factory.make(
        "sensor_msgs/msg/Image",
        header=header(factory, stamp_ns, frame_id),
        height=height,
        width=width,
        encoding=encoding,
        is_bigendian=0,
        step=width * channels * image.itemsize,
        data=np.ascontiguousarray(image).reshape(-1).view(np.uint8),
    )


def encode_compressed(
    factory: MessageFactory, stamp_ns: int, frame_id: str, image: UInt8, quality: int = 85
) -> Any:
    """A JPEG sensor_msgs/CompressedImage of uint8 (H, W, 3) RGB."""
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return factory.make(
        "sensor_msgs/msg/CompressedImage",
        header=header(factory, stamp_ns, frame_id),
        format="rgb8; jpeg compressed bgr8",
        data=np.asarray(data, np.uint8).reshape(-1),
    )
