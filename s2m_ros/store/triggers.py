"""What is worth keeping for good: a hazard, a near miss, degraded sensing, the operator's word."""

from __future__ import annotations

from dataclasses import dataclass

from s2m_ros.config import Audit
from s2m_ros.hazards.reasons import FLAT
from s2m_ros.store.told import Told
from s2m_ros.types import Level, State

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

    def judge(self, told: Told) -> tuple[bool, list[Trigger]]:
        """Whether this instant is worth keeping, and what is new in it."""
        ns, causes = told.moment.stamp_ns, self._causes(told)
        recent = round(self._settings.after_s * 1e9)
        new = [
            Trigger(ns, kind, text)
            for (kind, number), text in causes.items()
            if not 0 <= ns - self._lasting.get((kind, number), ns + 1) <= recent
        ]
        self._lasting.update(dict.fromkeys(causes, ns))
        return bool(causes), new

    def _causes(self, told: Told) -> dict[tuple[str, int], str]:
        causes: dict[tuple[str, int], str] = {}
        state, reason = told.moment.state, told.moment.reason
        if state != State.OK:
            causes[DEGRADED, int(state)] = f"{state.name}: {reason}"
        for item in told.entries:
            if item.level >= self._level:
                causes[HAZARD, item.track] = f"track {item.track}: {item.text}"
            near = item.distance_m <= self._settings.near_miss_m
            missed = near and told.speed >= MOVING_M_S
            if missed and not item.unconfirmed and FLAT not in item.reasons:
                causes[NEAR_MISS, item.track] = (
                    f"track {item.track} passed at {item.distance_m:.2f} m"
                )
        return causes
