"""Camera models against OpenCV, and the refusals."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.types import InputError

SIZE = (960, 540)
K = np.array([[600.0, 0, 475], [0, 610.0, 262], [0, 0, 1]])
LENSES = {
    "plumb_bob": [-0.28, 0.09, 0.0011, -0.0007, -0.012],
    "rational_polynomial": [0.4, -0.2, 3e-4, -5e-4, 0.02, 0.7, -0.15, 0.03],
    "equidistant": [-0.03, 0.004, -0.002, 0.0003],
}


def model(kind: str, **more: object) -> CameraModel:
    return CameraModel.from_parameters("test", SIZE, kind, K, LENSES[kind], **more)  # type: ignore[arg-type]


def points(seed: int, count: int = 300) -> np.ndarray:
    rng = np.random.default_rng(seed)
    xyz = rng.uniform((-6, -3.5, 1), (6, 3.5, 40), (count, 3))
    xyz[:, :2] *= xyz[:, 2:] / 10
    return xyz


@pytest.mark.parametrize("kind", LENSES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_projection_agrees_with_opencv(kind: str, seed: int) -> None:
    xyz = points(seed)
    pixels, valid = model(kind).project(xyz)
    zero = np.zeros(3)
    if kind == "equidistant":
        expected, _ = cv2.fisheye.projectPoints(xyz[:, None], zero, zero, K, np.array(LENSES[kind]))
    else:
        expected, _ = cv2.projectPoints(xyz, zero, zero, K, np.array(LENSES[kind]))
    assert valid.sum() > 50
    np.testing.assert_allclose(pixels[valid], expected[valid, 0] + 0.5, atol=1e-6)


def test_fisheye_agrees_with_opencv_far_off_its_axis() -> None:
    """A ring of points 60 to 88 degrees from the axis, where OpenCV's model still holds."""
    matrix = np.array([[190.0, 0, 399], [0, 191.0, 401], [0, 0, 1]])
    lens = np.array(LENSES["equidistant"])
    camera = CameraModel.from_parameters("t", (800, 800), "equidistant", matrix, lens)
    off, around = np.meshgrid(np.radians(np.linspace(60, 88, 15)), np.linspace(-3, 3, 25))
    xyz = np.stack([np.sin(off) * np.cos(around), np.sin(off) * np.sin(around), np.cos(off)], -1)
    xyz = 7.0 * xyz.reshape(-1, 3)
    pixels, valid = camera.project(xyz)
    expected, _ = cv2.fisheye.projectPoints(xyz[:, None], np.zeros(3), np.zeros(3), matrix, lens)
    assert valid.all()
    np.testing.assert_allclose(pixels, expected[:, 0] + 0.5, atol=1e-5)
    rays = camera.ray(pixels)
    np.testing.assert_allclose(rays, xyz / 7.0, atol=1e-6)


@pytest.mark.parametrize("kind", LENSES)
def test_single_precision_is_a_hundredth_of_a_pixel_off_at_most(kind: str) -> None:
    xyz = points(5)
    exact, valid = model(kind).project(xyz)
    coarse, _ = model(kind).project(xyz.astype(np.float32))
    assert coarse.dtype == np.float32
    np.testing.assert_allclose(coarse[valid], exact[valid], atol=0.01)


@pytest.mark.parametrize("kind", ["plumb_bob", "rational_polynomial"])
def test_a_raw_image_of_a_stereo_pair_is_turned_by_the_inverse_of_r(kind: str) -> None:
    """camera_info: R takes the raw camera to the rectified one, which is the optical frame."""
    turn = np.array([0.02, -0.05, 0.01])
    r, _ = cv2.Rodrigues(turn)
    pixels, valid = model(kind, r=r).project(points(9))
    expected, _ = cv2.projectPoints(points(9), -turn, np.zeros(3), K, np.array(LENSES[kind]))
    assert valid.sum() > 50
    np.testing.assert_allclose(pixels[valid], expected[valid, 0] + 0.5, atol=1e-6)


@pytest.mark.parametrize("kind", LENSES)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_ray_inverts_projection(kind: str, seed: int) -> None:
    camera = model(kind)
    xyz = points(seed)
    pixels, valid = camera.project(xyz)
    rays = camera.ray(pixels[valid])
    expected = xyz[valid] / np.linalg.norm(xyz[valid], axis=1, keepdims=True)
    np.testing.assert_allclose(rays, expected, atol=1e-6)


def test_the_middle_of_the_first_pixel_is_half() -> None:
    camera = CameraModel.from_parameters("t", SIZE, "plumb_bob", np.eye(3) * (100, 100, 1))
    pixels, valid = camera.project(np.array([[0.0, 0, 5]]))
    assert valid.all()
    np.testing.assert_allclose(pixels, [[0.5, 0.5]])


