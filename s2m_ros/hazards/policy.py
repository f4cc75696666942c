"""How much each track matters to the vehicle, by the rules of a policy file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from s2m_ros import config
from s2m_ros.hazards import reasons
from s2m_ros.hazards.encounter import (
    Encounters,
    Place,
    base_from_frame,
    beside,
    encounters,
    longest_deviation,
    rows,
)
from s2m_ros.hazards.rulebook import Rule, Rulebook, load_rulebook
from s2m_ros.hazards.words import describe
from s2m_ros.hazards.zones import Zone, depths, load_zones
from s2m_ros.types import (
    Bool,
    Evidence,
    Float64,
    Hazard,
    Hazards,
    Level,
    Role,
    State,
    Track,
    Tracks,
    TrackState,
)

MAP, VEHICLE = "map", "vehicle"
SURE = 2.0
"""Standard deviations of a position that count as possible places of an object."""


_LEVELS = tuple(Level)
_STATE_CODES = {
    TrackState.TENTATIVE: reasons.UNCONFIRMED,
    TrackState.COASTING: reasons.COASTING,
    TrackState.HELD: reasons.HELD,
}
_LIDAR, _BOTH = int(Evidence.LIDAR), int(Evidence.LIDAR | Evidence.CAMERA)


class Known(NamedTuple):
    """One row of ``Facts``."""

    deviation_m: float
    moving: bool
    flat: bool
    low: bool
    at_once: bool
    beside: Role | None


@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What the rules ask of N tracks beside the encounters. size_m: float64 (N,), the largest side;
    deviation_m: (N,); beside: the known role within reach; the others bool (N,)."""

    size_m: Float64
    deviation_m: Float64
    moving: Bool
    flat: Bool
    low: Bool
    at_once: Bool
    beside: list[Role | None]

    def rows(self) -> list[Known]:
        columns = (self.deviation_m, self.moving, self.flat, self.low, self.at_once)
        lists = (column.tolist() for column in columns)
        return [Known(*row) for row in zip(*lists, self.beside, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The zones in base_link, and why others have no place."""

    zones: tuple[Zone, ...]
    unplaced: tuple[Zone, ...]
    reason: str


class HazardPolicy:
    """Levels by distance, path, time to reach, size, evidence and zone; each level has its reasons.

    What the tracker has not confirmed stays back, except for large or uncertain objects beside a
    known aircraft, vehicle or person: these go out at once, marked unconfirmed. Worse knowledge
    raises a level and never lowers one. Rules and zones come from the files that the settings name,
    unless they are given; raises ConfigError for a file that cannot be used.
    """

    def __init__(
        self,
        settings: config.Hazards,
        rules: Rulebook | None = None,
        zones: Sequence[Zone] | None = None,
    ) -> None:
        self._settings = settings
        self.rules: Rulebook = load_rulebook(settings.policy_file) if rules is None else rules
        self._words = self.rules.words()
        loaded = load_zones(settings.zones_file, self.rules.zones) if zones is None else zones
        self.all_zones: tuple[Zone, ...] = tuple(loaded)

    @property
    def needs_map(self) -> bool:
        """Whether any zone lies in the map's frame."""
        return any(zone.frame == MAP for zone in self.all_zones)

    def assess(
        self, tracks: Tracks, odom_from_map: Float64 | None = None, why_no_map: str = ""
    ) -> Hazards:
        """The hazards among the tracks, worst and nearest first.

        State and reason are carried on, DEGRADED at least when zones have no place: those of the
        map without odom_from_map, float64 (4, 4), or without odometry.
        """
        placed = self._place(tracks, odom_from_map, why_no_map)
        state, reason = tracks.state, tracks.reason
        if placed.unplaced:
            state = max(state, State.DEGRADED)
            reason = "; ".join(filter(None, (reason, placed.reason)))
        items = self._judge(tracks, placed, state) if tracks.items else []
        items.sort(key=lambda hazard: (-hazard.level, hazard.distance_m, hazard.track.id))
        return Hazards(
            tracks.stamp_ns, tracks.frame_id, tuple(items), tracks.ego, state, reason,
            tracks.sequence,
        )  # fmt: skip

    def zones(self, tracks: Tracks, odom_from_map: Float64 | None = None) -> list[Zone]:
        """The zones that have a place, in the frame of the tracks."""
        frame_from_base = np.eye(4) if tracks.ego is None else tracks.ego.odom_from_base
        placed = self._place(tracks, odom_from_map, "")
        return [zone.moved(frame_from_base) for zone in placed.zones]

    def _place(self, tracks: Tracks, odom_from_map: Float64 | None, why: str) -> Placed:
        mapped = tuple(zone for zone in self.all_zones if zone.frame == MAP)
        zones = [zone for zone in self.all_zones if zone.frame == VEHICLE]
        if mapped and tracks.ego is not None and odom_from_map is not None:
            base_from_map = base_from_frame(tracks.ego) @ odom_from_map
            zones += [zone.moved(base_from_map) for zone in mapped]
            mapped = ()
        what = "no odometry" if tracks.ego is None else why or "the map's frame is not known"
        return Placed(tuple(zones), mapped, f"{len(mapped)} zones of the map: {what}")

    def _facts(self, tracks: Tracks) -> Facts:
        items, at_once = tracks.items, self.rules.at_once
        size = rows([track.size for track in items])
        height = np.array([track.height for track in items])
        evidence = np.array([int(track.evidence) for track in items])
        size = np.maximum(np.maximum(size[:, 0], size[:, 1]), height)
        deviation = longest_deviation(items)
        reach = dict.fromkeys(reasons.NEAR, at_once.near_m)
        reach[Role.AIRCRAFT] = at_once.near_aircraft_m
        near = beside(tracks, reach, SURE * deviation)
        important = (size >= at_once.large_m) | (deviation >= at_once.uncertain_m)
        return Facts(
            size_m=size,
            deviation_m=deviation,
            moving=(rows([track.velocity for track in items]) != 0).any(axis=1),
            flat=evidence & int(Evidence.FLAT) > 0,
            low=(height < self.rules.one_level_down.low.height_m) & (evidence & _LIDAR > 0),
            at_once=important & np.array([role is not None for role in near]),
            beside=near,
        )

    def _judge(self, tracks: Tracks, placed: Placed, state: State) -> list[Hazard]:
        rules = self.rules
        meets = encounters(
            tracks, self._settings, rules.path.horizon_m, rules.no_odometry.speed_m_s
        )
        facts = self._facts(tracks)
        codes, held = list(rules.rules), [_holds(r, meets, facts) for r in rules.rules.values()]
        asked = np.array([rule.level for rule in rules.rules.values()], int)
        holds = np.array(held, np.bool_).reshape(len(codes), len(tracks.items))
        level = np.where(holds, asked[:, None], 0).max(axis=0, initial=0)
        decides = holds & (asked[:, None] == level)
        lowered = facts.flat | facts.low
        level = np.maximum(level - lowered, Level.INFO)
        lies_in = self._in_zones(placed, meets, facts, level, state)
        level[facts.at_once] = np.maximum(level[facts.at_once], rules.at_once.at_least)
        if state != State.OK:
            level = np.minimum(level + rules.degraded.levels_up, Level.CRITICAL)
        no_ego = tracks.ego is None
        decided: list[list[str]] = [[] for _ in tracks.items]
        for code, of in zip(codes, decides, strict=True):
            for i in of.nonzero()[0].tolist():
                decided[i].append(code)
        hazards = []
        for track, final, why, zones, place, known in zip(
            tracks.items,
            level.tolist(),
            decided,
            lies_in,
            meets.places(),
            facts.rows(),
            strict=True,
        ):
            if track.state == TrackState.TENTATIVE and not known.at_once:
                continue
            why = [*why, *zones, *_adjusted(known, state, no_ego)]
            marks = _marks(track, known, place, rules)
            words = {**self._words, **zones} if zones else self._words
            hazards.append(
                Hazard(
                    track=track,
                    level=_LEVELS[final],
                    reasons=(*why, *(code for code in marks if code not in why)),
                    text=describe(track, place, final, why, marks, words, tracks.stamp_ns),
                    distance_m=place.distance_m,
                    closing_speed=place.closing_speed,
                    time_to_reach_s=place.reach_s,
                    unconfirmed=track.state == TrackState.TENTATIVE,
                )
            )
        return hazards

    def _in_zones(
        self, placed: Placed, meets: Encounters, facts: Facts, level: Float64, state: State
    ) -> list[dict[str, str]]:
        """Changes the levels (N,) in place; codes and words of the zones of each track.

        Raising zones hold wherever the object may be, lowering ones only where it surely is, and
        only while nothing is degraded. A zone without a place may be anywhere.
        """
        if not placed.zones and not placed.unplaced:
            return [{}] * len(level)
        found: list[list[Zone]] = [[] for _ in level]
        margin = SURE * facts.deviation_m
        floor, ceiling = np.zeros_like(level), np.full_like(level, Level.CRITICAL)
        for zone in placed.zones:
            depth = depths(zone, meets.outline)
            inside = depth >= -margin
            surely = (depth > margin) & (state == State.OK)
            floor = np.where(inside, np.maximum(floor, zone.rule.at_least), floor)
            ceiling = np.where(surely, np.minimum(ceiling, zone.rule.at_most), ceiling)
            for i in np.flatnonzero(inside).tolist():
                found[i].append(zone)
        unplaced = max((zone.rule.at_least for zone in placed.unplaced), default=Level.INFO)
        level[:] = np.maximum(np.minimum(level, ceiling), np.maximum(floor, unplaced))
        worded = [self._zone_words(zones) for zones in found]
        if unplaced > Level.INFO:
            for words in worded:
                words[reasons.ZONE_UNPLACED] = self._words[reasons.ZONE_UNPLACED]
        return worded

    def _zone_words(self, zones: list[Zone]) -> dict[str, str]:
        words = {}
        for kind in sorted({zone.kind for zone in zones}):
            names = sorted({zone.name for zone in zones if zone.kind == kind and zone.name})
            code = reasons.ZONE + kind
            words[code] = " ".join([self._words[code], *([f"({', '.join(names)})"] * bool(names))])
        return words


def _adjusted(known: Known, state: State, no_ego: bool) -> list[str]:
    """Codes of what else moved the level from what the rules asked for."""
    codes = []
    if known.flat or known.low:
        codes.append(reasons.FLAT if known.flat else reasons.LOW)
    if known.at_once:
        codes.append(reasons.AT_ONCE)
    if no_ego:
        codes.append(reasons.NO_ODOMETRY)
    if state != State.OK:
        codes.append(reasons.DEGRADED_SENSING)
    return codes


def _holds(rule: Rule, meets: Encounters, facts: Facts) -> Bool:
    """Which tracks (N,) meet all conditions of a rule."""
    holds = np.ones(len(facts.size_m), np.bool_)
    if rule.on_path:
        holds &= meets.on_path
    if rule.moving:
        holds &= facts.moving
    if rule.distance_m is not None:
        holds &= meets.distance_m <= rule.distance_m
    if rule.reach_s is not None:
        holds &= meets.soonest_s <= rule.reach_s
    if rule.size_m is not None:
        holds &= facts.size_m >= rule.size_m
    return holds


def _marks(track: Track, known: Known, place: Place, rules: Rulebook) -> list[str]:
    """Codes of what describes a track beside its level."""
    codes = []
    if place.on_path:
        codes.append(reasons.ON_PATH)
    if known.beside is not None:
        codes.append(reasons.NEAR[known.beside])
    if known.deviation_m >= rules.at_once.uncertain_m:
        codes.append(reasons.UNCERTAIN)
    if int(track.evidence) & _BOTH == _LIDAR:
        codes.append(reasons.LIDAR_ONLY)
    if known.moving:
        codes.append(reasons.MOVING)
    if track.state in _STATE_CODES:
        codes.append(_STATE_CODES[track.state])
    return codes
