"""One line for an operator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from s2m_ros.hazards import reasons
from s2m_ros.types import Track

_SIDES = ("ahead", "ahead left", "left", "behind left", "behind",
          "behind right", "right", "ahead right")  # fmt: skip
_BESIDE = (reasons.NEAR_AIRCRAFT, reasons.NEAR_VEHICLE, reasons.NEAR_PERSON)
_LAST = (reasons.FLAT, reasons.LIDAR_ONLY, reasons.UNCERTAIN, reasons.UNCONFIRMED,
         reasons.DEGRADED_SENSING)  # fmt: skip
_SHORT = {
    reasons.FLAT: "no height measured",
    reasons.LIDAR_ONLY: "LiDAR only",
    reasons.UNCERTAIN: "position uncertain",
    reasons.UNCONFIRMED: "unconfirmed",
    reasons.DEGRADED_SENSING: "sensing degraded",
}


class Place(Protocol):
    """What of an encounter the words need."""

    @property
    def distance_m(self) -> float: ...
    @property
    def time_to_reach_s(self) -> float: ...
    @property
    def on_path(self) -> bool: ...
    @property
    def ahead_m(self) -> float: ...
    @property
    def left_m(self) -> float: ...


def describe(track: Track, place: Place, why: Sequence[str], stamp_ns: int) -> str:
    """Like "unknown object 0.4 m high, 8.2 m ahead on the path, reached in 2.1 s"."""
    parts = [f"unknown object {_size(track, why)}", f"{place.distance_m:.1f} m {_where(place)}"]
    if np.isfinite(place.time_to_reach_s):
        parts.append(f"reached in {place.time_to_reach_s:.1f} s")
    if reasons.MOVING in why:
        parts.append(f"moving at {np.linalg.norm(track.velocity[:2]):.1f} m/s")
    parts += [reasons.TEXT[code] for code in why if code in _BESIDE]
    if reasons.COASTING in why:
        parts.append(f"not seen for {(stamp_ns - track.last_ns) * 1e-9:.1f} s")
    parts += [_SHORT[code] for code in _LAST if code in why]
    return ", ".join(parts)


def _size(track: Track, why: Sequence[str]) -> str:
    """Height where one was measured, else the larger side; small things in centimetres."""
    high = reasons.FLAT not in why and track.height > 0
    metres = track.height if high else float(track.size[:2].max())
    text = f"{metres:.1f} m" if metres >= 0.15 else f"{100 * metres:.0f} cm"
    return f"{text} {'high' if high else 'long'}"


def _where(place: Place) -> str:
    if place.on_path and place.ahead_m > 0:
        return "ahead on the path"
    bearing = np.arctan2(place.left_m, place.ahead_m)
    side = _SIDES[round(bearing / (np.pi / 4)) % len(_SIDES)]
    return f"{side} on the path" if place.on_path else side
