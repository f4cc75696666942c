"""Which of the points under a mask are the object.

Points of the background that bleed through the mask's edge, and of the ground at its foot, are
told apart by range: an object on the ground stands where the ray through the mask's foot meets the
ground. What is too low to stand out of the ground's tolerance is compared with the ground right
around it, see ``low``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2m_ros import config
from s2m_ros.fusion.groups import Groups, Index
from s2m_ros.fusion.low import LowThings
from s2m_ros.fusion.shape import LOW_THING_M
from s2m_ros.fusion.sight import Sights
from s2m_ros.fusion.surface import GroundSurface
from s2m_ros.fusion.view import Cloud, View
from s2m_ros.types import Bool, Float64

FEW_POINTS = 5
_BETWEEN = 0.3
"""Agreement of what stands between a hidden foot's contact and what hides it."""
_STRAY_SHARE = 0.01
"""So few points of a leaf or a wire above do not make a thing higher."""


@dataclass(frozen=True, slots=True, eq=False)
class Supports:
    """The points that are the objects, a group a mask (its number is the key), in order of range.

    height: float64 (G,), of the highest over the ground, m; flat: bool (G,), nothing stands out of
    the ground although beams would have met it.
    """

    groups: Groups
    height: Float64
    flat: Bool

    def keep(self, which: Bool) -> Supports:
        """Those of some masks (G,)."""
        return Supports(self.groups.keep(which), self.height[which], self.flat[which])


def supports_of(
    view: View,
    sights: Sights,
    nearest: Float64,
    cloud: Cloud,
    ground: GroundSurface,
    settings: config.Fusion,
) -> Supports:
    """The support of each mask that has one.

    nearest: float64 (M,), range of what may hide a mask's foot, infinite where nothing does.
    """
    inside = view.under
    high = cloud.height[inside.index] > settings.ground.tolerance_m
    chosen = _foreground(inside.keep_points(high), sights, nearest, cloud, settings)
    chosen = chosen.keep(~_bleeds(chosen, inside, sights, cloud))
    top = chosen.most(cloud.height[chosen.index].astype(float), _STRAY_SHARE)
    lying = inside.keep_points(~high)
    found = [(chosen.index, chosen.spread(chosen.key))]
    height, flat = np.zeros(len(sights.meets)), np.zeros(len(sights.meets), np.bool_)
    height[chosen.key] = top
    stands = np.zeros(len(sights.meets), np.bool_)
    stands[chosen.key] = True
    raised = np.zeros(len(sights.meets), np.bool_)
    raised[chosen.key] = top < LOW_THING_M
    judged = np.flatnonzero(sights.meets[lying.key] & (raised | ~stands)[lying.key])
    things = LowThings.of(lying.key[judged], view, sights, cloud, ground, settings)
    for g in judged.tolist():
        i, own = int(lying.key[g]), lying.members(g)
        if stands[i]:
            more = things.lower_parts(i, cloud.range_m[chosen.members(_place(chosen, i))], own)
        else:
            more, height[i], flat[i] = things.low(i, own)
        found.append((more, np.full(len(more), i)))
    index, key = (np.concatenate(column) for column in zip(*found, strict=True))
    groups = Groups.of(index, key)
    groups = groups.sorted_by(cloud.range_m[groups.index])
    return Supports(groups, height[groups.key], flat[groups.key])


def _place(groups: Groups, key: int) -> int:
    return int(np.searchsorted(groups.key, key))


def _foreground(
    standing: Groups, sights: Sights, hidden_by: Float64, cloud: Cloud, settings: config.Fusion
) -> Groups:
    """Of each mask the cluster of standing points, split at gaps in range, that is the object.

    A cluster counts by its points (each beam covers the same angle) and by how well it agrees with
    the mask's contact with the ground. Without a contact the nearest of the larger is taken. Where
    something may hide the foot, at ``hidden_by`` (M,), the object can be nearer than the contact.
    """
    standing = standing.sorted_by(cloud.range_m[standing.index])
    range_m = cloud.range_m[standing.index].astype(float)
    mask = standing.spread(standing.key)
    gap = settings.depth_gap_m + 0.01 * range_m[1:]
    split = (np.diff(range_m) > gap) | (np.diff(mask) != 0)
    part = Groups.in_order(standing.index, np.concatenate([[0], np.cumsum(split)])[: len(mask)])
    of = mask[part.start]
    if len(of) == len(standing):
        return standing
    share = part.count / np.bincount(of, weights=part.count)[of]
    nearest = range_m[part.start]
    off = (nearest - sights.range_m[of]) / (sights.sigma_m[of] + settings.depth_gap_m)
    agreement = np.exp(-0.5 * off**2) + 1e-4 / (1 + off**2)
    between = (nearest > hidden_by[of]) & (off < 0)
    agreement = np.where(between, np.maximum(agreement, _BETWEEN), agreement)
    first = np.searchsorted(of, of)  # parts are in order of range within a mask
    largest = np.maximum.reduceat(share, np.flatnonzero(np.diff(of, prepend=-1)))
    larger = share > 0.3 * np.repeat(largest, np.bincount(of)[np.unique(of)])
    rank = 1.0 / (1 + np.arange(len(of)) - first)
    weight = np.where(sights.meets[of], share * agreement, np.where(larger, rank, 0.0))
    best = np.lexsort((-weight, of))[np.unique(first)]
    wins = np.zeros(len(of), np.bool_)
    wins[best] = True
    return standing.keep_points(np.asarray(part.spread(wins)))


def _bleeds(chosen: Groups, inside: Groups, sights: Sights, cloud: Cloud) -> Bool:
    """Whether the chosen points are only background seen past the mask's edge.

    They lie well behind its foot, and are few, alone or beside the ground points under the mask; or
    they lie so far behind that no error of the foot's range explains it. What the foot hides is
    nearer than the foot seems, never farther.
    """
    under = inside.count[np.searchsorted(inside.key, chosen.key)]
    few = (chosen.count < FEW_POINTS) | (chosen.count < 0.1 * under)
    nearest = chosen.least(cloud.range_m[chosen.index].astype(float))
    mask: Index = chosen.key
    behind, sigma = nearest - sights.range_m[mask], sights.sigma_m[mask]
    passes = (few & (behind > 2 * sigma + 0.5)) | (behind > 3 * sigma + 1.0)
    return np.asarray(passes & sights.meets[mask])
