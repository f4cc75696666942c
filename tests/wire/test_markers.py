"""Markers are written as bytes: those that rosbags makes of the same message."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from values import hazards

from s2m_ros.hazards.markers import MarkerBook, MarkerSpec
from s2m_ros.types import State
from s2m_ros.wire.factory import load_typestore
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.markers import MARKERS, encode_markers

NS = 1_700_000_000_123_456_789


@pytest.mark.parametrize("frame", ["odom", "map", "m", ""])
def test_they_are_the_bytes_that_rosbags_makes(frame: str) -> None:
    book, store = MarkerBook(), load_typestore()
    shown = replace(hazards(NS), state=State.DEGRADED, reason="why")
    specs = book.clear() + book.update(shown)
    specs += book.update(replace(shown, items=()))
    data = encode_markers(NS, frame, specs)
    message = store.deserialize_cdr(data, MARKERS)
    assert data == bytes(store.serialize_cdr(message, MARKERS))
    assert len(message.markers) == len(specs) > 6
    for marker, spec in zip(message.markers, specs, strict=True):
        assert (stamp_ns(marker.header.stamp), marker.header.frame_id) == (NS, frame)
        assert (marker.ns, marker.id, marker.type, marker.action, marker.text) == (
            spec.ns, spec.id, spec.type, spec.action, spec.text,
        )  # fmt: skip
        place, turn = marker.pose.position, marker.pose.orientation
        assert (place.x, place.y, place.z) == spec.position
        assert 2 * np.arctan2(turn.z, turn.w) == pytest.approx(spec.yaw)
        assert (marker.scale.x, marker.scale.y, marker.scale.z) == spec.scale
        color = marker.color
        assert (color.r, color.g, color.b, color.a) == pytest.approx(spec.color)
        assert stamp_ns(marker.lifetime) == round(spec.lifetime_s * 1e9)
        points = [(p.x, p.y, p.z) for p in marker.points]
        assert points == ([] if spec.points is None else list(map(tuple, spec.points.tolist())))


def test_none_are_an_empty_array() -> None:
    assert load_typestore().deserialize_cdr(encode_markers(NS, "odom", []), MARKERS).markers == []


def test_the_middleware_reads_them_too() -> None:
    pytest.importorskip("rclpy")
    from rclpy.serialization import deserialize_message
    from visualization_msgs.msg import MarkerArray

    specs = [MarkerSpec("zones", 3, text="a", points=np.eye(3)), MarkerSpec("status", 0, text="bc")]
    read = deserialize_message(encode_markers(NS, "odom", specs), MarkerArray)
    assert [(m.ns, m.id, m.text, len(m.points)) for m in read.markers] == [
        ("zones", 3, "a", 3), ("status", 0, "bc", 0),
    ]  # fmt: skip
