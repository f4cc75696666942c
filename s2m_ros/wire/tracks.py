"""s2m_msgs/TrackArray <-> Tracks, and the fields that Track and Hazard share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from s2m_ros.fusion.transforms import to_quaternion
from s2m_ros.types import EgoPose, Evidence, RangeSource, State, Track, Tracks, TrackState
from s2m_ros.wire.cdr import CdrWriter
from s2m_ros.wire.checks import FARTHEST_M, FASTEST, bounded
from s2m_ros.wire.counts import decode_counts, encode_counts
from s2m_ros.wire.enums import flags, member
from s2m_ros.wire.geometry import (
    covariance,
    extent,
    footprint,
    numbers,
    polygon,
    stamp_ns,
    time,
    vector3,
    xyz,
    yaw,
    yaw_pose,
)
from s2m_ros.wire.odometry import decode_ego
from s2m_ros.wire.protocol import MessageFactory


def encode_tracks(tracks: Tracks) -> bytes:
    """A TrackArray, serialised; without the known objects: those are in the Object3DArray."""
    out = CdrWriter()
    out.header(tracks.stamp_ns, tracks.frame_id)
    out.pack("Q", tracks.sequence)
    out.pack("B", tracks.state)
    out.text(tracks.reason)
    _put_ego(out, tracks.ego)
    out.pack("I", len(tracks.items))
    for item in tracks.items:
        _put_track(out, item)
    counts = encode_counts(tracks.deleted)
    out.pack("I", len(counts["drop_reasons"]))
    for reason in counts["drop_reasons"]:
        out.text(reason)
    out.numbers(np.array(counts["drop_counts"], np.uint32))
    return out.finish()


def _put_ego(out: CdrWriter, ego: EgoPose | None) -> None:
    out.pack("B", ego is not None)
    if ego is None:
        out.pack("13d", 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
        return
    pose = ego.odom_from_base
    out.pack("7d", *pose[:3, 3].tolist(), *to_quaternion(pose[:3, :3]).tolist())
    out.pack("6d", *ego.velocity.tolist(), *ego.turn_rate.tolist())


def _put_track(out: CdrWriter, item: Track) -> None:
    out.pack("I", item.id)
    out.pack("B", item.state)
    half = item.yaw / 2
    turn = 0.0, 0.0, math.sin(half), math.cos(half)
    out.pack("10d", *item.position.tolist(), *turn, *item.velocity.tolist())
    out.numbers(np.asarray(item.covariance, np.float64), counted=False)
    out.pack("3d", *item.size.tolist())
    outline = np.empty((len(item.footprint), 3), np.float32)
    outline[:, :2] = item.footprint
    outline[:, 2] = item.position[2] - item.size[2] / 2
    out.pack("I", len(outline))
    out.numbers(outline, counted=False)
    out.pack("2f", item.height, item.existence)
    out.pack("I", item.hits)
    out.stamp(item.first_ns)
    out.stamp(item.last_ns)
    out.pack("2B", item.evidence, item.range_source)
    out.pack("I", item.point_count)
    out.pack("2f", item.score, item.contrast)
    out.text(item.camera)
    out.pack("i", item.mask_id)


def decode_tracks(message: Any, source: str) -> Tracks:
    """Raises InputError naming ``source``."""
    ns = stamp_ns(message.header.stamp)
    return Tracks(
        stamp_ns=ns,
        frame_id=message.header.frame_id,
        items=tuple(read_track(item, item.id, item.state, source) for item in message.tracks),
        ego=decode_ego(message.ego, ns, source),
        state=member(State, message.state, source),
        reason=message.reason,
        sequence=int(message.sequence),
        deleted=decode_counts(message, source),
    )


def track_fields(factory: MessageFactory, track: Track) -> dict[str, Any]:
    """The fields that Track and Hazard messages have in common."""
    return {
        "pose": yaw_pose(factory, track.position, track.yaw),
        "velocity": vector3(factory, track.velocity),
        "covariance": track.covariance.ravel(),
        "size": vector3(factory, track.size),
        "footprint": polygon(
            factory, track.footprint, float(track.position[2] - track.size[2] / 2)
        ),
        "height": float(track.height),
        "existence": float(track.existence),
        "hits": int(track.hits),
        "first_seen": time(factory, track.first_ns),
        "last_seen": time(factory, track.last_ns),
        "evidence": int(track.evidence),
        "range_source": int(track.range_source),
        "point_count": int(track.point_count),
        "score": float(track.score),
        "contrast": float(track.contrast),
        "camera": track.camera,
        "mask_id": int(track.mask_id),
    }


def read_track(item: Any, track_id: int, state: int, source: str) -> Track:
    """The track of a Track or Hazard message. Raises InputError naming ``source``."""
    at = f"track {track_id}"
    outline = footprint(item.footprint)
    measures = (item.height, item.existence, item.score, item.contrast)
    bounded(source, f"{at}: position", numbers(item.pose.position), FARTHEST_M)
    bounded(source, f"{at}: footprint", outline, FARTHEST_M)
    bounded(source, f"{at}: velocity", numbers(item.velocity), FASTEST)
    bounded(source, f"{at}: height, existence, scores", measures)
    return Track(
        id=int(track_id),
        state=member(TrackState, state, source),
        position=xyz(item.pose.position),
        velocity=xyz(item.velocity),
        covariance=covariance(item.covariance, 6, f"{source}, {at}"),
        size=extent(item.size, f"{source}, {at}"),
        yaw=yaw(item.pose.orientation, f"{source}, {at}"),
        footprint=outline,
        height=float(item.height),
        existence=float(item.existence),
        hits=int(item.hits),
        first_ns=stamp_ns(item.first_seen),
        last_ns=stamp_ns(item.last_seen),
        evidence=flags(Evidence, item.evidence, source),
        range_source=member(RangeSource, item.range_source, source),
        point_count=int(item.point_count),
        score=float(item.score),
        contrast=float(item.contrast),
        camera=item.camera,
        mask_id=int(item.mask_id),
    )
