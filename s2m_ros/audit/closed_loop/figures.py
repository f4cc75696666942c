"""Figures of rows: what was found, how early and how exactly, and what was told that is not there.

Sightings count while the object is visible (it spans ``wire.truth.LEAST_SPAN_PX``) and within
``REACH_M`` of the vehicle. An object is *due* with ``DUE_FRAMES`` of these, and *found* when a
confirmed hazard stands for it at one of them. Fractions are in [0, 1]; what cannot be said (no
object, no hazard) is NaN, and null in JSON.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.stats import chi2

from s2m_ros.audit.clearmot import MotCounts
from s2m_ros.audit.closed_loop.rows import NAN, Claim, Rows, Sighting
from s2m_ros.audit.truth import DOUBLE, FALSE

REACH_M = 30.0
DUE_FRAMES = 5
RANGES = (0.0, 6.0, 10.0, 15.0, 20.0, 30.0, 50.0)
SIZES = (0.0, 0.05, 0.1, 0.25, 0.5, 1.0, math.inf)
Key = tuple[str, int]
"""(scenario, id) of an object or a track."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Median and 95th percentile of ``count`` values, NaN without any."""

    count: int
    median: float
    p95: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        finite = [v for v in values if math.isfinite(v)]
        if not finite:
            return cls(0, NAN, NAN)
        median, p95 = np.percentile(finite, [50, 95])
        return cls(len(finite), float(median), float(p95))


@dataclass(frozen=True, slots=True)
class Recall:
    """Of objects: due and found; of their visible instants: all and those with a confirmed
    hazard. Both as counts and as fractions."""

    objects: int
    found: int
    frames: int
    found_frames: int

    @property
    def per_object(self) -> float:
        return self.found / self.objects if self.objects else NAN

    @property
    def per_frame(self) -> float:
        return self.found_frames / self.frames if self.frames else NAN


def recall(sightings: Iterable[Sighting]) -> Recall:
    """Recall over these sightings alone; those in which the object is not visible do not count."""
    seen: dict[Key, list[bool]] = defaultdict(list)
    for s in sightings:
        if s.visible:
            seen[s.scenario, s.object_id].append(s.track > 0)
    due = [hits for hits in seen.values() if len(hits) >= DUE_FRAMES]
    return Recall(
        len(due),
        sum(any(hits) for hits in due),
        sum(map(len, seen.values())),
        sum(map(sum, seen.values())),
    )


def counted(sightings: Iterable[Sighting], reach_m: float = REACH_M) -> list[Sighting]:
    """Visible and within reach."""
    return [s for s in sightings if s.visible and s.range_m <= reach_m]


def verdicts(claims: Iterable[Claim]) -> dict[Key, str]:
    """What each confirmed track is on most of its instants; of equals the first by name."""
    votes: dict[Key, Counter[str]] = defaultdict(Counter)
    for claim in claims:
        if claim.confirmed:
            votes[claim.scenario, claim.track][claim.verdict] += 1
    return {key: max(sorted(v), key=lambda kind: v[kind]) for key, v in votes.items()}


def mot(sightings: Iterable[Sighting], claims: Iterable[Claim]) -> MotCounts:
    """CLEAR MOT over counted sightings; hazards on known objects are neither right nor false."""
    rows = counted(sightings)
    return MotCounts(
        len(rows),
        sum(s.track == 0 for s in rows),
        sum(c.confirmed and c.verdict in (FALSE, DOUBLE) for c in claims),
        sum(s.switched for s in rows),
    )


def delays_s(sightings: Iterable[Sighting]) -> tuple[list[float], int]:
    """Seconds from the first visible instant to the first with a confirmed hazard, of each object
    that has both; and how many due objects never had one."""
    first: dict[Key, int] = {}
    told: dict[Key, int] = {}
    due: Counter[Key] = Counter()
    for s in sightings:
        key = s.scenario, s.object_id
        if s.visible:
            first[key] = min(first.get(key, s.stamp_ns), s.stamp_ns)
            due[key] += s.range_m <= REACH_M
        if s.track:
            told[key] = min(told.get(key, s.stamp_ns), s.stamp_ns)
    never = sum(n >= DUE_FRAMES and key not in told for key, n in due.items())
    return [max(0, told[k] - first[k]) * 1e-9 for k in sorted(first) if k in told], never


def upper_rate(count: int, amount: float) -> float:
    """Upper limit, at 95 % confidence, of a Poisson rate of which ``count`` came in ``amount``.

    Garwood, "Fiducial limits for the Poisson distribution", 1936.
    """
    return float(chi2.ppf(0.95, 2 * (count + 1)) / 2 / amount) if amount > 0 else NAN


