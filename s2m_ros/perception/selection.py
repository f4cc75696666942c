"""Which of the proposed masks are objects: the strongest of each, and why the others are not.

Reasons of a drop: ``empty``, ``too_large``, ``low_evidence``, ``known_class``, ``duplicate``,
``part_of_other``, ``swallows_other``, ``over_limit``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..config import Selection
from ..types import Bool, Float32, ObjectMask, Prompts, RoleMap, ScoreMap
from .calibration import unrarity
from .evidence import Field, Measure, evidence
from .interfaces import Candidate, Candidates, Verdict
from .paste import cropped
from .statistics import otsu

KNOWN_MARGIN = 0.2
"""How much of the way from min_evidence to 1 a mask must make that lies on a known class alone."""

WHOLE = 0.8
"""A larger mask is the whole of a part when its rest has this share of the part's excess. The
ground between two objects that lie close has some too, from the blur of the score map."""


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    items: tuple[ObjectMask, ...]
    verdicts: tuple[Verdict, ...]
    drops: Mapping[str, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Rated:
    candidate: Candidate
    area: int
    measure: Measure
    evidence: float


def _rank(item: _Rated) -> tuple[float, int]:
    return -item.evidence, item.candidate.prompt


@dataclass(frozen=True, slots=True)
class Selector:
    """Merge first, cut by evidence last: a higher operating point only takes masks away."""

    config: Selection

    def __call__(
        self, score: ScoreMap, roles: RoleMap | None, prompts: Prompts, candidates: Candidates
    ) -> Selected:
        """Masks in falling order of evidence, with ids from 1, and a verdict on each candidate."""
        field = Field(score, roles, candidates.grid_size)
        dropped: list[Verdict] = []
        rated: list[_Rated] = []
        for candidate in candidates.items:
            rating = self._rate(field, candidate)
            if isinstance(rating, Verdict):
                dropped.append(rating)
            else:
                rated.append(rating)
        rated.sort(key=_rank)
        merged: list[_Rated] = []
        for item in rated:
            dropped += self._admit(field, item, merged)
        kept: list[_Rated] = []
        for item in sorted(merged, key=_rank):
            reason = self._objection(item, len(kept))
            if reason:
                dropped.append(Verdict(item.candidate, item.evidence, reason))
            else:
                kept.append(item)
        scale = np.asarray(np.divide(score.image_size, candidates.grid_size), np.float32)
        return Selected(
            items=tuple(
                object_mask(i, r.candidate, r.measure, r.evidence, prompts, scale)
                for i, r in enumerate(kept, start=1)
            ),
            verdicts=(*(Verdict(r.candidate, r.evidence) for r in kept), *dropped),
            drops=dict(sorted(Counter(verdict.reason for verdict in dropped).items())),
        )

    def _rate(self, field: Field, candidate: Candidate) -> _Rated | Verdict:
        area = int(np.count_nonzero(candidate.bits))
        if not area:
            return Verdict(candidate, 0.0, "empty")
        limit = self.config.large_fraction * field.grid_size[0] * field.grid_size[1]
        if area > limit:
            candidate = split(field, candidate)
            area = int(np.count_nonzero(candidate.bits))
            if not 0 < area <= limit:
                return Verdict(candidate, 0.0, "too_large")
        measure = field.measure(candidate.x, candidate.y, candidate.bits)
        value = evidence(measure, candidate.predicted_iou, candidate.stability)
        return _Rated(candidate, area, measure, value)

    def _objection(self, item: _Rated, kept: int) -> str:
        """Why a merged mask is no object after all, or ''."""
        least = self.config.min_evidence
        if item.evidence < least:
            return "low_evidence"
        if item.evidence < least + (1.0 - least) * KNOWN_MARGIN * item.measure.known:
            return "known_class"
        return "over_limit" if kept >= self.config.max_masks else ""

    def _admit(self, field: Field, item: _Rated, kept: list[_Rated]) -> list[Verdict]:
        """Compare one candidate with the stronger ones; changes ``kept``, returns the drops."""
        parts: list[_Rated] = []
        for other in kept:
            both = overlap(item.candidate, other.candidate)
            if not both:
                continue
            if both >= self.config.duplicate_iou * (item.area + other.area - both):
                return [Verdict(item.candidate, item.evidence, "duplicate")]
            if both >= self.config.contained * item.area:
                return [Verdict(item.candidate, item.evidence, "part_of_other")]
            if both >= self.config.contained * other.area:
                if not _is_whole(field, item, other):
                    return [Verdict(item.candidate, item.evidence, "swallows_other")]
                parts.append(other)
        for part in parts:  # an object has at least the evidence of its parts
            kept.remove(part)
            item = replace(item, evidence=max(item.evidence, part.evidence))
        kept.append(item)
        return [Verdict(part.candidate, part.evidence, "part_of_other") for part in parts]


def overlap(a: Candidate, b: Candidate) -> int:
    """How many cells two masks share."""
    x0, y0 = max(a.x, b.x), max(a.y, b.y)
    x1 = min(a.x + a.bits.shape[1], b.x + b.bits.shape[1])
    y1 = min(a.y + a.bits.shape[0], b.y + b.bits.shape[0])
    if x1 <= x0 or y1 <= y0:
        return 0
    return int(
        np.count_nonzero(
            a.bits[y0 - a.y : y1 - a.y, x0 - a.x : x1 - a.x]
            & b.bits[y0 - b.y : y1 - b.y, x0 - b.x : x1 - b.x]
        )
    )


def _is_whole(field: Field, item: _Rated, part: _Rated) -> bool:
    """Whether what ``item`` has beyond ``part`` is anomalous too: then it is the whole object."""
    rest = item.candidate.bits.copy()
    dx, dy = part.candidate.x - item.candidate.x, part.candidate.y - item.candidate.y
    h, w = part.candidate.bits.shape
    y0, x0 = max(dy, 0), max(dx, 0)
    y1, x1 = min(dy + h, rest.shape[0]), min(dx + w, rest.shape[1])
    rest[y0:y1, x0:x1] &= ~part.candidate.bits[y0 - dy : y1 - dy, x0 - dx : x1 - dx]
    ring = item.measure.ring
    return field.mean(item.candidate, rest) - ring >= WHOLE * (part.measure.inside - ring)


def split(field: Field, candidate: Candidate) -> Candidate:
    """What a mask that swallows the scene holds of anomaly: the largest region over Otsu's cut."""
    h, w = candidate.bits.shape
    values = field.rarity[candidate.y : candidate.y + h, candidate.x : candidate.x + w]
    cut = otsu(values[candidate.bits])
    bits: Bool = candidate.bits & (values > cut)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(bits.view(np.uint8), connectivity=8)
    if count > 1:
        bits = np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))
    return replace(
        cropped(
            bits,
            candidate.x,
            candidate.y,
            candidate.prompt,
            candidate.predicted_iou,
            candidate.stability,
        )
    )


def object_mask(
    id: int,
    candidate: Candidate,
    measure: Measure,
    value: float,
    prompts: Prompts,
    scale: Float32,
) -> ObjectMask:
    h, w = candidate.bits.shape
    corners = np.asarray([candidate.x, candidate.y, candidate.x + w, candidate.y + h], np.float32)
    return ObjectMask(
        id=id,
        x=candidate.x,
        y=candidate.y,
        bits=candidate.bits,
        box=np.asarray(corners * np.tile(scale, 2), np.float32),
        score_mean=float(unrarity(measure.inside)),
        score_max=float(unrarity(measure.highest)),
        contrast=measure.contrast,
        predicted_iou=candidate.predicted_iou,
        evidence=value,
        prompt=prompts[candidate.prompt],
    )
