"""Sun, sky and horizon. Radiance in units of sunlight on a white surface facing the sun at noon."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from s2m_ros.sim import noise
from s2m_ros.sim.model import label_of
from s2m_ros.types import Float32, UInt8


@dataclass(frozen=True, slots=True)
class Daylight:
    """One state of the sky. Colours are linear RGB; softness: angular radius of the sun, rad;
    key: brightness of the picture, 1 is usual; lit: lamps are on."""

    elevation_deg: float
    sun: tuple[float, float, float]
    zenith: tuple[float, float, float]
    horizon: tuple[float, float, float]
    clouds: float
    softness: float = 0.006
    azimuth_deg: float = 140.0
    visibility_m: float = 6000.0
    key: float = 1.0
    lit: bool = False

    @property
    def direction(self) -> Float32:
        """Unit vector towards the sun."""
        e, a = np.deg2rad(self.elevation_deg), np.deg2rad(self.azimuth_deg)
        return np.array([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], np.float32)


PRESETS = {
    "noon": Daylight(58, (1.0, 0.96, 0.9), (0.1, 0.19, 0.38), (0.36, 0.45, 0.56), 0.35),
    "afternoon": Daylight(34, (0.98, 0.89, 0.76), (0.1, 0.18, 0.35), (0.38, 0.44, 0.52), 0.45),
    "low_sun": Daylight(11, (1.35, 0.95, 0.57), (0.09, 0.14, 0.25), (0.46, 0.4, 0.34), 0.4),
    "overcast": Daylight(45, (0.06, 0.06, 0.06), (0.42, 0.44, 0.47), (0.5, 0.52, 0.54), 1.0, 0.25),
    "dusk": Daylight(
        4, (0.12, 0.07, 0.035), (0.05, 0.07, 0.12), (0.22, 0.17, 0.15), 0.7, 0.05, key=0.75
    ),
    "night": Daylight(
        40, (0, 0, 0), (0.0006, 0.0008, 0.0014), (0.0026, 0.0023, 0.0022), 0.5, key=0.42, lit=True
    ),
}


class Sky:
    """The sky of one scene, with its clouds and its horizon of distant trees and roofs."""

    def __init__(self, light: Daylight, rng: np.random.Generator) -> None:
        self.light = light
        field = noise.tile(rng, 512, 2.6)
        billow = field + 0.25 * np.abs(noise.tile(rng, 512, 1.8))
        threshold = 1.3 - 2.6 * light.clouds
        self._cloud = noise.smoothstep(threshold, threshold + 1.6, billow)
        crowns = noise.tile(rng, 32, 1.6).reshape(-1)
        leaves = noise.tile(rng, 32, 0.8).reshape(-1)
        self._trees = np.maximum(0.011 + 0.004 * crowns + 0.003 * leaves, 0.002)
        blocks = np.repeat(rng.random(128), 8)
        self._roofs = np.where(
            blocks > 0.8, 0.006 + 0.02 * np.repeat(rng.random(128), 8), 0
        ).astype(np.float32)
        self._foliage = noise.tile(rng, 256, 1.2)

    def ambient(self, up: Float32) -> Float32:
        """Diffuse light on a surface whose normal has this z: (N,) -> float32 (N, 3), per pi."""
        sky = 0.55 * np.array(self.light.zenith, np.float32) + 0.45 * np.array(
            self.light.horizon, np.float32
        )
        sky = sky * np.float32(1 + 0.3 * self.light.clouds)
        sun = np.array(self.light.sun, np.float32) * max(float(self.light.direction[2]), 0.0)
        ground = 0.25 * (sky + sun * np.float32(0.8))
        blend = (0.5 + 0.5 * up)[:, None]
        return np.asarray(ground + (sky - ground) * blend, np.float32)

    def radiance(self, directions: Float32) -> Float32:
        """Colour of the sky in directions: float32 (N, 3)."""
        light = self.light
        z = np.maximum(directions[:, 2], 0)
        blend = np.power(z, np.float32(0.42))[:, None]
        zenith, horizon = np.array(light.zenith, np.float32), np.array(light.horizon, np.float32)
        colour = horizon + (zenith - horizon) * blend
        toward = np.clip(directions @ light.direction, 0, 1)
        sun = np.array(light.sun, np.float32)
        clear = np.float32(max(0.0, 1 - light.clouds))
        glow = 0.25 * np.power(toward, 8) + 1.2 * clear * np.power(toward, 180)
        colour += glow[:, None] * sun * np.float32(0.5)
        if light.clouds > 0:
            scale = np.float32(90) / (z + np.float32(0.12))
            u, v = directions[:, 0] * scale, directions[:, 1] * scale
            cover = noise.lookup(self._cloud, u, v) * noise.smoothstep(0.0, 0.12, z)
            shade = noise.lookup(
                self._cloud, u + light.direction[0] * 9, v + light.direction[1] * 9
            )
            bright = 0.75 * horizon + 0.42 * sun * np.float32(0.35 + light.direction[2])
            cloud = bright * (1.15 - 0.4 * shade)[:, None]
            colour += (cloud - colour) * (0.85 * cover)[:, None]
        return np.asarray(colour, np.float32)

    def backdrop(self, directions: Float32) -> tuple[Float32, UInt8]:
        """What a ray that hits nothing sees: colour (N, 3) and class label (N,)."""
        colour = self.radiance(directions)
        label = np.full(len(directions), label_of("Sky"), np.uint8)
        low = np.flatnonzero(np.abs(directions[:, 2]) < 0.06)
        if not len(low):
            return colour, label
        azimuth = np.arctan2(directions[low, 1], directions[low, 0]) / (2 * np.pi) % 1.0
        column = np.minimum((azimuth * 1024).astype(np.int32), 1023)
        z = directions[low, 2]
        haze = 0.45 * np.array(self.light.horizon, np.float32)
        lit = self.ambient(np.full(1, 0.6, np.float32))[0]
        for profile, albedo, name in (
            (self._roofs, (0.3, 0.29, 0.28), "Building"),
            (self._trees, (0.07, 0.09, 0.045), "Tree"),
        ):
            hit = z < profile[column]
            index = low[hit]
            texture = 1 + 0.3 * noise.lookup(self._foliage, azimuth[hit] * 2600, z[hit] * 700)
            body = np.array(albedo, np.float32) * (
                lit + 0.35 * np.array(self.light.sun, np.float32)
            )
            colour[index] = haze + 0.6 * body * texture[:, None]
            label[index] = label_of(name)
        return colour, label


def daylight(
    preset: str,
    azimuth_deg: float,
    elevation_deg: float | None,
    clouds: float | None,
    visibility_m: float,
) -> Daylight:
    """A preset with some of its values replaced."""
    light = replace(PRESETS[preset], azimuth_deg=azimuth_deg, visibility_m=visibility_m)
    if elevation_deg is not None:
        light = replace(light, elevation_deg=elevation_deg)
    if clouds is not None:
        light = replace(light, clouds=clouds)
    return light
