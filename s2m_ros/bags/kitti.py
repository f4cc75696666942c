"""KITTI raw data to a bag: the left colour camera, the LiDAR, and where both sit on the car.

What the data does not have is not made up, with two exceptions that the bag needs: frames are
stamped 10 Hz apart from a fixed date (the recording rate), and base_link lies on the ground under
the rear axle by the published drawing of the car. There is no odometry: objects stay in base_link
and velocities are relative to the car.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from s2m_ros.bags.errors import BagError
from s2m_ros.bags.writer import BagWriter
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import invert
from s2m_ros.types import Float64, Sweep, UInt8
from s2m_ros.wire import topics
from s2m_ros.wire.camera_info import encode_camera_info
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.geometry import header
from s2m_ros.wire.image import encode_image
from s2m_ros.wire.pointcloud import encode_sweep
from s2m_ros.wire.protocol import MessageFactory
from s2m_ros.wire.tf import Transform, encode_transforms

CAMERA = "front"
OPTICAL_FRAME = "camera_front_optical_frame"
LIDAR_FRAME = "velodyne"
START_NS = 1_317_000_000_000_000_000
PERIOD_NS = 100_000_000

# http://www.cvlibs.net/datasets/kitti/setup.php: the LiDAR is 0.76 m before the rear axle and
# 1.73 m over the ground.
_BASE_FROM_LIDAR = np.array([[1, 0, 0, 0.76], [0, 1, 0, 0], [0, 0, 1, 1.73], [0, 0, 0, 1.0]])


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was written. without_sweep: frames whose LiDAR file is missing."""

    bag: Path
    frames: int
    sweeps: int
    without_sweep: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """matrix: float64 (3, 3) of the rectified left colour camera; camera_from_lidar: (4, 4)."""

    matrix: Float64
    camera_from_lidar: Float64


