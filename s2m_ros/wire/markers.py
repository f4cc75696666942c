"""visualization_msgs/MarkerArray from marker specifications."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from s2m_ros.hazards.markers import MarkerSpec
from s2m_ros.wire.geometry import duration, header, points, pose, vector3
from s2m_ros.wire.protocol import MessageFactory


def encode_markers(
    factory: MessageFactory, stamp_ns: int, frame_id: str, specs: Iterable[MarkerSpec]
) -> Any:
    """One MarkerArray, all markers with this stamp and frame, which they share as one object."""
    common = header(factory, stamp_ns, frame_id)
    return factory.make(
        "visualization_msgs/msg/MarkerArray",
        markers=[_marker(factory, common, spec) for spec in specs],
    )


def _marker(factory: MessageFactory, common: Any, spec: MarkerSpec) -> Any:
    red, green, blue, alpha = (float(value) for value in spec.color)
    return factory.make(
        "visualization_msgs/msg/Marker",
        header=common,
        ns=spec.ns,
        id=int(spec.id),
        type=int(spec.type),
        action=int(spec.action),
        pose=pose(factory, spec.pose),
        scale=vector3(factory, spec.scale),
        color=factory.make("std_msgs/msg/ColorRGBA", r=red, g=green, b=blue, a=alpha),
        lifetime=duration(factory, spec.lifetime_s),
        points=points(factory, spec.points),
        text=spec.text,
    )
