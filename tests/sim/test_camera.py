"""The simulated camera against OpenCV and against the fusion's camera model."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.sim import camera
from s2m_ros.sim.drive import SimFrame, rig_of
from s2m_ros.sim.scenario import CameraSensor, Scenario
from s2m_ros.types import InputError

COEFFICIENTS = st.tuples(
    st.floats(-0.1, 0.1), st.floats(-0.02, 0.02), st.floats(-2e-3, 2e-3), st.floats(-2e-3, 2e-3),
    st.floats(-0.005, 0.005),
)  # fmt: skip


PIXELS = np.stack(np.meshgrid(np.arange(64.0), np.arange(40.0)), axis=-1).reshape(-1, 2)


def optical_rays(sensor: CameraSensor) -> tuple[camera.Camera, np.ndarray]:
    built = camera.build(sensor)
    return built, built.rays.astype(np.float64) @ built.base_from_optical[:3, :3]


@settings(max_examples=25, deadline=None)
@given(COEFFICIENTS, st.floats(40, 75), st.floats(-30, 30), st.floats(-10, 20))
def test_rays_project_back_to_their_pixels(
    distortion: tuple[float, float, float, float, float], view: float, yaw: float, pitch: float
) -> None:
    built, rays = optical_rays(
        CameraSensor(
            width=64,
            height=40,
            field_of_view_deg=view,
            distortion=distortion,
            yaw_deg=yaw,
            pitch_deg=pitch,
        )
    )
    k = built.model.matrix
    projected, _ = cv2.projectPoints(rays * 7, np.zeros(3), np.zeros(3), k, np.array(distortion))
    np.testing.assert_allclose(projected[:, 0], PIXELS, atol=0.02)


def test_rational_rays_project_back() -> None:
    lens = (0.25, -0.06, 0.0002, -0.0003, 0.01, 0.32, 0.02, 0.005)
    built, rays = optical_rays(
        CameraSensor(width=64, height=40, model="rational_polynomial", distortion=lens)
    )
    k = built.model.matrix
    projected, _ = cv2.projectPoints(rays * 7, np.zeros(3), np.zeros(3), k, np.array(lens))
    np.testing.assert_allclose(projected[:, 0], PIXELS, atol=0.02)


def test_fisheye_rays_project_back_and_span_the_field_of_view() -> None:
    lens = np.array([-0.02, 0.003, -0.001, 0.0])
    built, rays = optical_rays(
        CameraSensor(
            width=64, height=40, model="equidistant", distortion=tuple(lens), field_of_view_deg=150
        )
    )
    ahead = rays[rays[:, 2] > 0.05]
    projected, _ = cv2.fisheye.projectPoints(
        ahead[:, None], np.zeros(3), np.zeros(3), built.model.matrix, lens
    )
    np.testing.assert_allclose(projected[:, 0], PIXELS[rays[:, 2] > 0.05], atol=0.02)
    edges = rays.reshape(40, 64, 3)[19, [0, 63]]
    assert np.rad2deg(np.arccos(edges[0] @ edges[1])) == pytest.approx(150, abs=8)


def test_a_lens_without_an_inverse_is_refused() -> None:
    with pytest.raises(InputError, match="turns back before the corners"):
        camera.build(CameraSensor(distortion=(-0.6, 0.0, 0.0, 0.0, 0.0), field_of_view_deg=100))
    with pytest.raises(InputError, match="equidistant"):
        camera.build(CameraSensor(field_of_view_deg=175))


def test_the_rig_says_where_the_camera_looks(small: Scenario) -> None:
    built, rig = camera.build(small.camera), rig_of(small)
    model = rig.cameras["front"]
    assert isinstance(model, CameraModel)
    optical = built.rays.astype(np.float64) @ built.base_from_optical[:3, :3]
    pixels, valid = model.project(optical * 4)
    u, v = np.meshgrid(np.arange(320) + 0.5, np.arange(192) + 0.5)  # centres, as types.py has it
    inside = valid.reshape(192, 320)[5:-5, 5:-5]
    assert inside.all()
    error = np.linalg.norm(pixels - np.stack([u.ravel(), v.ravel()], axis=1), axis=1)
    assert error.reshape(192, 320)[5:-5, 5:-5].max() < 0.02


def test_pitch_looks_down_and_yaw_to_the_left() -> None:
    middle = camera.build(CameraSensor(width=33, height=33, pitch_deg=10, yaw_deg=20))
    forward = middle.rays.reshape(33, 33, 3)[16, 16]
    assert np.rad2deg(np.arcsin(-forward[2])) == pytest.approx(10, abs=0.01)
    assert np.rad2deg(np.arctan2(forward[1], forward[0])) == pytest.approx(20, abs=0.01)


def test_a_picture_is_exposed_and_shows_sky_above_ground(frame: SimFrame) -> None:
    image, labels = frame.views[0].image, frame.views[0].labels
    assert image.dtype == np.uint8
    assert image.shape == (192, 320, 3)
    assert 60 < image.mean() < 200
    assert image.std() > 15
    assert (labels[:10] != 3).all()
    assert (labels[-10:] == 3).mean() > 0.5
    sky = image[labels == 0].mean(axis=0)
    assert sky[2] > sky[0]  # blue
