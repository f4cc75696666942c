"""What is worth keeping for good: a hazard, a near miss, degraded sensing, the operator's word."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2m_ros.config import Audit
from s2m_ros.hazards.reasons import FLAT
from s2m_ros.types import Hazards, Level, State

HAZARD, NEAR_MISS, DEGRADED, OPERATOR = "hazard", "near_miss", "degraded", "operator"
MOVING_M_S = 0.5
"""A vehicle that stands misses nothing."""


@dataclass(frozen=True, slots=True)
class Trigger:
    stamp_ns: int
    kind: str
    text: str


class Triggers:
    """Looks at one hazard array after another; says each cause once, as long as it lasts
    or comes back within ``after_s``."""

    def __init__(self, settings: Audit) -> None:
        self._settings = settings
        self._level = Level[settings.keep_level.upper()]
        self._lasting: dict[tuple[str, int], int] = {}

    def judge(self, hazards: Hazards) -> tuple[bool, list[Trigger]]:
        """Whether this instant is worth keeping, and what is new in it."""
        ns, causes = hazards.stamp_ns, self._causes(hazards)
        recent = round(self._settings.after_s * 1e9)
        new = [
            Trigger(ns, kind, text)
            for (kind, number), text in causes.items()
            if not 0 <= ns - self._lasting.get((kind, number), ns + 1) <= recent
        ]
        self._lasting.update(dict.fromkeys(causes, ns))
        return bool(causes), new

    def _causes(self, hazards: Hazards) -> dict[tuple[str, int], str]:
        causes: dict[tuple[str, int], str] = {}
        if hazards.state != State.OK:
            causes[DEGRADED, int(hazards.state)] = f"{hazards.state.name}: {hazards.reason}"
        ego = hazards.ego
        drives = ego is not None and float(np.linalg.norm(ego.velocity[:2])) >= MOVING_M_S
        for item in hazards.items:
            track = item.track
            if item.level >= self._level:
                causes[HAZARD, track.id] = f"track {track.id}: {item.text}"
            near = item.distance_m <= self._settings.near_miss_m
            if drives and near and not item.unconfirmed and FLAT not in item.reasons:
                causes[NEAR_MISS, track.id] = f"track {track.id} passed at {item.distance_m:.2f} m"
        return causes
