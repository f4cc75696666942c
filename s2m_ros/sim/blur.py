"""Motion blur: how far each pixel's surface moves over the picture while it is exposed."""

from __future__ import annotations

import cv2
import numpy as np

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.sim.scene import Scene
from s2m_ros.sim.shader import Surfels
from s2m_ros.types import Float32, Float64

STEP = 4
"""The flow is computed for every fourth pixel of every fourth row."""
LEAST_PX, MOST_PX = 1.0, 40.0
FAR_M = 1e4


def flow(
    found: Surfels,
    scene: Scene,
    model: CameraModel,
    exposure_s: float,
    before: Float64,
    after: Float64,
) -> Float32:
    """Movement in px over the exposure at every ``STEP``-th pixel: float32 (h, w, 2).

    before, after: float64 (4, 4), from the optical frame to the world at its two ends.
    """
    width, height = model.size
    rows, columns = np.mgrid[STEP // 2 : height : STEP, STEP // 2 : width : STEP]
    index = (rows * width + columns).ravel()
    point = found.point[index].astype(np.float64)
    sky = ~np.isfinite(found.distance[index])
    eye = before[:3, 3]
    if sky.any():
        pixels = np.stack([columns.ravel()[sky] + 0.5, rows.ravel()[sky] + 0.5], axis=1)
        point[sky] = eye + FAR_M * model.ray(pixels) @ before[:3, :3].T
    moved = point.copy()
    actor = found.actor[index]
    for i, pose in enumerate(scene.poses):
        if pose.speed == 0 and pose.turn_rate == 0:
            continue
        own = np.flatnonzero(actor == i)
        arm = point[own, :2] - (pose.x, pose.y)
        speed = pose.speed * np.array([np.cos(pose.yaw), np.sin(pose.yaw)])
        spin = pose.turn_rate * np.stack([-arm[:, 1], arm[:, 0]], axis=1)
        moved[own, :2] += exposure_s * (speed + spin)
    ends = []
    for points, lens in ((point, before), (moved, after)):
        optical = (points - lens[:3, 3]) @ lens[:3, :3]
        ends.append(model.project(optical)[0])
    out = np.nan_to_num(ends[1] - ends[0])
    length = np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
    out *= np.minimum(1.0, MOST_PX / length)
    return np.asarray(out.reshape(*rows.shape, 2), np.float32)


def motion_blur(
    linear: Float32,
    found: Surfels,
    scene: Scene,
    model: CameraModel,
    exposure_s: float,
    before: Float64,
    after: Float64,
) -> Float32:
    """The picture, float32 (H, W, 3), smeared along the flow; as it is where nothing moves."""
    moved = flow(found, scene, model, exposure_s, before, after)
    longest = float(np.quantile(np.linalg.norm(moved, axis=2), 0.995))
    if longest < LEAST_PX:
        return linear
    height, width = linear.shape[:2]
    full = cv2.resize(moved, (width, height), interpolation=cv2.INTER_LINEAR)
    taps = int(np.clip(np.ceil(longest), 3, 7))
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    total = np.zeros_like(linear)
    for share in np.linspace(-0.5, 0.5, taps).astype(np.float32):
        at = (x + share * full[..., 0], y + share * full[..., 1])
        total += cv2.remap(linear, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(total / taps, np.float32)
