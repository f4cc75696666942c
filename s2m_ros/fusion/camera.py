"""Camera models: points of an optical frame to pixels, pixels to rays.

Pixels follow ``s2m_ros.types``: the centre of the first pixel is (0.5, 0.5). ``camera_info``,
OpenCV and KITTI put it at (0, 0); matrices come in *their* convention and the half pixel is added
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s2m_ros.types import Bool, Float64, InputError

MODELS = ("plumb_bob", "rational_polynomial", "equidistant")
_LENGTHS = {"plumb_bob": (0, 4, 5), "rational_polynomial": (0, 8), "equidistant": (0, 4)}


@dataclass(frozen=True, slots=True, eq=False)
class CameraModel:
    """Intrinsics of one camera, checked.

    matrix: float64 (3, 3), pixels, ``camera_info`` convention; model: one of ``MODELS``;
    distortion: float64 (8,) k1 k2 p1 p2 k3 k4 k5 k6 as in OpenCV's ``calibrateCamera``, or the
    (4,) of its ``fisheye`` module for equidistant; size: (width, height).
    rotation, offset: a point of the optical frame is ``rotation @ point + offset`` to the lens.
    limit: beyond this radius (normalised; angle from the axis for equidistant) the distortion
    polynomial turns back and means nothing.
    """

    matrix: Float64
    distortion: Float64
    model: str
    size: tuple[int, int]
    rotation: Float64
    offset: Float64
    limit: float
    rectified: bool = False

    @classmethod
    def from_parameters(
        cls,
        source: str,
        size: tuple[int, int],
        model: str,
        k: ArrayLike,
        d: ArrayLike = (),
        p: ArrayLike | None = None,
        r: ArrayLike | None = None,
        rectified: bool = False,
    ) -> CameraModel:
        """Make a model from the fields of ``camera_info`` (k: 9, d, p: 12, r: 9 numbers).

        source names the topic or file in errors. With rectified, P alone counts (its fourth
        column too); else K, D and the inverse of R, as ``image_geometry`` has it.
        Raises InputError: what was wrong and what to do.
        """
        width, height = int(size[0]), int(size[1])
        if width <= 0 or height <= 0:
            raise InputError(source, f"image size is {width}x{height}", "fill width and height")
        rotation: Float64 = np.eye(3)
        offset: Float64 = np.zeros(3)
        distortion: Sequence[float] = ()
        if rectified:
            projection = _numbers(source, "P", p if p is not None else (), 12).reshape(3, 4)
            matrix = projection[:, :3].copy()
            _check_matrix(source, "P", matrix)
            offset = np.asarray(np.linalg.solve(matrix, projection[:, 3]), float)
            model = "plumb_bob"
        else:
            matrix = _numbers(source, "K", k, 9).reshape(3, 3)
            _check_matrix(source, "K", matrix)
            distortion = np.asarray(d, float).ravel().tolist()
            if r is not None and np.any(np.asarray(r, float)):
                rotation = _numbers(source, "R", r, 9).reshape(3, 3).T
        lens = _lens(source, model, distortion)
        kind = model or "plumb_bob"
        return cls(
            matrix, lens, kind, (width, height), rotation, offset, _limit(kind, lens), rectified
        )

    @property
    def origin(self) -> Float64:
        """Centre of projection in the optical frame, float64 (3,), m: zero but for a P with T."""
        return np.asarray(-self.rotation.T @ self.offset)

    @property
    def focal(self) -> float:
        """Mean focal length, px."""
        return float(self.matrix[0, 0] + self.matrix[1, 1]) / 2

    def require_size(self, source: str, size: tuple[int, int]) -> None:
        """Raise InputError unless an image has the (width, height) of the calibration."""
        if tuple(size) != self.size:
            raise InputError(
                source,
                f"image is {size[0]}x{size[1]}, its calibration is for "
                f"{self.size[0]}x{self.size[1]}",
                "publish the camera_info of this resolution, or calibrate at it",
            )

    def project(self, points: NDArray[np.floating]) -> tuple[Float64, Bool]:
        """Pixels, float64 (N, 2), of points (N, 3) in the optical frame, m.

        The second array, bool (N,), says which of them the image holds; the others' pixels are
        NaN or outside of it.
        """
        moved = np.asarray(points, float)
        if self.offset.any() or not np.array_equal(self.rotation, np.eye(3)):
            moved = moved @ self.rotation.T + self.offset
        x, y, z = moved.T
        if self.model == "equidistant":
            r = np.hypot(x, y)
            theta = np.arctan2(r, z)
            seen = theta < self.limit
            scale = _fisheye(self.distortion, theta) / np.maximum(r, 1e-12)
            xy = moved[:, :2] * np.where(r > 1e-12, scale, 1.0)[:, None]
        else:
            seen = z > 1e-6
            depth = np.where(seen, z, 1.0)
            xy = np.stack([x / depth, y / depth]).T
            if self.distortion.any():
                seen &= xy[:, 0] ** 2 + xy[:, 1] ** 2 < self.limit**2
                xy = _distort(self.distortion, np.where(seen[:, None], xy, 0.0))
        (fx, skew), (_, fy) = self.matrix[:2, :2]
        u = fx * xy[:, 0] + skew * xy[:, 1] + (self.matrix[0, 2] + 0.5)
        v = fy * xy[:, 1] + (self.matrix[1, 2] + 0.5)
        valid = seen & (u >= 0) & (u < self.size[0]) & (v >= 0) & (v < self.size[1])
        pixels = np.stack([np.where(seen, u, np.nan), np.where(seen, v, np.nan)]).T
        return pixels, np.asarray(valid)

    def ray(self, pixels: NDArray[np.floating]) -> Float64:
        """Unit rays, float64 (N, 3), in the optical frame from ``origin`` through pixels (N, 2).

        NaN where the distortion has no inverse.
        """
        centred = np.asarray(pixels, float) - 0.5 - self.matrix[:2, 2]
        wanted = centred @ np.asarray(np.linalg.inv(self.matrix[:2, :2]), np.float64).T
        if self.model == "equidistant":
            radius = np.hypot(wanted[:, 0], wanted[:, 1])
            theta = _invert_fisheye(self.distortion, radius, self.limit)
            scale = np.where(radius > 1e-12, np.sin(theta) / np.maximum(radius, 1e-12), 1.0)
            rays = np.column_stack([wanted * scale[:, None], np.cos(theta)])
        else:
            xy = _undistort(self.distortion, wanted) if self.distortion.any() else wanted
            rays = np.column_stack([xy, np.ones(len(xy))])
            rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        return np.asarray(rays @ self.rotation)


def _numbers(source: str, name: str, values: ArrayLike, count: int) -> Float64:
    array = np.asarray(values, float).ravel()
    if len(array) != count:
        raise InputError(
            source, f"{name} has {len(array)} numbers, expected {count}", "calibrate the camera"
        )
    if not np.isfinite(array).all():
        raise InputError(source, f"{name} has numbers that are not finite", "calibrate the camera")
    if not array.any():
        raise InputError(
            source, f"{name} is all zero", "calibrate the camera or set fusion.calibration_file"
        )
    return array


def _check_matrix(source: str, name: str, matrix: Float64) -> None:
    if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or not np.array_equal(matrix[2], [0, 0, 1]):
        raise InputError(
            source,
            f"{name} is no camera matrix: expected positive focal lengths and a last row 0 0 1, "
            f"got {matrix.tolist()}",
            "calibrate the camera",
        )


def _lens(source: str, model: str, distortion: Sequence[float]) -> Float64:
    """Distortion padded to the full length of its model."""
    values = np.asarray(distortion, float)
    if not model and not values.any():
        model = "plumb_bob"
        values = values[:0]
    if model not in MODELS:
        raise InputError(
            source, f"unknown distortion model {model!r}", f"use one of {', '.join(MODELS)}"
        )
    lengths = _LENGTHS[model]
    # Drivers pad D with zeros (rational_polynomial has up to 14 in OpenCV): zeros mean nothing.
    if len(values) > lengths[-1] and not values[lengths[-1] :].any():
        values = values[: lengths[-1]]
    if len(values) not in lengths or not np.isfinite(values).all():
        raise InputError(
            source,
            f"{model} takes {' or '.join(map(str, lengths))} finite coefficients, "
            f"got {np.asarray(distortion).tolist()}",
            "calibrate the camera with this model",
        )
    full = np.zeros(4 if model == "equidistant" else 8)
    full[: len(values)] = values
    return full


def _distort(d: Float64, xy: Float64) -> Float64:
    """Brown-Conrady with the rational radial term: OpenCV's ``projectPoints``."""
    x, y = xy[:, 0], xy[:, 1]
    r2 = x * x + y * y
    radial = _radial(d, r2)
    dx = 2 * d[2] * x * y + d[3] * (r2 + 2 * x * x)
    dy = d[2] * (r2 + 2 * y * y) + 2 * d[3] * x * y
    return np.column_stack([x * radial + dx, y * radial + dy])


