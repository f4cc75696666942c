"""What one camera sees of one sweep."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.groups import Groups, Index
from s2m_ros.fusion.transforms import apply, invert
from s2m_ros.types import Bool, Float32, Float64, ObjectMasks, Role, UInt8

_MASKS_PER_WORD = 32
_CLOSE = 2  # cells from a mask


@dataclass(frozen=True, slots=True, eq=False)
class Cloud:
    """The points of a sweep that matter, in base_link at the instant of the fused objects.

    points: float32 (N, 3), coordinate by coordinate in memory; height: float32 (N,), over the
    ground; range_m: float32 (N,), horizontal distance from base_link; sensor: float64 (3,), where
    the beams came from.
    """

    points: Float32
    height: Float32
    range_m: Float32
    sensor: Float64


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """A camera of the rig. sides: float64 (K, 4), planes in its frame that its view lies inside
    of, n x + d > 0: they spare most of a sweep the projection."""

    model: CameraModel
    frame_id: str
    sides: Float64

    @classmethod
    def of(cls, model: CameraModel, frame_id: str) -> Camera:
        return cls(model, frame_id, _sides(model))


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """One camera's masks and where it stood: extrinsics at the instant of the fused objects."""

    masks: ObjectMasks
    camera: Camera
    base_from_camera: Float64

    @property
    def model(self) -> CameraModel:
        return self.camera.model

    @property
    def origin(self) -> Float64:
        """Centre of projection in base_link, float64 (3,)."""
        return np.asarray(apply(self.base_from_camera, self.model.origin[None])[0], np.float64)

    def rays(self, grid_xy: Float64) -> Float64:
        """Unit rays in base_link, float64 (K, 3), through positions (K, 2) on the mask grid."""
        scale = np.asarray(self.masks.image_size, float) / self.masks.grid_size
        return np.asarray(self.model.ray(grid_xy * scale) @ self.base_from_camera[:3, :3].T)

    def ahead(self, points: Float32, base_from_points: Float64) -> Index:
        """The points (N, 3) of some frame that the image may hold, ascending; it holds no others.

        The first two planes spare most of a sweep the others.
        """
        planes = self.camera.sides @ invert(self.base_from_camera) @ base_from_points
        planes = planes.astype(np.float32)
        if not len(planes):
            return np.arange(len(points))
        inside: Bool = points @ planes[0, :3] > -planes[0, 3]
        for plane in planes[1:2]:
            inside &= points @ plane[:3] > -plane[3]
        index = inside.nonzero()[0]
        points = points.T.take(index, axis=1).T
        within = (planes[2:, :3] @ points.T > -planes[2:, 3:]).all(axis=0)
        return index if within.all() else index[within]

    def project(self, points: Float32) -> tuple[Float32, Bool]:
        """Pixels (N, 2) of points (N, 3) in base_link, and which of them the image holds."""
        pixels, held = self.model.project(apply(invert(self.base_from_camera), points))
        return np.asarray(pixels, np.float32), held


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """The points of a cloud that one image holds.

    index: int (M,), into the cloud; x, y: int32 (M,), cells of the mask grid; roles: uint8 (M,);
    under: for each mask the points of the cloud that it covers; masked: bool (M,), under any mask
    or within two cells of one.
    """

    image: Image
    index: Index
    x: np.ndarray
    y: np.ndarray
    roles: UInt8
    under: Groups
    masked: Bool


def view_of(image: Image, index: Index, pixels: Float32) -> View:
    """Look up masks and roles under the pixels (M, 2) of the points ``index`` of a cloud."""
    masks = image.masks
    u, v = pixels.T
    x, y = _cells(u, v, masks.image_size, masks.grid_size)
    roles = np.full(len(index), Role.UNKNOWN, np.uint8)
    if masks.roles is not None:
        rows, columns = masks.roles.roles.shape
        column, row = x, y
        if (columns, rows) != masks.grid_size:
            column, row = _cells(u, v, masks.image_size, (columns, rows))
        roles = masks.roles.roles.ravel().take(row * np.int32(columns) + column)
    at, number, masked = _under(masks, x, y)
    return View(image, index, x, y, roles, Groups.in_order(index.take(at), number), masked)


