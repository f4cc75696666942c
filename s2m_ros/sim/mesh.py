"""Triangle meshes and the shapes that the catalogue builds its objects from.

Metres; an object stands on z = 0 with x forward, y left, z up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s2m_ros.sim.materials import Material
from s2m_ros.types import Float32, Float64

CREASE_COS = 0.77
"""Faces that meet at less than about 40 degrees are shaded as one smooth surface."""


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A soup of triangles.

    triangles: float32 (F, 3, 3); normals: float32 (F, 3, 3), unit, one for each corner;
    material: int16 (F,), index into materials.
    """

    triangles: Float32
    normals: Float32
    material: NDArray[np.int16]
    materials: tuple[Material, ...]

    def moved(
        self, offset: ArrayLike = (0, 0, 0), yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0
    ) -> Mesh:
        """Turned about x (roll), y (pitch), then z (yaw), in radians, and shifted."""
        rotation = rotation_matrix(yaw, pitch, roll).astype(np.float32)
        return Mesh(
            self.triangles @ rotation.T + np.asarray(offset, np.float32),
            self.normals @ rotation.T,
            self.material,
            self.materials,
        )

    def scaled(self, factor: ArrayLike) -> Mesh:
        """Stretched along the axes by positive factors."""
        scale = np.broadcast_to(np.asarray(factor, np.float32), (3,))
        normals = self.normals / scale
        normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
        return Mesh(self.triangles * scale, normals, self.material, self.materials)

    def mirrored_y(self) -> Mesh:
        """The other side: y becomes -y."""
        flip = np.array([1, -1, 1], np.float32)
        return Mesh(
            (self.triangles * flip)[:, ::-1],
            (self.normals * flip)[:, ::-1],
            self.material,
            self.materials,
        )

    def painted(self, material: Material, faces: NDArray[np.bool_]) -> Mesh:
        """With another material on some faces: bool (F,)."""
        index = np.where(faces, np.int16(len(self.materials)), self.material).astype(np.int16)
        return Mesh(self.triangles, self.normals, index, (*self.materials, material))

    @property
    def centres(self) -> Float32:
        """Centre of each triangle: float32 (F, 3)."""
        return np.asarray(self.triangles.mean(axis=1), np.float32)

    def bounds(self) -> tuple[Float64, Float64]:
        """Lowest and highest corner of the axis-aligned box."""
        points = self.triangles.reshape(-1, 3).astype(np.float64)
        return points.min(axis=0), points.max(axis=0)