def figures(rows: Rows) -> dict[str, Any]:
    """All figures of some drives."""
    part = _of_sightings(rows.sightings)
    minutes = sum(j.seconds for j in rows.journeys) / 60
    km = sum(j.way_m for j in rows.journeys) / 1000
    kinds = Counter(verdicts(rows.claims).values())
    counts = mot(rows.sightings, rows.claims)
    early = {(c.scenario, c.track) for c in rows.claims if not c.confirmed and c.verdict == FALSE}
    return {
        **part,
        "minutes": minutes,
        "km": km,
        "false_objects": kinds[FALSE],
        "false_per_minute": kinds[FALSE] / minutes if minutes else NAN,
        "false_per_minute_upper95": upper_rate(kinds[FALSE], minutes),
        "false_per_km": kinds[FALSE] / km if km else NAN,
        "false_unconfirmed": len(early),
        "doubles": kinds[DOUBLE],
        "tracks_by_verdict": dict(sorted(kinds.items())),
        "mota": counts.mota,
        "mot": asdict(counts),
        "states": _sum(j.states for j in rows.journeys),
    }


def breakdown(
    rows: Rows,
    key: Callable[[Sighting | Claim], str | None],
    names: Sequence[str],
    with_claims: bool = True,
) -> dict[str, dict[str, Any]]:
    """Figures of the sightings and false objects that ``key`` puts under each name."""
    sightings: dict[str, list[Sighting]] = {name: [] for name in names}
    claims: dict[str, list[Claim]] = {name: [] for name in names}
    for s in rows.sightings:
        if (name := key(s)) in sightings:
            sightings[name].append(s)
    for c in rows.claims:
        if (name := key(c)) in claims:
            claims[name].append(c)
    result = {}
    for name in names:
        kinds = Counter(verdicts(claims[name]).values())
        part = _of_sightings(sightings[name], reach_m=math.inf)
        result[name] = {**part, "false_objects": kinds[FALSE]} if with_claims else part
    return result


def range_name(row: Sighting | Claim) -> str | None:
    return _bin(row.range_m, RANGES, range_names())


def size_name(row: Sighting | Claim) -> str | None:
    return _bin(row.size_m, SIZES, size_names())


def range_names() -> tuple[str, ...]:
    return tuple(f"{a:g}-{b:g} m" for a, b in pairwise(RANGES))


def size_names() -> tuple[str, ...]:
    ends = [f"{a * 100:g}-{b * 100:g} cm" for a, b in pairwise(SIZES[:-1])]
    return (*ends, f"over {SIZES[-2] * 100:g} cm")


def misses(sightings: Iterable[Sighting]) -> list[dict[str, Any]]:
    """Each due object that was not found: where it was lost, by instants, the worst first."""
    seen: dict[Key, list[Sighting]] = defaultdict(list)
    for s in counted(sightings):
        seen[s.scenario, s.object_id].append(s)
    lost = {
        key: group
        for key, group in seen.items()
        if len(group) >= DUE_FRAMES and not any(s.track for s in group)
    }
    result = []
    for (scenario, number), group in sorted(lost.items(), key=lambda e: (-len(e[1]), e[0])):
        stages = Counter(s.lost for s in group)
        stage = stages.most_common(1)[0][0]
        details = Counter(s.detail for s in group if s.lost == stage)
        result.append(
            {
                "scenario": scenario,
                "object": number,
                "name": group[0].name,
                "category": group[0].category,
                "size_m": group[0].size_m,
                "frames": len(group),
                "nearest_m": min(s.range_m for s in group),
                "stage": stage,
                "detail": details.most_common(1)[0][0],
                "stages": dict(stages.most_common()),
            }
        )
    return result


def finite(value: Any) -> Any:
    """The same tree for JSON: NaN and infinity become None, numbers have six digits."""
    if isinstance(value, Mapping):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _of_sightings(sightings: Sequence[Sighting], reach_m: float = REACH_M) -> dict[str, Any]:
    rows = counted(sightings, reach_m)
    there = recall(rows)
    delays, never = delays_s(sightings)
    lost = [s for s in rows if not s.track]
    return {
        "objects": there.objects,
        "found": there.found,
        "recall": there.per_object,
        "frames": there.frames,
        "frame_recall": there.per_frame,
        "position_error_m": asdict(Spread.of(s.position_error_m for s in rows)),
        "range_error_m": asdict(Spread.of(s.range_error_m for s in rows)),
        "relative_range_error": asdict(
            Spread.of(s.range_error_m / s.range_m for s in rows if s.range_m > 0)
        ),
        "extent_error_m": asdict(Spread.of(s.extent_error_m for s in rows)),
        "velocity_error_mps": asdict(Spread.of(s.velocity_error_mps for s in rows)),
        "delay_s": {**asdict(Spread.of(delays)), "never": never},
        "id_switches": sum(s.switched for s in rows),
        "lost_frames": dict(Counter(s.lost for s in lost).most_common()),
        "lost_details": dict(
            Counter(f"{s.lost}: {s.detail}" for s in lost if s.detail).most_common()
        ),
        "lost_objects": dict(Counter(m["stage"] for m in misses(rows)).most_common()),
    }


def _bin(value: float, edges: Sequence[float], names: Sequence[str]) -> str | None:
    i = int(np.searchsorted(edges, value, side="right")) - 1
    return names[i] if 0 <= i < len(names) else None


def _sum(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(total)
