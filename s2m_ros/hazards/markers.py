"""Hazards as markers for RViz and Foxglove, without ROS."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np

from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.types import Evidence, Float64, Hazard, Hazards, Level, State

Color = tuple[float, float, float, float]


class Shape(IntEnum):
    """Marker types of visualization_msgs."""

    ARROW = 0
    CUBE = 1
    CYLINDER = 3
    LINE_STRIP = 4
    TEXT = 9


class Action(IntEnum):
    ADD = 0
    DELETE = 2
    DELETE_ALL = 3


BOX, FOOTPRINT, LABEL = "hazard/box", "hazard/footprint", "hazard/label"
VELOCITY, COVARIANCE = "hazard/velocity", "hazard/covariance"
UNCONFIRMED, LIDAR_ONLY, STATUS = "unconfirmed", "lidar_only", "status"

COLORS: dict[Level, Color] = {
    Level.INFO: (0.35, 0.65, 0.95, 0.5),
    Level.CAUTION: (0.98, 0.83, 0.20, 0.55),
    Level.WARNING: (0.98, 0.55, 0.10, 0.6),
    Level.CRITICAL: (0.93, 0.15, 0.20, 0.7),
}
_WHITE: Color = (1.0, 1.0, 1.0, 1.0)
_FAINTEST_SIDE_M = 0.05  # a coin would be invisible
_ARROW_S = 1.0  # an arrow leads to where the object is after this time
_PERIOD_S = (0.1, 1.0)  # bounds of the period that the lifetime follows


@dataclass(frozen=True, slots=True, eq=False)
class MarkerSpec:
    """One marker. pose: float64 (4, 4); scale: metres; points: (K, 3), relative to pose."""

    ns: str
    id: int
    type: int = 0
    action: int = Action.ADD
    pose: Float64 = field(default_factory=lambda: np.eye(4))
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    color: Color = _WHITE
    text: str = ""
    points: tuple[tuple[float, float, float], ...] = ()
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

    def update(self, hazards: Hazards) -> list[MarkerSpec]:
        """The deletions and additions that show these hazards."""
        if self._last_ns is not None and hazards.stamp_ns > self._last_ns:
            seconds = (hazards.stamp_ns - self._last_ns) * 1e-9
            self._period_s = float(np.clip(seconds, *_PERIOD_S))
        self._last_ns = hazards.stamp_ns
        lifetime_s = self._periods * self._period_s
        specs = [spec for item in hazards.items for spec in _hazard(item, lifetime_s)]
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
    x, y, z = track.position.tolist()
    length, width, height = (max(float(side), _FAINTEST_SIDE_M) for side in track.size)
    bottom, top = z - float(track.size[2]) / 2, z + float(track.size[2]) / 2
    if item.unconfirmed:
        box_ns = UNCONFIRMED
    elif track.evidence & Evidence.LIDAR and not track.evidence & Evidence.CAMERA:
        box_ns = LIDAR_ONLY
    else:
        box_ns = BOX
    opaque = (*color[:3], 1.0)
    yield MarkerSpec(
        box_ns, track.id, Shape.CUBE, pose=from_yaw(track.yaw, track.position),
        scale=(length, width, height), color=color, lifetime_s=lifetime_s,
    )  # fmt: skip
    if len(track.footprint):
        ring = np.vstack([track.footprint, track.footprint[:1]]).tolist()
        yield MarkerSpec(
            FOOTPRINT, track.id, Shape.LINE_STRIP, scale=(0.04, 0.0, 0.0), color=opaque,
            points=tuple((px, py, bottom + 0.02) for px, py in ring), lifetime_s=lifetime_s,
        )  # fmt: skip
    yield MarkerSpec(
        LABEL, track.id, Shape.TEXT, pose=from_yaw(0.0, [x, y, top + 0.4]),
        scale=(0.0, 0.0, 0.35), color=opaque,
        text=f"#{track.id} {item.level.name} {item.distance_m:.1f} m", lifetime_s=lifetime_s,
    )  # fmt: skip
    if np.any(track.velocity):
        tip = (track.position + _ARROW_S * track.velocity).tolist()
        yield MarkerSpec(
            VELOCITY, track.id, Shape.ARROW, scale=(0.08, 0.18, 0.25), color=_WHITE,
            points=((x, y, z), (tip[0], tip[1], tip[2])), lifetime_s=lifetime_s,
        )  # fmt: skip
    yield _ellipse(item, bottom, lifetime_s)


def _ellipse(item: Hazard, z: float, lifetime_s: float) -> MarkerSpec:
    """Two standard deviations of the position, flat on the ground."""
    track = item.track
    (xx, xy), (_, yy) = track.covariance[:2, :2].tolist()
    mean, half = (xx + yy) / 2, math.hypot((xx - yy) / 2, xy)
    major, minor = (4 * math.sqrt(max(v, 1e-6)) for v in (mean + half, mean - half))
    yaw = math.atan2(2 * xy, xx - yy) / 2
    return MarkerSpec(
        COVARIANCE, track.id, Shape.CYLINDER,
        pose=from_yaw(yaw, [track.position[0], track.position[1], z + 0.01]),
        scale=(major, minor, 0.01), color=(0.8, 0.5, 0.95, 0.3),
        lifetime_s=lifetime_s,
    )  # fmt: skip


def _status(hazards: Hazards, lifetime_s: float) -> MarkerSpec:
    """State and reason over the vehicle, so that an empty picture does not look clear."""
    base = np.eye(4) if hazards.ego is None else hazards.ego.odom_from_base
    over = from_yaw(0.0, base[:3, 3] + [0.0, 0.0, 3.0])
    color: Color = (
        (0.98, 0.83, 0.20, 1.0) if hazards.state <= State.DEGRADED else (0.93, 0.15, 0.20, 1.0)
    )
    return MarkerSpec(
        STATUS, 0, Shape.TEXT, pose=over, scale=(0.0, 0.0, 0.5), color=color,
        text=f"{hazards.state.name}: {hazards.reason}", lifetime_s=lifetime_s,
    )  # fmt: skip
