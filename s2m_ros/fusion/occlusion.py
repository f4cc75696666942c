"""What stands before the masks' objects: where LiDAR points right beside a mask are nearer than its
object, a part of the object is hidden there. A hidden foot says nothing of the range but a bound.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from s2m_ros import config
from s2m_ros.fusion.groups import Index
from s2m_ros.fusion.sight import Sights
from s2m_ros.fusion.surface import GroundSurface
from s2m_ros.fusion.view import Cloud, View
from s2m_ros.types import Bool, Float64

_BESIDE_SHARE, _BELOW_SHARE = 1 / 80, 1 / 30
"""How far beside and below a mask is looked, of the height of its grid: the beams of a LiDAR lie
so far apart."""


@dataclass(frozen=True, slots=True, eq=False)
class Occlusion:
    """Points that stand and lie right beside a mask, pair by pair, mask after mask.

    mask: int (K,); range_m: float64 (K,), from base_link; below: bool (K,), under its foot, else to
    its left or right; count: how many masks there are.
    """

    mask: Index
    range_m: Float64
    below: Bool
    count: int

    @classmethod
    def of(cls, view: View, cloud: Cloud, tolerance_m: float) -> Occlusion:
        masks, grid = view.image.masks.items, view.image.masks.grid_size
        beside, under = (max(round(share * grid[1]), 2) for share in (_BESIDE_SHARE, _BELOW_SHARE))
        standing = (cloud.height.take(view.index) > tolerance_m).nonzero()[0]
        x, y = (v.take(standing).astype(np.int16) for v in (view.x, view.y))
        corner = np.array([(m.x, m.y) for m in masks], np.int16).reshape(-1, 2, 1)
        size = np.array([m.bits.shape[::-1] for m in masks], np.int16).reshape(-1, 2, 1)
        column, row = x - corner[:, 0], y - corner[:, 1]
        width, height = size[:, 0], size[:, 1]
        below = row >= height
        near = (column >= -beside) & (column < width + beside)
        near &= (row >= 0) & (row < height + under)
        # Right under it, or right beside it: not across the corner, and not inside its box.
        near &= ((column >= 0) & (column < width)) == below
        pair = near.ravel().nonzero()[0]  # several times as fast as for two axes
        mask, at = np.divmod(pair, max(len(standing), 1))
        range_m = cloud.range_m.take(view.index.take(standing.take(at))).astype(float)
        return cls(mask, range_m, below.ravel().take(pair), len(masks))

    def before(self, range_m: Float64, gap_m: float) -> tuple[Float64, Bool]:
        """Of each mask (M,) whose object is at a range: the range of what hides its foot (infinite
        where nothing does), and whether something hides a side."""
        hides = self.range_m < 0.95 * range_m[self.mask] - gap_m
        foot = np.full(self.count, np.inf)
        under = hides & self.below
        np.minimum.at(foot, self.mask[under], self.range_m[under])
        sides = np.bincount(self.mask[hides & ~self.below], minlength=self.count)
        return foot, np.asarray(sides > 0)


def bounded(
    sights: Sights, nearest: Float64, ground: GroundSurface, settings: config.Fusion
) -> Sights:
    """The sights with the feet that something hides, at ranges ``nearest`` (M,), put between that
    and where the lowest part that is seen would meet the ground."""
    i = np.flatnonzero(np.isfinite(nearest) & sights.meets)
    if len(i) == 0:
        return sights
    near = nearest[i] * sights.reach_m[i] / np.maximum(sights.range_m[i], 0.1)
    far = np.minimum(sights.reach_m[i], settings.max_range_m)
    reach, sigma, foot = sights.reach_m.copy(), sights.sigma_m.copy(), sights.foot.copy()
    reach[i] = (near + far) / 2
    sigma[i] = np.hypot(np.minimum(sigma[i], far), (far - near) / np.sqrt(12))
    foot[i, :2] = sights.at(i, reach[i])
    foot[i, 2] = ground.height(foot[i, :2])
    range_m = np.hypot(foot[:, 0], foot[:, 1])
    return replace(sights, foot=foot, reach_m=reach, sigma_m=sigma, range_m=range_m)