def rotation_matrix(yaw: float, pitch: float = 0.0, roll: float = 0.0) -> Float64:
    """Rz(yaw) Ry(pitch) Rx(roll), angles in radians."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), np.sin(roll)
    about_z = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1.0]])
    about_y = np.array([[cp, 0, sp], [0, 1.0, 0], [-sp, 0, cp]])
    about_x = np.array([[1.0, 0, 0], [0, cr, -sr], [0, sr, cr]])
    return np.asarray(about_z @ about_y @ about_x)


def merge(meshes: Sequence[Mesh]) -> Mesh:
    """All meshes as one."""
    materials: list[Material] = []
    index: list[NDArray[np.int16]] = []
    for mesh in meshes:
        index.append((mesh.material + len(materials)).astype(np.int16))
        materials.extend(mesh.materials)
    return Mesh(
        np.concatenate([mesh.triangles for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate(index),
        tuple(materials),
    )


def from_faces(vertices: ArrayLike, faces: ArrayLike, material: Material) -> Mesh:
    """A mesh of indexed triangles, with smooth normals except over creases."""
    vertices = np.asarray(vertices, np.float64)
    triangles = vertices[np.asarray(faces, np.int64)]
    area = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    length = np.linalg.norm(area, axis=1)
    keep = length > 1e-12
    triangles, area, length = triangles[keep], area[keep], length[keep]
    flat = area / length[:, None]
    _, corner = np.unique(np.round(triangles.reshape(-1, 3), 5), axis=0, return_inverse=True)
    corner = corner.reshape(-1)
    order = np.argsort(corner, kind="stable")
    sorted_corner = corner[order]
    start = np.searchsorted(sorted_corner, sorted_corner)
    count = np.searchsorted(sorted_corner, sorted_corner, side="right") - start
    normals = np.zeros((len(order), 3))
    own = flat[order // 3]
    for step in range(int(count.max(initial=0))):
        has = step < count
        other = order[start[has] + step] // 3
        near = (flat[other] * own[has]).sum(axis=1) > CREASE_COS
        normals[np.flatnonzero(has)[near]] += area[other[near]]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    unsorted = np.empty_like(normals)
    unsorted[order] = normals
    return Mesh(
        triangles.astype(np.float32),
        unsorted.reshape(-1, 3, 3).astype(np.float32),
        np.zeros(len(triangles), np.int16),
        (material,),
    )


def box(size: ArrayLike, material: Material, centre: ArrayLike = (0, 0, 0)) -> Mesh:
    """A cuboid about its centre."""
    corners = _CUBE * np.asarray(size, np.float64) + np.asarray(centre, np.float64)
    triangles = corners[_CUBE_FACES].astype(np.float32)
    index = np.zeros(len(triangles), np.int16)
    return Mesh(triangles, _CUBE_NORMALS.copy(), index, (material,))


_CUBE = np.array([[x, y, z] for x in (-0.5, 0.5) for y in (-0.5, 0.5) for z in (-0.5, 0.5)])
_CUBE_FACES = np.array(
    [
        face
        for a, b, c, d in (
            (0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3),
        )
        for face in ((a, b, c), (a, c, d))
    ]
)  # fmt: skip
_CUBE_NORMALS = np.repeat(
    np.repeat(
        np.array([(-1, 0, 0), (1, 0, 0), (0, -1, 0), (0, 1, 0), (0, 0, -1), (0, 0, 1)]), 2, 0
    )[:, None],
    3,
    axis=1,
).astype(np.float32)


def loft(sections: ArrayLike, material: Material, caps: bool = True) -> Mesh:
    """A skin over closed sections: (S, K, 3) points, counter-clockwise seen from the end.

    Caps are fans about the section's centre: sections must be star-shaped.
    """
    points = np.asarray(sections, np.float64)
    rows, columns = points.shape[:2]
    k = np.arange(columns)
    following = (k + 1) % columns
    faces = []
    for row in range(rows - 1):
        low, high = row * columns, (row + 1) * columns
        faces.append(np.stack([low + k, low + following, high + following], axis=1))
        faces.append(np.stack([low + k, high + following, high + k], axis=1))
    vertices = points.reshape(-1, 3)
    if caps:
        n = len(vertices)
        vertices = np.vstack([vertices, points[0].mean(axis=0), points[-1].mean(axis=0)])
        last = (rows - 1) * columns
        faces.append(np.stack([following, k, np.full(columns, n)], axis=1))
        faces.append(np.stack([last + k, last + following, np.full(columns, n + 1)], axis=1))
    return from_faces(vertices, np.concatenate(faces), material)


def revolve(profile: ArrayLike, material: Material, segments: int = 24, caps: bool = True) -> Mesh:
    """A body turned about z; profile: (S, 2) of radius and height, from the bottom up."""
    radius, height = np.asarray(profile, np.float64).T
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), np.zeros(segments)], axis=1)
    sections = ring[None] * np.maximum(radius, 1e-4)[:, None, None]
    sections[:, :, 2] = height[:, None]
    return loft(sections, material, caps)


def cylinder(
    radius: float, start: ArrayLike, end: ArrayLike, material: Material, segments: int = 16
) -> Mesh:
    """A round bar between two points."""
    return tube(np.stack([np.asarray(start), np.asarray(end)]), radius, material, segments)


def tube(path: ArrayLike, radius: ArrayLike, material: Material, segments: int = 10) -> Mesh:
    """A round skin along a path (N, 3), of one radius or one for each point."""
    points = np.asarray(path, np.float64)
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    # The side axis is carried along the path, so that the skin does not twist.
    side = np.cross(tangent[0], [0, 0, 1.0])
    if np.linalg.norm(side) < 1e-6:
        side = np.array([1.0, 0, 0])
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    radii = np.broadcast_to(np.asarray(radius, np.float64), (len(points),))
    sections = []
    for point, along, r in zip(points, tangent, radii, strict=True):
        side = side - along * (side @ along)
        side /= np.linalg.norm(side)
        up = np.cross(along, side)
        sections.append(point + r * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * up))
    return loft(sections, material)


def extrude(outline: ArrayLike, width: float, material: Material, taper: float = 0.0) -> Mesh:
    """An outline (K, 2) in x and z, star-shaped and counter-clockwise seen from -y, made solid.

    taper: share by which both outer faces shrink about the outline's centre (a bevel).
    """
    flat = np.asarray(outline, np.float64)
    middle = (flat.min(axis=0) + flat.max(axis=0)) / 2
    inner = np.insert(flat, 1, 0.0, axis=1)
    outer = np.insert(middle + (flat - middle) * (1 - taper), 1, 0.0, axis=1)
    half = np.array([0, width / 2, 0])
    rows = [outer - half, inner - half * (1 - taper), inner + half * (1 - taper), outer + half]
    if taper == 0:
        rows = [inner - half, inner + half]
    return loft(np.stack(rows)[:, ::-1], material)


def superellipsoid(
    size: ArrayLike, material: Material, roundness: float = 0.3, steps: int = 13
) -> Mesh:
    """A body between a box (roundness near 0) and an ellipsoid (1), about its centre."""
    latitude = np.linspace(-np.pi / 2, np.pi / 2, steps + 1)
    angle = np.linspace(0, 2 * np.pi, 2 * steps, endpoint=False)

    def power(value: Float64) -> Float64:
        return np.asarray(np.sign(value) * np.abs(value) ** roundness)

    ring = np.stack([power(np.cos(angle)), power(np.sin(angle)), np.zeros_like(angle)], axis=1)
    sections = ring[None] * np.maximum(power(np.cos(latitude)), 1e-3)[:, None, None]
    sections[:, :, 2] = power(np.sin(latitude))[:, None]
    return loft(sections * (np.asarray(size) / 2), material)


def panel(corners: ArrayLike, material: Material) -> Mesh:
    """A flat polygon (K, 3), counter-clockwise seen from its front."""
    points = np.asarray(corners, np.float64)
    faces = [(0, i, i + 1) for i in range(1, len(points) - 1)]
    return from_faces(points, faces, material)
