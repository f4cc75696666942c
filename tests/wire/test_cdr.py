"""Stamps in serialised messages, in either byte order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.wire.cdr import header_stamp_ns, marker_stamp_ns, with_header_stamp
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.geometry import header, stamp_ns
from s2m_ros.wire.image import encode_image

KIND = "sensor_msgs/msg/Image"
STAMPS = st.integers(0, (2**31 - 1) * 10**9)
FACTORY = RosbagsFactory()


@given(before=STAMPS, after=STAMPS, little=st.booleans())
def test_another_stamp_changes_nothing_else(before: int, after: int, little: bool) -> None:
    image = encode_image(FACTORY, before, "optical", np.full((2, 3, 3), 7, np.uint8))
    data = bytes(FACTORY.typestore.serialize_cdr(image, KIND, little_endian=little))
    assert header_stamp_ns(data) == before
    changed = with_header_stamp(data, after)
    assert header_stamp_ns(changed) == after
    assert with_header_stamp(changed, before) == data
    decoded = FACTORY.typestore.deserialize_cdr(changed, KIND)
    assert stamp_ns(decoded.header.stamp) == after
    assert bytes(decoded.data) == bytes(image.data)


@pytest.mark.parametrize("little", [True, False])
def test_the_stamp_of_markers_is_that_of_the_first(little: bool) -> None:
    kind = "visualization_msgs/msg/MarkerArray"
    marker = FACTORY.make("visualization_msgs/msg/Marker", header=header(FACTORY, 12345, "odom"))
    for markers, expected in (([marker, marker], 12345), ([], -1)):
        array = FACTORY.make(kind, markers=markers)
        data = bytes(FACTORY.typestore.serialize_cdr(array, kind, little_endian=little))
        assert marker_stamp_ns(data) == expected
