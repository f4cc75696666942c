from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import from_quaternion, invert, to_quaternion
from s2m_ros.types import InputError


def test_quaternions_agree_with_scipy() -> None:
    for q in Rotation.random(200, random_state=1).as_quat():
        matrix = from_quaternion((1, 2, 3), q * 1.7)
        np.testing.assert_allclose(matrix[:3, :3], Rotation.from_quat(q).as_matrix(), atol=1e-12)
        again = to_quaternion(matrix)
        np.testing.assert_allclose(again, q if q[3] >= 0 else -q, atol=1e-9)
        np.testing.assert_allclose(invert(matrix) @ matrix, np.eye(4), atol=1e-12)


def test_a_rig_survives_its_file(tmp_path: Path) -> None:
    rig = Rig({"lidar": from_quaternion((1, 0, 1.8), (0.1, 0, 0, 1))})
    rig.cameras["front"] = CameraModel.from_parameters(
        "t", (640, 480), "plumb_bob", [500, 0, 320, 0, 500, 240, 0, 0, 1], [0.1, 0, 0, 0, 0]
    )
    rig.cameras["left"] = CameraModel.from_parameters(
        "t",
        (640, 480),
        "",
        [0] * 9,
        p=[500, 0, 320, 40, 0, 500, 240, 0, 0, 0, 1, 0],
        rectified=True,
    )
    rig.camera_frames["front"] = "front_optical_frame"
    rig.save(tmp_path / "rig.yaml")
    again = Rig.load(tmp_path / "rig.yaml")
    np.testing.assert_allclose(again.base_from("lidar"), rig.base_from("lidar"), atol=1e-12)
    np.testing.assert_array_equal(again.base_from("base_link"), np.eye(4))
    assert again.camera_frames == rig.camera_frames
    xyz = np.array([[0.3, -0.2, 4.0]])
    for name, camera in rig.cameras.items():
        np.testing.assert_allclose(
            again.cameras[name].project(xyz)[0], camera.project(xyz)[0], atol=1e-9
        )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("frames: {lidar: {translation: [0, 0, 0]}}", "frames.lidar"),
        ("frames: {lidar: {translation: [0, 0, 0], rotation: [0, 0, 0, 0]}}", "frames.lidar"),
        ("lidar: 3", "no 'frames'"),
        ("frames: {}\ncameras: {front: {width: 3}}", "cameras.front"),
        ("frames: {}\ncameras: {front: {width: 3, height: 2, k: [0,0,0,0,0,0,0,0,0]}}", "all zero"),
        ("{", "readable"),
    ],
)
def test_bad_files_are_refused_by_entry(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "rig.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=words) as caught:
        Rig.load(path)
    assert str(path) in str(caught.value)


def test_unknown_frames_and_mirrors_are_refused() -> None:
    rig = Rig()
    with pytest.raises(InputError, match="known: base_link"):
        rig.base_from("velodyne")
    with pytest.raises(InputError, match="mirrors"):
        rig.add("camera", np.diag([1.0, -1, 1, 1]))
