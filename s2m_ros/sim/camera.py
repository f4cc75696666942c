"""The camera: which ray each pixel looks along, and what the sensor makes of the light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from s2m_ros.sim.mesh import rotation_matrix
from s2m_ros.sim.scenario import CameraSensor
from s2m_ros.sim.shader import Shader, Surfels
from s2m_ros.types import Float32, Float64, UInt8

OPTICAL_FROM_BODY = np.array([[0, -1.0, 0], [0, 0, -1.0], [1.0, 0, 0]])
"""REP 103: an optical frame has z forward, x right, y down."""


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """matrix: float64 (3, 3) with the principal point in the convention of OpenCV (centre of the
    first pixel at 0); distortion: float64 (5,), plumb_bob; base_from_optical: float64 (4, 4)."""

    width: int
    height: int
    matrix: Float64
    distortion: Float64
    base_from_optical: Float64
    rays: Float32

    @property
    def pixel_rad(self) -> float:
        return 1.0 / float(self.matrix[0, 0])


def build(sensor: CameraSensor) -> Camera:
    """A camera with its rays: float32 (H * W, 3), unit, in base_link's axes."""
    focal = sensor.width / 2 / np.tan(np.deg2rad(sensor.field_of_view_deg) / 2)
    matrix = np.array(
        [[focal, 0, (sensor.width - 1) / 2], [0, focal, (sensor.height - 1) / 2], [0, 0, 1.0]]
    )
    distortion = np.array(sensor.distortion, np.float64)
    base_from_optical = np.eye(4)
    base_from_optical[:3, :3] = (
        rotation_matrix(np.deg2rad(sensor.yaw_deg), np.deg2rad(sensor.pitch_deg))
        @ OPTICAL_FROM_BODY.T
    )
    base_from_optical[:3, 3] = sensor.position
    camera = Camera(
        sensor.width,
        sensor.height,
        matrix,
        distortion,
        base_from_optical,
        np.zeros((0, 3), np.float32),
    )
    u, v = np.meshgrid(
        np.arange(sensor.width, dtype=np.float64), np.arange(sensor.height, dtype=np.float64)
    )
    rays = rays_of(camera, np.stack([u.ravel(), v.ravel()], axis=1))
    return Camera(sensor.width, sensor.height, matrix, distortion, base_from_optical, rays)


def rays_of(camera: Camera, pixels: Float64) -> Float32:
    """Unit rays in base_link's axes through pixels (N, 2), as OpenCV counts: float32 (N, 3)."""
    flat = (pixels - camera.matrix[:2, 2]) / camera.matrix[[0, 1], [0, 1]]
    if camera.distortion.any():
        flat = _undistort(flat, camera.distortion)
    rays = np.insert(flat, 2, 1.0, axis=1)
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    return np.asarray(rays @ camera.base_from_optical[:3, :3].T, np.float32)


