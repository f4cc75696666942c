"""Are the stated covariances true? Normalised estimation errors of many scenes against chi-square.

Boxes of all proportions stand at random; the squared error of the position over its covariance has
two degrees of freedom. Shapes are no Gaussian noise, so that not the distribution is held but its
mean, which must not exceed what chi-square allows, and its tail.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from raycast import BASE_FROM_CAMERA, MODEL, Box, Slope, masks, rig, sweep
from scipy.spatial.transform import Rotation
from scipy.stats import chi2

from s2m_ros.config import Fusion as Settings
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.pipeline import Fusion
from s2m_ros.types import Float64, Object3D, Role

SCENES = 6
GRID = (480, 270)


def box_at(rng: np.random.Generator, reach: float, bearing: float) -> Box:
    width = np.exp(rng.uniform(np.log(0.12), np.log(1.4)))
    length, height = width * np.exp(rng.uniform(-1.0, 1.0)), width * np.exp(rng.uniform(-1.0, 0.7))
    x, y = 1.5 + reach * np.cos(bearing), reach * np.sin(bearing)
    return Box(x, y, (length, width, height), rng.uniform(0, np.pi))


def spaced(rng: np.random.Generator) -> list[Box]:
    return [box_at(rng, rng.uniform(5, 25), b) for b in np.linspace(-0.45, 0.45, 5)]


def at_the_border(rng: np.random.Generator) -> list[Box]:
    """Cut by the left or the right border of the image, 34 degrees to the side."""
    return [box_at(rng, rng.uniform(5, 20), side * rng.uniform(0.58, 0.61)) for side in (-1, 1)]


def half_hidden(rng: np.random.Generator) -> list[Box]:
    """A vehicle's wheel, say, before a part of each."""
    scene = []
    for bearing in (-0.35, 0.0, 0.35):
        box = box_at(rng, rng.uniform(9, 20), bearing)
        reach = np.hypot(box.x - 1.5, box.y) - 1.0 - max(box.size[:2])
        aside = bearing + rng.choice([-1, 1]) * 0.3 * max(box.size[:2]) / reach
        before = box_at(rng, reach, aside)
        size = (0.3, 0.3, 0.8 * box.size[2])
        scene += [box, Box(before.x, before.y, size, before.yaw, False, Role.VEHICLE)]
    return scene


def lift(boxes: list[Box], seed: int, lidar: bool, tilted: Rig) -> Iterator[tuple[Object3D, Box]]:
    fusion = Fusion(Settings(), tilted)
    fusion.set_camera("front", MODEL, "camera_optical_frame")
    beams = sweep(Slope(), boxes, seed, columns=300, sector=0.72) if lidar else None
    for item in fusion.fuse([masks(Slope(), boxes, GRID)], beams, None, None).items:
        if item.mask_id >= 0:
            yield item, boxes[item.mask_id]


def squared_errors(scene: str, lidar: bool = True) -> Float64:
    make = {"spaced": spaced, "border": at_the_border, "hidden": half_hidden}[scene]
    found = []
    for seed in range(SCENES):
        rng = np.random.default_rng(seed)
        mounted = BASE_FROM_CAMERA.copy()
        if not lidar:  # the camera is not quite where the calibration says
            pitch = Rotation.from_euler("y", rng.normal(0, Settings().pitch_sigma_deg), True)
            mounted[:3, :3] = pitch.as_matrix() @ mounted[:3, :3]
            mounted[2, 3] += rng.normal(0, Settings().camera_height_sigma_m)
        tilted = Rig({**rig().frames, "camera_optical_frame": mounted})
        for item, box in lift(make(rng), seed, lidar, tilted):
            error = item.position[:2] - (box.x, box.y)
            found.append(float(error @ np.linalg.solve(item.covariance[:2, :2], error)))
    return np.array(found)


@pytest.mark.parametrize(
    ("scene", "lidar"), [("spaced", True), ("spaced", False), ("border", True), ("hidden", True)]
)
def test_errors_are_as_large_as_they_are_said_to_be(scene: str, lidar: bool) -> None:
    squared = squared_errors(scene, lidar)
    n = len(squared)
    assert n >= 10
    assert squared.mean() < chi2.ppf(0.99, 2 * n) / n
    assert (squared > chi2.ppf(0.99, 2)).mean() < 0.08
    assert squared.mean() > 0.1, "nor is everything uncertain"
