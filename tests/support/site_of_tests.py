"""A small site as the sensors see it: flat ground, a 1 m box whose front is 10 m ahead.

camera: 320x192, 1.6 m over base_link and 1.5 m ahead of it, looking forward; lidar: 2 m over it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import toy_model
from bench import Bench
from values import ego, mask, masks

from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.types import Float32, Sweep
from s2m_ros.wire.camera_info import encode_camera_info
from s2m_ros.wire.image import encode_image
from s2m_ros.wire.masks import encode_masks
from s2m_ros.wire.odometry import encode_odometry
from s2m_ros.wire.pointcloud import encode_sweep

SIZE = (320, 192)
BOX_PX = (142, 117, 178, 153)
BOX_RANGE_M = 10.0
OPTICAL, LIDAR = "front_optical_frame", "lidar"
CAMERA = CameraModel.from_parameters(
    "site", SIZE, "plumb_bob", [300, 0, 159.5, 0, 300, 95.5, 0, 0, 1]
)
BASE_FROM_OPTICAL = np.array(
    [[0, 0, 1, 1.5], [-1, 0, 0, 0], [0, -1, 0, 1.6], [0, 0, 0, 1]], np.float64
)
BASE_FROM_LIDAR = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 2], [0, 0, 0, 1]], np.float64)


def rig_file(folder: Path) -> Path:
    path = folder / "rig.yaml"
    Rig({OPTICAL: BASE_FROM_OPTICAL, LIDAR: BASE_FROM_LIDAR}).save(path)
    return path


def points() -> Float32:
    """float32 (N, 3) in the lidar frame."""
    x, y = np.meshgrid(np.arange(3, 30, 0.4), np.arange(-10, 10, 0.4))
    ground = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], 1)
    y, z = np.meshgrid(np.arange(-0.5, 0.5, 0.05), np.arange(0.03, 1.0, 0.05))
    front = np.stack([np.full(y.size, BOX_RANGE_M), y.ravel(), z.ravel()], 1)
    return (np.concatenate([ground, front]) - BASE_FROM_LIDAR[:3, 3]).astype(np.float32)


class Site:
    """Publishes one instant after the other. ``skip`` names what does not go out; ``change`` maps a
    name to a function that alters its message before it goes out.
    """

    def __init__(self, bench: Bench, *, masks_directly: bool = False) -> None:
        self.bench = bench
        self.skip: set[str] = set()
        self.change: dict[str, Any] = {}
        self._points = points()
        self._first_ns = bench.now_ns()
        kinds = {
            "info": ("sensor_msgs/msg/CameraInfo", "camera/front/camera_info"),
            "odom": ("nav_msgs/msg/Odometry", "odom"),
            "cloud": ("sensor_msgs/msg/PointCloud2", "points"),
        }
        if masks_directly:
            kinds["masks"] = ("s2m_msgs/msg/ObjectMaskArray", "s2m/front/masks")
        else:
            kinds["image"] = ("sensor_msgs/msg/Image", "camera/front/image_raw")
        from s2m_ros.nodes.qos import reliable_qos

        self._publishers = {
            name: bench.publisher(kind, topic, reliable_qos(10))
            for name, (kind, topic) in kinds.items()
        }

    def send(self) -> None:
        ns = self.bench.now_ns()
        for name, publisher in self._publishers.items():
            if name in self.skip:
                continue
            message = self._make(name, ns)
            if name in self.change:
                self.change[name](message)
            publisher.publish(message)

    def _make(self, name: str, ns: int) -> Any:
        factory = self.bench.factory
        if name == "info":
            return encode_camera_info(factory, ns, OPTICAL, CAMERA)
        if name == "odom":  # standing at the origin
            still = ego(ns, 0.0, 0.0)
            still.odom_from_base[:3, 3] = 0
            still.velocity[:] = still.turn_rate[:] = 0
            return encode_odometry(factory, still, "odom", "base_link")
        if name == "cloud":
            return encode_sweep(factory, Sweep(ns, LIDAR, self._points))
        if name == "image":
            return encode_image(factory, ns, OPTICAL, toy_model.scene([BOX_PX], SIZE))
        x0, y0, x1, y1 = (v // 4 for v in BOX_PX)
        item = mask(1, np.ones((y1 - y0, x1 - x0), np.bool_), x0, y0)
        item.box[:] = BOX_PX
        return encode_masks(factory, masks(ns, (item,), image_size=SIZE))
