"""Inputs and outputs of a run in one bag."""

from __future__ import annotations

import contextlib
import heapq
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from s2m_ros.bags import BagReader, BagWriter, Message
from s2m_ros.types import InputError
from s2m_ros.wire import topics
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.geometry import matrix, stamp_ns
from s2m_ros.wire.tf import Transform, encode_transforms


def merge(
    inputs: BagReader,
    outputs: BagReader | None,
    out: Path,
    *,
    about: Mapping[str, str],
    overwrite: bool = False,
    advance: Callable[[int], None] = lambda done: None,
) -> dict[str, int]:
    """Write both as the bag ``out``, in order of time; returns the messages of each topic.

    Topics of ``inputs`` that ``outputs`` has too (an earlier run's results) are left out. A bag
    with odometry and without /tf gets one from the other, for viewers that want the tree.
    advance(n) is called now and then with the messages written so far.
    """
    results = outputs.topics if outputs is not None else ()
    replaced = {t.name for t in results}
    kept = [t for t in inputs.topics if t.name not in replaced]
    odom = "" if any(t.name == topics.TF for t in kept) else "/" + topics.ODOM
    with BagWriter(out, about=about, overwrite=overwrite) as bag:
        for t in (*kept, *results):
            bag.add(t.name, t.type, latched=t.latched, definition=t.definition, digest=t.digest)
        streams = [inputs.messages([t.name for t in kept])]
        if outputs is not None:
            streams.append(outputs.messages())
        for done, message in enumerate(heapq.merge(*streams, key=_time)):
            bag.write(message.topic, message.data, message.stamp_ns)
            if message.topic == odom and message.type == "nav_msgs/msg/Odometry":
                with contextlib.suppress(InputError):  # no pose, and said so by the fusion node
                    bag.write(topics.TF, _transform(inputs.decode(message)), message.stamp_ns)
            if done % 50 == 0:
                advance(done)
        return dict(bag.counts)


def _transform(odometry: Any) -> Any:
    """The TFMessage that says what an Odometry says."""
    pose = odometry.pose.pose
    transform = Transform(
        stamp_ns(odometry.header.stamp),
        odometry.header.frame_id or "odom",
        odometry.child_frame_id or "base_link",
        matrix(pose.position, pose.orientation, topics.ODOM),
    )
    return encode_transforms(RosbagsFactory(), [transform])


def _time(message: Message) -> int:
    return message.stamp_ns
