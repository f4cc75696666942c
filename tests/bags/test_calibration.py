"""A bag's /tf_static and camera_info become a rig."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from s2m_ros.bags import BagReader, BagWriter
from s2m_ros.bags.calibration import read_rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import from_yaw, invert
from s2m_ros.wire.camera_info import encode_camera_info
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.tf import Transform, encode_transforms

FACTORY = RosbagsFactory()


def test_chains_are_followed_down_and_up(tmp_path: Path) -> None:
    mast = from_yaw(0.3, (1.0, 2.0, 3.0))
    optical = from_yaw(-1.0, (0.0, 0.1, 0.0))
    footprint = from_yaw(0.0, (0.0, 0.0, 0.3))
    links = [
        Transform(0, "mast", "optical", optical),
        Transform(0, "base_link", "mast", mast),
        Transform(0, "base_footprint", "base_link", footprint),
        Transform(0, "base_footprint", "lidar", mast),
        Transform(0, "elsewhere", "nowhere", mast),
    ]
    camera = CameraModel.from_parameters("t", (8, 6), "plumb_bob", [9, 0, 4, 0, 9, 3, 0, 0, 1])
    with BagWriter(tmp_path / "bag") as bag:
        for link in links:  # one message each, as several publishers do
            bag.write("/tf_static", encode_transforms(FACTORY, [link]), 1)
        info = encode_camera_info(FACTORY, 1, "optical", camera)
        bag.write("camera/front/camera_info", info, 2)
        bad = FACTORY.make("sensor_msgs/msg/CameraInfo", width=8, height=6)
        bag.write("camera/rear/camera_info", bad, 3)
    with BagReader(tmp_path / "bag") as bag:
        rig, problems = read_rig(bag)
    assert np.allclose(rig.base_from("optical"), mast @ optical)
    assert np.allclose(rig.base_from("base_footprint"), invert(footprint))
    assert np.allclose(rig.base_from("lidar"), invert(footprint) @ mast)
    assert "nowhere" not in rig
    assert rig.camera_frames == {"front": "optical"}
    assert rig.cameras["front"].size == (8, 6)
    assert [p.source for p in problems] == ["/camera/rear/camera_info"]