def _radial(d: Float64, r2: Float64) -> Float64:
    over = 1 + r2 * (d[0] + r2 * (d[1] + r2 * d[4]))
    under = 1 + r2 * (d[5] + r2 * (d[6] + r2 * d[7]))
    return np.asarray(over / under)


def _undistort(d: Float64, wanted: Float64) -> Float64:
    """Newton's method on ``_distort`` (the fixed point that OpenCV iterates can diverge)."""
    xy: Float64 = wanted.copy()
    step = 1e-6
    along_x, along_y = np.array([step, 0.0]), np.array([0.0, step])
    for _ in range(20):
        here = _distort(d, xy)
        miss = wanted - here
        if np.nanmax(np.abs(miss), initial=0.0) < 1e-12:
            break
        jx = (_distort(d, xy + along_x) - here) / step
        jy = (_distort(d, xy + along_y) - here) / step
        det = jx[:, 0] * jy[:, 1] - jy[:, 0] * jx[:, 1]
        with np.errstate(divide="ignore", invalid="ignore"):
            dx = (miss[:, 0] * jy[:, 1] - jy[:, 0] * miss[:, 1]) / det
            dy = (jx[:, 0] * miss[:, 1] - miss[:, 0] * jx[:, 1]) / det
        xy += np.clip(np.column_stack([dx, dy]), -0.5, 0.5)
    lost = np.abs(_distort(d, xy) - wanted).max(axis=1) > 1e-7
    xy[lost] = np.nan
    return xy


