"""What one camera sees of one sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import apply, from_rotation_vector, invert
from s2m_ros.types import Bool, EgoPose, Float32, Float64, ObjectMasks, Role, UInt8

Index = NDArray[np.int64]

_MASKS_PER_WORD = 62


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """The points of a sweep that matter, in base_link at the instant of the fused objects.

    points: float32 (N, 3); height: float32 (N,), over the ground; range_m: float32 (N,),
    horizontal distance from base_link; sensor: float64 (3,), where the beams came from.
    """

    points: Float32
    height: Float32
    range_m: Float32
    sensor: Float64


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One camera's masks and where it stood: extrinsics at the instant of the fused objects."""

    masks: ObjectMasks
    model: CameraModel
    base_from_camera: Float64

    @property
    def origin(self) -> Float64:
        """Centre of projection in base_link, float64 (3,)."""
        return np.asarray(apply(self.base_from_camera, self.model.origin[None])[0], np.float64)

    def rays(self, grid_xy: Float64) -> Float64:
        """Unit rays in base_link, float64 (K, 3), through positions (K, 2) on the mask grid."""
        scale = np.asarray(self.masks.image_size, float) / self.masks.grid_size
        return np.asarray(self.model.ray(grid_xy * scale) @ self.base_from_camera[:3, :3].T)

    def look(self, points: Float32) -> tuple[Index, Float64]:
        """Which of the points (N, 3) of base_link the image holds, and their pixels (M, 2)."""
        camera_from_base = invert(self.base_from_camera)
        ahead: Index = np.arange(len(points))
        if self.model.model != "equidistant":
            planes = self._sides() @ camera_from_base[:3]
            planes = planes.astype(np.float32)
            ahead = np.flatnonzero((planes[:, :3] @ points.T > -planes[:, 3:]).all(axis=0))
        pixels, held = self.model.project(apply(camera_from_base, points.T[:, ahead].T))
        return ahead[held], pixels[held]

    def _sides(self) -> Float64:
        """Normals (3, 3) in the camera's frame of planes that its view lies inside of: the image
        plane, left, right. They spare most of a sweep the projection."""
        width, height = self.model.size
        v = np.linspace(0, height, 9)
        edges = [self.model.ray(np.column_stack([np.full(9, u), v])) for u in (0.0, float(width))]
        slope = np.nan_to_num([e[:, 0] / np.maximum(e[:, 2], 1e-3) for e in edges], nan=1e3)
        left, right = slope[0].min() - 0.02, slope[1].max() + 0.02
        offset = self.model.origin
        if offset.any():  # the planes go through the lens, not through the frame's origin
            left, right = left - 0.1, right + 0.1
        return np.array([[0.0, 0.0, 1.0], [1.0, 0.0, -left], [-1.0, 0.0, right]])


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The points of a cloud that one image holds.

    index: int64 (M,), into the cloud; x, y: int64 (M,), cells of the mask grid; roles: uint8 (M,);
    under: for each mask the positions in ``index`` that it covers; masked: bool (M,), under any
    mask or within two cells of one.
    """

    image: Image
    index: Index
    x: Index
    y: Index
    roles: UInt8
    under: tuple[Index, ...]
    masked: Bool


def view_of(image: Image, index: Index, pixels: Float64) -> View:
    """Look up masks and roles under the pixels (M, 2) of the points ``index`` of a cloud."""
    masks = image.masks
    share_x, share_y = pixels[:, 0] / masks.image_size[0], pixels[:, 1] / masks.image_size[1]
    x = (share_x * masks.grid_size[0]).astype(np.int64)
    y = (share_y * masks.grid_size[1]).astype(np.int64)
    roles = np.full(len(index), Role.UNKNOWN, np.uint8)
    if masks.roles is not None:
        rows, columns = masks.roles.roles.shape
        roles = masks.roles.roles[
            (share_y * rows).astype(np.int64), (share_x * columns).astype(np.int64)
        ]
    under, masked = _under(masks, x, y)
    return View(image, index, x, y, roles, tuple(under), masked)


def _under(masks: ObjectMasks, x: Index, y: Index) -> tuple[list[Index], Bool]:
    """One bit a mask on one canvas, so that all masks take a single look-up of the points."""
    width, height = masks.grid_size
    under: list[Index] = []
    masked = np.zeros(len(x), np.bool_)
    for first in range(0, len(masks.items), _MASKS_PER_WORD):
        some = masks.items[first : first + _MASKS_PER_WORD]
        canvas = np.zeros((height, width), np.int64)
        for bit, mask in enumerate(some):
            h, w = mask.bits.shape
            canvas[mask.y : mask.y + h, mask.x : mask.x + w] |= mask.bits.astype(np.int64) << bit
        code = canvas[y, x]
        hit = np.flatnonzero(code)
        code = code[hit]
        under += [hit[(code >> bit) & 1 > 0] for bit in range(len(some))]
        wide = cv2.dilate((canvas != 0).astype(np.uint8), np.ones((5, 5), np.uint8))
        masked |= wide[y, x] > 0
    return under, masked


def seen_points(count: int, indices: Sequence[Index]) -> Bool:
    """Which of ``count`` points at least one image holds."""
    seen = np.zeros(count, np.bool_)
    for index in indices:
        seen[index] = True
    return seen


def ego_step(ego: EgoPose, step_ns: int) -> Float64:
    """Float64 (4, 4): base_link ``step_ns`` later in base_link now, at constant velocity."""
    seconds = step_ns * 1e-9
    matrix = np.eye(4)
    matrix[:3, :3] = from_rotation_vector(ego.turn_rate * seconds)
    matrix[:3, 3] = ego.velocity * seconds
    return matrix
