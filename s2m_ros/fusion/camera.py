"""Camera models: points of an optical frame to pixels, pixels to rays.

Pixels follow ``s2m_ros.types``: the centre of the first pixel is (0.5, 0.5). ``camera_info``,
OpenCV and KITTI put it at (0, 0); matrices come in *their* convention and the half pixel is added
here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s2m_ros.types import Bool, Float64, InputError

_LARGEST = 1e7
_LEAST_FOCAL_PX = 0.5

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
                if not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-2):
                    raise InputError(
                        source, f"R is no rotation: {rotation.T.tolist()}", "calibrate the camera"
                    )
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

    def project(self, points: NDArray[Any]) -> tuple[NDArray[Any], Bool]:
        """Pixels (N, 2), in the dtype of the points, of points (N, 3) in the optical frame, m.

        The second array, bool (N,), says which of them the image holds; the others' pixels are
        NaN or outside of it.
        """
        moved = points if points.dtype == np.float32 else np.asarray(points, np.float64)
        if self.offset.any() or not np.array_equal(self.rotation, np.eye(3)):
            kind = moved.dtype
            moved = (self.rotation.astype(kind) @ moved.T + self.offset[:, None].astype(kind)).T
        x, y, z = moved.T
        if self.model == "equidistant":
            r = np.hypot(x, y)
            theta = np.arctan2(r, z)
            seen = theta < self.limit
            scale = np.where(r > 1e-12, _fisheye(self.distortion, theta), 1.0)
            scale = (scale / np.where(r > 1e-12, r, 1.0)).astype(moved.dtype)
            x, y = x * scale, y * scale
        else:
            seen = z > 1e-6
            inverse = 1 / np.where(seen, z, 1)
            x, y = x * inverse, y * inverse
            if self.distortion.any():
                seen &= x * x + y * y < self.limit**2
                x, y = _distort(self.distortion, np.where(seen, x, 0), np.where(seen, y, 0))
        (fx, skew, cx), (_, fy, cy) = self.matrix[:2].tolist()
        u = fx * x + (cx + 0.5) if skew == 0 else fx * x + skew * y + (cx + 0.5)
        v = fy * y + (cy + 0.5)
        valid = seen & (u >= 0) & (u < self.size[0]) & (v >= 0) & (v < self.size[1])
        if not seen.all():
            u, v = np.where(seen, u, np.nan), np.where(seen, v, np.nan)
        return np.stack([u, v]).T, np.asarray(valid)

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
    if np.abs(array).max(initial=0) > _LARGEST:
        raise InputError(
            source,
            f"{name} has numbers beyond {_LARGEST:g}: {array.tolist()}",
            "calibrate the camera",
        )
    if not array.any():
        raise InputError(
            source, f"{name} is all zero", "calibrate the camera or set fusion.calibration_file"
        )
    return array


def _check_matrix(source: str, name: str, matrix: Float64) -> None:
    if (
        matrix[0, 0] < _LEAST_FOCAL_PX
        or matrix[1, 1] < _LEAST_FOCAL_PX
        or not np.array_equal(matrix[2], [0, 0, 1])
    ):
        raise InputError(
            source,
            f"{name} is no camera matrix: expected focal lengths in pixels and a last row 0 0 1, "
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
    if len(values) not in lengths or not (np.abs(values) <= _LARGEST).all():
        raise InputError(
            source,
            f"{model} takes {' or '.join(map(str, lengths))} finite coefficients, "
            f"got {np.asarray(distortion).tolist()}",
            "calibrate the camera with this model",
        )
    full = np.zeros(4 if model == "equidistant" else 8)
    full[: len(values)] = values
    return full


def _distort(d: Float64, x: NDArray[Any], y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Brown-Conrady with the rational radial term: OpenCV's ``projectPoints``."""
    _, _, p1, p2 = d[:4].tolist()
    xx, xy, yy = x * x, x * y, y * y
    r2 = xx + yy
    radial = _radial(d, r2)
    return (
        x * radial + 2 * p1 * xy + p2 * (r2 + 2 * xx),
        y * radial + p1 * (r2 + 2 * yy) + 2 * p2 * xy,
    )


def _radial(d: Float64, r2: NDArray[Any]) -> NDArray[Any]:
    k1, k2, _, _, k3, k4, k5, k6 = d.tolist()
    over = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    if k4 == k5 == k6 == 0:
        return np.asarray(over)
    return np.asarray(over / (1 + r2 * (k4 + r2 * (k5 + r2 * k6))))


def _undistort(d: Float64, wanted: Float64) -> Float64:
    """Newton's method on ``_distort`` (the fixed point that OpenCV iterates can diverge)."""
    goal_x, goal_y = wanted.T
    x, y = wanted.T.copy()
    step = 1e-6
    for _ in range(20):
        here_x, here_y = _distort(d, x, y)
        miss_x, miss_y = goal_x - here_x, goal_y - here_y
        if np.nanmax(np.abs([miss_x, miss_y]), initial=0.0) < 1e-12:
            break
        (xx, yx), (xy, yy) = (
            ((ahead_x - here_x) / step, (ahead_y - here_y) / step)
            for ahead_x, ahead_y in (_distort(d, x + step, y), _distort(d, x, y + step))
        )
        det = xx * yy - xy * yx
        with np.errstate(divide="ignore", invalid="ignore"):
            x = x + np.clip((miss_x * yy - xy * miss_y) / det, -0.5, 0.5)
            y = y + np.clip((xx * miss_y - miss_x * yx) / det, -0.5, 0.5)
    end_x, end_y = _distort(d, x, y)
    lost = np.maximum(np.abs(end_x - goal_x), np.abs(end_y - goal_y)) > 1e-7
    return np.where(lost[:, None], np.nan, np.column_stack([x, y]))


def _fisheye(d: Float64, theta: NDArray[Any]) -> NDArray[Any]:
    """Kannala-Brandt: OpenCV's ``fisheye.projectPoints``."""
    k1, k2, k3, k4 = d.tolist()
    t2 = theta * theta
    poly = 1 + t2 * (k1 + t2 * (k2 + t2 * (k3 + t2 * k4)))
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
