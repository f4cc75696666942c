"""Oriented boxes and footprints on the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2m_ros.types import Float64

_MIN_SIDE_M = 0.03
_MAX_DEPTH_M = 1.0
_DEPTH_SHARE = 0.7
"""Depth of things over their width, where only the near side is seen."""
_LOW_THING_M = 0.3
_STRAY_SHARE = 0.01
_FIT_POINTS = 100
_FIT_NOISE_M = 0.03
_FIT_ANGLES = np.radians(np.arange(0.0, 90.0, 3.0))
_FIT_AXES = np.concatenate(
    [
        np.column_stack([np.cos(_FIT_ANGLES), np.sin(_FIT_ANGLES)]),
        np.column_stack([-np.sin(_FIT_ANGLES), np.cos(_FIT_ANGLES)]),
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """An upright box: see ``Object3D`` for the fields."""

    position: Float64
    covariance: Float64
    size: Float64
    yaw: float
    footprint: Float64


def likely_depth(width_m: float, height_m: float) -> float:
    """Depth, m, of an object of a width and height when nothing else is known: low things are
    rarely deep."""
    return _DEPTH_SHARE * min(width_m, _MAX_DEPTH_M, 2 * height_m + 0.1)


def heading(xy: Float64) -> float:
    """Direction in [0, pi / 2), rad, of the sides of the rectangle that points (N, 2) lie along.

    Of the smallest rectangles, up to a tenth in area, the one that the points are closest to: two
    sides at a corner fit a rectangle along them and one across them equally well, and only their
    closeness to the sides tells. Closeness criterion: X. Zhang, W. Xu, C. Dong, J. Dolan, Efficient
    L-Shape Fitting for Vehicle Detection Using Laser Scanners, IV 2017.
    """
    few = xy[:: 1 + len(xy) // _FIT_POINTS]
    along = _FIT_AXES @ few.T
    low, high = along.min(axis=1)[:, None], along.max(axis=1)[:, None]
    extent = (high - low)[:, 0] + _FIT_NOISE_M
    to_edge = np.minimum(high - along, along - low)
    n = len(_FIT_ANGLES)  # the axes are followed by those at right angles to them
    area = extent[:n] * extent[n:]
    fit = (1 / np.maximum(np.minimum(to_edge[:n], to_edge[n:]), _FIT_NOISE_M)).sum(axis=1)
    return float(_FIT_ANGLES[np.where(area < 1.1 * area.min(), fit, 0.0).argmax()])


def shape_of_points(
    xy: Float64,
    ground_z: float,
    height: float,
    azimuth: float,
    width_m: float = 0.0,
    offset_m: float = 0.0,
    grow_m: float = 0.0,
    flat: bool = False,
) -> Shape:
    """The rectangle around points (N, 2) seen from direction ``azimuth``, rad.

    Beams miss the edges of an object: across the line of sight the box is grown towards
    ``width_m`` (what the mask spans), by ``grow_m`` at most, and moved towards the middle of the
    mask, which lies ``offset_m`` to the left of the points' mean bearing. Where only the near side
    was hit, the box gets a likely depth, away from the sensor.
    """
    angle = heading(xy)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    on_axes = xy @ axes.T
    # A few stray points do not stretch the box.
    strays = 0 if flat else int(_STRAY_SHARE * len(xy))
    in_order = np.sort(on_axes, axis=0)
    low, high = in_order[strays], in_order[-1 - strays]
    size = high - low
    centre = (low + high) / 2 @ axes
    sight = np.array([np.cos(azimuth), np.sin(azimuth)])
    left = np.array([-sight[1], sight[0]])
    along = int(np.abs(axes @ sight).argmax())
    across = 1 - along
    seen = float(np.abs(axes @ left) @ size)
    slack = np.clip(width_m - seen, 0.0, grow_m)
    if slack > 0:
        size[across] += slack
        centre = centre + np.clip(offset_m, -slack / 2, slack / 2) * left
    depth = 0.0 if flat else likely_depth(float(size[across]), height)
    grown = max(depth - size[along], 0.0)
    size[along] += grown
    outward = axes[along] * np.sign(axes[along] @ sight)
    centre = centre + 0.5 * grown * outward
    # The far side is seldom seen: along the line of sight the size itself is in doubt.
    doubt = 0.0 if flat else 0.15 * size[along]
    sigma = np.empty(2)
    sigma[along] = np.sqrt(0.03**2 + doubt**2 + (0.3 * grown) ** 2)
    # Of a low thing, a hose or a strap, beams miss parts on all sides.
    missed = (0.15 if height < _LOW_THING_M and not flat else 0.05) * size[across]
    sigma[across] = np.sqrt(0.03**2 + missed**2 + (0.25 * slack) ** 2)
    size = np.maximum(size, _MIN_SIDE_M)
    yaw = angle
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
    size = np.maximum([likely_depth(width_m, height), width_m], _MIN_SIDE_M)
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
