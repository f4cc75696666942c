"""Small valid messages and files to start from."""

from __future__ import annotations

import json
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import values
import yaml
from drives import CAMERA, LIDAR, OPTICAL, SIZE

from s2m_ros.bags import BagWriter
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.perception.calibration import Quantiles
from s2m_ros.runtime import site
from s2m_ros.types import EgoPose, Health, Role, State, Sweep, Tracks
from s2m_ros.wire.camera_info import encode_camera_info
from s2m_ros.wire.candidates import encode_candidates, encode_score
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.geometry import header
from s2m_ros.wire.hazards import encode_hazards
from s2m_ros.wire.health import encode_health
from s2m_ros.wire.image import LAYOUTS, encode_compressed, encode_image
from s2m_ros.wire.masks import encode_masks
from s2m_ros.wire.objects import encode_objects
from s2m_ros.wire.odometry import encode_odometry
from s2m_ros.wire.pointcloud import encode_sweep
from s2m_ros.wire.tf import Transform, encode_transforms
from s2m_ros.wire.tracks import encode_tracks
from s2m_ros.wire.truth import TruthFrame, TruthObject, encode_instances, encode_truth

NS = 1_700_000_000_000_000_000
F = RosbagsFactory()
REPOSITORY = Path(__file__).resolve().parents[3]


def images() -> list[Any]:
    """A small image of each encoding."""
    made = []
    for encoding, layout in LAYOUTS.items():
        width, height = 8, 6
        row = width * layout.channels * np.dtype(layout.dtype).itemsize
        rows = height * layout.half_rows // 2
        made.append(
            F.make(
                "sensor_msgs/msg/Image",
                header=header(F, NS, "optical"),
                width=width, height=height, encoding=encoding, is_bigendian=0, step=row,
                data=np.arange(row * rows).astype(np.uint8),
            )
        )  # fmt: skip
    return made


def compressed() -> list[Any]:
    picture = np.arange(40 * 30 * 3).reshape(30, 40, 3).astype(np.uint8)
    jpeg = encode_compressed(F, NS, "optical", picture)
    import cv2

    png = F.make(
        "sensor_msgs/msg/CompressedImage",
        header=header(F, NS, "optical"),
        format="rgb8; png compressed rgb8",
        data=cv2.imencode(".png", picture)[1].reshape(-1),
    )
    return [jpeg, png]


def picture() -> Any:
    """An image that the toy model finds something in."""
    from toy_model import scene

    return encode_image(F, NS, "optical", scene([(40, 100, 88, 140)], SIZE))


def camera_infos() -> list[Any]:
    fisheye = CameraModel.from_parameters(
        "base", SIZE, "equidistant", [200, 0, 160, 0, 200, 96, 0, 0, 1], [0.1, -0.01, 0, 0]
    )
    bent = CameraModel.from_parameters(
        "base", SIZE, "rational_polynomial", [200, 0, 160, 0, 200, 96, 0, 0, 1],
        [0.1, -0.2, 0.001, 0.002, 0.05, 0.1, -0.1, 0.01],
    )  # fmt: skip
    return [encode_camera_info(F, NS, "optical", camera) for camera in (CAMERA, fisheye, bent)]


def sweep(ns: int = NS) -> Sweep:
    rng = np.random.default_rng(1)
    ground = np.column_stack([rng.uniform(3, 35, 600), rng.uniform(-9, 9, 600), np.zeros(600)])
    thing = np.column_stack(
        [rng.uniform(9.6, 10, 60), rng.uniform(0.5, 1.5, 60), rng.uniform(0, 0.6, 60)]
    )
    points = np.vstack([ground, thing]) - LIDAR[:3, 3]
    count = len(points)
    return Sweep(
        ns, "lidar", points.astype(np.float32), np.ones(count, np.float32), np.arange(count)
    )


def clouds() -> list[Any]:
    whole = sweep()
    few = Sweep(NS, "lidar", whole.points[:7])
    return [encode_sweep(F, whole), encode_sweep(F, few)]


def ego(ns: int = NS, x: float = 0.0) -> EgoPose:
    return EgoPose(ns, from_yaw(0.1, (x, 0, 0)), np.array([5.0, 0, 0]), np.zeros(3))


def odometry() -> list[Any]:
    return [encode_odometry(F, ego(), "odom", "base_link")]


def transforms() -> list[Any]:
    places = [("optical", OPTICAL), ("lidar", LIDAR)]
    return [encode_transforms(F, [Transform(NS, "base_link", f, m) for f, m in places])]


