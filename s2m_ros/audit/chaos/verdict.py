"""What was published during a fault: how soon it was told, and whether anything looked clear."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from s2m_ros.audit.chaos.faults import BLIND, HARMLESS
from s2m_ros.audit.chaos.stream import Spell
from s2m_ros.types import State

DETECT_S, RECOVER_S = 1.0, 3.0
_SETTLED = 3
"""So many OK answers in a row are a recovery."""


@dataclass(frozen=True, slots=True)
class Said:
    """A HazardArray. logged_ns: when it came, since the start of the stream; stamp_ns: of what it
    speaks, on the same clock."""

    logged_ns: int
    stamp_ns: int
    state: State
    count: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """states: of the answers during the fault; clear: those that looked clear although nothing
    could be seen; late: OK ones of a blind pipeline after the time that it has to notice.
    detect_s, recover_s: None when it was never told, or never over."""

    fault: str
    what: str
    effect: str
    states: dict[str, int]
    clear: int
    late: int
    detect_s: float | None
    recover_s: float | None
    reason: str

    @property
    def passed(self) -> bool:
        told = self.effect == HARMLESS or (self.detect_s is not None and self.detect_s <= DETECT_S)
        over = self.recover_s is not None and self.recover_s <= RECOVER_S
        return told and over and not self.clear and not self.late

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


def judge(said: Sequence[Said], spell: Spell) -> Verdict:
    """The verdict on one spell from all that was said on s2m/hazards, in order of time."""
    during = [s for s in said if spell.begin_ns <= s.logged_ns < spell.end_ns]
    about = [s for s in during if spell.holds(s.stamp_ns)]
    blind = spell.fault.effect == BLIND
    clear = [s for s in about if s.state == State.OK and not s.count] if blind else []
    allowed_ns = spell.begin_ns + round(DETECT_S * 1e9)
    late = [s for s in about if s.state == State.OK and s.logged_ns > allowed_ns] if blind else []
    told = next((s for s in during if s.state != State.OK), None)
    after = [s for s in said if s.logged_ns >= spell.end_ns]
    over = next(
        (
            s.logged_ns
            for i, s in enumerate(after)
            if all(t.state == State.OK for t in after[i : i + _SETTLED])
        ),
        None,
    )
    return Verdict(
        fault=spell.fault.name,
        what=spell.fault.what,
        effect=spell.fault.effect,
        states=dict(Counter(s.state.name for s in during)),
        clear=len(clear),
        late=len(late),
        detect_s=None if told is None else round((told.logged_ns - spell.begin_ns) * 1e-9, 3),
        recover_s=None if over is None else round((over - spell.end_ns) * 1e-9, 3),
        reason="" if told is None else told.reason,
    )
