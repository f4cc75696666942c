"""cv_bridge, asked for the encodings that our own codec lacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from s2m_ros.types import InputError, UInt8


def converter(source: str) -> Callable[[Any], UInt8] | None:
    """A function from sensor_msgs/Image to uint8 (H, W, 3) RGB; None without cv_bridge."""
    try:
        import cv_bridge
    except ImportError:
        return None
    bridge = cv_bridge.CvBridge()

    def convert(message: Any) -> UInt8:
        try:
            return np.asarray(bridge.imgmsg_to_cv2(message, desired_encoding="rgb8"), np.uint8)
        # Of data that are too short NumPy complains, of a shape that cannot be OpenCV.
        except (cv_bridge.CvBridgeError, TypeError, ValueError, cv2.error) as error:
            raise InputError(
                source,
                f"encoding '{message.encoding}': cv_bridge says {error}",
                "publish rgb8 or bgr8, whole images",
            ) from error

    return convert