def masks(ns: int = NS) -> Any:
    made = values.masks(ns, image_size=SIZE)
    made = type(made)(
        **{n: getattr(made, n) for n in made.__dataclass_fields__} | {"frame_id": "optical"}
    )
    return encode_masks(F, made)


def objects() -> list[Any]:
    two = values.objects(NS, (values.object3d(), values.object3d(4, (14.0, -2.0, 0.4))))
    return [encode_objects(F, two), encode_objects(F, values.objects(NS, with_ego=False))]


def hazards() -> list[Any]:
    return [encode_hazards(F, values.hazards(NS))]


def deserialised(data: bytes, kind: str) -> Any:
    return F.typestore.deserialize_cdr(data, kind)


def tracks() -> list[Any]:
    found = values.hazards(NS)
    made = Tracks(NS, "odom", tuple(h.track for h in found.items), found.ego, deleted={"lost": 2})
    return [deserialised(encode_tracks(made), "s2m_msgs/msg/TrackArray")]


@lru_cache
def weighed() -> list[Any]:
    """What a toy model weighed in an image, and its score map."""
    import toy_model

    from s2m_ros.config import load
    from s2m_ros.runtime.build import build_perception

    with tempfile.TemporaryDirectory() as folder:
        model = str(toy_model.write(Path(folder) / "toy"))
        perception = build_perception(load(overrides={"perception.model.path": model}).perception)
    frame = perception.perceive(toy_model.scene([(40, 100, 88, 140)], SIZE), NS, "front", "optical")
    candidates = deserialised(encode_candidates(frame), "s2m_msgs/msg/MaskCandidateArray")
    return [candidates, encode_score(F, NS, "optical", frame.score)]


def health() -> list[Any]:
    return [encode_health(F, Health("camera_front", State.OK, "", NS, 1), 0.1)]


def truths() -> list[Any]:
    item = TruthObject(1, "chock", Role.UNKNOWN, np.zeros(3), np.ones(3), 0.0)
    return [encode_truth(F, TruthFrame(NS, "odom", (item,)))]


def instances() -> list[Any]:
    return [encode_instances(F, NS, "optical", np.arange(48, dtype=np.uint16).reshape(6, 8))]


@lru_cache
def config_tree() -> Any:
    from s2m_ros.config import Config

    return Config().model_dump(mode="json")


@lru_cache
def policy_tree() -> Any:
    from s2m_ros.hazards.rulebook import DEFAULT

    return yaml.safe_load(DEFAULT.read_text())


@lru_cache
def zones_tree() -> Any:
    return json.loads((REPOSITORY / "launch/config/zones_example.geojson").read_text())


@lru_cache
def manifest_tree() -> Any:
    import toy_model

    with tempfile.TemporaryDirectory() as folder:
        return yaml.safe_load((toy_model.write(Path(folder) / "toy") / "model.yaml").read_text())


@lru_cache
def rig_tree() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rig.yaml"
        Rig({"optical": OPTICAL, "lidar": LIDAR}, {"front": CAMERA}, {"front": "optical"}).save(
            path
        )
        return yaml.safe_load(path.read_text())


@lru_cache
def scenario_tree() -> Any:
    return yaml.safe_load((REPOSITORY / "s2m_ros/sim/scenarios/stand.yaml").read_text())


@lru_cache
def site_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "site.npz"
        table = Quantiles.fit(np.linspace(-3, 5, 5000, dtype=np.float32))
        site.save(site.Site("0" * 64, {"learned": table}, None, {"learned": 0.2}, {"a": "b"}), path)
        return path.read_bytes()


@lru_cache
def bag_files() -> dict[str, bytes]:
    """A small bag in both storages."""
    from rosbags.rosbag2 import StoragePlugin, Writer

    from s2m_ros.wire.factory import load_typestore

    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "bag"
        with BagWriter(whole, compress=False) as bag:
            for i in range(3):
                bag.write("points", clouds()[1], NS + i)
                bag.write("odom", odometry()[0], NS + i)
        lite = Path(folder) / "lite"
        store = load_typestore()
        with Writer(lite, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
            odom = odometry()[0]
            connection = writer.add_connection("/odom", odom.__msgtype__, typestore=store)
            for i in range(3):
                writer.write(connection, NS + i, store.serialize_cdr(odom, odom.__msgtype__))
        return {
            "bag.mcap": (whole / "bag.mcap").read_bytes(),
            "bag.db3": next(lite.glob("*.db3")).read_bytes(),
        }