def _cells(
    u: Float32, v: Float32, size: tuple[int, int], cells: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Column and row, int32 (M,) each, of pixels of an image on a grid laid over it."""
    column, row = (
        np.minimum((p * np.float32(n / whole)).astype(np.int32), n - 1)
        for p, n, whole in zip((u, v), cells, size, strict=True)
    )
    return column, row


def _under(masks: ObjectMasks, x: np.ndarray, y: np.ndarray) -> tuple[Index, Index, Bool]:
    """Pairs of a point (position in x, y) and a mask over it, mask after mask; and which points
    lie under or close to any.

    One bit a mask on one canvas, so that all masks take a single look-up of the points.
    """
    if not masks.items:
        nothing = np.zeros(0, np.intp)
        return nothing, nothing, np.zeros(len(x), np.bool_)
    # The canvas holds the rows that have masks, and what is close to them, once.
    width = masks.grid_size[0]
    top = max(min(m.y for m in masks.items) - _CLOSE, 0)
    bottom = min(max(m.y + m.bits.shape[0] for m in masks.items) + _CLOSE, masks.grid_size[1])
    height = bottom - top
    within = ((y >= top) & (y < bottom)).nonzero()[0]
    flat = (y.take(within) - np.int32(top)) * np.int32(width) + x.take(within)
    covered = np.zeros((height, width), np.uint8)
    canvases = []
    for first in range(0, len(masks.items), _MASKS_PER_WORD):
        canvas = np.zeros((height, width, _MASKS_PER_WORD // 8), np.uint8)
        for bit, mask in enumerate(masks.items[first : first + _MASKS_PER_WORD]):
            h, w = mask.bits.shape
            part = canvas[mask.y - top : mask.y - top + h, mask.x : mask.x + w, bit >> 3]
            part |= mask.bits.view(np.uint8) << (bit & 7)
        canvases.append(canvas.view("<u4")[:, :, 0])
        covered |= canvases[-1] != 0
    side = 2 * _CLOSE + 1
    wide = cv2.dilate(covered, np.ones((side, side), np.uint8))
    near = wide.ravel().take(flat).nonzero()[0]  # few: the rest is not looked up any more
    within, flat = within.take(near), flat.take(near)
    close = np.zeros(len(x), np.bool_)
    close[within] = True
    pairs: list[tuple[Index, Index]] = []
    for first, words in zip(range(0, len(masks.items), _MASKS_PER_WORD), canvases, strict=True):
        at, number = _bits_of(words.ravel().take(flat))
        pairs.append((within.take(at), number + first))
    if len(pairs) == 1:
        return *pairs[0], close
    at, number = (np.concatenate(column) for column in zip(*pairs, strict=True))
    return at, number, close


def _bits_of(code: NDArray[np.uint32]) -> tuple[Index, Index]:
    """Pairs of a position in the words (N,) and a bit that is set there, bit after bit."""
    at = code.nonzero()[0]
    left = code.take(at)
    places, bits = [], []
    while len(at):  # once for each mask over the most covered point: rarely more than twice
        rest = left & (left - np.uint32(1))
        bits.append(np.frexp((left ^ rest).astype(np.float64))[1].astype(np.int16) - 1)
        places.append(at)
        more = np.flatnonzero(rest)
        at, left = at.take(more), rest.take(more)
    if not places:
        return at, at
    place, bit = np.concatenate(places), np.concatenate(bits)
    # Of a bit the places ascend within each round, and then anew: those are few.
    order = np.lexsort((place, bit)) if len(places) > 1 else bit.argsort(kind="stable")
    return place.take(order), bit.take(order).astype(np.intp)


def _sides(model: CameraModel) -> Float64:
    """Planes (K, 4): left, right, top, bottom, the image plane; none for a fisheye."""
    if model.model == "equidistant":
        return np.zeros((0, 4))
    width, height = model.size
    u, v = np.linspace(0, width, 17), np.linspace(0, height, 17)
    border = [
        np.column_stack([np.full(17, edge), v])
        if axis == 0
        else np.column_stack([u, np.full(17, edge)])
        for axis, edge in ((0, 0.0), (0, float(width)), (1, 0.0), (1, float(height)))
    ]
    slopes = []
    for axis, pixels in zip((0, 0, 1, 1), border, strict=True):
        rays = model.ray(pixels)
        slopes.append(np.nan_to_num(rays[:, axis] / np.maximum(rays[:, 2], 1e-3), nan=np.inf))
    left, right, top, bottom = slopes
    # The planes go through the lens; what the border bulges between the rays is little.
    limits = (left.min(), right.max(), top.min(), bottom.max())
    planes = []
    for k, limit in enumerate(limits):
        if not np.isfinite(limit):
            continue
        sign = 1.0 if k % 2 == 0 else -1.0
        normal = np.zeros(3)
        normal[k // 2], normal[2] = sign, -sign * limit + 0.02
        planes.append((*normal, float(-normal @ model.origin)))
    return np.array([*planes, (0.0, 0.0, 1.0, 0.0)])
