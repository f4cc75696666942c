"""A small drive with known contents: two unknown objects and a person on a plain.

``toy_model`` finds what is painted in ``OBJECT_COLOUR``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from s2m_ros.bags import BagWriter
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import apply, from_yaw, invert
from s2m_ros.types import (
    EgoPose,
    Evidence,
    Float64,
    Hazard,
    Hazards,
    Health,
    Level,
    ObjectMask,
    ObjectMasks,
    Prompt,
    RangeSource,
    Role,
    State,
    Sweep,
    Track,
    TrackState,
)
from s2m_ros.wire import topics
from s2m_ros.wire.camera_info import encode_camera_info
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.geometry import header
from s2m_ros.wire.hazards import encode_hazards
from s2m_ros.wire.health import encode_health
from s2m_ros.wire.image import encode_image
from s2m_ros.wire.masks import encode_masks
from s2m_ros.wire.odometry import encode_odometry
from s2m_ros.wire.pointcloud import encode_sweep
from s2m_ros.wire.tf import Transform, encode_transforms
from s2m_ros.wire.truth import TRUTH, TruthFrame, TruthObject, TruthView, encode_truth

FACTORY = RosbagsFactory()
START_NS = 1_700_000_000_000_000_000
FRAMES = 30
SIZE = (320, 192)
OBJECT_COLOUR = (150, 50, 30)
OPTICAL = np.array([[0, 0, 1, 1.5], [-1, 0, 0, 0], [0, -1, 0, 1.6], [0, 0, 0, 1.0]])
LIDAR = from_yaw(0.0, (1.0, 0.0, 1.9))
CAMERA = CameraModel.from_parameters(
    "test", SIZE, "plumb_bob", [260, 0, 160, 0, 260, 70, 0, 0, 1], np.zeros(5)
)
RIG = Rig({"optical": OPTICAL, "lidar": LIDAR}, {"front": CAMERA}, {"front": "optical"})
OBJECTS = (
    TruthObject(
        1, "suitcase <b>", Role.UNKNOWN, np.array([22.0, 0.6, 0.3]), np.array([0.8, 0.5, 0.6]), 0.4,
        400, 60,
    ),
    TruthObject(
        2, "chock", Role.UNKNOWN, np.array([16.0, -2.5, 0.1]), np.array([0.4, 0.2, 0.2]), 0.0, 80, 9
    ),
    TruthObject(
        3, "person", Role.PERSON, np.array([26.0, 5.0, 0.9]), np.array([0.5, 0.6, 1.8]), 0.0,
        300, 40,
    ),
)  # fmt: skip


def ego_at(i: int) -> EgoPose:
    pose = from_yaw(0.0, (0.5 * i, 0.0, 0.0))
    return EgoPose(START_NS + i * 100_000_000, pose, np.array([5.0, 0, 0]), np.zeros(3))


def corners(item: TruthObject) -> Float64:
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    return apply(from_yaw(item.yaw, item.position), signs * item.size)


def image_box(item: TruthObject, ego: EgoPose) -> Float64 | None:
    camera = apply(invert(OPTICAL) @ invert(ego.odom_from_base), corners(item))
    pixels, held = CAMERA.project(camera)
    return np.concatenate([pixels.min(0), pixels.max(0)]) if held.all() else None


def in_view(item: TruthObject, box: Float64 | None) -> TruthObject:
    """The object with what the camera sees of it."""
    if box is None:
        return item
    x0, y0, x1, y1 = (int(v) for v in box)
    pixels = (x1 + 1 - x0) * (y1 + 1 - y0)
    return replace(item, views={"front": TruthView(pixels, (x0, y0, x1 + 1, y1 + 1), 1.0)})


def mask_of(number: int, box: Float64) -> ObjectMask:
    x0, y0, x1, y1 = (int(v) for v in np.floor(box / 4))
    bits = np.ones((max(1, y1 - y0 + 1), max(1, x1 - x0 + 1)), np.bool_)
    bits = bits[: SIZE[1] // 4 - y0, : SIZE[0] // 4 - x0]
    prompt = Prompt(
        box.astype(np.float32),
        np.array([[box[0], box[1]]], np.float32),
        np.ones(1, np.float32),
        0.99,
        0.3,
    )
    return ObjectMask(
        number, x0, y0, bits, box.astype(np.float32), 0.9, 0.99, 0.4, 0.8, 0.9, prompt
    )


def hazard_of(item: TruthObject, ego: EgoPose, hits: int, mask_id: int) -> Hazard:
    range_m = float(np.linalg.norm((item.position - ego.odom_from_base[:3, 3])[:2])) - 3
    level = Level.CRITICAL if range_m < 6 else Level.WARNING if range_m < 12 else Level.CAUTION
    track = Track(
        id=10 + item.id,
        state=TrackState.CONFIRMED if hits >= 3 else TrackState.TENTATIVE,
        position=item.position + np.array([0.1, -0.05, 0.0]),
        velocity=np.zeros(3),
        covariance=np.eye(6) * 0.02,
        size=item.size,
        yaw=item.yaw,
        footprint=corners(item)[[0, 4, 6, 2]][:, :2],
        height=float(item.size[2]),
        existence=0.95,
        hits=hits,
        first_ns=START_NS,
        last_ns=ego.stamp_ns,
        evidence=Evidence.CAMERA | Evidence.LIDAR,
        range_source=RangeSource.LIDAR,
        point_count=20,
        score=0.99,
        contrast=0.4,
        camera="front",
        mask_id=mask_id,
    )
    text = f"{item.name} {range_m:.1f} m ahead & closing"
    return Hazard(
        track, level, ("distance", "on_path"), text, range_m, 5.0, range_m / 5.0, hits < 3
    )


def picture(i: int, boxes: list[Float64]) -> Any:
    image = np.full((SIZE[1], SIZE[0], 3), (120, 124, 128), np.uint8)
    image[:70] = (176, 200, 224)
    for box in boxes:
        x0, y0, x1, y1 = (int(v) for v in box)
        cv2.rectangle(image, (x0, y0), (x1, y1), OBJECT_COLOUR, -1)
    return image


def surface(item: TruthObject) -> Float64:
    """Points on the sides of a box, float64 (N, 3)."""
    u, v = (g.ravel() for g in np.meshgrid(np.linspace(-0.5, 0.5, 13), np.linspace(-0.45, 0.5, 9)))
    side = np.full(u.shape, 0.5)
    faces = [np.column_stack(c) for c in ((-side, u, v), (side, u, v), (u, -side, v), (u, side, v))]
    return np.asarray(apply(from_yaw(item.yaw, item.position), np.vstack(faces) * item.size))


def write_drive(
    path: Path, mode: str = "live", seen: tuple[int, ...] = (1, 2), results: bool = True
) -> Path:
    """Tracks 11 and 12 follow objects 1 and 2; ``seen`` names the objects that get hazards.

    Without ``results`` the bag holds what the sensors say, and the truth.
    """
    rng = np.random.default_rng(1)
    delays_ms = {"masks": 80, "objects": 90, "hazards": 95, "markers": 96}
    with BagWriter(path, about={"mode": mode}) as bag:
        transforms = [Transform(START_NS, "base_link", f, m) for f, m in RIG.frames.items()][1:]
        bag.write(topics.TF_STATIC, encode_transforms(FACTORY, transforms), START_NS)
        for i in range(FRAMES):
            ego = ego_at(i)
            ns = ego.stamp_ns
            found = {t.id: b for t in OBJECTS if (b := image_box(t, ego)) is not None}
            hazards = [
                hazard_of(t, ego, i + 1, t.id if t.id in found else -1)
                for t in OBJECTS
                if t.id in seen
            ]
            masks = [mask_of(k, found[k]) for k in found if k in seen]
            ground = np.column_stack(
                [rng.uniform(3, 35, 1500), rng.uniform(-9, 9, 1500), np.zeros(1500)]
            )
            cloud = np.vstack([ground, *(surface(t) - ego.odom_from_base[:3, 3] for t in OBJECTS)])
            sweep = Sweep(ns, "lidar", apply(invert(LIDAR), cloud).astype(np.float32))
            image = picture(i, list(found.values()))
            state = State.DEGRADED if 10 <= i < 14 else State.OK
            reason = "no LiDAR <sweep>" if state else ""
            write(bag, topics.ODOM, encode_odometry(FACTORY, ego, "odom", "base_link"), ns)
            info = encode_camera_info(FACTORY, ns, "optical", CAMERA)
            write(bag, topics.camera_info("front"), info, ns)
            write(bag, topics.POINTS, encode_sweep(FACTORY, sweep), ns)
            write(bag, topics.image("front"), encode_image(FACTORY, ns, "optical", image), ns)
            real = tuple(in_view(t, found.get(t.id)) for t in OBJECTS)
            write(bag, TRUTH, encode_truth(FACTORY, TruthFrame(ns, "odom", real)), ns)
            grid = (SIZE[0] // 4, SIZE[1] // 4)
            frame = ObjectMasks(
                ns, "front", "optical", SIZE, grid, tuple(masks), None, "learned", sequence=i
            )
            if i == 20 or not results:
                continue  # 20: a frame that the camera node dropped
            array = Hazards(ns, "odom", tuple(hazards), ego, state, reason, i)
            write(bag, topics.masks("front"), encode_masks(FACTORY, frame), ns, delays_ms["masks"])
            message = encode_hazards(FACTORY, array)
            write(bag, topics.HAZARDS, message, ns, delays_ms["hazards"])
            marker = FACTORY.make(
                "visualization_msgs/msg/Marker", header=header(FACTORY, ns, "odom"), ns="status"
            )
            markers = FACTORY.make("visualization_msgs/msg/MarkerArray", markers=[marker])
            write(bag, topics.MARKERS, markers, ns, delays_ms["markers"])
            if i % 10 == 0:
                health = Health("fusion", state, reason, ns, i // 10)
                write(bag, topics.HEALTH, encode_health(FACTORY, health, 0.1), ns, 5)
    return path


def write(bag: BagWriter, topic: str, message: Any, ns: int, delay_ms: int = 0) -> None:
    bag.write(topic, message, ns + delay_ms * 1_000_000)
