"""s2m_msgs/HazardArray <-> Hazards."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2m_ros.types import Evidence, Hazard, Hazards, Level, RangeSource, State, Track, TrackState
from s2m_ros.wire.enums import member
from s2m_ros.wire.geometry import (
    footprint,
    header,
    polygon,
    stamp_ns,
    time,
    vector3,
    xyz,
    yaw,
    yaw_pose,
)
from s2m_ros.wire.odometry import decode_ego, encode_ego
from s2m_ros.wire.protocol import MessageFactory


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
    track = item.track
    return factory.make(
        "s2m_msgs/msg/Hazard",
        track_id=track.id,
        track_state=int(track.state),
        level=int(item.level),
        reasons=list(item.reasons),
        text=item.text,
        unconfirmed=bool(item.unconfirmed),
        pose=yaw_pose(factory, track.position, track.yaw),
        velocity=vector3(factory, track.velocity),
        covariance=track.covariance.ravel(),
        size=vector3(factory, track.size),
        footprint=polygon(factory, track.footprint, float(track.position[2] - track.size[2] / 2)),
        height=float(track.height),
        existence=float(track.existence),
        hits=int(track.hits),
        first_seen=time(factory, track.first_ns),
        last_seen=time(factory, track.last_ns),
        distance=float(item.distance_m),
        closing_speed=float(item.closing_speed),
        time_to_reach=float(item.time_to_reach_s),
        evidence=int(track.evidence),
        range_source=int(track.range_source),
        point_count=int(track.point_count),
        score=float(track.score),
        contrast=float(track.contrast),
        camera=track.camera,
        mask_id=int(track.mask_id),
    )


def _decode_hazard(item: Any, source: str) -> Hazard:
    track = Track(
        id=int(item.track_id),
        state=member(TrackState, item.track_state, source),
        position=xyz(item.pose.position),
        velocity=xyz(item.velocity),
        covariance=np.array(item.covariance, np.float64).reshape(6, 6),
        size=xyz(item.size),
        yaw=yaw(item.pose.orientation),
        footprint=footprint(item.footprint),
        height=float(item.height),
        existence=float(item.existence),
        hits=int(item.hits),
        first_ns=stamp_ns(item.first_seen),
        last_ns=stamp_ns(item.last_seen),
        evidence=Evidence(item.evidence),
        range_source=member(RangeSource, item.range_source, source),
        point_count=int(item.point_count),
        score=float(item.score),
        contrast=float(item.contrast),
        camera=item.camera,
        mask_id=int(item.mask_id),
    )
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
