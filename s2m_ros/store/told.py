"""What messages say, as far as the index and the triggers ask: read from their bytes, without
making values of all that is in them, which costs a store at 10 Hz more than packing.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import NamedTuple

from s2m_ros.types import InputError, State
from s2m_ros.wire.cdr import CdrReader
from s2m_ros.wire.enums import member


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


def told(data: bytes, source: str) -> Told:
    """Of a serialised HazardArray. Raises InputError naming ``source`` for what no table can hold
    and for bytes that are none."""
    try:
        return _told(CdrReader(data), source)
    except (struct.error, ValueError, IndexError) as error:
        raise InputError(source, f"no HazardArray: {error}", "record it again") from error


def seen(data: bytes, source: str) -> tuple[int, str, int, int]:
    """Stamp, camera, state and number of masks of a serialised ObjectMaskArray. InputError."""
    try:
        message = CdrReader(data)
        ns, _ = message.header()
        message.skip("Q")
        camera = message.text()
        message.text()  # scorer
        (state,) = message.take("B")
        message.text()
        message.skip("4I")
        return ns, camera, int(state), message.count()
    except (struct.error, ValueError, IndexError) as error:
        raise InputError(source, f"no ObjectMaskArray: {error}", "record it again") from error


def _told(message: CdrReader, source: str) -> Told:
    ns, _ = message.header()
    message.skip("Q")
    state = member(State, int(message.take("B")[0]), source)
    reason = message.text()
    (valid,) = message.take("B")
    message.skip("7d")
    x, y, *_ = message.take("6d")
    entries = tuple(_entry(message, ns, source) for _ in range(message.count()))
    level = max((entry.level for entry in entries), default=-1)
    moment = Moment(ns, state, reason, level, len(entries))
    return Told(moment, entries, math.hypot(x, y) if valid else 0.0)


def _entry(message: CdrReader, ns: int, source: str) -> Entry:
    """The next hazard, in the order of Hazard.msg."""
    track = message.count()
    _, level = message.take("2B")
    reasons = tuple(message.text() for _ in range(message.count()))
    text = message.text()
    (unconfirmed,) = message.take("B")
    x, y, *_ = message.take("10d")  # pose and velocity
    message.skip("36d")
    length, width, _ = message.take("3d")
    message.skip("3f", message.count())
    height, _ = message.take("2f")
    message.skip("I")
    message.stamp()
    last_seen = message.stamp()
    distance, *_ = message.take("3f")
    message.skip("2B")
    message.skip("I")
    message.skip("2f")
    camera = message.text()
    (mask,) = message.take("i")
    numbers = max(length, width, height), distance, x, y
    if not all(map(math.isfinite, numbers)):
        raise InputError(
            f"{source}, track {track}",
            f"size, distance and place are {numbers}",
            "correct the node that publishes it",
        )
    just_seen = last_seen == ns and bool(camera)
    return Entry(
        ns,
        track,
        int(level),
        bool(unconfirmed),
        *numbers,
        camera if just_seen else "",
        int(mask) if just_seen else -1,
        reasons,
        text,
    )
