"""The calibration that a bag carries: /tf_static and camera_info as a rig."""

from __future__ import annotations

import numpy as np

from s2m_ros.bags.reader import BagReader
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.transforms import invert
from s2m_ros.types import Float64, InputError
from s2m_ros.wire import topics
from s2m_ros.wire.camera_info import decode_camera_info
from s2m_ros.wire.tf import decode_transforms

CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


def read_rig(
    bag: BagReader, base_frame: str = "base_link", rectified: bool = False
) -> tuple[Rig, list[InputError]]:
    """Extrinsics of every frame that /tf_static ties to the base, and each camera's intrinsics.

    A camera is known by its topic ``camera/NAME/camera_info``. A camera_info or a transform that
    cannot be used is left out and returned as an error beside the rig.
    """
    links: dict[str, tuple[str, Float64]] = {}
    problems: list[InputError] = []
    for message in bag.messages([topics.TF_STATIC]):
        try:
            for t in decode_transforms(bag.decode(message), topics.TF_STATIC):
                links[t.child] = (t.parent, t.parent_from_child)
        except InputError as error:
            problems.append(error)
    rig = Rig(base_frame=base_frame)
    for frame, matrix in _chains(links, base_frame).items():
        rig.add(frame, matrix)
    for name in camera_names(bag):
        message = next(bag.messages([topics.camera_info(name)]))
        try:
            info = bag.decode(message)
            rig.cameras[name] = decode_camera_info(info, message.topic, rectified)
            rig.camera_frames[name] = str(info.header.frame_id)
        except InputError as error:
            problems.append(error)
    return rig, problems


def camera_names(bag: BagReader) -> list[str]:
    """Cameras with a camera_info topic ``camera/NAME/camera_info`` that holds messages."""
    found = []
    for topic in bag.topics:
        parts = topic.name.strip("/").split("/")
        named = len(parts) == 3 and parts[0] == "camera" and parts[2] == "camera_info"
        if named and topic.type == CAMERA_INFO and topic.count:
            found.append(parts[1])
    return found


def _chains(links: dict[str, tuple[str, Float64]], base: str) -> dict[str, Float64]:
    """``{frame: base_from_frame}`` of all frames tied to the base, children and parents alike."""
    known: dict[str, Float64] = {base: np.eye(4)}
    found = True
    while found:
        found = False
        for child, (parent, parent_from_child) in links.items():
            if parent in known and child not in known:
                known[child] = known[parent] @ parent_from_child
                found = True
            elif child in known and parent not in known:
                known[parent] = known[child] @ invert(parent_from_child)
                found = True
    return known
