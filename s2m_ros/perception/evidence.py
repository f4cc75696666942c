"""How much a mask stands out: the score inside it against the score in a ring around it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..types import Bool, Float32, Role, RoleMap, ScoreMap, UInt8
from .calibration import RARITY_LIMIT, rarity
from .interfaces import Candidate

SAMPLES = 96
"""Masks are measured on at most about this many samples a side."""

FULL_CONTRAST = 0.5 * RARITY_LIMIT
"""Excess of a mask over its ring, in decades of rarity, that counts in full."""

ANOMALY, EXCESS, STABILITY, PREDICTED_IOU = 0.2, 0.5, 0.2, 0.1
"""Weights of the evidence; they add up to 1."""

OFF_GROUND = 0.7
"""What is left of the evidence of a mask that no ground to drive on surrounds."""

KNOWN_OBJECTS = (Role.VEHICLE, Role.PERSON, Role.AIRCRAFT)
_KNOWN = np.isin(np.arange(256), KNOWN_OBJECTS)


@dataclass(frozen=True, slots=True)
class Measure:
    """Rarities (``calibration.py``) of one mask: inside, at its highest, in the ring around.

    known: share of the mask on known vehicles, persons and aircraft, 0 when classes are unknown;
    ground: share of the ring on ground to drive on, 1 when classes are unknown.
    """

    inside: float
    highest: float
    ring: float
    known: float
    ground: float

    @property
    def contrast(self) -> float:
        return self.inside - self.ring


class Field:
    """The score map and the role map of one frame, laid on its mask grid."""

    def __init__(self, score: ScoreMap, roles: RoleMap | None, grid_size: tuple[int, int]) -> None:
        low = rarity(score.scores)
        self.grid_size = grid_size
        self.rarity: Float32 = np.asarray(
            cv2.resize(low, grid_size, interpolation=cv2.INTER_LINEAR), np.float32
        )
        self.stride = max(1, round(grid_size[0] / low.shape[1]))
        self._roles: UInt8 | None = None
        if roles is not None:
            how = cv2.INTER_NEAREST
            self._roles = np.asarray(
                cv2.resize(roles.roles, grid_size, interpolation=how), np.uint8
            )

    def measure(self, x: int, y: int, bits: Bool) -> Measure:
        """Measure a non-empty patch whose top left cell is (x, y).

        The ring starts one cell of the score map outside the mask, since the score map itself is
        no sharper, and is as wide as a quarter of the mask, at least two such cells.
        """
        h, w = bits.shape
        gap = max(1, self.stride // 2)
        width = max(2 * self.stride, max(h, w) // 4)
        reach = gap + width
        step = max(1, max(h, w) // SAMPLES)
        x0, y0 = max(0, x - reach), max(0, y - reach)
        x1 = min(self.grid_size[0], x + w + reach)
        y1 = min(self.grid_size[1], y + h + reach)
        area = np.zeros((y1 - y0, x1 - x0), np.uint8)
        area[y - y0 : y - y0 + h, x - x0 : x - x0 + w] = bits
        if step > 1:
            thin = area[::step, ::step]
            area = np.ascontiguousarray(thin) if thin.any() else area
            step = step if thin.any() else 1
        window = (slice(y0, y1, step), slice(x0, x1, step))
        values = self.rarity[window].ravel()
        inside = area.ravel().nonzero()[0]
        ring = grow(area, -(-reach // step)) > grow(area, -(-gap // step))
        around = ring.ravel().nonzero()[0]
        inner, outer = values.take(inside), values.take(around)
        known, ground = 0.0, 1.0
        if self._roles is not None:
            roles = self._roles[window].ravel()
            known = np.count_nonzero(_KNOWN.take(roles.take(inside))) / len(inner)
            if len(outer):
                ground = np.count_nonzero(roles.take(around) == Role.SURFACE) / len(outer)
        return Measure(
            float(inner.sum() / len(inner)),  # ``mean`` takes three times as long, of so few
            float(inner.max()),
            float(outer.sum() / len(outer)) if len(outer) else 0.0,
            known,
            ground,
        )

    def mean(self, candidate: Candidate, bits: Bool) -> float:
        """Mean rarity on some of a candidate's patch; 0 when there is none."""
        h, w = bits.shape
        values = self.rarity[candidate.y : candidate.y + h, candidate.x : candidate.x + w][bits]
        return float(values.mean()) if len(values) else 0.0


def grow(area: UInt8, cells: int) -> Bool:
    """Dilate by a square of the given radius."""
    kernel = np.ones((2 * cells + 1, 2 * cells + 1), np.uint8)
    return np.asarray(cv2.dilate(area, kernel)).view(np.bool_)


def potential(peak: Float32, contrast: Float32, ground: Float32) -> Float32:
    """About the most evidence that any mask of a region can have: float32 (N,).

    A mask holds no more than the region's peak, and seldom stands out twice as much as
    the region itself does. ground: share of drivable ground around the region's box.
    """
    anomaly = np.clip(peak / RARITY_LIMIT, 0, 1)
    excess = np.clip(2.0 * contrast / FULL_CONTRAST, 0, 1)
    place = OFF_GROUND + (1 - OFF_GROUND) * np.clip(0.3 + 1.5 * ground, 0, 1)
    return np.asarray(anomaly**ANOMALY * excess**EXCESS * place, np.float32)


def evidence(measure: Measure, predicted_iou: float, stability: float) -> float:
    """The value in [0, 1] that ranks masks: anomaly times how well mask and anomaly agree.

    Weighted geometric mean of four values in [0, 1], so that none can make up for another that is
    missing: the score inside; its excess over the ring (a part of an object, or a patch of a
    larger doubtful area, has little); the stability and the predicted IoU of the mask. What
    stands on the ground counts in full, what hangs in a hedge or on a wall for less. The weights
    follow a logistic regression on masks of simulated aprons and of clean frames.
    """
    anomaly = min(max(measure.inside, 0.0) / RARITY_LIMIT, 1.0)
    excess = min(max(measure.contrast, 0.0) / FULL_CONTRAST, 1.0)
    quality = max(stability, 0.0) ** STABILITY * max(predicted_iou, 0.0) ** PREDICTED_IOU
    place = OFF_GROUND + (1 - OFF_GROUND) * measure.ground
    return float(anomaly**ANOMALY * excess**EXCESS * quality * place)