def convert(
    source: Path,
    out: Path,
    *,
    compressed: bool = False,
    overwrite: bool = False,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Conversion:
    """Write the folder ``source`` (image_02, velodyne_front, calib.txt) as the bag ``out``.

    compressed keeps the JPEG files as they are instead of raw bgr8 images. The extrinsics are in
    /tf_static and in ``calibration.yaml`` inside the bag. advance(done, total) is called per frame.
    Raises BagError naming what is missing or not as expected.
    """
    images = _images(source)
    calibration = read_calibration(source / "calib.txt")
    camera_from_lidar = calibration.camera_from_lidar
    first = _read_image(images[0])
    camera = CameraModel.from_parameters(
        str(source / "calib.txt"),
        (first.shape[1], first.shape[0]),
        "plumb_bob",
        calibration.matrix.ravel(),
        np.zeros(5),
    )
    rig = Rig(
        {
            LIDAR_FRAME: _BASE_FROM_LIDAR,
            OPTICAL_FRAME: _BASE_FROM_LIDAR @ invert(camera_from_lidar),
        },
        {CAMERA: camera},
        {CAMERA: OPTICAL_FRAME},
    )
    factory = RosbagsFactory()
    missing = []
    with BagWriter(out, overwrite=overwrite) as bag:
        transforms = [
            Transform(START_NS, rig.base_frame, frame, rig.frames[frame])
            for frame in (LIDAR_FRAME, OPTICAL_FRAME)
        ]
        bag.write(topics.TF_STATIC, encode_transforms(factory, transforms), START_NS)
        for i, path in enumerate(images):
            stamp_ns = START_NS + i * PERIOD_NS
            info = encode_camera_info(factory, stamp_ns, OPTICAL_FRAME, camera)
            bag.write(topics.camera_info(CAMERA), info, stamp_ns)
            sweep_path = _sweep_path(source, path.stem)
            if sweep_path is None:
                missing.append(path.stem)
            else:
                sweep = read_sweep(sweep_path, stamp_ns)
                bag.write(topics.POINTS, encode_sweep(factory, sweep), stamp_ns)
            if compressed:
                message = _compressed(factory, path, stamp_ns)
                bag.write(topics.image(CAMERA, "compressed"), message, stamp_ns)
            else:
                image = _read_image(path)
                message = encode_image(factory, stamp_ns, OPTICAL_FRAME, image, "bgr8")
                bag.write(topics.image(CAMERA), message, stamp_ns)
            advance(i + 1, len(images))
    rig.save(out / "calibration.yaml")
    return Conversion(out, len(images), len(images) - len(missing), tuple(missing))


def read_calibration(path: Path) -> Calibration:
    """Read calib.txt (P2, R0_rect, Tr_velo_to_cam). Raises BagError naming file and entry."""
    try:
        lines = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
    except (OSError, UnicodeDecodeError) as error:
        raise BagError(str(path), f"cannot be read ({error})", "copy KITTI's calib.txt") from error
    projection = _entry(path, lines, "P2", 12).reshape(3, 4)
    rectify, move = np.eye(4), np.eye(4)
    rectify[:3, :3] = _entry(path, lines, "R0_rect", 9).reshape(3, 3)
    move[:3] = _entry(path, lines, "Tr_velo_to_cam", 12).reshape(3, 4)
    # P2 = K [I | t]: the colour camera sits beside the grey one that the LiDAR is calibrated to.
    beside = np.eye(4)
    beside[:3, 3] = np.linalg.solve(projection[:, :3], projection[:, 3])
    return Calibration(projection[:, :3].copy(), _rigid(beside @ rectify @ move))


def read_sweep(path: Path, stamp_ns: int) -> Sweep:
    """Read a .npz with 'xyzi' (N, 4), or a .bin of float32 (N, 4). Raises BagError."""
    try:
        if path.suffix == ".npz":
            with np.load(path) as archive:
                values = archive["xyzi"].astype(np.float32)
        else:
            values = np.fromfile(path, np.float32).reshape(-1, 4)
    except (OSError, KeyError, ValueError) as error:
        raise BagError(
            str(path), f"not a sweep ({error})", "expected 'xyzi' or float32 x y z intensity"
        ) from error
    values = values[np.isfinite(values).all(axis=1)]
    return Sweep(stamp_ns, LIDAR_FRAME, np.ascontiguousarray(values[:, :3]), values[:, 3].copy())


def _images(source: Path) -> list[Path]:
    folder = source / "image_02"
    found = sorted(p for p in folder.rglob("*") if p.suffix in {".jpg", ".jpeg", ".png"})
    if not found:
        raise BagError(
            str(source),
            f"no images under {folder.name}/",
            "give a KITTI folder with image_02/, velodyne_front/ and calib.txt",
        )
    return found


def _sweep_path(source: Path, stem: str) -> Path | None:
    folders = ("velodyne_front", "velodyne_points/data", "velodyne")
    candidates = (source / f / f"{stem}{ext}" for f in folders for ext in (".npz", ".bin"))
    return next((p for p in candidates if p.is_file()), None)


def _read_image(path: Path) -> UInt8:
    """uint8 (H, W, 3), BGR."""
    image = cv2.imread(str(path))
    if image is None:
        raise BagError(str(path), "not an image that OpenCV reads", "copy the file again")
    return np.asarray(image, np.uint8)


def _compressed(factory: MessageFactory, path: Path, stamp_ns: int) -> Any:
    kind = "png" if path.suffix == ".png" else "jpeg"
    return factory.make(
        "sensor_msgs/msg/CompressedImage",
        header=header(factory, stamp_ns, OPTICAL_FRAME),
        format=f"bgr8; {kind} compressed bgr8",
        data=np.frombuffer(path.read_bytes(), np.uint8),
    )


def _entry(path: Path, lines: Mapping[str, str], name: str, count: int) -> Float64:
    try:
        values = np.array(lines[name].split(), np.float64)
    except (KeyError, ValueError):
        values = np.empty(0)
    if len(values) != count:
        raise BagError(str(path), f"no entry {name} of {count} numbers", "copy KITTI's calib.txt")
    return values


def _rigid(matrix: Float64) -> Float64:
    """The nearest rigid transform: the file's rotations are rounded to seven digits."""
    u, _, vt = np.linalg.svd(matrix[:3, :3])
    result = matrix.copy()
    result[:3, :3] = u @ vt
    return np.asarray(result)
