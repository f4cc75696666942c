"""Oriented boxes and footprints on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from s2m_ros.types import Float64

_MIN_SIDE_M = 0.03


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An upright box: see ``Object3D`` for the fields."""

    position: Float64
    covariance: Float64
    size: Float64
    yaw: float
    footprint: Float64


def shape_of_points(
    xy: Float64, ground_z: float, height: float, azimuth: float, width_m: float = 0.0
) -> Shape:
    """The smallest rectangle around points (N, 2) seen from direction ``azimuth``, rad.

    Beams miss the edges of an object: across the line of sight the box is grown to ``width_m``
    (what the mask spans), at most by half. The position is uncertain by a share of the size that
    falls with the number of points: only the side towards the sensor is seen.
    """
    (cx, cy), (a, b), degrees = cv2.minAreaRect(xy.astype(np.float32))
    yaw = float(np.radians(degrees))
    if a < b:
        a, b, yaw = b, a, yaw + np.pi / 2
    size = np.maximum([a, b], _MIN_SIDE_M)
    seen = abs(size[0] * np.sin(azimuth - yaw)) + abs(size[1] * np.cos(azimuth - yaw))
    if width_m > seen > 0:
        across = 0 if abs(np.sin(azimuth - yaw)) > abs(np.cos(azimuth - yaw)) else 1
        size[across] *= min(width_m / seen, 1.5)
    if size[1] > size[0]:
        size, yaw = size[::-1].copy(), yaw + np.pi / 2
    yaw = float((yaw + np.pi / 2) % np.pi - np.pi / 2)
    sigma = 0.04 + 0.25 * size / np.sqrt(len(xy))
    return _upright(np.array([cx, cy]), ground_z, size, height, yaw, sigma)


def shape_of_width(
    xy: Float64,
    ground_z: float,
    azimuth: float,
    width_m: float,
    height: float,
    along_m: float,
    across_m: float,
) -> Shape:
    """A box of known width across the line of sight ``azimuth``; its depth is taken as the width,
    at most 1 m. along_m, across_m: standard deviations of the position."""
    width = max(width_m, _MIN_SIDE_M)
    size = np.array([min(width, 1.0), width])
    sigma = np.array([along_m, across_m])
    return _upright(np.asarray(xy, float), ground_z, size, height, azimuth, sigma)


def corners(xy: Float64, size: Float64, yaw: float) -> Float64:
    """Corners of a rectangle, float64 (4, 2), counter-clockwise."""
    half = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * np.asarray(size[:2]) / 2
    c, s = np.cos(yaw), np.sin(yaw)
    return np.asarray(xy + half @ np.array([[c, s], [-s, c]]))


def _upright(
    xy: Float64, ground_z: float, size: Float64, height: float, yaw: float, sigma: Float64
) -> Shape:
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, -s], [s, c]])
    covariance = np.zeros((3, 3))
    covariance[:2, :2] = turn @ np.diag(sigma**2) @ turn.T
    covariance[2, 2] = 0.03**2 + (0.2 * height) ** 2
    return Shape(
        np.array([xy[0], xy[1], ground_z + height / 2]),
        covariance,
        np.array([size[0], size[1], height]),
        yaw,
        corners(xy, size, yaw),
    )
