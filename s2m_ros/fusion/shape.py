"""Oriented boxes and footprints on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from s2m_ros.types import Float64

_MIN_SIDE_M = 0.03
_MAX_DEPTH_M = 1.0
_DEPTH_SHARE = 0.7
"""Depth of things over their width, where only the near side is seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An upright box: see ``Object3D`` for the fields."""

    position: Float64
    covariance: Float64
    size: Float64
    yaw: float
    footprint: Float64


def likely_depth(width_m: float) -> float:
    """Depth, m, that an object of a width has when nothing else is known."""
    return _DEPTH_SHARE * min(width_m, _MAX_DEPTH_M)


def shape_of_points(
    xy: Float64,
    ground_z: float,
    height: float,
    azimuth: float,
    width_m: float = 0.0,
    offset_m: float = 0.0,
    grow_m: float = 0.0,
) -> Shape:
    """The smallest rectangle around points (N, 2) seen from direction ``azimuth``, rad.

    Beams miss the edges of an object: across the line of sight the box is grown towards
    ``width_m`` (what the mask spans), by ``grow_m`` at most, and moved towards the middle of the
    mask, which lies ``offset_m`` to the left of the points' mean bearing. Where only the near side
    was hit, the box gets a likely depth, away from the sensor.
    """
    (cx, cy), (a, b), degrees = cv2.minAreaRect(xy.astype(np.float32))
    angle = np.radians(degrees)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    size = np.array([a, b], float)
    centre = np.array([cx, cy])
    sight = np.array([np.cos(azimuth), np.sin(azimuth)])
    left = np.array([-sight[1], sight[0]])
    along = int(np.abs(axes @ sight).argmax())
    across = 1 - along
    seen = float(np.abs(axes @ left) @ size)
    slack = np.clip(width_m - seen, 0.0, grow_m)
    if slack > 0:
        size[across] += slack
        centre = centre + np.clip(offset_m, -slack / 2, slack / 2) * left
    before = size[along]
    size[along] = max(before, likely_depth(float(size[across])))
    grown = size[along] - before
    outward = axes[along] * np.sign(axes[along] @ sight)
    centre = centre + 0.5 * grown * outward
    sigma = np.empty(2)
    root = np.sqrt(len(xy))
    sigma[along] = np.sqrt(0.03**2 + (0.15 * before / root) ** 2 + (0.35 * grown) ** 2)
    sigma[across] = np.sqrt(0.03**2 + (0.3 * size[across] / root) ** 2)
    size = np.maximum(size, _MIN_SIDE_M)
    yaw = float(np.arctan2(axes[0, 1], axes[0, 0]))
    if size[1] > size[0]:
        size, sigma, yaw = size[::-1].copy(), sigma[::-1].copy(), yaw + np.pi / 2
    return _upright(centre, ground_z, size, height, yaw, sigma)


def shape_of_width(
    xy: Float64,
    ground_z: float,
    azimuth: float,
    width_m: float,
    height: float,
    along_m: float,
    across_m: float,
) -> Shape:
    """A box of known width across the line of sight ``azimuth``, with a likely depth.

    xy: float64 (2,), its centre; along_m, across_m: standard deviations of the position.
    """
    size = np.maximum([likely_depth(width_m), width_m], _MIN_SIDE_M)
    sigma = np.array([along_m, across_m])
    if size[1] > size[0]:
        size, sigma, azimuth = size[::-1].copy(), sigma[::-1].copy(), azimuth + np.pi / 2
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
        float((yaw + np.pi / 2) % np.pi - np.pi / 2),
        corners(xy, size, yaw),
    )
