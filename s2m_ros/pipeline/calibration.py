"""What is known of each camera's optics and each sensor's place on the vehicle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from s2m_ros.config import Fusion as Settings
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.pipeline.conditions import Conditions
from s2m_ros.pipeline.transforms import Transforms
from s2m_ros.types import InputError, ObjectMasks, State
from s2m_ros.wire import topics
from s2m_ros.wire.camera_info import decode_camera_info


class Calibration:
    """Intrinsics from camera_info, else from the calibration file; extrinsics from the file when
    there is one, else from ``transforms``.

    Both may come late, be wrong and be corrected while running: what is asked for and not there
    raises InputError with the topic or file at fault. named: the name of a topic in messages.
    """

    def __init__(
        self,
        settings: Settings,
        transforms: Transforms,
        conditions: Conditions,
        named: Callable[[str], str] = str,
    ) -> None:
        self._settings = settings
        self._named = named
        self._transforms = transforms
        self._conditions = conditions
        self._cameras: dict[str, tuple[CameraModel, tuple[Any, ...]]] = {}
        self.rig = Rig(base_frame=settings.base_frame)
        if settings.calibration_file:
            try:
                self.rig = Rig.load(settings.calibration_file)
            except InputError as error:
                conditions.refuse(settings.calibration_file, error, State.UNKNOWN)

    def add_camera_info(self, camera: str, message: Any) -> bool:
        """Take a CameraInfo. False when it cannot be used: the camera then has no intrinsics."""
        topic = self._named(topics.camera_info(camera))
        content = _content(message)
        if camera in self._cameras and self._cameras[camera][1] == content:
            return True
        try:
            model = decode_camera_info(message, topic, self._settings.rectified)
        except InputError as error:
            self._cameras.pop(camera, None)
            self._conditions.refuse(topic, error)
            return False
        self._conditions.clear(topic)
        self._cameras[camera] = model, content
        return True

    def camera(self, masks: ObjectMasks) -> CameraModel:
        """The model of the camera that took an image, its frame placed in the rig."""
        name, topic = masks.camera, self._named(topics.camera_info(masks.camera))
        model = self._cameras[name][0] if name in self._cameras else self.rig.cameras.get(name)
        if model is None:
            raise self._conditions.error(topic) or InputError(
                topic,
                "no calibration came yet",
                "publish it, or set fusion.calibration_file to a file with this camera",
            )
        model.require_size(self._named(topics.image(name)), masks.image_size)
        self.place(masks.frame_id, masks.stamp_ns)
        return model

    def place(self, frame: str, stamp_ns: int) -> None:
        """See that the rig knows the extrinsics of a frame at a stamp."""
        path = self._settings.calibration_file
        if not path:
            base = self._settings.base_frame
            self.rig.add(frame, self._transforms.lookup(base, frame, stamp_ns))
            return
        error = self._conditions.error(path)
        if error is not None:
            raise error
        self.rig.base_from(frame)


def _content(message: Any) -> tuple[Any, ...]:
    """All of a CameraInfo but its header, to notice a change."""
    roi = message.roi
    return (
        message.width, message.height, message.distortion_model,
        *(tuple(map(float, values)) for values in (message.d, message.k, message.r, message.p)),
        message.binning_x, message.binning_y, roi.x_offset, roi.y_offset, roi.width, roi.height,
    )  # fmt: skip
