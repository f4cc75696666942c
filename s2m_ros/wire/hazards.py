"""s2m_msgs/HazardArray <-> Hazards."""

from __future__ import annotations

import math
from typing import Any

from s2m_ros.types import Hazard, Hazards, Level, State
from s2m_ros.wire.checks import bounded
from s2m_ros.wire.enums import member
from s2m_ros.wire.geometry import header, stamp_ns
from s2m_ros.wire.odometry import decode_ego, encode_ego
from s2m_ros.wire.protocol import MessageFactory
from s2m_ros.wire.tracks import read_track, track_fields


def encode_hazards(factory: MessageFactory, hazards: Hazards) -> Any:
    return factory.make(
        "s2m_msgs/msg/HazardArray",
        header=header(factory, hazards.stamp_ns, hazards.frame_id),
        sequence=hazards.sequence,
        state=int(hazards.state),
        reason=hazards.reason,
        ego=encode_ego(factory, hazards.ego),
        hazards=[_encode_hazard(factory, item) for item in hazards.items],
    )


def decode_hazards(message: Any, source: str) -> Hazards:
    """Raises InputError naming ``source``."""
    ns = stamp_ns(message.header.stamp)
    return Hazards(
        stamp_ns=ns,
        frame_id=message.header.frame_id,
        items=tuple(_decode_hazard(item, source) for item in message.hazards),
        ego=decode_ego(message.ego, ns, source),
        state=member(State, message.state, source),
        reason=message.reason,
        sequence=int(message.sequence),
    )


def _encode_hazard(factory: MessageFactory, item: Hazard) -> Any:
    return factory.make(
        "s2m_msgs/msg/Hazard",
        track_id=item.track.id,
        track_state=int(item.track.state),
        level=int(item.level),
        reasons=list(item.reasons),
        text=item.text,
        unconfirmed=bool(item.unconfirmed),
        distance=float(item.distance_m),
        closing_speed=float(item.closing_speed),
        time_to_reach=float(item.time_to_reach_s),
        **track_fields(factory, item.track),
    )


def _decode_hazard(item: Any, source: str) -> Hazard:
    track = read_track(item, item.track_id, item.track_state, source)
    at = f"hazard of track {item.track_id}"
    bounded(source, f"{at}: distance, closing speed", (item.distance, item.closing_speed))
    if item.time_to_reach != math.inf:
        bounded(source, f"{at}: time to reach", item.time_to_reach)
    return Hazard(
        track=track,
        level=member(Level, item.level, source),
        reasons=tuple(str(reason) for reason in item.reasons),
        text=item.text,
        distance_m=float(item.distance),
        closing_speed=float(item.closing_speed),
        time_to_reach_s=float(item.time_to_reach),
        unconfirmed=bool(item.unconfirmed),
    )
