"""Which points of a sweep lie under which mask: ours, against what a first version would do."""

from __future__ import annotations

import math
from collections.abc import Iterator

import cv2
import numpy as np
import raycast
from measuring import Row, run

from s2m_ros.fusion.transforms import apply, invert
from s2m_ros.fusion.view import Camera, Image, view_of
from s2m_ros.types import ObjectMasks, Sweep

BASE_FROM_LIDAR, BASE_FROM_CAMERA = raycast.BASE_FROM_LIDAR, raycast.BASE_FROM_CAMERA
BORDER_PX = 0.01
"""Points nearer to the border of a cell may fall to either side of it: float32 and float64."""


def scene(objects: int = 20) -> tuple[ObjectMasks, Sweep]:
    ground, boxes = raycast.fan(objects)
    sweep = raycast.sweep(ground, boxes, beams=100, columns=1800)
    return raycast.masks(ground, boxes, raycast.SIZE), sweep


def ours(masks: ObjectMasks, sweep: Sweep, camera: Camera) -> list[np.ndarray]:
    image = Image(masks, camera, BASE_FROM_CAMERA)
    ahead = image.ahead(sweep.points, BASE_FROM_LIDAR)
    points = apply(BASE_FROM_LIDAR, sweep.points.take(ahead, axis=0))
    pixels, held = image.project(points)
    on = held.nonzero()[0]
    view = view_of(image, ahead.take(on), pixels.T.take(on, axis=1).T)
    found = [np.zeros(0, np.intp)] * len(masks.items)
    for g, key in enumerate(view.under.key.tolist()):
        found[key] = view.under.members(g)
    return found


def by_opencv(masks: ObjectMasks, sweep: Sweep) -> list[np.ndarray]:
    """cv2.projectPoints of the whole sweep for each mask, which is looked up on the whole grid."""
    camera_from_lidar = invert(BASE_FROM_CAMERA) @ BASE_FROM_LIDAR
    turn, _ = cv2.Rodrigues(camera_from_lidar[:3, :3])
    model = raycast.MODEL
    width, height = masks.grid_size
    found = []
    for mask in masks.items:
        points = sweep.points.astype(np.float64)
        pixels, _ = cv2.projectPoints(
            points, turn, camera_from_lidar[:3, 3], model.matrix, model.distortion[:5]
        )
        u, v = pixels[:, 0].T + 0.5
        depth = points @ camera_from_lidar[2, :3] + camera_from_lidar[2, 3]
        held = (depth > 1e-6) & (u >= 0) & (u < width) & (v >= 0) & (v < height)
        index = np.flatnonzero(held)
        dense = masks.dense(mask)
        found.append(index[dense[v[index].astype(int), u[index].astype(int)]])
    return found


def by_points(masks: ObjectMasks, sweep: Sweep) -> list[np.ndarray]:
    """A loop over points in Python."""
    rows = (invert(BASE_FROM_CAMERA) @ BASE_FROM_LIDAR)[:3].tolist()
    (a, b, c, d), (e, f, g, h), (p, q, r, s) = rows
    matrix = raycast.MODEL.matrix.tolist()
    (fx, _, cx), (_, fy, cy) = matrix[0], matrix[1]
    width, height = masks.grid_size
    found: list[list[int]] = [[] for _ in masks.items]
    items = [(m.x, m.y, m.bits.shape[1], m.bits.shape[0], m.bits) for m in masks.items]
    for n, (x, y, z) in enumerate(sweep.points.tolist()):
        depth = p * x + q * y + r * z + s
        if depth <= 1e-6:
            continue
        u = fx * (a * x + b * y + c * z + d) / depth + cx + 0.5
        v = fy * (e * x + f * y + g * z + h) / depth + cy + 0.5
        if not (0 <= u < width and 0 <= v < height):
            continue
        column, row = math.floor(u), math.floor(v)
        for own, (left, top, w, tall, bits) in zip(found, items, strict=True):
            at, down = column - left, row - top
            if 0 <= at < w and 0 <= down < tall and bits[down, at]:
                own.append(n)
    return [np.array(own, np.intp) for own in found]


def _differ(expected: list[np.ndarray], found: list[np.ndarray], unsure: np.ndarray) -> int:
    """How many (mask, point) differ, but for points that are unsure."""
    return sum(
        int((~unsure[np.setxor1d(one, other)]).sum())
        for one, other in zip(expected, found, strict=True)
    )


def rows(repeats: int) -> Iterator[Row]:
    masks, sweep = scene()
    work = f"{len(sweep.points):,} points under {len(masks.items)} masks"
    camera = Camera.of(raycast.MODEL, "camera_optical_frame")
    row, expected = run(
        work,
        "s2m_ros: frustum, one projection, one look-up",
        lambda: ours(masks, sweep, camera),
        4 * repeats,
        True,
    )
    yield row
    points = apply(invert(BASE_FROM_CAMERA) @ BASE_FROM_LIDAR, sweep.points.astype(float))
    pixels, _ = raycast.MODEL.project(points)
    off = np.abs(pixels - np.rint(pixels))
    unsure = ~(off.min(axis=1) > BORDER_PX)
    note = f"same points asserted, but for those within {BORDER_PX} px of a cell's border"
    for name, peer, count in (
        ("cv2.projectPoints for each mask", by_opencv, repeats),
        ("a loop over points in Python", by_points, 2),
    ):
        row, found = run(work, name, lambda peer=peer: peer(masks, sweep), count, note=note)
        assert _differ(expected, found, unsure) == 0, f"{name}: other points"
        yield row
