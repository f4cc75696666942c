"""The LiDAR: the surfaces that the camera sees, met by beams that turn while the vehicle moves."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from s2m_ros.sim.camera import CLEAR, Air
from s2m_ros.sim.motion import Pose
from s2m_ros.sim.scenario import LidarSensor
from s2m_ros.sim.scene import Scene
from s2m_ros.sim.shader import Surfels, meet
from s2m_ros.sim.vectors import dot
from s2m_ros.sim.weather import echo
from s2m_ros.types import Float32, Float64, Sweep

PERIOD_S = 0.1
FAINTEST = 1.2e-5
"""Least reflectance * cosine / range^2 that returns: level ground is lost beyond about 60 m."""
DROP_INTENSITY = 0.03
NOTHING = -1
"""Index of what is no actor: the ground, a drop."""


def base_from_lidar(sensor: LidarSensor) -> Float64:
    """Extrinsics, float64 (4, 4): the axes are those of base_link."""
    matrix = np.eye(4)
    matrix[:3, 3] = sensor.position
    return matrix


def elevations(sensor: LidarSensor) -> Float64:
    """Elevation of each beam, rad, from the lowest up: float64 (beams,)."""
    low, high = np.deg2rad(sensor.elevation_deg)
    share = np.linspace(0, 1, sensor.beams)
    if sensor.pattern == "dense_middle":
        # Spacing grows with the cube of the distance from the horizon's place in the fan.
        middle = np.clip(-low / max(high - low, 1e-9), 0.05, 0.95)
        offset = share - middle
        side = np.where(offset < 0, middle, 1 - middle)
        share = middle + side * (0.45 * offset / side + 0.55 * (offset / side) ** 3)
    return np.asarray(low + (high - low) * share)


def passing_times(poses: Sequence[Pose], odom_from_lidar: Float64, t: float) -> Float64:
    """When a turn around t passes each of the actors at poses: float64 (A,)."""
    away = np.array([(p.x, p.y) for p in poses]).reshape(-1, 2) - odom_from_lidar[:2, 3]
    forward = np.arctan2(odom_from_lidar[1, 0], odom_from_lidar[0, 0])
    azimuth = np.arctan2(away[:, 1], away[:, 0]) - forward
    return np.asarray(t - np.arctan2(np.sin(azimuth), np.cos(azimuth)) / (2 * np.pi) * PERIOD_S)


def scan(
    scene: Scene,
    sensor: LidarSensor,
    odom_from_base: Callable[[float], Float64],
    t: float,
    stamp_ns: int,
    frame_id: str,
    seed: int,
    air: Air = CLEAR,
) -> tuple[Sweep, NDArray[np.int32]]:
    """One turn around t, in seconds, clockwise, stamped when it faces forward.

    odom_from_base(t): float64 (4, 4). Each column is fired from where the vehicle is at its own
    time; actors stand where the scene has them (see ``passing_times``). Returns the sweep, each
    point in the sensor frame of its own instant, and the index of the actor that each point lies
    on, ``NOTHING`` for the ground and for drops: int32 (N,).
    """
    rng = np.random.default_rng(seed)
    azimuth = np.pi - (np.arange(sensor.columns) + 0.5) / sensor.columns * 2 * np.pi
    elevation = elevations(sensor)
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
    directions = np.einsum("cij,bcj->bci", poses[:, :3, :3], local, optimize=True)
    starts = np.broadcast_to(poses[:, :3, 3], directions.shape)
    rays = np.ascontiguousarray(directions.reshape(-1, 3), np.float32)
    origins = np.ascontiguousarray(starts.reshape(-1, 3), np.float32)
    found, _ = meet(scene, origins, rays)
    cosine = np.abs(dot(found.normal, rays))
    intensity = _reflectance(scene, found) * cosine
    strength = intensity / np.maximum(found.distance, 0.5) ** 2
    range_m = found.distance + rng.normal(0, sensor.range_sigma_m, len(rays)).astype(np.float32)
    actor = found.actor
    seen = found.material != -2
    if air.rain or air.clouds:
        drops = echo(air.rain, air.clouds, origins, rays, found.distance, rng)
        strength, intensity = strength * drops.strength, intensity * drops.strength
        wet = np.isfinite(drops.range_m)
        range_m = np.where(wet, drops.range_m, range_m)
        strength = np.where(wet, 1.0, strength)
        intensity = np.where(wet, DROP_INTENSITY * rng.random(len(rays)), intensity)
        actor, seen = np.where(wet, np.int32(NOTHING), actor), seen | wet
    kept = (
        seen
        & (range_m < sensor.max_range_m)
        & (range_m > 0.5)
        & (strength > FAINTEST)
        & (rng.random(len(rays)) >= sensor.dropout)
    )
    index = np.flatnonzero(kept)
    points = (range_m[index, None] * local.reshape(-1, 3)[index]).astype(np.float32)
    offset_ns = np.round(offset_s * 1e9).astype(np.int64)[index % sensor.columns]
    stamp_ns += round(sensor.offset_ms * 1e6)
    brightness = np.clip(intensity[index], 0, 1).astype(np.float32)
    return Sweep(stamp_ns, frame_id, points, brightness, offset_ns), actor[index]


def _poses(odom_from_base: Callable[[float], Float64], times: Float64) -> Float64:
    """Poses at sorted times (N,), interpolated over some 10 ms: float64 (N, 4, 4)."""
    knots = np.linspace(times[0], times[-1], 11)
    at = np.stack([odom_from_base(float(t)) for t in knots])
    position = np.interp(times, knots, np.arange(len(knots)))
    before = np.minimum(position.astype(int), len(knots) - 2)
    share = (position - before)[:, None, None]
    return np.asarray(at[before] * (1 - share) + at[before + 1] * share)


def _reflectance(scene: Scene, found: Surfels) -> Float32:
    """Share of the light that comes back: paint shines, water swallows it."""
    table = scene.materials
    albedo = table["albedo"].mean(axis=1) * 0.8 + 0.1 + table["retro"]
    out = np.zeros(len(found.distance), np.float32)
    solid = found.material >= 0
    out[solid] = albedo[found.material[solid]]
    ground = np.flatnonzero(found.material == -1)
    bright, wet = scene.ground.coarse(found.point[ground, 0], found.point[ground, 1])
    out[ground] = (0.12 + 0.35 * bright) * (1 - 0.75 * np.minimum(wet * 1.5, 1))
    return out


def hits_by_actor(actors: NDArray[np.int32], count: int) -> NDArray[np.int64]:
    """How many points lie on each of ``count`` actors: int64 (count,)."""
    return np.bincount(actors[actors >= 0], minlength=count)
