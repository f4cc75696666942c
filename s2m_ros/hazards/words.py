"""One line for an operator: what, where, how soon, and why it has its level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from s2m_ros.hazards import reasons
from s2m_ros.hazards.encounter import Place
from s2m_ros.types import Level, Track

_SIDES = ("ahead", "ahead left", "left", "behind left", "behind",
          "behind right", "right", "ahead right")  # fmt: skip
_NAMES = tuple(level.name.lower() for level in Level)
_UNSEEN = (reasons.COASTING, reasons.HELD)
_SAID_ELSEWHERE = (reasons.ON_PATH, reasons.MOVING, *_UNSEEN)


def describe(
    track: Track,
    place: Place,
    level: int,
    why: Sequence[str],
    marks: Sequence[str],
    words: Mapping[str, str],
    stamp_ns: int,
) -> str:
    """Like "unknown object 0.4 m high, 8.2 m ahead on the path, reached in 2.1 s; critical:
    reached within 2.5 s". why: codes that made the level; marks: codes that only describe."""
    parts = [f"unknown object {_size(track, why)}", f"{place.distance_m:.1f} m {_where(place)}"]
    if place.reach_s < math.inf:
        parts.append(f"reached in {place.reach_s:.1f} s")
    if reasons.MOVING in marks:
        parts.append(f"{words[reasons.MOVING]} at {math.hypot(*track.velocity[:2]):.1f} m/s")
    for code in _UNSEEN:
        if code in marks:
            parts.append(f"{words[code]} for {(stamp_ns - track.last_ns) * 1e-9:.1f} s")
    parts += [words[code] for code in marks if code not in _SAID_ELSEWHERE and code not in why]
    because = [words[code] for code in why] or [words[reasons.NOTHING]]
    return f"{', '.join(parts)}; {_NAMES[level]}: {', '.join(because)}"


def _size(track: Track, why: Sequence[str]) -> str:
    """Height where one was measured, else the larger side; small things in centimetres."""
    high = reasons.FLAT not in why and track.height > 0
    metres = track.height if high else max(track.size[:2].tolist())
    text = f"{metres:.1f} m" if metres >= 0.15 else f"{100 * metres:.0f} cm"
    return f"{text} {'high' if high else 'long'}"


def _where(place: Place) -> str:
    if place.on_path and place.ahead_m > 0:
        return "ahead on the path"
    side = _SIDES[round(math.atan2(place.left_m, place.ahead_m) / (math.pi / 4)) % len(_SIDES)]
    return f"{side} on the path" if place.on_path else side
