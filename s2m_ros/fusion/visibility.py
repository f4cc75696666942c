"""Where on the ground around the vehicle the cameras would have shown an object.

A place is seen when its ground lies well inside an image and nothing stands before it: no mask of
a nearer object, no LiDAR point that rises into the line of sight; without LiDAR, no pixel of a
known standing class. What stands at the place itself does not hide it where distance is measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2m_ros.fusion.surface import GroundSurface
from s2m_ros.fusion.transforms import apply, invert
from s2m_ros.fusion.view import Cloud, Image
from s2m_ros.types import Bool, Float64, Object3D, Role, Visibility

Index = NDArray[np.intp]

SECTORS, RINGS, RING_M = 120, 80, 0.5

_BORDER = 0.03
"""Share of the image at each side where an object is cut off and easily missed."""
_STANDS = np.isin(np.arange(len(Role)), (Role.UNKNOWN, Role.SURFACE), invert=True)
_BEHIND_M = 1.0
"""What is so much farther than an object lies behind it, not under it."""
_TALL_M = 0.25
"""LiDAR points lower than this hide nothing that matters."""
_OWN_BODY_M = 1.0
_BEARINGS = 360
_EVERY = 4
"""Of the LiDAR's points this share suffices: what hides a place spans many."""


@dataclass(frozen=True, slots=True, eq=False)
class _Shown:
    """The places that one camera shows, as long as it and the ground stay where they are.

    place: int (M,), which; at: float64 (M, 2), position as shares of the image; reach: float64
    (M,), m, and bearing: int (M,), from the camera; ground: heights of the corners of the grid.
    """

    base_from_camera: Float64
    ground: Float64
    origin: Float64
    place: Index
    at: Float64
    reach: Float64
    bearing: Index


class VisibleGround:
    """Remembers which places each camera shows; asks each image what hides them."""

    def __init__(self) -> None:
        turn, way = np.meshgrid(
            (np.arange(SECTORS) + 0.5) * 2 * np.pi / SECTORS,
            (np.arange(RINGS) + 0.5) * RING_M,
            indexing="ij",
        )
        self._places = np.column_stack([(way * np.cos(turn)).ravel(), (way * np.sin(turn)).ravel()])
        self._shown: dict[str, _Shown] = {}

    def look(
        self,
        images: Sequence[Image],
        objects: Sequence[Object3D],
        cloud: Cloud,
        ground: GroundSurface,
    ) -> Visibility:
        """What these images show. objects: those lifted from their masks; all in base_link."""
        seen = np.zeros(SECTORS * RINGS, np.bool_)
        for image in images:
            shown = self._show(image, ground)
            hidden = _by_masks(image, shown, objects)
            if len(cloud.points):
                hidden |= _by_points(cloud, shown, float(shown.origin[2] - ground.plane[2]))
            else:
                hidden |= _by_class(image, shown)
            seen[shown.place[~hidden]] = True
        return Visibility(seen.reshape(SECTORS, RINGS), RING_M)

    def _show(self, image: Image, ground: GroundSurface) -> _Shown:
        a, b, c = ground.plane
        corners = c + np.array([0.0, a, -a, b, -b]) * 10.0
        known = self._shown.get(image.masks.camera)
        if (
            known is not None
            and np.abs(known.base_from_camera - image.base_from_camera).max() < 0.02
            and np.abs(known.ground - corners).max() < 0.05
        ):
            return known
        on_ground = np.column_stack([self._places, self._places @ [a, b] + c])
        pixels, held = image.model.project(apply(invert(image.base_from_camera), on_ground))
        at = np.nan_to_num(pixels / np.asarray(image.model.size, float))
        held &= ((at > _BORDER) & (at < 1 - _BORDER)).all(axis=1)
        place = np.flatnonzero(held)
        origin = image.origin
        away = self._places[place] - origin[:2]
        reach = np.hypot(away[:, 0], away[:, 1])
        shown = _Shown(image.base_from_camera, corners, origin, place, at[place], reach,
                       _bearing(away))  # fmt: skip
        self._shown[image.masks.camera] = shown
        return shown


def _by_class(image: Image, shown: _Shown) -> Bool:
    roles = image.masks.roles
    if roles is None:
        return np.zeros(len(shown.place), np.bool_)
    rows, columns = roles.roles.shape
    cells = (shown.at * (columns, rows)).astype(np.intp)
    return np.asarray(_STANDS[roles.roles[cells[:, 1], cells[:, 0]]])


def _by_masks(image: Image, shown: _Shown, objects: Sequence[Object3D]) -> Bool:
    masks = image.masks
    patches = {mask.id: mask for mask in masks.items}
    hidden = np.zeros(len(shown.place), np.bool_)
    found = [o for o in objects if o.camera == masks.camera and o.mask_id in patches]
    if not found or not len(hidden):
        return hidden
    own = [patches[item.mask_id] for item in found]
    away = np.array([item.position[:2] for item in found]) - shown.origin[:2]
    far = np.hypot(away[:, 0], away[:, 1]) + _BEHIND_M
    corner = np.array([(m.x, m.y) for m in own], np.int16).T[:, :, None]
    size = np.array([m.bits.shape[::-1] for m in own], np.int16).T[:, :, None]
    cell = np.ascontiguousarray((shown.at * masks.grid_size).astype(np.int16).T)
    column, row = cell[:, None] - corner
    near = (shown.reach > far[:, None]) & (column >= 0) & (row >= 0)
    near &= (column < size[0]) & (row < size[1])
    pair = near.ravel().nonzero()[0]  # a place behind a mask's object and in the mask's patch
    mask, place = np.divmod(pair, len(hidden))
    width, height = size[:, :, 0].astype(np.intp)
    first = (width * height).cumsum() - width * height
    bits = np.concatenate([m.bits.ravel() for m in own])
    at = first[mask] + row.ravel().take(pair) * width[mask] + column.ravel().take(pair)
    hidden[place[bits[at]]] = True
    return hidden


def _by_points(cloud: Cloud, shown: _Shown, camera_height: float) -> Bool:
    """The shadow of a point of height z at reach r ends at r h / (h - z), h the camera's height."""
    tall = np.flatnonzero(cloud.height > _TALL_M)[::_EVERY]
    away = cloud.points.T[:2, tall].T - shown.origin[:2].astype(np.float32)
    reach = np.sqrt(away[:, 0] ** 2 + away[:, 1] ** 2)
    reach[reach < _OWN_BODY_M] = np.inf  # returns of the vehicle itself
    gap = np.maximum(camera_height - cloud.height[tall], 1e-3)
    end = np.minimum(reach * camera_height / gap, 1e4)
    rings = int(shown.reach.max(initial=0.0) / RING_M) + 2
    begin = np.minimum((reach + _BEHIND_M) / RING_M + 1, rings - 1)  # the last is never asked
    ring = begin.astype(np.intp)
    darkness = np.zeros((rings, _BEARINGS), np.float32)
    np.maximum.at(darkness, (ring, _bearing(away)), end)
    np.maximum.accumulate(darkness, axis=0, out=darkness)
    at = (shown.reach / RING_M).astype(np.intp)
    return np.asarray(darkness[at, shown.bearing] > shown.reach)


def _bearing(away: NDArray[np.floating]) -> Index:
    turn = np.arctan2(away[:, 1], away[:, 0]) / (2 * np.pi)
    return np.asarray(np.floor(turn * _BEARINGS).astype(np.intp) % _BEARINGS)
