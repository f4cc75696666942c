"""The nuScenes frame of the data folder as the values that fusion takes, with its labelled boxes.

Extrinsics are those of the info file; the vehicle's motion between the stamps follows from its
matrices that lead from the LiDAR at its stamp to each camera at its own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.ego import extrapolate
from s2m_ros.fusion.transforms import apply, from_yaw, invert
from s2m_ros.types import EgoPose, Float64, ObjectMask, ObjectMasks, Prompt, Role, RoleMap, Sweep

SIZE, GRID = (1600, 900), (800, 450)
_NONE = np.zeros((0, 2), np.float32)


@dataclass(frozen=True)
class Labelled:
    """A labelled box in base_link at the sweep's stamp; points: LiDAR returns inside it."""

    centre: Float64
    size: Float64
    yaw: float
    points: int
    corners: Float64


@dataclass(frozen=True)
class Frame:
    rig: Rig
    models: dict[str, CameraModel]
    masks: list[ObjectMasks]
    sweep: Sweep
    ego: EgoPose
    sweep_ego: EgoPose
    boxes: list[Labelled]
    folder: Path
    info: dict[str, Any]


def load(folder: Path) -> Frame:
    info = json.loads((folder / "info.json").read_text())["data_list"][0]
    base_from_lidar = np.array(info["lidar_points"]["lidar2ego"])
    sweep_ns = round(info["timestamp"] * 1e9)
    raw = np.fromfile(folder / info["lidar_points"]["lidar_path"], np.float32).reshape(-1, 5)
    sweep = Sweep(sweep_ns, "lidar", raw[:, :3].copy())
    frames, models, stamps, velocity = {"lidar": base_from_lidar}, {}, {}, []
    for name, image in info["images"].items():
        frames[name] = np.array(image["cam2ego"])
        matrix = np.array(image["cam2img"])[:3, :3]
        models[name] = CameraModel.from_parameters(name, SIZE, "plumb_bob", matrix)
        stamps[name] = round(image["timestamp"] * 1e9)
        then = base_from_lidar @ invert(np.array(image["lidar2cam"])) @ invert(frames[name])
        if stamps[name] < sweep_ns - 5_000_000:
            velocity.append(then[:3, 3] / ((stamps[name] - sweep_ns) * 1e-9))
    sweep_ego = EgoPose(sweep_ns, np.eye(4), np.median(velocity, axis=0), np.zeros(3))
    boxes = [_labelled(item, base_from_lidar, raw) for item in info["instances"]]
    masks = [
        _masks(name, stamps[name], models[name], frames[name], boxes, sweep_ego) for name in models
    ]
    ego = extrapolate(sweep_ego, max(stamps.values()))
    return Frame(Rig(frames), models, masks, sweep, ego, sweep_ego, boxes, folder, info)


def _labelled(item: dict[str, Any], base_from_lidar: Float64, raw: Any) -> Labelled:
    x, y, z, length, width, height, yaw = item["bbox_3d"]
    lidar_from_box = from_yaw(yaw, (x, y, z))
    inside = apply(invert(lidar_from_box), raw[:, :3].astype(float))
    half = np.array([length, width, height]) / 2
    count = int((np.abs(inside) < half + 0.05).all(axis=1).sum())
    signs = np.array([[a, b, c] for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)])
    base_from_box = base_from_lidar @ lidar_from_box
    angle = float(np.arctan2(base_from_box[1, 0], base_from_box[0, 0]))
    corners = apply(base_from_box, signs * half)
    return Labelled(base_from_box[:3, 3], 2 * half, angle, count, corners)


def _masks(
    name: str,
    stamp_ns: int,
    model: CameraModel,
    base_from_camera: Float64,
    boxes: list[Labelled],
    sweep_ego: EgoPose,
) -> ObjectMasks:
    """The outline of each box where the camera saw it, the nearer before the farther."""
    camera_from_base = invert(extrapolate(sweep_ego, stamp_ns).odom_from_base @ base_from_camera)
    owner = np.full(GRID[::-1], -1, np.int32)
    by_distance = sorted(range(len(boxes)), key=lambda k: -float(np.hypot(*boxes[k].centre[:2])))
    for k in by_distance:
        corners = apply(camera_from_base, boxes[k].corners)
        if (corners[:, 2] < 0.5).any():
            continue
        flat = corners[:, :2] / corners[:, 2:] @ model.matrix[:2, :2].T + model.matrix[:2, 2] + 0.5
        hull = cv2.convexHull((flat / 2).astype(np.int32))
        if np.abs(hull).max() < 5000:
            cv2.fillConvexPoly(owner, hull, k)
    items = []
    for k in np.unique(owner[owner >= 0]).tolist():
        rows, columns = np.nonzero(owner == k)
        if len(rows) < 12 or boxes[k].points < 5:
            continue
        y, x = int(rows.min()), int(columns.min())
        bits = (owner == k)[y : rows.max() + 1, x : columns.max() + 1].copy()
        box = 2 * np.array([x, y, columns.max() + 1, rows.max() + 1], np.float32)
        prompt = Prompt(box, _NONE, _NONE[:, 0], 1.0, 1.0)
        items.append(ObjectMask(k, x, y, bits, box, 0.99, 1.0, 2.0, 0.8, 0.9, prompt))
    roles = RoleMap(np.full((90, 160), Role.SURFACE, np.uint8), SIZE)
    return ObjectMasks(stamp_ns, name, name, SIZE, GRID, tuple(items), roles, "labels")
