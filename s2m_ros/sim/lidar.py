"""The LiDAR: the surfaces that the camera sees, met by beams that turn while the vehicle moves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from s2m_ros.sim.scenario import LidarSensor
from s2m_ros.sim.scene import Scene
from s2m_ros.sim.shader import meet
from s2m_ros.types import Float32, Float64, Sweep

PERIOD_S = 0.1
GROUND_REFLECTANCE = 0.25
FAINTEST = 1.2e-5
"""Least reflectance * cosine / range^2 that returns: level ground is lost beyond about 60 m."""


def base_from_lidar(sensor: LidarSensor) -> Float64:
    """Extrinsics, float64 (4, 4): the axes are those of base_link."""
    matrix = np.eye(4)
    matrix[:3, 3] = sensor.position
    return matrix


def scan(
    scene: Scene,
    sensor: LidarSensor,
    odom_from_base: Callable[[float], Float64],
    t: float,
    stamp_ns: int,
    frame_id: str,
    seed: int,
) -> tuple[Sweep, NDArray[np.int32]]:
    """One turn around t, in seconds, clockwise, stamped when it faces forward.

    odom_from_base(t): float64 (4, 4). Each column is fired from where the vehicle is at its own
    time. Returns the sweep, each point in the sensor frame of its own instant, and the index of
    the actor that each point lies on, -1 for the ground: int32 (N,).
    """
    rng = np.random.default_rng(seed)
    azimuth = np.pi - (np.arange(sensor.columns) + 0.5) / sensor.columns * 2 * np.pi
    elevation = np.deg2rad(np.linspace(*sensor.elevation_deg, sensor.beams))
    offset_s = -azimuth / (2 * np.pi) * PERIOD_S
    local = np.stack(
        [
            np.cos(elevation)[:, None] * np.cos(azimuth),
            np.cos(elevation)[:, None] * np.sin(azimuth),
            np.broadcast_to(np.sin(elevation)[:, None], (sensor.beams, sensor.columns)),
        ],
        axis=-1,
    )
    mount = base_from_lidar(sensor)
    poses = _poses(odom_from_base, t + offset_s) @ mount
    directions = (local[:, :, None, :] @ poses[:, :3, :3].swapaxes(1, 2))[:, :, 0]
    origins = np.broadcast_to(poses[:, :3, 3], directions.shape)
    rays = np.ascontiguousarray(directions.reshape(-1, 3), np.float32)
    found, _ = meet(scene, np.ascontiguousarray(origins.reshape(-1, 3), np.float32), rays)
    range_m = found.distance + rng.normal(0, sensor.range_sigma_m, len(rays)).astype(np.float32)
    cosine = np.abs((found.normal * rays).sum(axis=1))
    reflectance = _reflectance(scene, found.material)
    strength = reflectance * cosine / np.maximum(found.distance, 0.5) ** 2
    kept = (
        (found.material != -2)
        & (found.distance < sensor.max_range_m)
        & (range_m > 0.5)
        & (strength > FAINTEST)
        & (rng.random(len(rays)) >= sensor.dropout)
    )
    index = np.flatnonzero(kept)
    points = (range_m[index, None] * local.reshape(-1, 3)[index]).astype(np.float32)
    offset_ns = np.round(offset_s * 1e9).astype(np.int64)[index % sensor.columns]
    intensity = np.clip(reflectance * cosine, 0, 1)[index].astype(np.float32)
    stamp_ns += round(sensor.offset_ms * 1e6)
    return Sweep(stamp_ns, frame_id, points, intensity, offset_ns), found.actor[index]


def _poses(odom_from_base: Callable[[float], Float64], times: Float64) -> Float64:
    """Poses at sorted times (N,), interpolated over some 10 ms: float64 (N, 4, 4)."""
    knots = np.linspace(times[0], times[-1], 11)
    at = np.stack([odom_from_base(float(t)) for t in knots])
    position = np.interp(times, knots, np.arange(len(knots)))
    before = np.minimum(position.astype(int), len(knots) - 2)
    share = (position - before)[:, None, None]
    return np.asarray(at[before] * (1 - share) + at[before + 1] * share)


def _reflectance(scene: Scene, material: NDArray[np.int32]) -> Float32:
    table = scene.materials
    albedo = table["albedo"].mean(axis=1) * 0.8 + 0.1 + table["retro"]
    out = np.full(len(material), GROUND_REFLECTANCE, np.float32)
    solid = material >= 0
    out[solid] = albedo[material[solid]]
    return out


def hits_by_actor(actors: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """How many points lie on each of ``count`` actors: int64 (count,)."""
    return np.bincount(actors[actors >= 0], minlength=count)
