"""Hazards as markers for RViz and Foxglove, without ROS."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from s2m_ros.hazards.zones import Zone
from s2m_ros.types import Evidence, Float64, Hazard, Hazards, Level, State, TrackState

Color = tuple[float, float, float, float]


class Shape(IntEnum):
    """Marker types of visualization_msgs."""

    ARROW = 0
    CUBE = 1
    CYLINDER = 3
    LINE_STRIP = 4
    LINE_LIST = 5
    TEXT = 9


class Action(IntEnum):
    ADD = 0
    DELETE = 2
    DELETE_ALL = 3


BOX, FOOTPRINT, LABEL = "hazard/box", "hazard/footprint", "hazard/label"
VELOCITY, COVARIANCE = "hazard/velocity", "hazard/covariance"
UNCONFIRMED, LIDAR_ONLY, HELD = "unconfirmed", "lidar_only", "held"
ZONE, ZONE_LABEL, STATUS = "zones", "zones/label", "status"
NAMESPACES = (
    BOX, FOOTPRINT, LABEL, VELOCITY, COVARIANCE, UNCONFIRMED, LIDAR_ONLY, HELD, ZONE, ZONE_LABEL,
    STATUS,
)  # fmt: skip

COLORS: dict[Level, Color] = {
    Level.INFO: (0.35, 0.65, 0.95, 0.5),
    Level.CAUTION: (0.98, 0.83, 0.20, 0.55),
    Level.WARNING: (0.98, 0.55, 0.10, 0.6),
    Level.CRITICAL: (0.93, 0.15, 0.20, 0.7),
}
_WHITE: Color = (1.0, 1.0, 1.0, 1.0)
_NOTE = {UNCONFIRMED: " unconfirmed", LIDAR_ONLY: " LiDAR only", HELD: " out of view"}
_UNIT = np.array([(x, y, z) for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_EDGES = np.array(
    [end for i, a in enumerate(_UNIT) for b in _UNIT[i:] if np.sum(a != b) == 1 for end in (a, b)]
)
"""Ends of the twelve edges of the unit cube, two after two."""
_FAINTEST_SIDE_M = 0.05  # a coin would be invisible
_ARROW_S = 1.0  # an arrow leads to where the object is after this time
_PERIOD_S = (0.1, 1.0)  # bounds of the period that the lifetime follows


@dataclass(frozen=True, slots=True, eq=False)
class MarkerSpec:
    """One marker. position: m, and yaw, rad about z: where it stands; scale: metres; points:
    float64 (K, 3), relative to that; lifetime_s: 0 for ever."""

    ns: str
    id: int
    type: int = 0
    action: int = Action.ADD
    position: tuple[float, float, float] = (0.0, 0.0, 0.0)
    yaw: float = 0.0
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    color: Color = _WHITE
    text: str = ""
    points: Float64 | None = None
    lifetime_s: float = 0.0


class MarkerBook:
    """Keeps what is on display in step with the hazards.

    Marker ids are track ids. Everything is added anew each cycle, what vanished is deleted, and
    markers die by themselves after ``periods`` of the rate at which hazards come.
    """

    def __init__(self, periods: float = 3.0) -> None:
        self._periods = periods
        self._period_s = 0.2
        self._last_ns: int | None = None
        self._shown: set[tuple[str, int]] = set()

    def update(self, hazards: Hazards, zones: Sequence[Zone] = ()) -> list[MarkerSpec]:
        """The deletions and additions that show these hazards and zones of the same frame."""
        if self._last_ns is not None and hazards.stamp_ns > self._last_ns:
            seconds = (hazards.stamp_ns - self._last_ns) * 1e-9
            self._period_s = float(np.clip(seconds, *_PERIOD_S))
        self._last_ns = hazards.stamp_ns
        lifetime_s = self._periods * self._period_s
        specs = [spec for item in hazards.items for spec in _hazard(item, lifetime_s)]
        ground = 0.0 if hazards.ego is None else float(hazards.ego.odom_from_base[2, 3])
        specs += _zones(zones, ground, lifetime_s)
        if hazards.state != State.OK:
            specs.append(_status(hazards, lifetime_s))
        shown = {(spec.ns, spec.id) for spec in specs}
        gone = sorted(self._shown - shown)
        self._shown = shown
        return [MarkerSpec(ns, id, action=Action.DELETE) for ns, id in gone] + specs

    def clear(self) -> list[MarkerSpec]:
        """Delete everything, whoever published it here (start, stop, a time jump)."""
        self._shown.clear()
        self._last_ns = None
        return [MarkerSpec("", 0, action=Action.DELETE_ALL)]


def _hazard(item: Hazard, lifetime_s: float) -> Iterator[MarkerSpec]:
    track, color = item.track, COLORS[item.level]
    x, y, z = place = tuple(track.position.tolist())
    sides = track.size.tolist()
    length, width, height = (max(side, _FAINTEST_SIDE_M) for side in sides)
    bottom, top = z - sides[2] / 2, z + sides[2] / 2
    if item.unconfirmed:
        box_ns = UNCONFIRMED
    elif track.state == TrackState.HELD:
        box_ns = HELD
    elif track.evidence & Evidence.LIDAR and not track.evidence & Evidence.CAMERA:
        box_ns = LIDAR_ONLY
    else:
        box_ns = BOX
    opaque = (*color[:3], 1.0)
    if box_ns == HELD:  # edges alone: nobody sees it now
        corners = _EDGES * [length, width, height]
        yield MarkerSpec(
            HELD, track.id, Shape.LINE_LIST, position=place, yaw=track.yaw, scale=(0.05, 0.0, 0.0),
            color=opaque, points=corners, lifetime_s=lifetime_s,
        )  # fmt: skip
    else:
        yield MarkerSpec(
            box_ns, track.id, Shape.CUBE, position=place, yaw=track.yaw,
            scale=(length, width, height), color=color, lifetime_s=lifetime_s,
        )  # fmt: skip
    if len(track.footprint):
        yield MarkerSpec(
            FOOTPRINT, track.id, Shape.LINE_STRIP, scale=(0.04, 0.0, 0.0), color=opaque,
            points=_closed(track.footprint, bottom + 0.02), lifetime_s=lifetime_s,
        )  # fmt: skip
    yield MarkerSpec(
        LABEL, track.id, Shape.TEXT, position=(x, y, top + 0.4),
        scale=(0.0, 0.0, 0.35), color=opaque,
        text=f"#{track.id} {item.level.name} {item.distance_m:.1f} m{_NOTE.get(box_ns, '')}",
        lifetime_s=lifetime_s,
    )  # fmt: skip
    if track.velocity.any():
        tip = track.position + _ARROW_S * track.velocity
        yield MarkerSpec(
            VELOCITY, track.id, Shape.ARROW, scale=(0.08, 0.18, 0.25), color=_WHITE,
            points=np.stack([track.position, tip]), lifetime_s=lifetime_s,
        )  # fmt: skip
    yield _ellipse(item, bottom, lifetime_s)


def _closed(ring: Float64, z: float) -> Float64:
    """A ring (K, 2) at a height, its first corner once more at the end: (K + 1, 3)."""
    points = np.full((len(ring) + 1, 3), z)
    points[:-1, :2], points[-1, :2] = ring, ring[0]
    return points


def _zones(zones: Sequence[Zone], ground: float, lifetime_s: float) -> Iterator[MarkerSpec]:
    """The outlines of the zones on the ground, in the colour of the least level in them."""
    rings = [(zone, ring) for zone in zones for ring in zone.rings]
    for i, (zone, ring) in enumerate(rings):
        yield MarkerSpec(
            ZONE, i, Shape.LINE_STRIP, scale=(0.08, 0.0, 0.0),
            color=(*COLORS[zone.rule.at_least][:3], 0.8),
            points=_closed(ring, ground), lifetime_s=lifetime_s,
        )  # fmt: skip
    for i, zone in enumerate(zones):
        x, y = zone.rings[0].mean(axis=0).tolist()
        yield MarkerSpec(
            ZONE_LABEL, i, Shape.TEXT, position=(x, y, ground + 0.1),
            scale=(0.0, 0.0, 0.5), color=(1.0, 1.0, 1.0, 0.8), lifetime_s=lifetime_s,
            text=f"{zone.kind} {zone.name}".strip(),
        )  # fmt: skip


def _ellipse(item: Hazard, z: float, lifetime_s: float) -> MarkerSpec:
    """Two standard deviations of the position, flat on the ground."""
    track = item.track
    (xx, xy), (_, yy) = track.covariance[:2, :2].tolist()
    mean, half = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    major, minor = (4 * math.sqrt(max(v, 1e-6)) for v in (mean + half, mean - half))
    yaw = math.atan2(2 * xy, xx - yy) / 2
    return MarkerSpec(
        COVARIANCE, track.id, Shape.CYLINDER,
        position=(float(track.position[0]), float(track.position[1]), z + 0.01), yaw=yaw,
        scale=(major, minor, 0.01), color=(0.8, 0.5, 0.95, 0.3),
        lifetime_s=lifetime_s,
    )  # fmt: skip


def _status(hazards: Hazards, lifetime_s: float) -> MarkerSpec:
    """State and reason over the vehicle, so that an empty picture does not look clear."""
    base = np.eye(4) if hazards.ego is None else hazards.ego.odom_from_base
    x, y, z = base[:3, 3].tolist()
    color: Color = (
        (0.98, 0.83, 0.20, 1.0) if hazards.state <= State.DEGRADED else (0.93, 0.15, 0.20, 1.0)
    )
    return MarkerSpec(
        STATUS, 0, Shape.TEXT, position=(x, y, z + 3.0), scale=(0.0, 0.0, 0.5), color=color,
        text=f"{hazards.state.name}: {hazards.reason}", lifetime_s=lifetime_s,
    )  # fmt: skip
