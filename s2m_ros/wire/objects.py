"""s2m_msgs/Object3DArray <-> Objects3D."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2m_ros.types import (
    UNSEEN,
    Evidence,
    InputError,
    Object3D,
    Objects3D,
    RangeSource,
    Role,
    State,
    Visibility,
)
from s2m_ros.wire.checks import FARTHEST_M, bounded
from s2m_ros.wire.counts import decode_counts, encode_counts
from s2m_ros.wire.enums import flags, member
from s2m_ros.wire.geometry import (
    covariance,
    extent,
    footprint,
    header,
    numbers,
    polygon,
    stamp_ns,
    vector3,
    xyz,
    yaw,
    yaw_pose,
)
from s2m_ros.wire.odometry import decode_ego, encode_ego
from s2m_ros.wire.protocol import MessageFactory


def encode_objects(factory: MessageFactory, objects: Objects3D) -> Any:
    return factory.make(
        "s2m_msgs/msg/Object3DArray",
        header=header(factory, objects.stamp_ns, objects.frame_id),
        sequence=objects.sequence,
        state=int(objects.state),
        reason=objects.reason,
        ego=encode_ego(factory, objects.ego),
        objects=[_encode_object(factory, item) for item in objects.items],
        **encode_counts(objects.drops),
        visibility=_encode_visibility(factory, objects.visibility),
    )


def decode_objects(message: Any, source: str) -> Objects3D:
    """Raises InputError naming ``source``."""
    ns = stamp_ns(message.header.stamp)
    return Objects3D(
        stamp_ns=ns,
        frame_id=message.header.frame_id,
        items=tuple(_decode_object(item, source) for item in message.objects),
        ego=decode_ego(message.ego, ns, source),
        state=member(State, message.state, source),
        reason=message.reason,
        sequence=int(message.sequence),
        drops=decode_counts(message, source),
        visibility=_decode_visibility(message.visibility, source),
    )


def _encode_object(factory: MessageFactory, item: Object3D) -> Any:
    return factory.make(
        "s2m_msgs/msg/Object3D",
        id=item.id,
        pose=yaw_pose(factory, item.position, item.yaw),
        covariance=item.covariance.ravel(),
        size=vector3(factory, item.size),
        footprint=polygon(factory, item.footprint, float(item.position[2] - item.size[2] / 2)),
        height=float(item.height),
        range=float(item.range_m),
        range_source=int(item.range_source),
        evidence=int(item.evidence),
        point_count=int(item.point_count),
        role=int(item.role),
        score=float(item.score),
        contrast=float(item.contrast),
        predicted_iou=float(item.predicted_iou),
        camera=item.camera,
        mask_id=int(item.mask_id),
        box=item.box,
    )


def _decode_object(item: Any, source: str) -> Object3D:
    at = f"object {item.id}"
    outline = footprint(item.footprint)
    measures = (item.height, item.range, item.score, item.contrast, item.predicted_iou)
    bounded(source, f"{at}: position", numbers(item.pose.position), FARTHEST_M)
    bounded(source, f"{at}: footprint", outline, FARTHEST_M)
    bounded(source, f"{at}: height, range, scores", measures)
    bounded(source, f"{at}: box", tuple(item.box.tolist()))
    return Object3D(
        id=int(item.id),
        position=xyz(item.pose.position),
        covariance=covariance(item.covariance, 3, f"{source}, {at}"),
        size=extent(item.size, f"{source}, {at}"),
        yaw=yaw(item.pose.orientation, f"{source}, {at}"),
        footprint=outline,
        height=float(item.height),
        range_m=float(item.range),
        range_source=member(RangeSource, item.range_source, source),
        evidence=flags(Evidence, item.evidence, source),
        point_count=int(item.point_count),
        role=member(Role, item.role, source),
        score=float(item.score),
        contrast=float(item.contrast),
        predicted_iou=float(item.predicted_iou),
        camera=item.camera,
        mask_id=int(item.mask_id),
        box=np.array(item.box, np.float32),
    )


def _encode_visibility(factory: MessageFactory, visibility: Visibility) -> Any:
    sectors, rings = visibility.seen.shape
    return factory.make(
        "s2m_msgs/msg/Visibility",
        sectors=sectors,
        rings=rings,
        ring_width=float(visibility.ring_m),
        seen=np.packbits(visibility.seen),
    )


def _decode_visibility(message: Any, source: str) -> Visibility:
    shape = int(message.sectors), int(message.rings)
    count = shape[0] * shape[1]
    if count == 0:
        return UNSEEN
    bits = np.frombuffer(bytes(message.seen), np.uint8)
    if len(bits) != -(-count // 8) or not message.ring_width > 0:
        raise InputError(
            source,
            f"visibility has {len(bits)} bytes and rings of {message.ring_width:g} m for "
            f"{shape[0]} sectors of {shape[1]} rings",
            "send one bit a place, or leave it empty: then nothing counts as seen",
        )
    seen = np.unpackbits(bits, count=count).reshape(shape).astype(np.bool_)
    return Visibility(seen, float(message.ring_width))
