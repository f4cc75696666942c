"""What the system is built to reach, and what it reached."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from s2m_ros.audit.closed_loop.figures import Recall, Spread, counted, recall, upper_rate, verdicts
from s2m_ros.audit.closed_loop.loop import LIDAR, SCORER
from s2m_ros.audit.closed_loop.rows import NAN, Rows, Sighting
from s2m_ros.audit.truth import FALSE

LEAST_CLEAN_S = 30.0
"""Less time without a false hazard says nothing."""
FOD_M = (0.03, 0.05)
"""Sizes of small debris; the spirit of FAA AC 150/5220-24."""


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure beside what it should be. value: NaN when nothing of the kind was there to
    measure; met: None then, and where no goal is set; basis: what the value rests on."""

    name: str
    value: float
    shown: str
    goal: str
    met: bool | None
    basis: str


def goals(rows: Rows, without: frozenset[str] = frozenset()) -> list[Goal]:
    """The goals that a run with or without a sense is measured by."""
    if SCORER in without:
        return [
            _recall(rows, "Found by LiDAR evidence alone, from 25 cm within 20 m", 0.25, 20.0, 0.9),
            *_positions(rows),
            _false(rows),
        ]
    if LIDAR in without:
        return [
            _recall(rows, "Found by camera and ground alone, from 10 cm within 15 m", 0.1, 15.0),
            _recall(rows, "Found by camera and ground alone, from 25 cm within 30 m", 0.25, 30.0),
            _range(rows),
            _degraded(rows),
            _false(rows),
            *_phantoms(rows),
        ]
    return [
        _recall(rows, "Found, from 10 cm within 15 m", 0.1, 15.0, 0.95),
        _recall(rows, "Found, from 25 cm within 30 m", 0.25, 30.0, 0.95),
        *_fod(rows),
        *_positions(rows),
        _velocity(rows),
        _false(rows),
        *_phantoms(rows),
        _rules(rows),
    ]


def _recall(rows: Rows, name: str, size_m: float, range_m: float, least: float = NAN) -> Goal:
    there = recall(_some(rows, range_m, lambda s: s.size_m >= size_m))
    return _at_least(name, there, least)


def _at_least(name: str, there: Recall, least: float) -> Goal:
    goal = "" if math.isnan(least) else f">= {100 * least:.0f} %"
    met = None if math.isnan(least) or not there.objects else there.per_object >= least
    basis = f"{there.found} of {there.objects} objects; {_percent(there.per_frame)} of their frames"
    return Goal(name, there.per_object, _percent(there.per_object), goal, met, basis)


def _fod(rows: Rows) -> list[Goal]:
    small = _some(rows, 6.0, lambda s: FOD_M[0] <= s.size_m <= FOD_M[1])
    error = Spread.of(s.position_error_m for s in small)
    return [
        _at_least("Found, debris of 3 to 5 cm within 6 m", recall(small), 0.9),
        _at_most("Place of such debris, p95", error.p95, 0.3, "m", f"{error.count} frames"),
    ]


def _positions(rows: Rows) -> list[Goal]:
    error = Spread.of(s.position_error_m for s in counted(rows.sightings))
    basis = f"{error.count} frames"
    return [
        _at_most("Position error within 30 m, median", error.median, 0.15, "m", basis),
        _at_most("Position error within 30 m, p95", error.p95, 0.5, "m", basis),
    ]


def _velocity(rows: Rows) -> Goal:
    error = Spread.of(s.velocity_error_mps for s in counted(rows.sightings))
    basis = f"{error.count} frames" + (f"; p95 {error.p95:.2f} m/s" if error.count else "")
    name = "Velocity error of moving objects after 1 s, median"
    return _at_most(name, error.median, 0.3, "m/s", basis)


def _false(rows: Rows) -> Goal:
    """Over the drives in which nothing unknown lies about; there is much that looks as if."""
    clean = {j.scenario for j in rows.journeys if not j.objects}
    seconds = sum(j.seconds for j in rows.journeys if j.scenario in clean)
    kinds = verdicts(c for c in rows.claims if c.scenario in clean)
    count = sum(kind == FALSE for kind in kinds.values())
    value = count / seconds * 600 if seconds else NAN
    if not seconds:
        return _at_most("False hazards in 10 min without objects", NAN, 1.0, "", "no such drive")
    upper = upper_rate(count, seconds / 600)
    basis = (
        f"{count} in {seconds:.0f} s of {len(clean)} drives "
        f"(true rate under {upper:.1f} with 95 % confidence)"
    )
    goal = _at_most("False hazards in 10 min without objects", value, 1.0, "", basis)
    return goal if seconds >= LEAST_CLEAN_S or not goal.met else replace(goal, met=None)


def _phantoms(rows: Rows) -> list[Goal]:
    count = len(rows.hauntings)
    published = sum(h.confirmed for h in rows.hauntings)
    value = float(published) if count else NAN
    basis = f"of {count} injected one-frame masks, {sum(h.lifted for h in rows.hauntings)} lifted"
    name = "One-frame artifacts published as confirmed"
    return [_at_most(name, value, 0.0, "", basis if count else "none injected")]


def _rules(rows: Rows) -> Goal:
    name = "Large masks beside aircraft, vehicles, persons told in their first frame"
    cases, met = len(rows.rules), sum(rule.met for rule in rows.rules)
    real = sum(rule.source == "object" for rule in rows.rules)
    share = met / cases if cases else NAN
    basis = f"{met} of {cases} ({real} real, {cases - real} injected)" if cases else "no such mask"
    return Goal(name, share, _percent(share), "100 %", met == cases if cases else None, basis)


def _range(rows: Rows) -> Goal:
    far = [s for s in counted(rows.sightings) if 17.5 <= s.range_m <= 22.5]
    error = Spread.of(s.range_error_m / s.range_m for s in far)
    basis = f"{error.count} frames at 17.5 to 22.5 m; p95 {_percent(error.p95)}"
    met = error.median <= 0.1 if error.count else None
    shown = _percent(error.median)
    return Goal("Range error at 20 m, median", error.median, shown, "<= 10 %", met, basis)


def _degraded(rows: Rows) -> Goal:
    answers = sum(j.answers for j in rows.journeys)
    good = sum(j.states.get("DEGRADED", 0) for j in rows.journeys)
    share = good / answers if answers else NAN
    met = good == answers if answers else None
    basis = f"{good} of {answers} answers"
    return Goal("Answers in state DEGRADED", share, _percent(share), "100 %", met, basis)


def _at_most(name: str, value: float, most: float, unit: str, basis: str) -> Goal:
    met = None if math.isnan(value) else value <= most
    shown = "-" if math.isnan(value) else f"{value:.{2 if unit else 1}f} {unit}".strip()
    return Goal(name, value, shown, f"<= {most:g} {unit}".strip(), met, basis)


def _some(rows: Rows, range_m: float, wanted: Callable[[Sighting], bool]) -> list[Sighting]:
    return [s for s in rows.sightings if s.range_m <= range_m and wanted(s)]


def _percent(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.1f} %"
