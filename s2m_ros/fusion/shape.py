"""Upright oriented boxes around groups of points, and of masks without points."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from s2m_ros.fusion.groups import Groups
from s2m_ros.types import Bool, Float64

LOW_THING_M = 0.3
"""Of things lower than this a good part lies within the ground's tolerance."""
_MIN_SIDE_M = 0.03
_MAX_DEPTH_M = 1.0
_DEPTH_SHARE, _DEPTH_DOUBT = 0.85, 0.7
"""Depth of things over their width, where only the near side is seen, and its deviation."""
_STRAY_SHARE = 0.01
_SIGMA_M = 0.03
_FIT_POINTS = 48
_FIT_NOISE_M = 0.03
_FIT_ANGLES = np.radians(np.arange(0.0, 90.0, 3.0))
_FIT_AXES = np.concatenate(
    [
        np.column_stack([np.cos(_FIT_ANGLES), np.sin(_FIT_ANGLES)]),
        np.column_stack([-np.sin(_FIT_ANGLES), np.cos(_FIT_ANGLES)]),
    ]
).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """N upright boxes: position float64 (N, 3), covariance (N, 3, 3), size (N, 3) along the box's
    own axes, yaw (N,), footprint (N, 4, 2), counter-clockwise; see ``Object3D``."""

    position: Float64
    covariance: Float64
    size: Float64
    yaw: Float64
    footprint: Float64

    @classmethod
    def upright(
        cls, xy: Float64, ground_z: Float64, size: Float64, height: Float64, yaw: Float64,
        sigma: Float64,
    ) -> Boxes:  # fmt: skip
        """xy, size and sigma (deviation of the position): (N, 2), along the axes that yaw gives;
        the longer of these becomes the first."""
        turned = size[:, 1] > size[:, 0]
        size = np.maximum(np.where(turned[:, None], size[:, ::-1], size), _MIN_SIDE_M)
        sigma = np.where(turned[:, None], sigma[:, ::-1], sigma)
        yaw = np.where(turned, yaw + np.pi / 2, yaw)
        c, s = np.cos(yaw), np.sin(yaw)
        covariance = np.zeros((len(xy), 3, 3))
        first, second = sigma.T**2
        covariance[:, 0, 0] = c * c * first + s * s * second
        covariance[:, 1, 1] = s * s * first + c * c * second
        covariance[:, 0, 1] = covariance[:, 1, 0] = c * s * (first - second)
        covariance[:, 2, 2] = _SIGMA_M**2 + (0.2 * height) ** 2
        along = 0.5 * size[:, :1] * np.array([c, s]).T
        across = 0.5 * size[:, 1:] * np.array([-s, c]).T
        corners = [xy + along + across, xy - along + across, xy - along - across,
                   xy + along - across]  # fmt: skip
        return cls(
            np.column_stack([xy, ground_z + height / 2]),
            covariance,
            np.column_stack([size, height]),
            (yaw + np.pi / 2) % np.pi - np.pi / 2,
            np.stack(corners, axis=1),
        )

    @classmethod
    def joined(cls, *parts: Boxes) -> Boxes:
        """All boxes of several, in order."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))


@dataclass(frozen=True, slots=True, eq=False)
class Depth:
    """How far objects reach away from the sensor, and the standard deviation of that, m:
    float64 (N,) each."""

    m: Float64
    sigma: Float64

    @classmethod
    def likely(cls, width_m: Float64, height_m: Float64) -> Depth:
        """Of objects of a width and height when nothing else is known: low things are rarely
        deep."""
        width_m = np.minimum(width_m, _MAX_DEPTH_M)
        depth = _DEPTH_SHARE * np.minimum(width_m, 2 * height_m + 0.1)
        return cls(depth, np.maximum(_DEPTH_DOUBT * width_m, _MIN_SIDE_M))

    def measured(self, other: Depth) -> Depth:
        """Both together, each weighted by its certainty."""
        weight = self.sigma**2 / (self.sigma**2 + other.sigma**2)
        return Depth(
            self.m + weight * (other.m - self.m), np.asarray(self.sigma * np.sqrt(1 - weight))
        )


def headings(groups: Groups, xy: Float64) -> Float64:
    """Direction in [0, pi / 2), rad, of the sides of the rectangle that the points of each group
    lie along, float64 (G,) of (P, 2).

    Of the smallest rectangles, up to a tenth in area, the one that the points are closest to: two
    sides at a corner fit a rectangle along them and one across them equally well, and only their
    closeness to the sides tells. Closeness criterion: X. Zhang, W. Xu, C. Dong, J. Dolan, Efficient
    L-Shape Fitting for Vehicle Detection Using Laser Scanners, IV 2017.
    """
    # The same number of each, so that one product serves all: points are left out, or repeated.
    few = groups.start + np.arange(_FIT_POINTS)[:, None] * groups.count // _FIT_POINTS
    centred = (xy[few] - xy[groups.start]).astype(np.float32)
    # Point after point in memory: sums and extremes then run over whole rows.
    along = (centred.reshape(-1, 2) @ _FIT_AXES.T).reshape(_FIT_POINTS, len(groups), len(_FIT_AXES))
    low, high = along.min(axis=0), along.max(axis=0)
    extent = high - low + np.float32(_FIT_NOISE_M)
    to_edge = np.minimum(high - along, along - low)
    n = len(_FIT_ANGLES)  # the axes are followed by those at right angles to them
    area = extent[:, :n] * extent[:, n:]
    nearer = np.minimum(to_edge[..., :n], to_edge[..., n:])
    np.maximum(nearer, np.float32(_FIT_NOISE_M), out=nearer)
    fit = np.reciprocal(nearer, out=nearer).sum(axis=0)
    best = np.where(area < 1.1 * area.min(axis=1, keepdims=True), fit, 0.0).argmax(axis=1)
    return np.asarray(_FIT_ANGLES[best])


def boxes_of_points(
    groups: Groups,
    xy: Float64,
    ground_z: Float64,
    height: Float64,
    azimuth: Float64,
    width_m: Float64,
    offset_m: Float64,
    grow_m: Float64,
    flat: Bool,
    depth: Depth | None = None,
) -> Boxes:
    """The rectangles around the points (P, 2) of each group, seen from ``azimuth`` (G,), rad.

    Beams miss the edges of an object: across the line of sight the box is grown towards
    ``width_m`` (what the mask spans), by ``grow_m`` at most, and moved towards the middle of the
    mask, which lies ``offset_m`` to the left of the middle of the points. Where only the near side
    was hit, the box gets ``depth``, or what is likely, away from the sensor. All but xy: (G,).
    """
    angle = headings(groups, xy)
    c, s = np.cos(angle), np.sin(angle)
    cp, sp, (x, y) = groups.spread(c), groups.spread(s), xy.T
    on_axes = (cp * x + sp * y, cp * y - sp * x)
    low = np.array([groups.least(v, _STRAY_SHARE) for v in on_axes]).T
    high = np.array([groups.most(v, _STRAY_SHARE) for v in on_axes]).T
    size = high - low
    u, v = (low + high).T / 2
    centre = np.array([c * u - s * v, s * u + c * v]).T
    # Which of the box's axes leads away from the sensor, and which way.
    look = np.array([np.cos(azimuth - angle), np.sin(azimuth - angle)]).T
    along = np.abs(look).argmax(axis=1)
    across, every = 1 - along, np.arange(len(along))
    seen = np.abs(look[:, 1]) * size[:, 0] + np.abs(look[:, 0]) * size[:, 1]
    slack = np.clip(width_m - seen, 0.0, grow_m)
    size[every, across] += slack
    left = np.array([-np.sin(azimuth), np.cos(azimuth)]).T
    centre += np.clip(offset_m, -slack / 2, slack / 2)[:, None] * left
    depth = depth or Depth.likely(size[every, across], height)
    grown = np.where(flat, 0.0, np.maximum(depth.m - size[every, along], 0.0))
    size[every, along] += grown
    second = along == 1
    outward = np.array([np.where(second, -s, c), np.where(second, c, s)]).T
    centre += (0.5 * grown * np.sign(look[every, along]))[:, None] * outward
    sigma = np.empty_like(size)
    # The far side is seldom seen: along the line of sight the size itself is in doubt, and with it
    # half as much the centre. Points that lie along the depth leave less of the doubt.
    unseen = 0.6 + 0.4 * grown / np.maximum(size[every, along], _MIN_SIDE_M)
    doubt = np.where(flat, 0.0, 0.5 * depth.sigma * unseen)
    # Of a low thing, a hose or a strap, beams miss parts on all sides.
    low = (height < LOW_THING_M) & ~flat
    missed = np.where(low, 0.12, 0.0) * size[every, across]
    sigma[every, along] = np.sqrt(_SIGMA_M**2 + doubt**2 + missed**2)
    missed = np.where(low, 0.2, 0.05) * size[every, across]
    sigma[every, across] = np.sqrt(_SIGMA_M**2 + missed**2 + (0.25 * slack) ** 2)
    return Boxes.upright(centre, ground_z, size, height, angle, sigma)


def boxes_of_width(
    xy: Float64,
    ground_z: Float64,
    azimuth: Float64,
    width_m: Float64,
    height: Float64,
    along_m: Float64,
    across_m: Float64,
    depth_m: Float64,
) -> Boxes:
    """Boxes of known width across the line of sight ``azimuth`` and a depth along it.

    xy: float64 (N, 2), their centres; along_m, across_m: standard deviations of the position.
    """
    size = np.array([depth_m, width_m]).T
    sigma = np.array([along_m, across_m]).T
    return Boxes.upright(xy, ground_z, size, height, azimuth, sigma)
