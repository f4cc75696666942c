"""Whether a camera is turned: the sides of things in the sweep against those in the image.

Where a beam hits a thing and the next one passes it, the picture has an upright edge, if camera
and LiDAR stand as they are calibrated (Levinson and Thrun, Automatic Online Calibration of Cameras
and Lasers, RSS 2013). Of all small turns, in pitch and yaw, the true one finds the most edges.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import apply, from_rotation_vector
from s2m_ros.types import EdgeMap, Float32, Float64

TURN_DEG = 2.0
_APART_DEG = 1.0
"""Sides that are further apart are different ones."""
_LEAST_SIDES, _LEAST_POINTS = 3, 20
_PITCH_DEG, _YAW_DEG = np.meshgrid(
    np.arange(-4.5, 4.6, 0.75), np.arange(-6.0, 6.1, 0.5), indexing="ij"
)
"""Turns that are tried, about the x and y axis of the optical frame."""
_MOST_POINTS = 160
_SAME_DEG = 1.3
"""Two turns that differ by less are the same."""
_AS_GOOD = 0.97
"""Of the best: the least of such turns is taken."""
_FADING_S = 0.35
"""What was seen fades to 1/e of its weight in this time."""
_LEAST_GAIN, _LEAST_SIGMA = 0.10, 3.5
"""By how much the best turn must beat all that are far from it, over what any turn finds; and
what any turn finds, in deviations of a binomial distribution: several hundred are tried."""


def _matrices() -> Float32:
    """Matrices (T, 3, 3) that turn rows of points in the optical frame."""
    turns = np.radians(np.column_stack([_PITCH_DEG.ravel(), _YAW_DEG.ravel()]))
    return np.array([from_rotation_vector(np.array([x, y, 0.0])).T for x, y in turns], np.float32)


_TURNED = _matrices()
_SHAPE = _YAW_DEG.shape
_TURN_DEG = np.hypot(_PITCH_DEG, _YAW_DEG)


class Turn(NamedTuple):
    """Degrees about the x and the y axis of the optical frame."""

    pitch_deg: float
    yaw_deg: float

    def apart(self, other: Turn) -> float:
        """Degrees to another turn."""
        return float(np.hypot(self.pitch_deg - other.pitch_deg, self.yaw_deg - other.yaw_deg))


class TurnCheck:
    """Whether the edges of a camera's images lie where the LiDAR sees the sides of things.

    told: what the last call of ``add`` returned.
    """

    def __init__(self) -> None:
        self.told: Turn | None = None
        self._hits = np.zeros(_SHAPE)
        self._seen = np.zeros(_SHAPE)
        self._sides = 0.0
        self._weight = 0.0
        self._last_ns = 0
        self._before: Turn | None = None

    def add(
        self,
        stamp_ns: int,
        sides: Float32,
        edges: EdgeMap,
        camera: CameraModel,
        camera_from_base: Float64,
    ) -> Turn | None:
        """sides: float32 (N, 3) in base_link, ``silhouettes`` of the sweep.

        The turn by which the camera fits better; None while it fits as it is calibrated, or while
        there is too little to tell.
        """
        in_camera = apply(camera_from_base, sides)
        ahead = in_camera[camera.project(in_camera)[1]]
        ahead = ahead[:: 1 + len(ahead) // _MOST_POINTS]
        kept = np.exp(-abs(stamp_ns - self._last_ns) * 1e-9 / _FADING_S)
        self._last_ns = stamp_ns
        on, inside = _found(ahead, edges, camera)
        self._hits = kept * self._hits + on
        self._seen = kept * self._seen + inside
        self._sides = kept * self._sides + _count(ahead)
        self._weight = kept * self._weight + 1.0
        before, self._before = self._before, self._judge()
        again = before and self._before and self._before.apart(before) < _SAME_DEG
        self.told = self._before if again else None
        return self.told

    def _judge(self) -> Turn | None:
        """The turn that the last images ask for."""
        few_sides = self._sides < _LEAST_SIDES * self._weight
        if few_sides or self._seen.max() < _LEAST_POINTS:
            return None
        enough = self._seen >= self._seen.max() / 2
        share = np.where(enough, self._hits / np.maximum(self._seen, 1e-9), 0.0)
        most = float(share.max())
        as_good = np.where(enough & (share >= _AS_GOOD * most), _TURN_DEG, np.inf)
        best = np.unravel_index(int(as_good.argmin()), _SHAPE)
        found = Turn(float(_PITCH_DEG[best]), float(_YAW_DEG[best]))
        any_turn = float(np.median(share[enough]))
        points = float(self._seen[best]) / self._weight  # of an image: the next shows the same
        by_chance = float(np.sqrt(any_turn * (1 - any_turn) / points))
        more = most - any_turn
        if _TURN_DEG[best] < TURN_DEG or more < _LEAST_SIGMA * by_chance:
            return None
        apart_deg = np.hypot(_PITCH_DEG - found.pitch_deg, _YAW_DEG - found.yaw_deg)
        other = float(share[apart_deg >= TURN_DEG].max())
        return found if most - other >= _LEAST_GAIN * more else None


def _found(points: Float32, edges: EdgeMap, camera: CameraModel) -> tuple[Float64, Float64]:
    """How many of points (N, 3) meet an edge, and stay in the picture, for each turn."""
    pixels, held = camera.project((points @ _TURNED).reshape(-1, 3))
    wide = edges.edges.copy()
    wide[:, 1:] |= edges.edges[:, :-1]
    wide[:, :-1] |= edges.edges[:, 1:]
    rows, columns = wide.shape
    column = np.floor(pixels[:, 0] * (columns / edges.image_size[0]))
    row = np.floor(pixels[:, 1] * (rows / edges.image_size[1]))
    inside = held & (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    on = inside.copy()
    on[inside] = wide[row[inside].astype(np.intp), column[inside].astype(np.intp)]
    on, inside = on.reshape(*_SHAPE, -1), inside.reshape(*_SHAPE, -1)
    return on.sum(axis=2), inside.sum(axis=2)


def _count(points: Float32) -> int:
    """How many different sides there are among points (N, 3) in front of the camera."""
    azimuth = np.sort(np.degrees(np.arctan2(points[:, 0], points[:, 2])))
    return int((np.diff(azimuth) > _APART_DEG).sum()) + 1 if len(azimuth) else 0
