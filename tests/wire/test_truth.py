"""Ground truth goes over the wire and comes back; other text is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.types import InputError, Role
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.truth import TruthFrame, TruthObject, TruthView, decode_truth, encode_truth

FACTORY = RosbagsFactory()
metre = st.floats(-500, 500)
triple = st.tuples(metre, metre, metre).map(np.array)
pixel = st.integers(0, 4096)
views = st.builds(
    TruthView, st.integers(1, 10**6), st.tuples(pixel, pixel, pixel, pixel), st.floats(0, 1)
)
things = st.builds(
    TruthObject,
    id=st.integers(0, 2**31),
    name=st.text(max_size=20),
    role=st.sampled_from(Role),
    position=triple,
    size=triple,
    yaw=st.floats(-4, 4),
    pixels=st.integers(-1, 10**7),
    points=st.integers(-1, 10**6),
    category=st.text(max_size=9),
    velocity=triple,
    first_ns=st.integers(-1, 2**62),
    views=st.dictionaries(st.text(max_size=6), views, max_size=3),
)


@settings(max_examples=50, deadline=None)
@given(st.lists(things, max_size=4))
def test_round_trip(items: list[TruthObject]) -> None:
    message = encode_truth(FACTORY, TruthFrame(123_456_789_012, "odom", tuple(items)))
    back = decode_truth(message)
    assert (back.stamp_ns, back.frame_id) == (123_456_789_012, "odom")
    assert len(back.items) == len(items)
    for a, b in zip(back.items, items, strict=True):
        assert (a.id, a.name, a.role, a.pixels, a.points) == (
            b.id, b.name, b.role, b.pixels, b.points,
        )  # fmt: skip
        assert np.allclose(a.position, b.position, atol=1e-4)
        assert np.allclose(a.size, b.size, atol=1e-4)
        assert a.yaw == pytest.approx(b.yaw, abs=1e-5)
        assert (a.category, a.first_ns, a.span_px) == (b.category, b.first_ns, b.span_px)
        assert np.allclose(a.velocity, b.velocity, atol=1e-4)
        assert {n: (v.pixels, v.box) for n, v in a.views.items()} == {
            n: (v.pixels, v.box) for n, v in b.views.items()
        }
        assert a.visible == pytest.approx(b.visible, abs=1e-3)


def test_text_of_before_the_views_is_read() -> None:
    text = (
        '{"stamp_ns":1,"frame_id":"odom","objects":[{"id":1,"name":"x","role":"UNKNOWN",'
        '"position":[1,2,3],"size":[1,1,1],"yaw":0}]}'
    )
    (item,) = decode_truth(FACTORY.make("std_msgs/msg/String", data=text)).items
    assert (item.pixels, item.span_px, item.visible, item.first_ns) == (-1, 0, 0.0, -1)


def test_the_span_is_the_longer_side_in_the_nearest_view() -> None:
    wide, tall = TruthView(30, (4, 5, 14, 8), 0.5), TruthView(12, (0, 0, 2, 11), 1.0)
    item = TruthObject(
        1, "x", Role.UNKNOWN, np.zeros(3), np.ones(3), 0.0, views={"a": wide, "b": tall}
    )
    assert (wide.span_px, tall.span_px) == (10, 11)
    assert (item.span_px, item.visible) == (11, 0.5)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"stamp_ns":1,"frame_id":"odom","objects":[{"id":1}]}',
     '{"stamp_ns":1,"frame_id":"o","objects":[{"id":1,"name":"x","role":"UNKNOWN","position":[1],'
     '"size":[1,1,1],"yaw":0}]}'],
)  # fmt: skip
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="truth/objects"):
        decode_truth(FACTORY.make("std_msgs/msg/String", data=text))
