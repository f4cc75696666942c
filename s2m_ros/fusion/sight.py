"""What the image alone says of its masks: foot on the ground, width, height."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from s2m_ros import config
from s2m_ros.fusion.groups import Index
from s2m_ros.fusion.surface import GroundSurface
from s2m_ros.fusion.view import Image
from s2m_ros.types import Bool, Float64

_FOOT_SHARE = 0.06
"""Lowest part of a mask that counts as its foot."""
_EDGE_CELLS = 1.0
"""Standard deviation of a mask's edge, cells of its grid."""
_BORDER_CELLS = 3
"""A mask that ends so near the border of the image may go on beyond it."""


@dataclass(frozen=True, slots=True, eq=False)
class Sights:
    """All masks of one image; reach is the horizontal distance from the camera, range from base.

    origin: float64 (3,), the camera in base_link. foot: float64 (N, 3), where the lowest edge meets
    the ground, in base_link; meets: bool (N,), False from the horizon up; range_m, reach_m,
    sigma_m: float64 (N,), of the foot, m; bearing: float64 (N,), azimuth of the middle, rad;
    spread: float64 (N,), width over reach; edge: deviation of an edge over reach;
    top_slope: float64 (N,), rise of the ray through the upper edge over reach;
    cut_low, cut_high, cut_side: bool (N,), the mask reaches that border of the image.
    """

    origin: Float64
    foot: Float64
    meets: Bool
    range_m: Float64
    reach_m: Float64
    sigma_m: Float64
    bearing: Float64
    spread: Float64
    edge: float
    top_slope: Float64
    cut_low: Bool
    cut_high: Bool
    cut_side: Bool

    def top_m(self, i: Index, reach_m: Float64, ground_z: Float64) -> Float64:
        """Heights over the ground, float64 (K,), of the upper edges of masks i (K,), if they stand
        upright at reaches (K,)."""
        return np.asarray(self.origin[2] + self.top_slope[i] * reach_m - ground_z)

    def at(self, i: Index, reach_m: Float64) -> Float64:
        """Positions (K, 2) in base_link on the bearings of masks i (K,), at reaches (K,)."""
        along = np.array([np.cos(self.bearing[i]), np.sin(self.bearing[i])]).T
        return np.asarray(self.origin[:2] + reach_m[:, None] * along)


def sights_of(image: Image, ground: GroundSurface, settings: config.Fusion) -> Sights:
    """Cast the rays of all masks at once and cut those of the feet with the ground.

    The deviation of the foot follows from reach = h / tan(pitch):
    d reach = reach dh / h, d reach = (reach^2 + h^2) / h dpitch.
    """
    masks = image.masks
    marks = np.array([_marks(m.bits, m.x, m.y) for m in masks.items], float).reshape(-1, 5, 2)
    rays = image.rays(marks.reshape(-1, 2)).reshape(-1, 5, 3)
    origin = image.origin
    foot_rays = np.nan_to_num(rays[:, 0], nan=0.0)
    foot, meets = ground.meet(origin, foot_rays)
    away = foot[:, :2] - origin[:2]
    reach = np.hypot(away[:, 0], away[:, 1])
    above = np.maximum(origin[2] - foot[:, 2], 0.1)
    edge = _EDGE_CELLS * masks.image_size[1] / masks.grid_size[1] / image.model.focal
    width, rows = masks.grid_size
    cut_low = marks[:, 0, 1] >= rows - _BORDER_CELLS
    tilt = np.hypot(np.radians(settings.pitch_sigma_deg), edge)
    height = np.hypot(settings.camera_height_sigma_m, ground.sigma(foot[:, :2]))
    sigma = np.hypot((reach**2 + above**2) / above * tilt, reach / above * height)
    # Below the image the object goes on: its foot is nearer than what is seen, by up to all of it.
    sigma = np.where(cut_low, np.hypot(sigma, reach / 3), sigma)
    azimuth = np.arctan2(rays[:, :, 1], rays[:, :, 0])
    angle = (azimuth[:, 2] - azimuth[:, 3] + np.pi) % (2 * np.pi) - np.pi
    top = rays[:, 1]
    return Sights(
        origin=origin,
        foot=foot,
        meets=meets,
        range_m=np.hypot(foot[:, 0], foot[:, 1]),
        reach_m=reach,
        sigma_m=sigma,
        bearing=azimuth[:, 4],
        spread=2 * np.tan(np.abs(angle) / 2),
        edge=float(edge),
        top_slope=top[:, 2] / np.maximum(np.hypot(top[:, 0], top[:, 1]), 1e-6),
        cut_low=cut_low,
        cut_high=marks[:, 1, 1] <= _BORDER_CELLS,
        cut_side=(marks[:, 2, 0] <= _BORDER_CELLS) | (marks[:, 3, 0] >= width - _BORDER_CELLS),
    )


def _marks(bits: Bool, x: int, y: int) -> list[tuple[float, float]]:
    """Positions on the mask grid: foot, top, left, right, middle."""
    patch = bits.view(np.uint8)
    left, first, width, height = cv2.boundingRect(patch)
    if width == 0:
        return [(np.nan, np.nan)] * 5
    moments = cv2.moments(patch)  # of zeros and ones; OpenCV's way for binary images is slower
    across = x + moments["m10"] / moments["m00"] + 0.5
    down = y + moments["m01"] / moments["m00"] + 0.5
    last = first + height - 1
    foot = bits[max(last - round(_FOOT_SHARE * height), 0) : last + 1].any(axis=0).nonzero()[0]
    top = bits[first].nonzero()[0]
    return [
        (x + int(foot.sum()) / len(foot) + 0.5, y + last + 1.0),
        (x + int(top.sum()) / len(top) + 0.5, y + first),
        (x + left, down),
        (x + left + width, down),
        (across, down),
    ]
