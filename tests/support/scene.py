"""Posts on a flat ground, as a LiDAR and a camera see them; one of the two may be turned."""

from __future__ import annotations

import cv2
import numpy as np

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import apply, from_yaw, invert
from s2m_ros.types import EdgeMap, Float32, Float64

SIZE = (960, 540)
CAMERA = CameraModel.from_parameters("t", SIZE, "plumb_bob", [600, 0, 480, 0, 600, 270, 0, 0, 1])
BASE_FROM_CAMERA = np.array([[0, 0, 1, 1.5], [-1, 0, 0, 0], [0, -1, 0, 1.6], [0, 0, 0, 1.0]])
SENSOR = np.array([1.0, 0.0, 1.9])
POSTS = ((8.0, -3.0), (11.0, 1.2), (14.0, 6.0), (17.0, -5.0), (21.0, 3.0), (26.0, -1.0))
"""x and y of posts that are 0.5 m wide and 2 m high."""


def sweep(
    yaw: float = 0.0, apart_deg: tuple[float, float] = (0.2, 0.42)
) -> tuple[Float32, Float32, Float64]:
    """Points (N, 3) of a flat ground with posts, their heights, and the sensor; turned about z.

    apart_deg: of neighbouring beams, in azimuth and elevation.
    """
    azimuth, elevation = np.meshgrid(
        np.radians(np.arange(-45, 45, apart_deg[0])), np.radians(np.arange(-18, 2, apart_deg[1]))
    )
    ray = np.stack(
        [np.cos(elevation) * np.cos(azimuth), np.cos(elevation) * np.sin(azimuth)], -1
    ).reshape(-1, 2)
    up = np.sin(elevation).ravel()
    with np.errstate(divide="ignore"):
        reach = np.where(up < -0.01, -SENSOR[2] / up, np.inf)
    for x, y in POSTS:  # a flat front, across the way
        far = (x - SENSOR[0]) / ray[:, 0]
        z = SENSOR[2] + far * up
        hit = (np.abs(SENSOR[1] + far * ray[:, 1] - y) < 0.25) & (z > 0) & (z < 2) & (far < reach)
        reach = np.where(hit, far, reach)
    got = reach < 70
    direction = np.column_stack([ray, up])[got]
    points = SENSOR + direction * reach[got, None]
    turn = from_yaw(yaw)
    return (
        apply(turn, points).astype(np.float32),
        points[:, 2].astype(np.float32),
        np.asarray(apply(turn, SENSOR[None])[0]),
    )


def drawn(pitch_deg: float, yaw_deg: float) -> EdgeMap:
    """The edges of the posts, where a camera turned by this about its x and y axis sees them."""
    edges = np.zeros((90, 320), np.bool_)
    turn = np.eye(4)  # OpenCV's own, as reference
    turn[:3, :3] = cv2.Rodrigues(np.radians([pitch_deg, yaw_deg, 0.0]))[0]
    for x, y in POSTS:
        for side in (-0.25, 0.25):
            foot_and_top = np.array([[x, y + side, 0.0], [x, y + side, 2.0]])
            pixels, held = CAMERA.project(apply(turn @ invert(BASE_FROM_CAMERA), foot_and_top))
            if held.all():
                (x0, y0), (_, y1) = pixels
                edges[round(y1 / 6) : round(y0 / 6), int(x0 / 3)] = True
    return EdgeMap(edges, SIZE)