@pytest.mark.parametrize("kind", LENSES)
def test_points_behind_the_camera_are_not_seen(kind: str) -> None:
    rng = np.random.default_rng(2)
    behind = rng.uniform((-5, -5, -40), (5, 5, -0.01), (500, 3))
    if kind == "equidistant":  # a wide lens sees a little of what is behind
        behind = behind[np.hypot(behind[:, 0], behind[:, 1]) < -behind[:, 2]]
    pixels, valid = model(kind).project(behind)
    assert not valid.any()
    assert np.isnan(pixels).all() or kind == "equidistant"
    _, valid = model(kind).project(np.zeros((1, 3)))
    assert valid.shape == (1,), "the lens itself raises nothing"


def test_points_beyond_the_reach_of_the_distortion_do_not_fold_back_into_the_image() -> None:
    camera = CameraModel.from_parameters("t", SIZE, "plumb_bob", K, [-0.28, 0, 0, 0, 0])
    directions = np.column_stack([np.linspace(0, 20, 500), np.zeros(500), np.ones(500)])
    pixels, valid = camera.project(directions)
    assert np.all(np.diff(pixels[valid, 0]) > 0)
    naive, _ = cv2.projectPoints(
        directions, np.zeros(3), np.zeros(3), K, np.array([-0.28, 0, 0, 0, 0])
    )
    x = naive[:, 0, 0]
    assert ((x >= 0) & (x < SIZE[0])).sum() > valid.sum(), "the case must fold in the naive model"


def test_equidistant_sees_beyond_ninety_degrees() -> None:
    camera = CameraModel.from_parameters(
        "t", (800, 800), "equidistant", [200, 0, 400, 0, 200, 400, 0, 0, 1], [0, 0, 0, 0]
    )
    angle = np.deg2rad(100)
    pixels, valid = camera.project(np.array([[np.sin(angle), 0, np.cos(angle)]]))
    assert valid.all()
    np.testing.assert_allclose(pixels[0], [400.5 + 200 * angle, 400.5])
    np.testing.assert_allclose(camera.ray(pixels), [[np.sin(angle), 0, np.cos(angle)]], atol=1e-9)


def test_rectified_takes_p_with_its_fourth_column() -> None:
    p = np.array([[700.0, 0, 600, 45], [0, 700, 180, 0.2], [0, 0, 1, 0.003]])
    camera = CameraModel.from_parameters("t", (1242, 375), "plumb_bob", K, p=p, rectified=True)
    xyz = points(3)
    pixels, valid = camera.project(xyz)
    homogeneous = np.column_stack([xyz, np.ones(len(xyz))]) @ p.T
    expected = homogeneous[:, :2] / homogeneous[:, 2:] + 0.5
    np.testing.assert_allclose(pixels[valid], expected[valid])
    ahead = camera.origin + camera.ray(pixels[valid]) * 12
    again, _ = camera.project(ahead)
    np.testing.assert_allclose(again, pixels[valid], atol=1e-6)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": np.zeros(9)}, "K is all zero"),
        ({"k": [1, 2, 3]}, "3 numbers"),
        ({"k": np.full(9, np.nan)}, "not finite"),
        ({"k": np.diag([-1.0, 1, 1])}, "no camera matrix"),
        ({"d": [0.1, 0.2]}, "coefficients"),
        ({"model": "thin_prism"}, "thin_prism"),
        ({"size": (0, 540)}, "0x540"),
        ({"rectified": True, "p": np.zeros(12)}, "P is all zero"),
    ],
)
def test_refusals_name_source_and_problem(change: dict[str, object], words: str) -> None:
    good: dict[str, object] = {"size": SIZE, "model": "plumb_bob", "k": K, "d": [0.0] * 5}
    with pytest.raises(InputError, match=words) as caught:
        CameraModel.from_parameters(source="camera/front/camera_info", **{**good, **change})  # type: ignore[arg-type]
    assert "camera/front/camera_info" in str(caught.value)


def test_image_of_another_size_is_refused() -> None:
    with pytest.raises(InputError, match="640x480"):
        model("plumb_bob").require_size("camera/front/image_raw", (640, 480))


def test_distortion_padded_with_zeros_and_an_empty_model_name_are_accepted() -> None:
    CameraModel.from_parameters("t", SIZE, "rational_polynomial", K, [0.1] * 8 + [0.0] * 6)
    CameraModel.from_parameters("t", SIZE, "", K, [])
