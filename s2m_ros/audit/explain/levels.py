"""Which rules of the policy held for a hazard, and by how much the others missed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from s2m_ros.hazards import reasons
from s2m_ros.hazards.rulebook import Rule, Rulebook
from s2m_ros.types import Hazard, Level

_BOUNDS = (
    ("distance_m", "distance", "m", True),
    ("reach_s", "time to reach", "s", True),
    ("size_m", "size", "m", False),
)
"""Field of a rule, its name, its unit, and whether the rule asks for at most so much."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """A rule and what of it holds. breaks: what would undo it; misses: what it still lacks."""

    code: str
    rule: Rule
    breaks: tuple[str, ...]
    misses: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.misses


def level_facts(hazard: Hazard, policy: Rulebook) -> Iterator[str]:
    """Each rule in a line, those that held first."""
    judged = sorted(_judge(hazard, policy), key=lambda j: (not j.holds, -j.rule.level))
    for item in judged:
        name = f"{item.code} ({item.rule.level.name.lower()}, {item.rule.words})"
        if item.holds:
            yield f"holds: {name}"
        else:
            yield f"misses: {name}: {', '.join(item.misses)}"
    for code in hazard.reasons:
        if code in reasons.FIXED or code.startswith(reasons.ZONE):
            yield f"moved the level: {code} ({policy.words().get(code, code)})"


def level_changes(hazard: Hazard, policy: Rulebook) -> Iterator[tuple[str, str]]:
    """(what, outcome): what would have lowered the level, and what would have raised it."""
    judged = _judge(hazard, policy)
    held = [item for item in judged if item.holds]
    if held:
        top = max(item.rule.level for item in held)
        deciding = [item for item in held if item.rule.level == top]
        rest = max((i.rule.level for i in held if i.rule.level < top), default=Level.INFO)
        undo = [" or ".join(item.breaks) for item in deciding]
        joined = " and ".join(f"({u})" if " or " in u and len(undo) > 1 else u for u in undo)
        yield joined, f"{rest.name} by the rules instead of {top.name}"
        for item in deciding:
            for field, _, unit, at_most in _BOUNDS:
                bound = getattr(item.rule, field)
                if bound is not None:
                    value = _value(hazard, field)
                    way = "below" if at_most else "above"
                    yield (
                        f"policy rules.{item.code}.{field} {way} {value:.2f} {unit} "
                        f"(it was {bound:g})",
                        f"{item.code} would not hold",
                    )
    above = [item for item in judged if not item.holds and item.rule.level > hazard.level]
    for item in sorted(above, key=lambda item: (item.rule.level, len(item.misses)))[:2]:
        yield " and ".join(item.misses), f"{item.rule.level.name} by {item.code}"


def _judge(hazard: Hazard, policy: Rulebook) -> list[_Judged]:
    judged = []
    for code, rule in policy.rules.items():
        breaks: list[str] = []
        misses: list[str] = []
        for wanted, mark, word in (
            (rule.on_path, reasons.ON_PATH, "on the path"),
            (rule.moving, reasons.MOVING, "moving"),
        ):
            if wanted and mark in hazard.reasons:
                breaks.append(f"not {word}")
            elif wanted:
                misses.append(word)
        for field, name, unit, at_most in _BOUNDS:
            bound = getattr(rule, field)
            if bound is None:
                continue
            value = _value(hazard, field)
            within = value <= bound if at_most else value >= bound
            now = f"it was {value:.2f} {unit}" if math.isfinite(value) else "it approaches nothing"
            over, under = ("over", "at most") if at_most else ("under", "at least")
            if within:
                breaks.append(f"{name} {over} {bound:g} {unit} ({now})")
            else:
                misses.append(f"{name} {under} {bound:g} {unit} ({now})")
        judged.append(_Judged(code, rule, tuple(breaks), tuple(misses)))
    return judged


def _value(hazard: Hazard, field: str) -> float:
    track = hazard.track
    if field == "distance_m":
        return hazard.distance_m
    if field == "reach_s":
        return hazard.time_to_reach_s
    return max(float(track.size[:2].max()), track.height)
