"""Whether the sensors sit where the calibration says, from what they see.

Two checks, each blind to what the other sees: the LiDAR against the ground under the wheels, and
each camera against the LiDAR.
"""

from __future__ import annotations

from collections.abc import Sequence

from s2m_ros.fusion.transforms import invert
from s2m_ros.fusion.view import Cloud, Image
from s2m_ros.types import Float32, Float64

from .silhouettes import silhouettes
from .tilt import TiltCheck
from .turn import TurnCheck

__all__ = ["CalibrationCheck"]


class CalibrationCheck:
    """Both checks, or with ``cameras`` False that of the LiDAR alone."""

    def __init__(self, cameras: bool = True) -> None:
        self._cameras = cameras
        self._tilt = TiltCheck()
        self._turns: dict[str, TurnCheck] = {}

    def look(
        self, stamp_ns: int, images: Sequence[Image], cloud: Cloud, shown: Float64 | None
    ) -> tuple[str, ...]:
        """What does not fit, each with what to do; empty while there is nothing or too little.

        shown: the plane of the ground that the sweep itself shows, if it shows one.
        """
        if not len(cloud.points):
            return ()
        doubts = []
        lean = self._tilt.add(stamp_ns, shown) if shown is not None else ""
        if lean:
            doubts.append(f"extrinsics of the LiDAR: {lean}: calibrate it to base_link again")
        if self._cameras and any(image.masks.edges for image in images):
            sides = cloud.points[silhouettes(cloud.points, cloud.height, cloud.sensor)]
            for image in images:
                self._compare(stamp_ns, image, sides)
        doubts += [
            f"extrinsics of camera '{name}': it fits the LiDAR best when turned by "
            f"{turn.pitch_deg:+.0f} degrees in pitch and {turn.yaw_deg:+.0f} in yaw: calibrate the "
            "two again"
            for name in (image.masks.camera for image in images)
            if name in self._turns and (turn := self._turns[name].told)
        ]
        return tuple(doubts)

    def _compare(self, stamp_ns: int, image: Image, sides: Float32) -> None:
        """One camera with the LiDAR. Not each image has edges: what was found holds till then."""
        name, edges = image.masks.camera, image.masks.edges
        if edges is not None:
            self._turns.setdefault(name, TurnCheck()).add(
                stamp_ns, sides, edges, image.model, invert(image.base_from_camera)
            )
