"""Whether the sensors sit where the calibration says, from what they see.

Two checks, each blind to what the other sees. The ground of the sweeps against the plane of
base_link shows a LiDAR that is tilted; it cannot show a wrong yaw. Standing things and ground of
the sweep against what the camera's classes call surface shows a camera and a LiDAR that are turned
against each other in yaw or pitch; it needs standing things in view.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import apply, invert
from s2m_ros.fusion.view import Cloud, Image
from s2m_ros.types import Bool, Float32, Float64, Role, RoleMap

TILT_DEG = 2.0
"""Ground that leans so much for a while is not under the wheels: the LiDAR is tilted."""
TURN_DEG = 1.5
_WINDOW_S = 0.5
_LEAST_SWEEPS = 3
_OLDEST_S = 2.0


class TiltCheck:
    """The lean of the ground, as the sweeps show it, over the last 0.5 s; over three sweeps where
    fewer are worked off in that time."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float, float]] = deque()

    def add(self, stamp_ns: int, plane: Float64) -> str:
        """plane: float64 (3,), z = a x + b y + c in base_link. What is wrong, or an empty string.

        A ramp leans too, but only while the wheels are not on it yet: the median over the window
        must be beyond ``TILT_DEG``.
        """
        if self._seen and stamp_ns < self._seen[-1][0]:
            self._seen.clear()
        self._seen.append((stamp_ns, float(plane[0]), float(plane[1])))
        while (age_ns := stamp_ns - self._seen[0][0]) > _OLDEST_S * 1e9 or (
            age_ns > _WINDOW_S * 1e9 and len(self._seen) > _LEAST_SWEEPS
        ):
            self._seen.popleft()
        if len(self._seen) < _LEAST_SWEEPS:
            return ""
        along, across = np.median([(a, b) for _, a, b in self._seen], axis=0)
        lean_deg = float(np.degrees(np.arctan(np.hypot(along, across))))
        if lean_deg <= TILT_DEG:
            return ""
        return (
            f"the ground leans {lean_deg:.1f} degrees against base_link ({np.degrees(along):+.1f} "
            f"ahead, {np.degrees(across):+.1f} to the left)"
        )


def turn_votes(
    points: Float32,
    standing: Bool,
    roles: RoleMap,
    camera: CameraModel,
    camera_from_base: Float64,
    turns: Float64,
) -> Float64:
    """How well a sweep fits the classes of an image if the camera were turned: float64 (T,).

    points: float32 (N, 3) in base_link; standing: bool (N,), those clear of the ground, all others
    lie on it. turns: float64 (T, 2), pitch and yaw in rad about the x and y axis of the optical
    frame; small ones move the picture by the focal length times the angle. The value is the mean of
    two shares, each in [0, 1]: of ground points on surface, and of standing points off it. Zero
    where too few of either stay in the picture.
    """
    pixels, held = camera.project(apply(camera_from_base, points))
    pixels, up = pixels[held], standing[held]
    surface = roles.roles == Role.SURFACE
    height, width = surface.shape
    scale = np.array([width / roles.image_size[0], height / roles.image_size[1]])
    shift = camera.focal * np.column_stack([turns[:, 1], -turns[:, 0]])
    at = np.floor((pixels[None] + shift[:, None]) * scale).astype(np.intp)  # (T, M, 2)
    inside = ((at >= 0) & (at < [width, height])).all(axis=2)
    on = surface[at[..., 1].clip(0, height - 1), at[..., 0].clip(0, width - 1)]
    flat = (inside & ~up).sum(axis=1)
    stood = (inside & up).sum(axis=1)
    agreeing = (on & inside & ~up).sum(axis=1) / np.maximum(flat, 1)
    off = (~on & inside & up).sum(axis=1) / np.maximum(stood, 1)
    enough = (flat >= _LEAST_POINTS) & (stood >= _LEAST_POINTS)
    return np.where(enough, (agreeing + off) / 2, 0.0)


_LEAST_POINTS = 40
_POINTS = 700
_STEP_DEG, _STEPS = 2.0, 2
_FADING_S = 1.0
"""What was seen fades to 1/e of its weight in this time."""
_LEAST_GAIN = 0.05
"""Of the mean share; a true calibration gained up to 0.04 where little stands."""
_LEAST_IMAGES = 8


class TurnCheck:
    """Whether a camera fits the LiDAR best as it is calibrated, over the last second or so."""

    def __init__(self) -> None:
        steps = np.radians(_STEP_DEG) * np.arange(-_STEPS, _STEPS + 1)
        pitch, yaw = np.meshgrid(steps, steps, indexing="ij")
        self._turns = np.column_stack([pitch.ravel(), yaw.ravel()])
        self._votes = np.zeros(len(self._turns))
        self._weight = 0.0
        self._images = 0
        self._last_ns = 0

    def add(
        self,
        stamp_ns: int,
        points: Float32,
        height: Float32,
        roles: RoleMap,
        camera: CameraModel,
        camera_from_base: Float64,
    ) -> str:
        """points: float32 (N, 3) in base_link; height: (N,), m over the ground.

        What is wrong, or an empty string: also while there is too little to tell.
        """
        clear = (np.abs(height) < 0.08) | (height > 0.3)
        chosen = np.flatnonzero(clear & (np.hypot(points[:, 0], points[:, 1]) < 40.0))
        _, held = camera.project(apply(camera_from_base, points[chosen]))
        chosen = chosen[held]
        up = height[chosen] > 0.3
        # As many of both kinds: there is more ground than anything else.
        some = [np.flatnonzero(kind) for kind in (up, ~up)]
        taken = np.concatenate([kind[:: 1 + len(kind) // (_POINTS // 2)] for kind in some])
        votes = turn_votes(
            points[chosen[taken]], up[taken], roles, camera, camera_from_base, self._turns
        )
        middle = len(votes) // 2
        if votes[middle] == 0:
            return ""
        kept = np.exp(-abs(stamp_ns - self._last_ns) * 1e-9 / _FADING_S)
        self._last_ns = stamp_ns
        self._votes = kept * self._votes + votes
        self._weight = kept * self._weight + 1.0
        self._images += 1
        mean = self._votes / self._weight
        pitch, yaw = np.degrees(self._turns[int(mean.argmax())])
        gain = float(mean.max() - mean[middle])
        if self._images < _LEAST_IMAGES or gain < _LEAST_GAIN or np.hypot(pitch, yaw) < TURN_DEG:
            return ""
        return (
            f"the camera fits the LiDAR best when turned by {pitch:+.0f} degrees in pitch and "
            f"{yaw:+.0f} in yaw"
        )


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
        for image in images:
            roles = image.masks.roles
            if roles is None or not self._cameras:
                continue
            turn = self._turns.setdefault(image.masks.camera, TurnCheck()).add(
                stamp_ns,
                cloud.points,
                cloud.height,
                roles,
                image.model,
                invert(image.base_from_camera),
            )
            if turn:
                doubts.append(
                    f"extrinsics of camera '{image.masks.camera}': {turn}: calibrate the two again"
                )
        return tuple(doubts)
