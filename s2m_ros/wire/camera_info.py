"""sensor_msgs/CameraInfo <-> CameraModel."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.types import Float64
from s2m_ros.wire.geometry import header
from s2m_ros.wire.protocol import MessageFactory


def decode_camera_info(message: Any, source: str, rectified: bool = False) -> CameraModel:
    """The model of the images that come with this message: its binning and ROI are applied.

    rectified: the images are rectified, so P counts. Raises InputError naming ``source``.
    """
    scale = np.array([max(int(message.binning_x), 1), max(int(message.binning_y), 1)])
    roi = message.roi
    full = np.array([message.width, message.height])
    region = np.array([roi.width or message.width, roi.height or message.height])
    origin = np.array([roi.x_offset, roi.y_offset])
    whole = not origin.any() and (region == full).all() and (scale == 1).all()
    k, p = np.array(message.k, np.float64), np.array(message.p, np.float64)
    if not whole:
        k, p = (
            _delivered(k.reshape(3, 3), origin, scale),
            _delivered(p.reshape(3, 4), origin, scale),
        )
    width, height = (region // scale).tolist()
    return CameraModel.from_parameters(
        source,
        (width, height),
        message.distortion_model,
        k.ravel(),
        np.array(message.d, np.float64),
        p.ravel(),
        np.array(message.r, np.float64),
        rectified,
    )


def _delivered(
    matrix: Float64, origin: np.ndarray[Any, Any], scale: np.ndarray[Any, Any]
) -> Float64:
    """K or P of the pixels that are left after cutting to a ROI and binning."""
    result: Float64 = matrix.copy()
    result[:2, 2] -= origin * matrix[2, 2]
    result[:2] /= scale[:, None]
    return np.asarray(result)


def encode_camera_info(
    factory: MessageFactory, stamp_ns: int, frame_id: str, camera: CameraModel
) -> Any:
    """A CameraInfo whose P is the same camera without distortion."""
    projection = np.column_stack([camera.matrix, camera.matrix @ camera.offset])
    length = {"plumb_bob": 5, "rational_polynomial": 8, "equidistant": 4}[camera.model]
    return factory.make(
        "sensor_msgs/msg/CameraInfo",
        header=header(factory, stamp_ns, frame_id),
        width=camera.size[0],
        height=camera.size[1],
        distortion_model=camera.model,
        d=camera.distortion[:length],
        k=camera.matrix.ravel(),
        r=camera.rotation.T.ravel(),
        p=projection.ravel(),
    )
