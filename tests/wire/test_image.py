"""Image codecs against images laid out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.types import InputError
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.image import (
    LAYOUTS,
    decode_compressed,
    decode_image,
    encode_compressed,
    encode_image,
)

TOPIC = "camera/front/image_raw"


def message(encoding: str, rows: np.ndarray[Any, Any], size: tuple[int, int], pad: int = 0) -> Any:
    """An Image of (rows, bytes) uint8 with ``pad`` bytes after each row."""
    rows = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), -1)
    data = np.pad(rows, ((0, 0), (0, pad)), constant_values=0xAB)
    return SimpleNamespace(
        encoding=encoding,
        width=size[0],
        height=size[1],
        step=data.shape[1],
        is_bigendian=0,
        data=data.reshape(-1),
    )


def picture(width: int, height: int, seed: int = 0) -> np.ndarray[Any, Any]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@given(
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(0, 7),
    st.sampled_from(["rgb8", "bgr8", "rgba8", "bgra8", "8UC3", "8UC4"]),
)
@settings(deadline=None, max_examples=60)
def test_packed_colour_with_any_padding(w: int, h: int, pad: int, encoding: str) -> None:
    rgb = picture(w, h)
    alpha = np.full((h, w, 1), 77, np.uint8)
    memory = {
        "rgb8": rgb,
        "bgr8": rgb[..., ::-1],
        "8UC3": rgb[..., ::-1],
        "rgba8": np.concatenate([rgb, alpha], 2),
        "bgra8": np.concatenate([rgb[..., ::-1], alpha], 2),
        "8UC4": np.concatenate([rgb[..., ::-1], alpha], 2),
    }[encoding]
    decoded = decode_image(message(encoding, memory.reshape(h, -1), (w, h), pad), TOPIC)
    assert np.array_equal(decoded, rgb)


@pytest.mark.parametrize("pad", [0, 5])
def test_rgb8_is_a_view_of_the_message(pad: int) -> None:
    source = message("rgb8", picture(8, 4).reshape(4, -1), (8, 4), pad)
    assert np.shares_memory(decode_image(source, TOPIC), source.data)


@pytest.mark.parametrize("pad", [0, 3])
def test_mono8(pad: int) -> None:
    grey = picture(7, 5)[..., 0]
    decoded = decode_image(message("mono8", grey, (7, 5), pad), TOPIC)
    assert np.array_equal(decoded, np.repeat(grey[..., None], 3, 2))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("pad", [0, 4])
def test_mono16_keeps_the_high_byte_in_both_orders(order: str, pad: int) -> None:
    values = np.random.default_rng(1).integers(0, 65536, (5, 6)).astype(f"{order}u2")
    source = message("mono16", values, (6, 5), pad)
    source.is_bigendian = int(order == ">")
    decoded = decode_image(source, TOPIC)
    assert np.array_equal(decoded[..., 0], (values.astype(int) // 256).astype(np.uint8))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_has_the_channel_that_ros_names_at_the_origin(pattern: str, bits: int) -> None:
    colour = dict(zip("rgb", (200, 90, 30), strict=True))
    tile = np.array([colour[c] for c in pattern], np.uint8).reshape(2, 2)
    mosaic = np.tile(tile, (6, 8))
    if bits == 16:
        mosaic = mosaic.astype("<u2") * 256
    decoded = decode_image(message(f"bayer_{pattern}{bits}", mosaic, (16, 12)), TOPIC)
    assert (decoded[2:-2, 2:-2] == (200, 90, 30)).all()


def yuv(rgb: tuple[int, int, int]) -> tuple[int, int, int]:
    """BT.601 studio range, as cameras send it."""
    r, g, b = (v / 255 for v in rgb)
    y = 16 + 65.481 * r + 128.553 * g + 24.966 * b
    u = 128 - 37.797 * r - 74.203 * g + 112.0 * b
    v = 128 + 112.0 * r - 93.786 * g - 18.214 * b
    return round(y), round(u), round(v)


@pytest.mark.parametrize("encoding", ["yuv422", "uyvy", "yuv422_yuy2", "yuyv", "nv12", "nv21"])
@pytest.mark.parametrize("rgb", [(200, 40, 30), (10, 180, 90), (30, 60, 220), (128, 128, 128)])
@pytest.mark.parametrize("pad", [0, 6])
def test_yuv(encoding: str, rgb: tuple[int, int, int], pad: int) -> None:
    w, h = 8, 6
    y, u, v = yuv(rgb)
    if encoding in ("nv12", "nv21"):
        chroma = [u, v] if encoding == "nv12" else [v, u]
        rows = np.vstack(
            [np.full((h, w), y, np.uint8), np.tile(np.array(chroma, np.uint8), (h // 2, w // 2))]
        )
    else:
        pair = [y, u, y, v] if "yu" in encoding[-4:] and encoding != "yuv422" else [u, y, v, y]
        rows = np.tile(np.array(pair, np.uint8), (h, w // 2))
    decoded = decode_image(message(encoding, rows, (w, h), pad), TOPIC)
    assert decoded.shape == (h, w, 3)
    assert np.abs(decoded.astype(int) - rgb).max() <= 4


def test_unknown_encoding_lists_what_is_supported() -> None:
    with pytest.raises(InputError, match=r"camera/front/image_raw: encoding 'h264'.*rgb8.*nv21"):
        decode_image(message("h264", np.zeros((4, 12)), (4, 4)), TOPIC)


def test_another_converter_is_asked_for_unknown_encodings_only() -> None:
    def other(asked: Any) -> np.ndarray[Any, Any]:
        return np.full((4, 4, 3), 9, np.uint8)

    unknown = message("h264", np.zeros((4, 12), np.uint8), (4, 4))
    assert (decode_image(unknown, TOPIC, other) == 9).all()
    known = message("mono8", np.zeros((4, 4), np.uint8), (4, 4))
    assert (decode_image(known, TOPIC, other) == 0).all()


@pytest.mark.parametrize("encoding", sorted(LAYOUTS))
def test_truncated_data_is_an_error_in_every_encoding(encoding: str) -> None:
    layout = LAYOUTS[encoding]
    row = 8 * layout.channels * np.dtype(layout.dtype).itemsize
    source = message(encoding, np.zeros((6 * layout.half_rows // 2, row), np.uint8), (8, 6))
    decode_image(source, TOPIC)
    source.data = source.data[:-1]
    with pytest.raises(InputError, match="camera/front/image_raw: truncated image data"):
        decode_image(source, TOPIC)


def test_bad_sizes() -> None:
    source = message("rgb8", np.zeros((4, 12), np.uint8), (4, 4))
    source.step = 11
    with pytest.raises(InputError, match="step is 11 bytes"):
        decode_image(source, TOPIC)
    source = message("rgb8", np.zeros((4, 12), np.uint8), (0, 4))
    with pytest.raises(InputError, match="0 x 4 pixels"):
        decode_image(source, TOPIC)
    with pytest.raises(InputError, match="even"):
        decode_image(message("nv12", np.zeros((6, 5), np.uint8), (5, 4)), TOPIC)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "mono8", "32FC1"])
def test_encode_states_what_it_holds(encoding: Any) -> None:
    image = picture(6, 4)
    if encoding == "mono8":
        image = image[..., 0]
    elif encoding == "32FC1":
        image = image[..., 0].astype(np.float32) / 255
    made = encode_image(RosbagsFactory(), 5_000_000_007, "optical", image, encoding)
    assert (made.width, made.height, made.encoding) == (6, 4, encoding)
    assert made.step * made.height == len(made.data)
    assert made.data.tobytes() == image.tobytes()
    assert (made.header.stamp.sec, made.header.stamp.nanosec) == (5, 7)


def test_encode_refuses_another_type() -> None:
    with pytest.raises(ValueError, match="float64"):
        encode_image(RosbagsFactory(), 0, "", np.zeros((4, 4)), "32FC1")


def smooth() -> np.ndarray[Any, Any]:
    x, y = np.meshgrid(np.linspace(0, 255, 64), np.linspace(0, 255, 48))
    return np.stack([x, y, 255 - x], 2).astype(np.uint8)


def test_compressed_round_trip_keeps_the_channels() -> None:
    image = smooth()
    decoded = decode_compressed(encode_compressed(RosbagsFactory(), 1, "optical", image), TOPIC)
    assert np.abs(decoded.astype(int) - image).mean() < 3


@pytest.mark.parametrize(
    ("format_", "handed_over"),
    [("rgb8; jpeg compressed bgr8", "bgr"), ("rgb8; jpeg compressed rgb8", "rgb"), ("png", "bgr")],
)
def test_compressed_honours_the_order_that_image_transport_notes(
    format_: str, handed_over: str
) -> None:
    image = smooth()
    suffix = ".png" if "png" in format_ else ".jpg"
    _, data = cv2.imencode(suffix, image[..., ::-1] if handed_over == "bgr" else image)
    source = SimpleNamespace(format=format_, data=data.reshape(-1))
    assert np.abs(decode_compressed(source, TOPIC).astype(int) - image).mean() < 3


@pytest.mark.parametrize("data", [b"", b"\xff\xd8 not a picture"])
def test_compressed_garbage(data: bytes) -> None:
    with pytest.raises(InputError, match=r"image_raw: \d+ bytes of format 'jpeg' do not decode"):
        decode_compressed(SimpleNamespace(format="jpeg", data=data), TOPIC)
