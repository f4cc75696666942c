"""What each link of a chain says, by what it was decided, and what would have changed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from s2m_ros.audit.explain.chain import Chain, Rival, Rules
from s2m_ros.audit.explain.levels import level_changes, level_facts
from s2m_ros.perception.calibration import RARITY_LIMIT, rarity, unrarity
from s2m_ros.perception.evidence import (
    ANOMALY,
    EXCESS,
    FULL_CONTRAST,
    OFF_GROUND,
    PREDICTED_IOU,
    STABILITY,
    Field,
    Measure,
)
from s2m_ros.perception.selection import KNOWN_MARGIN
from s2m_ros.store.reader import Frame
from s2m_ros.tracking.life import SURE
from s2m_ros.types import Evidence, RangeSource, Role, TrackState


@dataclass(frozen=True, slots=True)
class Change:
    """What would have made it come out otherwise."""

    what: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Link:
    """One stage: what it decided, the figures behind that, what would have changed it.

    holds: the object got through this stage.
    """

    name: str
    verdict: str
    holds: bool
    facts: tuple[str, ...] = ()
    changes: tuple[Change, ...] = ()


def links(chain: Chain, rules: Rules) -> tuple[Link, ...]:
    """Of all stages in order, from the score on."""
    made = [_score(chain, rules), _prompt(chain, rules), _mask(chain, rules), _object(chain)]
    return tuple(link for link in (*made, _track(chain, rules), _level(chain, rules)) if link)


def conclusion(found: tuple[Link, ...]) -> str:
    """The chain in one line."""
    broken = next((link for link in found if not link.holds), None)
    if broken is not None:
        return f"It ended at the {broken.name}: {broken.verdict}"
    return found[-1].verdict if found else "nothing is stored of it"


def _score(chain: Chain, rules: Rules) -> Link | None:
    frame = chain.frame
    if frame is None or frame.score is None or (chain.mask is None and chain.place is None):
        return None
    values = rarity(frame.score.scores)
    inside = _inside(chain, frame)
    peak = float(values[inside].max())
    rarer = float((values > peak).mean())
    floor = rules.config.perception.prompting.floor
    high = peak >= float(rarity(floor))
    facts = (
        f"highest score {_quantile(peak)}, as one normal pixel in {10**peak:,.0f} has "
        f"(rarity {peak:.2f})",
        f"mean {_quantile(float(values[inside].mean()))}; "
        f"{100 * rarer:.1f} % of this image is rarer",
    )
    if high:
        change = Change(
            f"perception.prompting.floor above {_quantile(peak)} (it was {floor:g})",
            "no prompt here",
        )
    else:
        change = Change(
            f"perception.prompting.floor at or below {_quantile(peak)} (it was {floor:g})",
            "the region may get a prompt",
        )
    verdict = "stands out" if high else f"does not reach the floor of {floor:g}"
    return Link("score", f"{verdict}: {_quantile(peak)}", high, facts, (change,))


def _prompt(chain: Chain, rules: Rules) -> Link | None:
    frame = chain.frame
    if frame is None or frame.weighed is None or (chain.mask is None and chain.place is None):
        return None
    prompts, settings = frame.weighed.prompts, rules.config.perception.prompting
    if chain.mask is not None:
        own = chain.mask.prompt
    else:
        assert chain.place is not None
        x, y = chain.place.tolist()
        around = [p for p in prompts if p.box[0] <= x <= p.box[2] and p.box[1] <= y <= p.box[3]]
        if not around:
            return Link(
                "prompt", "none of the prompts of this image lies here", False,
                (f"{len(prompts)} prompts, {frame.weighed.omitted} weaker ones were left out",),
                (
                    Change(
                        f"a region over the floor that stands out by "
                        f"{settings.contrast:g} decades (perception.prompting.contrast) or a "
                        f"larger perception.prompting.max_prompts (it was {settings.max_prompts})",
                        "a prompt",
                    ),
                ),
            )  # fmt: skip
        own = max(around, key=lambda p: p.contrast)
    rank = 1 + sum(p.contrast > own.contrast for p in prompts)
    facts = (
        f"box {_box(own.box)}, {int((own.point_labels > 0).sum())} points",
        f"peak {own.peak:.2f}, stands out by {own.contrast:.2f} decades; "
        f"number {rank} of {len(prompts)}, {frame.weighed.omitted} left out",
    )
    changes = [
        Change(
            f"perception.prompting.contrast above {own.contrast:.2f} "
            f"(it was {settings.contrast:g})",
            "no prompt from this region",
        )
    ]
    if settings.kind == "learned":
        changes = []
    if rank >= 2:
        changes.append(
            Change(
                f"perception.prompting.max_prompts below {rank} (it was {settings.max_prompts})",
                "left out for stronger ones",
            )
        )
    return Link("prompt", f"number {rank} of {len(prompts)}", True, facts, tuple(changes))


def _mask(chain: Chain, rules: Rules) -> Link | None:
    frame = chain.frame
    if chain.mask is None and chain.place is None:
        if chain.track is None:
            return None
        return Link(
            "mask", "none: the LiDAR alone carries this object", True,
            ("a cluster on the ground that no mask and no known class explains",),
        )  # fmt: skip
    if frame is None:
        return None
    least = rules.min_evidence
    mask = chain.mask
    if mask is None:
        return _no_mask(chain, rules)
    own = next((r for r in chain.rivals if not r.verdict.reason), None)
    facts, share = [], 0.0
    if own is not None and frame.score is not None:
        measure = _measure(frame, own)
        facts += list(_evidence_facts(measure, own))
        share = KNOWN_MARGIN * measure.known
    needed = least + (1.0 - least) * share
    facts.insert(
        0, f"evidence {mask.evidence:.3f}, {needed:.3f} asked for "
        f"({mask.evidence - needed:+.3f}), {int(mask.bits.sum())} cells",
    )  # fmt: skip
    facts += [_told(rival) for rival in chain.rivals if rival.verdict.reason][:6]
    changes = [
        Change(
            f"perception.selection.min_evidence above "
            f"{(mask.evidence - share) / (1.0 - share):.3f} (it was {least:.3f})",
            "dropped: too little evidence",
        )
    ]
    wins = [r for r in chain.rivals if r.verdict.reason == "duplicate"]
    if wins:
        runner = max(wins, key=lambda r: r.verdict.evidence)
        gap = mask.evidence - runner.verdict.evidence
        changes.append(
            Change(
                f"{gap:.3f} less evidence", f"another mask of it (IoU {runner.shared:.2f}) instead"
            )
        )
    return Link("mask", f"kept, evidence {mask.evidence:.2f}", True, tuple(facts), tuple(changes))


def _no_mask(chain: Chain, rules: Rules) -> Link:
    """Why none of the candidates at a place was kept."""
    if not chain.rivals:
        return Link("mask", "no candidate holds this place", False)
    best = chain.rivals[0]
    assert chain.frame is not None
    reason = best.verdict.reason
    return Link(
        "mask",
        f"the strongest candidate was dropped: {reason}",
        False,
        tuple(_told(rival) for rival in chain.rivals[:6]),
        tuple(_mask_changes(chain.frame, best, rules)),
    )


def _mask_changes(frame: Frame, rival: Rival, rules: Rules) -> Iterator[Change]:
    """By how much a dropped candidate missed."""
    settings, value = rules.config.perception.selection, rival.verdict.evidence
    reason, least = rival.verdict.reason, rules.min_evidence
    if reason == "low_evidence":
        yield Change(
            f"perception.selection.min_evidence at or below {value:.3f} (it was {least:.3f}, "
            f"{least - value:.3f} more)",
            "kept, unless it lies on a known class",
        )
    elif reason == "known_class":
        known = _measure(frame, rival).known if frame.score is not None else 1.0
        needed = least + (1.0 - least) * KNOWN_MARGIN * known
        yield Change(
            f"{needed - value:.3f} more evidence: on a known class {needed:.3f} is asked for "
            f"({100 * known:.0f} % of it lies on one)",
            "kept",
        )
    elif reason == "over_limit":
        yield Change(
            f"perception.selection.max_masks above {settings.max_masks}", "kept as one of the weak"
        )
    elif reason == "too_large":
        limit = settings.large_fraction
        yield Change(f"perception.selection.large_fraction above {limit:g}", "weighed as a whole")
    elif reason in ("duplicate", "part_of_other", "swallows_other"):
        yield Change("more evidence than the mask that it competes with", "kept instead of it")


def _object(chain: Chain) -> Link | None:
    if chain.track is None and chain.mask is None:
        return None
    item = chain.object
    if item is None:
        objects = chain.instant.objects
        drops = objects.drops if objects is not None else {}
        said = ", ".join(f"{name} {n}" for name, n in sorted(drops.items())) or "none"
        return Link(
            "3D", "the mask was not lifted to an object, or merged into another", False,
            (f"what fusion dropped at this instant: {said}",),
        )  # fmt: skip
    names = [e.name.lower() for e in Evidence if e and e in item.evidence and e.name]
    source = "LiDAR points" if item.range_source is RangeSource.LIDAR else "the foot on the ground"
    sigma = float(np.sqrt(np.linalg.eigvalsh(item.covariance[:2, :2]).max()))
    facts: tuple[str, ...] = (
        f"{item.range_m:.1f} m away by {source}, {item.point_count} points, "
        f"place known to {sigma:.2f} m",
        f"{item.size[0]:.2f} x {item.size[1]:.2f} m, {item.height:.2f} m high; "
        f"rests on {', '.join(names)}",
    )
    changes: tuple[Change, ...] = ()
    if Evidence.FLAT in item.evidence:
        changes = (Change("a measured height over the ground", "no longer lowered as flat"),)
    if item.role != Role.UNKNOWN:
        facts += (f"explained by a known class: {item.role.name.lower()}",)
    return Link("3D", f"at {item.range_m:.1f} m", True, facts, changes)


def _track(chain: Chain, rules: Rules) -> Link | None:
    track = chain.track
    if track is None:
        return None
    settings = rules.config.tracking
    lived = (chain.stamp_ns - track.first_ns) * 1e-9
    facts = [
        f"{track.hits} detections in {lived:.1f} s, existence {track.existence:.3f}",
        f"speed {np.hypot(*track.velocity[:2]):.2f} m/s",
    ]
    unseen = (chain.stamp_ns - track.last_ns) * 1e-9
    if unseen > 0:
        facts.append(f"last detected {unseen:.1f} s before")
    changes: list[Change] = []
    if track.state is TrackState.TENTATIVE:
        missing = settings.confirm_hits - track.hits
        if missing > 0:
            changes.append(
                Change(f"{missing} more detections (tracking.confirm_hits)", "may be confirmed")
            )
        if track.existence < SURE:
            changes.append(
                Change(
                    f"existence of {SURE:g} instead of {track.existence:.2f}", "may be confirmed"
                )
            )
        side = float(track.size[:2].max())
        if Evidence.FLAT in track.evidence and side > settings.flat_max_m:
            changes.append(
                Change(
                    f"tracking.flat_max_m above {side:.1f} (it was {settings.flat_max_m:g})",
                    "counts as an object though it has no height",
                )
            )
    elif track.hits >= settings.confirm_hits:
        changes.append(
            Change(
                f"tracking.confirm_hits above {track.hits} (it was {settings.confirm_hits})",
                "still tentative",
            )
        )
    name = track.state.name.lower()
    return Link("track", f"#{track.id}, {name}", True, tuple(facts), tuple(changes))


def _level(chain: Chain, rules: Rules) -> Link | None:
    hazard = chain.hazard
    if hazard is None:
        if chain.track is None:
            return None
        return Link(
            "level", "no hazard: what is not confirmed is published only beside something of value",
            False,
        )  # fmt: skip
    changes = [Change(what, outcome) for what, outcome in level_changes(hazard, rules.policy)]
    return Link(
        "level", f"{hazard.level.name}: {hazard.text}", True,
        tuple(level_facts(hazard, rules.policy)), tuple(changes),
    )  # fmt: skip


def _inside(chain: Chain, frame: Frame) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Cells of the score map that the mask covers; of a place, the cells around it."""
    assert frame.score is not None
    h, w = frame.score.scores.shape
    inside = np.zeros((h, w), np.bool_)
    if chain.mask is not None:
        mask, grid = chain.mask, frame.masks.grid_size
        rows, columns = np.nonzero(mask.bits)
        inside[(rows + mask.y) * h // grid[1], (columns + mask.x) * w // grid[0]] = True
    elif chain.place is not None:
        size = frame.masks.image_size
        x = int(np.clip(chain.place[0] * w / size[0], 0, w - 1))
        y = int(np.clip(chain.place[1] * h / size[1], 0, h - 1))
        inside[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = True
    return inside


def _measure(frame: Frame, rival: Rival) -> Measure:
    assert frame.score is not None
    candidate = rival.verdict.candidate
    field = Field(frame.score, frame.masks.roles, frame.masks.grid_size)
    return field.measure(candidate.x, candidate.y, candidate.bits)


def _evidence_facts(m: Measure, rival: Rival) -> Iterator[str]:
    """The factors of the evidence, from the stored (quantised) score map."""
    candidate = rival.verdict.candidate
    place = OFF_GROUND + (1 - OFF_GROUND) * m.ground
    factors: dict[str, tuple[float, str]] = {
        "score inside": (np.clip(m.inside / RARITY_LIMIT, 0, 1) ** ANOMALY, f"{m.inside:.2f}"),
        "over its ring": (
            np.clip(m.contrast / FULL_CONTRAST, 0, 1) ** EXCESS, f"{m.contrast:+.2f}",
        ),
        "stability": (candidate.stability**STABILITY, f"{candidate.stability:.2f}"),
        "predicted IoU": (candidate.predicted_iou**PREDICTED_IOU, f"{candidate.predicted_iou:.2f}"),
        "ground around": (place, f"{100 * m.ground:.0f} %"),
    }  # fmt: skip
    told = [f"{name} {value} (x {factor:.2f})" for name, (factor, value) in factors.items()]
    yield f"which is {', '.join(told)}"
    if m.known > 0:
        yield (
            f"{100 * m.known:.0f} % of it lies on a known vehicle, person or aircraft, which asks "
            "for more evidence"
        )


def _told(rival: Rival) -> str:
    verdict = rival.verdict
    fate = f"dropped, {verdict.reason}" if verdict.reason else "kept"
    return (
        f"candidate of prompt {verdict.candidate.prompt + 1}: evidence {verdict.evidence:.3f}, "
        f"IoU {rival.shared:.2f}: {fate}"
    )


def _quantile(value: float) -> str:
    """A rarity as the quantile it is, with the nines that count."""
    return f"{float(unrarity(value)):.{max(2, round(value) + 1)}f}"


def _box(box: np.ndarray[tuple[int], np.dtype[np.float32]]) -> str:
    return "{:.0f}, {:.0f} to {:.0f}, {:.0f} px".format(*box.tolist())
