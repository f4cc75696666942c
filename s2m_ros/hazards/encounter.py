"""How tracks stand to the vehicle and to the known objects around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from s2m_ros import config
from s2m_ros.fusion.transforms import invert
from s2m_ros.hazards import reasons
from s2m_ros.hazards.outline import gaps, vehicle
from s2m_ros.hazards.path import (
    TIME_STEP_S,
    WAY_STEP_M,
    ahead,
    clearance,
    drive,
    first_contact,
    seen_from,
)
from s2m_ros.tracking.detections import stack
from s2m_ros.types import Bool, EgoPose, Float64, Object3D, Role, Track, Tracks

TIME_HORIZON_S = 10.0


class Place(NamedTuple):
    """One row of ``Encounters``."""

    distance_m: float
    closing_speed: float
    reach_s: float
    on_path: bool
    ahead_m: float
    left_m: float


@dataclass(frozen=True, slots=True, eq=False)
class Encounters:
    """N tracks in base_link.

    outline: float64 (N, K, 2); distance_m, closing_speed, reach_s: (N,), as published; soonest_s:
    (N,), the reach that the levels go by; on_path: bool (N,), the present curve leads there;
    ahead_m, left_m: (N,), the nearest corner, from the middle of the front.
    """

    outline: Float64
    distance_m: Float64
    closing_speed: Float64
    reach_s: Float64
    soonest_s: Float64
    on_path: Bool
    ahead_m: Float64
    left_m: Float64

    def places(self) -> list[Place]:
        columns = (self.distance_m, self.closing_speed, self.reach_s, self.on_path, self.ahead_m,
                   self.left_m)  # fmt: skip
        return [Place(*row) for row in zip(*(c.tolist() for c in columns), strict=True)]


def base_from_frame(ego: EgoPose | None) -> Float64:
    """base_link from the frame of the tracks, float64 (4, 4)."""
    return np.eye(4) if ego is None else invert(ego.odom_from_base)


def encounters(
    tracks: Tracks, settings: config.Hazards, horizon_m: float, unknown_speed: float
) -> Encounters:
    """Of all tracks at once.

    Without ego motion the velocities are relative to the vehicle, which may turn anywhere and
    start at unknown_speed, m/s, at once: everything within the horizon counts as on its path.
    """
    ego = tracks.ego
    base_from_odom = base_from_frame(ego)
    turn = base_from_odom[:2, :2]
    offset = base_from_odom[:2, 3].copy()
    if ego is not None:
        offset += base_from_odom[:2, 2] * ego.odom_from_base[2, 3]  # outlines lie on the ground
    outlines = stack([outline_of(track) for track in tracks.items]) @ turn.T + offset
    velocity = rows([track.velocity for track in tracks.items])[:, :2] @ turn.T
    times = np.arange(0.0, TIME_HORIZON_S + TIME_STEP_S / 2, TIME_STEP_S)
    moves = times[:, None, None] * velocity
    poses = drive(ego, times)
    reach = first_contact(clearance(poses, outlines, moves, settings), times)
    way = np.arange(0.0, horizon_m + WAY_STEP_M, WAY_STEP_M)
    meets = first_contact(clearance(ahead(ego, way), outlines, None, settings), way)
    body = vehicle(settings)
    soon = seen_from(poses[1], outlines + moves[1][:, None])
    distance, then = np.split(gaps(np.concatenate([outlines, soon]), body), 2)
    closing = (distance - then) / TIME_STEP_S
    soonest, on_path = reach, np.isfinite(meets) | np.isfinite(reach)
    if ego is None:
        speed = np.linalg.norm(velocity, axis=1) + unknown_speed
        free = np.maximum(distance - np.sqrt(2) * settings.path_margin_m, 0.0)
        soonest = np.minimum(reach, free / np.maximum(speed, 1e-9))
        on_path = on_path | (distance <= horizon_m)
    nearest = np.linalg.norm(outlines - body[:2].mean(axis=0), axis=2).argmin(axis=1)
    corner = outlines[np.arange(len(outlines)), nearest] - body[:2].mean(axis=0)
    return Encounters(
        outlines, distance, closing, reach, soonest, on_path, corner[:, 0], corner[:, 1]
    )


def beside(tracks: Tracks, near_m: Mapping[Role, float], slack_m: Float64) -> list[Role | None]:
    """The most valuable known object within reach of each track: near_m of its role and slack_m,
    float64 (N,), for what is not known of the track's place."""
    found: list[Role | None] = [None] * len(tracks.items)
    valuable = [item for item in tracks.known if item.role in reasons.NEAR]
    if not tracks.items or not valuable:
        return found
    ours, theirs = (stack([outline_of(i) for i in items]) for items in (tracks.items, valuable))
    apart = ours.min(axis=1)[:, None] - theirs.max(axis=1)
    apart = np.maximum(apart, theirs.min(axis=1) - ours.max(axis=1)[:, None])
    reach = slack_m[:, None] + np.array([near_m[item.role] for item in valuable])
    row, column = np.nonzero((apart <= reach[:, :, None]).all(axis=2))
    close = gaps(ours[row], theirs[column]) <= reach[row, column]
    rank = list(reasons.NEAR).index
    for i, j in zip(row[close].tolist(), column[close].tolist(), strict=True):
        found[i] = min((found[i] or valuable[j].role, valuable[j].role), key=rank)
    return found


def longest_deviation(tracks: Sequence[Track]) -> Float64:
    """Standard deviation (N,) of the horizontal position along its longest axis."""
    if not tracks:
        return np.zeros(0)
    p = rows([track.covariance for track in tracks]).reshape(len(tracks), 6, 6)
    xx, xy, yy = p[:, 0, 0], (p[:, 0, 1] + p[:, 1, 0]) / 2, p[:, 1, 1]
    return np.asarray(np.sqrt((xx + yy) / 2 + np.hypot((xx - yy) / 2, xy)))


def rows(arrays: Sequence[Float64]) -> Float64:
    """Vectors (K,) or matrices (K, K) below one another; several times as fast as ``np.array``."""
    return np.concatenate(arrays).reshape(-1, arrays[0].shape[-1])


def outline_of(item: Track | Object3D) -> Float64:
    return item.footprint if len(item.footprint) else item.position[None, :2]
