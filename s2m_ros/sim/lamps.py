"""Light by night: floodlights over the stand and the headlights of the own vehicle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2m_ros.sim import scenario
from s2m_ros.sim.materials import srgb
from s2m_ros.sim.noise import smoothstep
from s2m_ros.sim.vectors import dot
from s2m_ros.types import Float32, Float64

POWER = 14.0
"""Radiant intensity of a usual floodlight: 25 m away it is a fiftieth of sunlight."""
SOURCE_M = 0.5
"""Extent of a floodlight's lamps, which softens shadows."""
DIM = 1e-4
"""Irradiance below which a lamp does not show."""
HEADLIGHT_PLACES = ((2.2, 0.6, 0.7), (2.2, -0.6, 0.7))


@dataclass(frozen=True, slots=True, eq=False)
class Lamp:
    """place: float32 (3,); axis: float32 (3,), unit; edge: cosine of the cone's half angle;
    intensity: float32 (3,); casts: whether it casts shadows that the camera can see."""

    place: Float32
    axis: Float32
    edge: float
    intensity: Float32
    casts: bool

    def irradiance(self, points: Float32, normals: Float32) -> tuple[Float32, Float32]:
        """Of surfaces (N, 3) without shadows: float32 (N,) for unit intensity; unit vectors
        towards the lamp (N, 3)."""
        toward = self.place - points
        square = np.maximum(dot(toward, toward), 0.04)
        toward /= np.sqrt(square)[:, None]
        cone = smoothstep(self.edge, min(self.edge + 0.18, 1.0), -(toward @ self.axis))
        facing = np.maximum(dot(toward, normals), 0)
        return np.asarray(cone * facing / square, np.float32), toward


def floodlight(lamp: scenario.Lamp) -> Lamp:
    """A lamp of a scenario."""
    place = np.array(lamp.at, np.float32)
    axis = np.array([*lamp.aim, 0.0], np.float32) - place
    axis /= np.linalg.norm(axis)
    intensity = np.array(srgb(lamp.colour), np.float32) * np.float32(POWER * lamp.power)
    return Lamp(place, axis, float(np.cos(np.deg2rad(lamp.spread_deg))), intensity, True)


def headlights(odom_from_base: Float64, power: float) -> list[Lamp]:
    """Low beams of a vehicle at a pose. Their shadows fall away from the driver's eye."""
    if power <= 0:
        return []
    tilt = np.deg2rad(-3.5)
    axis = (odom_from_base[:3, :3] @ (np.cos(tilt), 0.0, np.sin(tilt))).astype(np.float32)
    colour = np.array(srgb("f4f2ff"), np.float32) * np.float32(1.6 * power)
    edge = float(np.cos(np.deg2rad(32)))
    places = (odom_from_base[:3, :3] @ p + odom_from_base[:3, 3] for p in HEADLIGHT_PLACES)
    return [Lamp(place.astype(np.float32), axis, edge, colour, False) for place in places]
