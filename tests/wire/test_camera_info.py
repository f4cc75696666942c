"""camera_info: every model, binning and regions, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from values import factories

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.types import InputError
from s2m_ros.wire.camera_info import decode_camera_info, encode_camera_info
from s2m_ros.wire.factory import RosbagsFactory

TOPIC = "camera/front/camera_info"
K = [500.0, 0, 320, 0, 510, 240, 0, 0, 1]
POINTS = np.array([[0.3, -0.2, 4.0], [-1.0, 0.5, 6.0], [0.0, 0.0, 2.0]])


def camera(model: str, d: Any = ()) -> CameraModel:
    return CameraModel.from_parameters(TOPIC, (640, 480), model, K, d)


def info(**changes: Any) -> Any:
    message = encode_camera_info(RosbagsFactory(), 1, "optical", camera("plumb_bob", [0.1] * 5))
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize("factory", factories(), ids=lambda f: type(f).__name__)
@pytest.mark.parametrize(
    ("model", "d"),
    [
        ("plumb_bob", [-0.2, 0.05, 0.001, -0.002, 0.01]),
        ("rational_polynomial", [0.1, -0.05, 0.001, 0.002, 0.01, 0.2, 0.03, 0.01]),
        ("equidistant", [0.01, -0.02, 0.003, 0.001]),
        ("plumb_bob", []),
    ],
)
def test_round_trip(factory: Any, model: str, d: list[float]) -> None:
    original = camera(model, d)
    decoded = decode_camera_info(encode_camera_info(factory, 1, "optical", original), TOPIC)
    np.testing.assert_allclose(decoded.project(POINTS)[0], original.project(POINTS)[0])
    assert decoded.size == original.size


def test_binning_and_region_move_the_pixels() -> None:
    whole = decode_camera_info(info(), TOPIC)
    message = info(binning_x=2, binning_y=4)
    message.roi.x_offset, message.roi.y_offset = 40, 60
    message.roi.width, message.roi.height = 480, 360
    part = decode_camera_info(message, TOPIC)
    assert part.size == (240, 90)
    # camera_info coordinates: the centre of the first pixel is 0.
    pixels = whole.project(POINTS)[0] - 0.5
    np.testing.assert_allclose(
        part.project(POINTS)[0] - 0.5, (pixels - [40, 60]) / [2, 4], atol=1e-9
    )


def test_rectified_takes_p() -> None:
    message = info(p=np.array([400.0, 0, 300, 0, 0, 400, 200, 0, 0, 0, 1, 0]))
    model = decode_camera_info(message, TOPIC, rectified=True)
    x, y, z = POINTS[0]
    np.testing.assert_allclose(
        model.project(POINTS[:1])[0][0] - 0.5, [400 * x / z + 300, 400 * y / z + 200]
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"k": np.zeros(9)}, "K is all zero"),
        ({"k": np.full(9, np.nan)}, "K"),
        ({"distortion_model": "mirror"}, "mirror"),
        ({"width": 0}, "0x480"),
    ],
)
def test_refusals_name_the_topic(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match=f"{TOPIC}.*{problem}"):
        decode_camera_info(info(**changes), TOPIC)
