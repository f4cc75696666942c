"""What a HazardArray says, as far as the index and the triggers ask: without decoding all of it.

``wire.hazards`` makes values of everything in it, which costs a store at 10 Hz more than packing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

from s2m_ros.types import InputError, State
from s2m_ros.wire.enums import member
from s2m_ros.wire.geometry import stamp_ns


class Entry(NamedTuple):
    """One hazard of one instant. camera, mask: where it was seen just then, '' and -1 if not."""

    stamp_ns: int
    track: int
    level: int
    unconfirmed: bool
    size_m: float
    distance_m: float
    x: float
    y: float
    camera: str
    mask: int
    reasons: tuple[str, ...]
    text: str


class Moment(NamedTuple):
    """What the hazards of one instant come to; level is -1 without any."""

    stamp_ns: int
    state: State
    reason: str
    level: int
    hazards: int


@dataclass(frozen=True, slots=True)
class Told:
    """What the vehicle was told at one instant. speed: of the vehicle, m/s, 0 where unknown."""

    moment: Moment
    entries: tuple[Entry, ...]
    speed: float


def told(message: Any, source: str) -> Told:
    """Of a HazardArray. Raises InputError naming ``source`` for what no table can hold."""
    ns = stamp_ns(message.header.stamp)
    entries = tuple(_entry(item, ns, source) for item in message.hazards)
    speed = 0.0
    if message.ego.valid:
        velocity = message.ego.twist.linear
        speed = math.hypot(velocity.x, velocity.y)
    level = max((entry.level for entry in entries), default=-1)
    state = member(State, message.state, source)
    return Told(Moment(ns, state, message.reason, level, len(entries)), entries, speed)


def _entry(item: Any, ns: int, source: str) -> Entry:
    numbers = (
        float(max(item.size.x, item.size.y, item.height)),
        float(item.distance),
        float(item.pose.position.x),
        float(item.pose.position.y),
    )
    if not all(map(math.isfinite, numbers)):
        raise InputError(
            f"{source}, track {item.track_id}",
            f"size, distance and place are {numbers}",
            "correct the node that publishes it",
        )
    seen = stamp_ns(item.last_seen) == ns and bool(item.camera)
    return Entry(
        ns,
        int(item.track_id),
        int(item.level),
        bool(item.unconfirmed),
        *numbers,
        item.camera if seen else "",
        int(item.mask_id) if seen else -1,
        tuple(map(str, item.reasons)),
        item.text,
    )
