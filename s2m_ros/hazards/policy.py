"""How much each track matters to the vehicle."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from s2m_ros import config
from s2m_ros.fusion.transforms import invert
from s2m_ros.hazards import reasons
from s2m_ros.hazards.outline import gaps, stack, vehicle
from s2m_ros.hazards.path import (
    TIME_STEP_S,
    WAY_STEP_M,
    ahead,
    clearance,
    drive,
    first_contact,
    seen_from,
)
from s2m_ros.hazards.words import describe
from s2m_ros.types import (
    Evidence,
    Float64,
    Hazard,
    Hazards,
    Level,
    Object3D,
    Role,
    State,
    Track,
    Tracks,
    TrackState,
)

TIME_HORIZON_S = 10.0


@dataclass(frozen=True, slots=True)
class Encounter:
    """How one track stands to the vehicle.

    ahead_m, left_m: nearest corner in base_link; distance_m from the outline; on_path: the present
    curve leads there within the caution distance.
    """

    distance_m: float
    closing_speed: float
    time_to_reach_s: float
    on_path: bool
    ahead_m: float
    left_m: float


class HazardPolicy:
    """Levels by distance, path, time to reach, size and evidence; each level has its reasons.

    What the tracker has not confirmed stays back, except for large or uncertain objects beside a
    known aircraft, vehicle or person: these go out at once, marked unconfirmed. Degraded
    sensing raises a level and never lowers one.
    """

    def __init__(self, settings: config.Hazards) -> None:
        self._settings = settings
        self._vehicle = vehicle(settings)

    def assess(self, tracks: Tracks) -> Hazards:
        """The hazards among the tracks, worst and nearest first; state and reason carried on."""
        near = self._near_known(tracks)
        items = [
            self._judge(track, encounter, beside, tracks)
            for track, encounter, beside in zip(
                tracks.items, self._encounters(tracks), near, strict=True
            )
            if track.state != TrackState.TENTATIVE or self._at_once(track, beside)
        ]
        items.sort(key=lambda hazard: (-hazard.level, hazard.distance_m, hazard.track.id))
        return Hazards(
            tracks.stamp_ns,
            tracks.frame_id,
            tuple(items),
            tracks.ego,
            tracks.state,
            tracks.reason,
            tracks.sequence,
        )

    def _encounters(self, tracks: Tracks) -> list[Encounter]:
        """One of each track; without ego motion the velocities are relative to the vehicle."""
        if not tracks.items:
            return []
        settings, ego = self._settings, tracks.ego
        outlines = stack([_outline(track) for track in tracks.items])
        velocity = np.array([track.velocity[:2] for track in tracks.items])
        if ego is not None:
            base_from_odom = invert(ego.odom_from_base)
            turn = base_from_odom[:2, :2]
            height = ego.odom_from_base[2, 3]
            offset = base_from_odom[:2, 3] + base_from_odom[:2, 2] * height
            outlines = outlines @ turn.T + offset
            velocity = velocity @ turn.T
        times = np.arange(0.0, TIME_HORIZON_S + TIME_STEP_S / 2, TIME_STEP_S)
        seen = seen_from(drive(ego, times), outlines, times[:, None, None] * velocity)
        reach = first_contact(clearance(seen, settings), times)
        way = np.arange(0.0, settings.caution_distance_m + WAY_STEP_M, WAY_STEP_M)
        still = np.zeros((len(way), len(outlines), 2))
        meets = first_contact(clearance(seen_from(ahead(ego, way), outlines, still), settings), way)
        distance = gaps(outlines, self._vehicle)
        closing = (distance - gaps(seen[1], self._vehicle)) / TIME_STEP_S
        nearest = np.linalg.norm(outlines - [settings.base_to_front_m, 0], axis=2).argmin(axis=1)
        corner = outlines[np.arange(len(outlines)), nearest]
        return [
            Encounter(
                float(distance[i]),
                float(closing[i]),
                float(reach[i]),
                bool(np.isfinite(meets[i]) or np.isfinite(reach[i])),
                float(corner[i, 0] - settings.base_to_front_m),
                float(corner[i, 1]),
            )
            for i in range(len(outlines))
        ]

    def _near_known(self, tracks: Tracks) -> list[Role | None]:
        """The most valuable known object within reach of each track."""
        found: list[Role | None] = [None] * len(tracks.items)
        valuable = [item for item in tracks.known if item.role in reasons.NEAR]
        if not tracks.items or not valuable:
            return found
        ours = stack([_outline(track) for track in tracks.items])
        theirs = stack([_outline(item) for item in valuable])
        reach = self._settings.near_value_m
        apart = ours.min(axis=1)[:, None] - theirs.max(axis=1)
        apart = np.maximum(apart, theirs.min(axis=1) - ours.max(axis=1)[:, None])
        row, column = np.nonzero((apart <= reach).all(axis=2))
        close = gaps(ours[row], theirs[column]) <= reach
        rank = list(reasons.NEAR).index
        for i, j in zip(row[close].tolist(), column[close].tolist(), strict=True):
            found[i] = min((found[i] or valuable[j].role, valuable[j].role), key=rank)
        return found

    def _large(self, track: Track) -> bool:
        return bool(max(*track.size[:2].tolist(), track.height) >= self._settings.large_size_m)

    def _uncertain(self, track: Track) -> bool:
        (xx, xy), (_, yy) = track.covariance[:2, :2].tolist()
        variance = (xx + yy) / 2 + math.hypot((xx - yy) / 2, xy)  # of the longest axis
        return math.sqrt(variance) >= self._settings.uncertain_sigma_m

    def _at_once(self, track: Track, beside: Role | None) -> bool:
        return beside is not None and (self._large(track) or self._uncertain(track))

    def _judge(
        self, track: Track, encounter: Encounter, beside: Role | None, tracks: Tracks
    ) -> Hazard:
        level, why = self._danger(track, encounter)
        if track.evidence & Evidence.FLAT:
            why.append(reasons.FLAT)
        elif track.height < self._settings.small_height_m:
            why.append(reasons.LOW)
        if reasons.LOW in why or reasons.FLAT in why:
            level = Level(max(level - 1, Level.INFO))
        if beside is not None:
            why.append(reasons.NEAR[beside])
            if self._at_once(track, beside):
                level = max(level, Level.CAUTION)
        if self._uncertain(track):
            why.append(reasons.UNCERTAIN)
        if track.evidence & Evidence.LIDAR and not track.evidence & Evidence.CAMERA:
            why.append(reasons.LIDAR_ONLY)
        if np.any(track.velocity):
            why.append(reasons.MOVING)
        unconfirmed = track.state == TrackState.TENTATIVE
        if unconfirmed:
            why.append(reasons.UNCONFIRMED)
        if track.state == TrackState.COASTING:
            why.append(reasons.COASTING)
        if tracks.state != State.OK:
            why.append(reasons.DEGRADED_SENSING)
            level = Level(min(level + 1, Level.CRITICAL))
        return Hazard(
            track=track,
            level=level,
            reasons=tuple(why),
            text=describe(track, encounter, why, tracks.stamp_ns),
            distance_m=encounter.distance_m,
            closing_speed=encounter.closing_speed,
            time_to_reach_s=encounter.time_to_reach_s,
            unconfirmed=unconfirmed,
        )

    def _danger(self, track: Track, encounter: Encounter) -> tuple[Level, list[str]]:
        """The level that distance, path, time and size ask for, before what lowers or raises it."""
        settings = self._settings
        distance, reach = encounter.distance_m, encounter.time_to_reach_s
        large = self._large(track) and encounter.on_path
        rules = (
            (encounter.on_path and distance <= settings.critical_distance_m,
             Level.CRITICAL, reasons.CRITICAL_DISTANCE),
            (reach <= settings.critical_time_s, Level.CRITICAL, reasons.CRITICAL_TIME),
            (distance <= settings.warning_distance_m, Level.WARNING, reasons.WARNING_DISTANCE),
            (reach <= settings.warning_time_s, Level.WARNING, reasons.WARNING_TIME),
            (large and distance <= settings.caution_distance_m, Level.WARNING, reasons.LARGE),
            (distance <= settings.caution_distance_m, Level.CAUTION, reasons.CAUTION_DISTANCE),
        )  # fmt: skip
        level = max((rule[1] for rule in rules if rule[0]), default=Level.INFO)
        why = [code for holds, asks, code in rules if holds and asks == level]
        if encounter.on_path and reasons.CRITICAL_DISTANCE not in why:
            why.append(reasons.ON_PATH)
        return level, why


def _outline(item: Track | Object3D) -> Float64:
    return item.footprint if len(item.footprint) else item.position[None, :2]
