"""Where the vehicle goes, at constant speed and turn rate, and what it meets there."""

from __future__ import annotations

import numpy as np

from s2m_ros.config import Hazards
from s2m_ros.types import EgoPose, Float64

SLOWEST = 0.3  # m/s; below this the vehicle may start in any gear but straight ahead is assumed
TIME_STEP_S = 0.2
WAY_STEP_M = 1.0


def drive(ego: EgoPose | None, times: Float64) -> Float64:
    """Poses (T, 3) of base_link, x, y, yaw, at times (T,) from now, in base_link of now."""
    if ego is None:
        return np.zeros((len(times), 3))
    return arc(times * ego.velocity[0], times * ego.velocity[1], times * ego.turn_rate[2])


def ahead(ego: EgoPose | None, way: Float64) -> Float64:
    """Poses (T, 3) after each way (T,), m: along the present curve, straight on when standing."""
    speed = 0.0 if ego is None else float(ego.velocity[0])
    if ego is None or abs(speed) < SLOWEST:
        return arc(way, np.zeros_like(way), np.zeros_like(way))
    return arc(np.copysign(way, speed), np.zeros_like(way), way * ego.turn_rate[2] / abs(speed))


def arc(along: Float64, across: Float64, yaw: Float64) -> Float64:
    """Poses (T, 3) after moving by (along, across) in the body while turning evenly by yaw."""
    sine = np.sinc(yaw / np.pi)
    cosine = np.sin(yaw / 2) * np.sinc(yaw / (2 * np.pi))
    return np.column_stack([along * sine - across * cosine, along * cosine + across * sine, yaw])


def seen_from(pose: Float64, outlines: Float64) -> Float64:
    """Outlines (N, K, 2) in the body at a pose (3,)."""
    c, s = np.cos(pose[2]), np.sin(pose[2])
    return np.asarray((outlines - pose[:2]) @ np.array([[c, -s], [s, c]]))


def clearance(
    poses: Float64, outlines: Float64, moved: Float64 | None, settings: Hazards
) -> Float64:
    """How far (T, N), m, outlines (N, K, 2), each moved by (T, N, 2), are from the vehicle and its
    margins when it stands at poses (T, 3).

    Along the vehicle's own axes, negative inside. The bounding box stands for the outline, so
    that a long slanting object counts as met a little too soon, never too late.
    """
    yaw = poses[:, 2] if np.ptp(poses[:, 2]) > 0 else poses[:1, 2]  # straight on: one for all
    c, s = np.cos(yaw), np.sin(yaw)
    axes = np.array([[c, -s], [s, c]]).reshape(2, -1)  # (2, 2 T)
    spans = outlines @ axes
    low, high = (
        bound.T.reshape(2, len(yaw), -1) for bound in (spans.min(axis=1), spans.max(axis=1))
    )
    x, y = (
        -poses[:, k, None] if moved is None else moved[..., k] - poses[:, k, None] for k in (0, 1)
    )
    c, s = c[:, None], s[:, None]
    along, across = x * c + y * s, y * c - x * s
    front, half = settings.base_to_front_m, settings.vehicle_width_m / 2 + settings.path_margin_m
    rear = front - settings.vehicle_length_m
    ahead_of = np.maximum(low[0] + (along - front), (rear - along) - high[0])
    beside = np.maximum(low[1] + (across - half), (-half - across) - high[1])
    return np.asarray(np.maximum(ahead_of, beside))


def first_contact(clear: Float64, steps: Float64) -> Float64:
    """Step (N,), interpolated, at which clearances (T, N) first reach zero; else infinite."""
    met = clear <= 0
    first = met.argmax(axis=0)
    before = np.maximum(first - 1, 0)
    columns = np.arange(clear.shape[1])
    c0, c1 = clear[before, columns], clear[first, columns]
    share = np.where(c0 > 0, c0 / np.maximum(c0 - c1, 1e-9), 1.0)
    at = steps[before] + np.clip(share, 0, 1) * (steps[first] - steps[before])
    return np.where(met.any(axis=0), at, np.inf)