def _fisheye(d: Float64, theta: Float64) -> Float64:
    """Kannala-Brandt: OpenCV's ``fisheye.projectPoints``."""
    t2 = theta * theta
    poly = 1 + t2 * (d[0] + t2 * (d[1] + t2 * (d[2] + t2 * d[3])))
    return np.asarray(theta * poly)


def _invert_fisheye(d: Float64, radius: Float64, limit: float) -> Float64:
    theta = np.clip(radius, 0.0, limit)
    for _ in range(20):
        t2 = theta * theta
        slope = 1 + t2 * (3 * d[0] + t2 * (5 * d[1] + t2 * (7 * d[2] + t2 * 9 * d[3])))
        with np.errstate(divide="ignore", invalid="ignore"):
            theta = np.clip(theta - (_fisheye(d, theta) - radius) / slope, 0.0, limit)
    theta[np.abs(_fisheye(d, theta) - radius) > 1e-7] = np.nan
    return theta


def _limit(model: str, d: Float64) -> float:
    """First radius (angle for equidistant) at which the distorted radius stops growing."""
    if model == "equidistant":
        r = np.linspace(0.0, np.pi, 4001)
        image = _fisheye(d, r)
    else:
        if not d.any():
            return float("inf")
        r = np.linspace(0.0, 5.0, 10001)
        image = r * _radial(d, r * r)
    falls = np.flatnonzero(np.diff(image) <= 0)
    return float(r[falls[0]]) if len(falls) else float(r[-1])
