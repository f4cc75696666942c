"""One line for an operator: what, where, how soon, and why it has its level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from s2m_ros.hazards import reasons
from s2m_ros.hazards.encounter import Encounters
from s2m_ros.types import Level, Track

_SIDES = ("ahead", "ahead left", "left", "behind left", "behind",
          "behind right", "right", "ahead right")  # fmt: skip
_UNSEEN = (reasons.COASTING, reasons.HELD)
_SAID_ELSEWHERE = (reasons.ON_PATH, reasons.MOVING, *_UNSEEN)


def describe(
    track: Track,
    meets: Encounters,
    i: int,
    level: Level,
    why: Sequence[str],
    marks: Sequence[str],
    words: Mapping[str, str],
    stamp_ns: int,
) -> str:
    """Like "unknown object 0.4 m high, 8.2 m ahead on the path, reached in 2.1 s; critical:
    reached within 2.5 s". why: codes that made the level; marks: codes that only describe."""
    reach_s = float(meets.reach_s[i])
    parts = [
        f"unknown object {_size(track, why)}",
        f"{meets.distance_m[i]:.1f} m {_where(meets, i)}",
    ]
    if reach_s < np.inf:
        parts.append(f"reached in {reach_s:.1f} s")
    if reasons.MOVING in marks:
        parts.append(f"{words[reasons.MOVING]} at {np.linalg.norm(track.velocity[:2]):.1f} m/s")
    for code in _UNSEEN:
        if code in marks:
            parts.append(f"{words[code]} for {(stamp_ns - track.last_ns) * 1e-9:.1f} s")
    parts += [words[code] for code in marks if code not in _SAID_ELSEWHERE and code not in why]
    because = [words[code] for code in why] or [words[reasons.NOTHING]]
    return f"{', '.join(parts)}; {level.name.lower()}: {', '.join(because)}"


def _size(track: Track, why: Sequence[str]) -> str:
    """Height where one was measured, else the larger side; small things in centimetres."""
    high = reasons.FLAT not in why and track.height > 0
    metres = track.height if high else float(track.size[:2].max())
    text = f"{metres:.1f} m" if metres >= 0.15 else f"{100 * metres:.0f} cm"
    return f"{text} {'high' if high else 'long'}"


def _where(meets: Encounters, i: int) -> str:
    ahead, left = float(meets.ahead_m[i]), float(meets.left_m[i])
    if meets.on_path[i] and ahead > 0:
        return "ahead on the path"
    side = _SIDES[round(np.arctan2(left, ahead) / (np.pi / 4)) % len(_SIDES)]
    return f"{side} on the path" if meets.on_path[i] else side
