"""The images of a drive, as a store keeps them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from stores import picture

from s2m_ros.config import Audit
from s2m_ros.store.pictures import COMPRESSED, RAW, Pictures
from s2m_ros.types import InputError
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.image import decode_compressed, encode_compressed, encode_image

FACTORY = RosbagsFactory()


def serialised(message: Any) -> bytes:
    return bytes(FACTORY.typestore.serialize_cdr(message, message.__msgtype__))


def shown(data: bytes) -> Any:
    return decode_compressed(FACTORY.typestore.deserialize_cdr(data, COMPRESSED), "picture")


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
def test_a_raw_image_becomes_a_jpeg(encoding: Any) -> None:
    pictures = Pictures(Audit(picture_quality=95))
    for i in (0, 12):  # the second goes through the memory of the first
        image = picture(i)[..., ::-1] if encoding == "bgr8" else picture(i)
        made = encode_image(FACTORY, 5, "optical", np.ascontiguousarray(image), encoding)
        data = pictures.of_bytes(serialised(made), RAW, "image")
        message = FACTORY.typestore.deserialize_cdr(data, COMPRESSED)
        assert (message.header.stamp.nanosec, message.header.frame_id) == (5, "optical")
        assert np.abs(shown(data).astype(int) - picture(i)).mean() < 4
        assert data == pictures.of(5, "optical", picture(i))


def test_a_wide_one_is_made_smaller() -> None:
    wide = cv2.resize(picture(), (300, 100))
    packed = serialised(encode_compressed(FACTORY, 5, "optical", wide))
    pictures = Pictures(Audit(picture_width=120))
    assert shown(pictures.of(5, "optical", wide)).shape == (40, 120, 3)
    assert shown(pictures.of_bytes(packed, COMPRESSED, "image")).shape == (40, 120, 3)
    assert Pictures(Audit(picture_width=300)).of_bytes(packed, COMPRESSED, "image") is packed


@pytest.mark.parametrize("kind", [RAW, COMPRESSED])
def test_what_is_no_message_is_refused(kind: str) -> None:
    with pytest.raises(InputError, match="image"):
        Pictures(Audit()).of_bytes(b"\0\1\0\0torn", kind, "image")
