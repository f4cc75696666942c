"""visualization_msgs/MarkerArray from marker specifications."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial
from typing import Any

from s2m_ros.hazards.markers import MarkerSpec
from s2m_ros.wire.geometry import duration, header, points, vector3, yaw_pose
from s2m_ros.wire.protocol import MessageFactory


def encode_markers(
    factory: MessageFactory, stamp_ns: int, frame_id: str, specs: Iterable[MarkerSpec]
) -> Any:
    """One MarkerArray, all markers with this stamp and frame.

    What is the same in several markers is one object: the header, lifetimes, colours.
    """
    common = header(factory, stamp_ns, frame_id)
    lifetime = cache(partial(duration, factory))

    @cache
    def color(red: float, green: float, blue: float, alpha: float) -> Any:
        return factory.make("std_msgs/msg/ColorRGBA", r=red, g=green, b=blue, a=alpha)

    return factory.make(
        "visualization_msgs/msg/MarkerArray",
        markers=[
            factory.make(
                "visualization_msgs/msg/Marker",
                header=common,
                ns=spec.ns,
                id=int(spec.id),
                type=int(spec.type),
                action=int(spec.action),
                pose=yaw_pose(factory, spec.position, spec.yaw),
                scale=vector3(factory, spec.scale),
                color=color(*spec.color),
                lifetime=lifetime(spec.lifetime_s),
                points=[] if spec.points is None else points(factory, spec.points),
                text=spec.text,
            )
            for spec in specs
        ],
    )
