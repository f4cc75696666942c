"""Both checks together: what is said, of which sensor, and for how long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scene import BASE_FROM_CAMERA, CAMERA, SIZE, drawn, sweep

from s2m_ros.fusion.calibration_check import CalibrationCheck
from s2m_ros.fusion.view import Camera, Cloud, Image
from s2m_ros.types import EdgeMap, ObjectMasks

MS = 1_000_000
FLAT = np.zeros(3)


def cloud() -> Cloud:
    points, height, sensor = sweep()
    return Cloud(points, height, np.hypot(points[:, 0], points[:, 1]), sensor)


def image(edges: EdgeMap | None, name: str = "front") -> Image:
    masks = ObjectMasks(0, name, "optical", SIZE, SIZE, (), None, "test", edges=edges)
    return Image(masks, Camera.of(CAMERA, "optical"), BASE_FROM_CAMERA)


def test_what_was_found_holds_for_images_without_edges() -> None:
    check, sweep_now = CalibrationCheck(), cloud()
    turned, true = image(drawn(0, 3)), image(drawn(0, 0))
    told = [
        check.look(i * 100 * MS, [seen], sweep_now, FLAT)
        for i, seen in enumerate([turned, turned, image(None), turned, image(None)])
    ]
    assert [len(doubts) for doubts in told] == [0, 1, 1, 1, 1]
    assert "camera 'front'" in told[-1][0]
    assert "+0 degrees in pitch and +3 in yaw" in told[-1][0]
    for i in range(20):
        last = check.look((5 + i) * 100 * MS, [true], sweep_now, FLAT)
    assert last == ()


def test_the_camera_that_is_turned_is_named() -> None:
    check, sweep_now = CalibrationCheck(), cloud()
    for i in range(4):
        images = [image(drawn(0, 0), "left"), image(drawn(-3, 0), "right")]
        told = check.look(i * 100 * MS, images, sweep_now, FLAT)
    assert len(told) == 1
    assert "camera 'right'" in told[0]


def test_a_tilted_lidar_is_another_matter() -> None:
    check, lean = CalibrationCheck(), np.array([np.tan(np.radians(3.0)), 0.0, 0.0])
    for i in range(8):
        told = check.look(i * 100 * MS, [image(None)], cloud(), lean)
    assert len(told) == 1
    assert "extrinsics of the LiDAR: the ground leans 3.0 degrees" in told[0]


def test_without_cameras_only_the_lidar_is_looked_at() -> None:
    check = CalibrationCheck(cameras=False)
    turned = image(drawn(0, 3))
    assert [check.look(i * 100 * MS, [turned], cloud(), FLAT) for i in range(5)] == [()] * 5


def test_no_points_are_no_evidence() -> None:
    empty = cloud()
    none = replace(empty, points=empty.points[:0], height=empty.height[:0])
    assert CalibrationCheck().look(0, [image(drawn(0, 3))], none, None) == ()
