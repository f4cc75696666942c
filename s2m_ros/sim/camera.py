"""The camera: which ray each pixel looks along, and the picture of one instant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.sim import develop
from s2m_ros.sim.blur import motion_blur
from s2m_ros.sim.mesh import rotation_matrix
from s2m_ros.sim.scenario import CameraSensor
from s2m_ros.sim.shader import Shader, Surfels, meet
from s2m_ros.sim.vectors import unit
from s2m_ros.sim.weather import Cloud, streaks, veil
from s2m_ros.types import Float32, Float64, InputError, UInt8

OPTICAL_FROM_BODY = np.array([[0, -1.0, 0], [0, 0, -1.0], [1.0, 0, 0]])
"""REP 103: an optical frame has z forward, x right, y down."""


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """base_from_optical: float64 (4, 4); rays: float32 (H * W, 3), unit, through the centres of
    the pixels, in base_link's axes; across, down: float32 (H * W, 3), from each to the next."""

    model: CameraModel
    base_from_optical: Float64
    rays: Float32
    across: Float32
    down: Float32

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, px."""
        return self.model.size[1], self.model.size[0]

    @property
    def pixel_rad(self) -> float:
        return 1.0 / float(self.model.matrix[0, 0])


def build(sensor: CameraSensor) -> Camera:
    """A camera with its rays. Raises InputError where the distortion has no inverse."""
    half = np.deg2rad(sensor.field_of_view_deg) / 2
    if sensor.model != "equidistant" and half >= 0.95 * np.pi / 2:
        raise InputError(
            f"camera '{sensor.name}'",
            f"field_of_view_deg is {sensor.field_of_view_deg:g} for {sensor.model}",
            "stay below 171 degrees, or use the model equidistant",
        )
    focal = sensor.width / 2 / (half if sensor.model == "equidistant" else np.tan(half))
    k = (focal, 0, (sensor.width - 1) / 2, 0, focal, (sensor.height - 1) / 2, 0, 0, 1)
    source = f"camera '{sensor.name}'"
    size = (sensor.width, sensor.height)
    model = CameraModel.from_parameters(source, size, sensor.model, k, sensor.distortion)
    base_from_optical = np.eye(4)
    base_from_optical[:3, :3] = (
        rotation_matrix(np.deg2rad(sensor.yaw_deg), np.deg2rad(sensor.pitch_deg))
        @ OPTICAL_FROM_BODY.T
    )
    base_from_optical[:3, 3] = sensor.position
    u, v = np.meshgrid(np.arange(sensor.width) + 0.5, np.arange(sensor.height) + 0.5)
    optical = model.ray(np.stack([u.ravel(), v.ravel()], axis=1))
    if not np.isfinite(optical).all():
        raise InputError(
            source,
            "the distortion turns back before the corners of the picture",
            "take smaller coefficients or a narrower field of view",
        )
    rays = np.asarray(optical @ base_from_optical[:3, :3].T, np.float32)
    image = rays.reshape(sensor.height, sensor.width, 3)
    down, across = (np.asarray(g).reshape(-1, 3) for g in np.gradient(image, axis=(0, 1)))
    return Camera(model, base_from_optical, rays, across, down)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """image: uint8 (H, W, 3) RGB; instances: uint16 (H, W), actor ids; labels: uint8 (H, W)."""

    image: UInt8
    instances: NDArray[np.uint16]
    labels: UInt8


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """What hangs in the air: rain from 0 to 1, and spray."""

    rain: float = 0.0
    clouds: Sequence[Cloud] = ()


CLEAR = Air()


def take(
    shader: Shader,
    camera: Camera,
    odom_from_base: Float64,
    sensor: CameraSensor,
    seed: int,
    exposure: float = 1.0,
    later: Float64 | None = None,
    air: Air = CLEAR,
) -> Picture:
    """One picture from a pose of the vehicle; later: its pose at the end of the exposure."""
    rng = np.random.default_rng(seed)
    shape = camera.shape
    rotation = odom_from_base[:3, :3].astype(np.float32)
    eye = (odom_from_base @ camera.base_from_optical)[:3, 3].astype(np.float32)
    directions = np.ascontiguousarray(camera.rays @ rotation.T)
    origins = np.ascontiguousarray(np.broadcast_to(eye, directions.shape))
    colour, found = shader.shade(origins, directions, camera.pixel_rad, rng, shape)
    _antialias(colour, found, shader, camera, rotation, eye, rng)
    light = shader.scene.sky.light
    if air.clouds or air.rain:
        grey = np.array(light.horizon, np.float32)
        veil(air.clouds, colour, origins, directions, found.distance, grey)
        streaks(colour.reshape(*shape, 3), air.rain, grey, sensor.exposure_ms, rng)
    linear = colour.reshape(*shape, 3)
    if later is not None:
        linear = motion_blur(
            linear, found, shader.scene, camera.model, sensor.exposure_ms * 1e-3,
            odom_from_base @ camera.base_from_optical, later @ camera.base_from_optical,
        )  # fmt: skip
    ids = np.concatenate([shader.scene.ids, [0]]).astype(np.uint16)
    instances = ids[found.actor].reshape(shape)
    gain = exposure * light.key * 2.0**sensor.exposure_ev * develop.auto_gain(linear)
    image = develop.develop(linear, gain, sensor, rng)
    return Picture(image, instances, found.label.reshape(shape))


SUB_PIXELS = ((-0.3, -0.3), (0.3, 0.3))
BESIDE = ((0, 0), (0, -1), (0, 1), (-1, 0), (1, 0))
"""A pixel and its neighbours, rows and columns apart."""


def _antialias(
    colour: Float32,
    found: Surfels,
    shader: Shader,
    camera: Camera,
    rotation: Float32,
    eye: Float32,
    rng: np.random.Generator,
) -> None:
    """Add two rays to each pixel at the edge of a surface.

    A ray that meets the surface which the pixel shows, or one beside it, takes that one's colour.
    Only what is thinner than a pixel is shaded anew.
    """
    height, width = camera.shape
    key = found.actor * 257 + found.material
    image = key.reshape(height, width)
    edge = np.zeros(image.shape, np.bool_)
    across, down = image[:, 1:] != image[:, :-1], image[1:] != image[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    index = np.flatnonzero(edge)
    if not len(index):
        return
    total = colour[index].copy()
    row, column = np.divmod(index, width)
    for right, low in SUB_PIXELS:
        shift = np.float32(right) * camera.across[index] + np.float32(low) * camera.down[index]
        rays = (camera.rays[index] + shift) @ rotation.T
        rays = np.ascontiguousarray(unit(rays))
        eyes = np.ascontiguousarray(np.broadcast_to(eye, rays.shape))
        met, _ = meet(shader.scene, eyes, rays)
        wanted = met.actor * 257 + met.material
        source = np.full(len(index), -1)
        for y, x in BESIDE:
            near = np.clip(row + y, 0, height - 1) * width + np.clip(column + x, 0, width - 1)
            source = np.where((source < 0) & (key[near] == wanted), near, source)
        more = np.minimum(colour[source], 2.0)
        thin = np.flatnonzero(source < 0)
        if len(thin):
            own, _ = shader.shade(
                np.ascontiguousarray(eyes[thin]), rays[thin], camera.pixel_rad, rng
            )
            more[thin] = np.minimum(own, 2.0)
        total += more
    colour[index] = total / (1 + len(SUB_PIXELS))
