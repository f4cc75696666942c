"""What one camera sees of one sweep."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import apply, from_rotation_vector, invert
from s2m_ros.types import EgoPose, Float32, Float64, ObjectMask, ObjectMasks, Role, UInt8

Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """A sweep in base_link at the instant of the fused objects.

    points: float32 (N, 3); height: float32 (N,), over the ground; range_m: float32 (N,),
    horizontal distance from base_link.
    """

    points: Float32
    height: Float32
    range_m: Float32


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The points of a cloud that one camera's image holds.

    index: int64 (M,), into the cloud; x, y: int64 (M,), cells of the mask grid; roles: uint8 (M,).
    base_from_camera: float64 (4, 4), extrinsics at the instant of the fused objects.
    """

    masks: ObjectMasks
    model: CameraModel
    base_from_camera: Float64
    index: Index
    x: Index
    y: Index
    roles: UInt8

    def inside(self, mask: ObjectMask) -> Index:
        """Positions in ``index`` of the points that the mask covers."""
        h, w = mask.bits.shape
        x, y = self.x - mask.x, self.y - mask.y
        near = np.flatnonzero((x >= 0) & (x < w) & (y >= 0) & (y < h))
        return near[mask.bits[y[near], x[near]]]

    def rays(self, grid_xy: Float64) -> Float64:
        """Unit rays in base_link, float64 (K, 3), through positions (K, 2) on the mask grid."""
        scale = np.asarray(self.masks.image_size, float) / self.masks.grid_size
        return np.asarray(self.model.ray(grid_xy * scale) @ self.base_from_camera[:3, :3].T)

    @property
    def origin(self) -> Float64:
        """Centre of projection in base_link, float64 (3,)."""
        return np.asarray(apply(self.base_from_camera, self.model.origin[None])[0], np.float64)


def ego_step(ego: EgoPose, step_ns: int) -> Float64:
    """Float64 (4, 4): base_link ``step_ns`` later in base_link now, at constant velocity."""
    seconds = step_ns * 1e-9
    matrix = np.eye(4)
    matrix[:3, :3] = from_rotation_vector(ego.turn_rate * seconds)
    matrix[:3, 3] = ego.velocity * seconds
    return matrix


def look(cloud: Cloud, masks: ObjectMasks, model: CameraModel, base_from_camera: Float64) -> View:
    """Project the cloud into the image that the masks were found in."""
    camera_from_base = invert(base_from_camera)
    ahead = np.flatnonzero(
        cloud.points @ camera_from_base[2, :3].astype(np.float32) > -camera_from_base[2, 3]
    )
    pixels, held = model.project(apply(camera_from_base, cloud.points[ahead]))
    index = ahead[held]
    share = pixels[held] / np.asarray(masks.image_size, float)
    cells = (share * np.asarray(masks.grid_size)).astype(np.int64)
    roles = np.full(len(index), Role.UNKNOWN, np.uint8)
    if masks.roles is not None:
        rows, columns = masks.roles.roles.shape
        at = (share * (columns, rows)).astype(np.int64)
        roles = masks.roles.roles[at[:, 1], at[:, 0]]
    return View(masks, model, base_from_camera, index, cells[:, 0], cells[:, 1], roles)