def _undistort(distorted: Float64, coefficients: Float64) -> Float64:
    """Invert plumb_bob (k1, k2, p1, p2, k3) on normalised points (N, 2) by iteration."""
    k1, k2, p1, p2, k3 = coefficients
    x, y = distorted.T.copy()
    for _ in range(60):
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        dx = 2 * p1 * x * y + p2 * (r2 + 2 * x * x)
        dy = p1 * (r2 + 2 * y * y) + 2 * p2 * x * y
        last = x, y
        x, y = (distorted[:, 0] - dx) / radial, (distorted[:, 1] - dy) / radial
        if max(np.abs(x - last[0]).max(initial=0), np.abs(y - last[1]).max(initial=0)) < 1e-6:
            break
    return np.stack([x, y], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """image: uint8 (H, W, 3) RGB; instances: uint16 (H, W), actor ids; labels: uint8 (H, W)."""

    image: UInt8
    instances: np.ndarray
    labels: UInt8


def take(
    shader: Shader,
    camera: Camera,
    odom_from_base: Float64,
    sensor: CameraSensor,
    seed: int,
    exposure: float = 1.0,
) -> Picture:
    """One picture from a pose of the vehicle."""
    rng = np.random.default_rng(seed)
    shape = (camera.height, camera.width)
    rotation = odom_from_base[:3, :3].astype(np.float32)
    eye = (odom_from_base @ camera.base_from_optical)[:3, 3].astype(np.float32)
    directions = np.ascontiguousarray(camera.rays @ rotation.T)
    origins = np.ascontiguousarray(np.broadcast_to(eye, directions.shape))
    colour, found = shader.shade(origins, directions, camera.pixel_rad, rng, shape)
    _antialias(colour, found, shader, camera, rotation, eye, rng)
    ids = np.concatenate([shader.scene.ids, [0]]).astype(np.uint16)
    instances = ids[found.actor].reshape(shape)
    level = exposure * shader.scene.sky.light.key * _exposure(colour.reshape(*shape, 3))
    image = _develop(colour.reshape(*shape, 3) * np.float32(level), sensor, rng)
    return Picture(image, instances, found.label.reshape(shape))


def _antialias(
    colour: Float32,
    found: Surfels,
    shader: Shader,
    camera: Camera,
    rotation: Float32,
    eye: Float32,
    rng: np.random.Generator,
) -> None:
    """Add two rays to each pixel at the edge of a surface."""
    key = (found.actor * 257 + found.material).reshape(camera.height, camera.width)
    edge = np.zeros(key.shape, np.bool_)
    across, down = key[:, 1:] != key[:, :-1], key[1:] != key[:-1]
    edge[:, 1:] |= across
    edge[:, :-1] |= across
    edge[1:] |= down
    edge[:-1] |= down
    index = np.flatnonzero(edge)
    if not len(index):
        return
    centre = np.stack([index % camera.width, index // camera.width], axis=1).astype(np.float64)
    shifts = ((-0.3, -0.3), (0.3, 0.3))
    rays = np.concatenate([rays_of(camera, centre + shift) for shift in shifts]) @ rotation.T
    rays = np.ascontiguousarray(rays)
    eyes = np.ascontiguousarray(np.broadcast_to(eye, rays.shape))
    more, _ = shader.shade(eyes, rays, camera.pixel_rad, rng)
    more = np.minimum(more, 2.0).reshape(len(shifts), len(index), 3)
    colour[index] = (colour[index] + more.sum(axis=0)) / (1 + len(shifts))


def _exposure(colour: Float32) -> float:
    """Gain that brings the lower two thirds of the picture, where the ground is, to middle grey."""
    sample = colour[colour.shape[0] // 3 :: 4, ::4].reshape(-1, 3).mean(axis=1)
    return 0.3 / max(float(np.mean(np.minimum(sample, 1.5))), 0.02)


def _develop(linear: Float32, sensor: CameraSensor, rng: np.random.Generator) -> UInt8:
    """Lens blur, vignette, bloom, noise, tone curve and gamma: uint8 (H, W, 3)."""
    h, w = linear.shape[:2]
    scale = w / 960
    bright = np.maximum(linear - 1.2, 0)
    if bright.any():
        small = cv2.resize(bright, (w // 4, h // 4), interpolation=cv2.INTER_AREA)
        bloom = cv2.resize(cv2.GaussianBlur(small, (0, 0), 5 * scale), (w, h))
        linear = linear + np.float32(0.12) * bloom
    if sensor.blur_px > 0:
        sigma_px = max(sensor.blur_px * scale, 0.3)
        linear = np.asarray(cv2.GaussianBlur(linear, (0, 0), sigma_px), np.float32)
    y, x = np.ogrid[-1 : 1 : complex(0, h), -1 : 1 : complex(0, w)]
    linear = linear * (1 - 0.2 * ((x * x + y * y * 0.5) / 1.5) ** 1.3).astype(np.float32)[..., None]
    if sensor.noise > 0:
        white = rng.standard_normal((h, w, 3), dtype=np.float32)
        white += np.float32(1.3) * rng.standard_normal((h, w, 1), dtype=np.float32)
        sigma = np.sqrt(
            np.maximum(linear, 0) * np.float32(0.00018) + np.float32(0.00002)
        ) * np.float32(sensor.noise)
        linear = linear + sigma * white * np.float32(0.6)
    value = np.minimum(np.sqrt(np.maximum(linear, 0)) * 2000, 4095).astype(np.uint16)
    dither = rng.random((h, w, 3), dtype=np.float32)
    return np.asarray(_TONES[value] + dither, np.uint8)


def _tone_curve() -> Float32:
    """sRGB value, 0 to 255, of the square root of exposure in steps of 1 / 2000: float32 (4096,).

    Linear in the dark with a soft shoulder in the light, then the encoding of IEC 61966-2-1.
    """
    x = np.square(np.arange(4096) / 2000.0)
    value = np.clip(x * (1 + x / 6.0) / (1 + x * 0.62), 0, 1)
    encoded = np.where(value <= 0.0031308, 12.92 * value, 1.055 * value ** (1 / 2.4) - 0.055)
    return np.asarray(np.minimum(encoded * 255, 254.999), np.float32)


_TONES = _tone_curve()
