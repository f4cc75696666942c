"""What the page shows, as plain values for JSON. Times are milliseconds since the store's start."""

from __future__ import annotations

from typing import Any

import numpy as np

from s2m_ros.audit.explain.chain import Rules, of_track
from s2m_ros.audit.explain.links import links
from s2m_ros.audit.review.labels import Labels, mask_key, track_key
from s2m_ros.audit.rings import edges, simplified
from s2m_ros.audit.scene import box_corners, hazards_of_masks, to_base
from s2m_ros.audit.style import LEVELS, STATES, hexed
from s2m_ros.hazards.rulebook import load_rulebook
from s2m_ros.perception.calibration import RARITY_LIMIT
from s2m_ros.perception.interfaces import Candidate
from s2m_ros.store.reader import Frame, Store
from s2m_ros.types import Float64, Hazard, Hazards, Level, ObjectMask, State


def drive(store: Store, labels: Labels) -> dict[str, Any]:
    """All that is needed before the first frame: time line, tracks, words."""
    start, end = store.span_ns
    moments = store.moments()
    about = store.about
    words = Rules.of(store).policy.words() if about else load_rulebook().words()
    return {
        "name": store.path.name,
        "duration": _ms(end, start),
        "model": about.get("model", ""),
        "rarity_limit": RARITY_LIMIT,
        "cameras": {
            camera: [_ms(ns, start) for ns in store.frames(camera)] for camera in store.cameras
        },
        "moments": {
            "at": [_ms(m.stamp_ns, start) for m in moments],
            "level": [m.level for m in moments],
            "state": [int(m.state) for m in moments],
        },
        "triggers": [
            {"at": _ms(ns, start), "kind": kind, "text": text}
            for ns, kind, text in store.triggers()
        ],
        "tracks": tracks(store, labels),
        "levels": [{"name": v.name, "colour": hexed(LEVELS[v])} for v in Level],
        "states": [{"name": s.name, "colour": hexed(STATES[s])} for s in State],
        "words": words,
    }


def tracks(store: Store, labels: Labels) -> list[dict[str, Any]]:
    """The tracks of a store, worst first, and what was said of them."""
    start = store.span_ns[0]
    shown = []
    for span in store.tracks():
        label = labels[track_key(span.track)]
        shown.append(
            {
                "track": span.track,
                "level": span.level,
                "first": _ms(span.first_ns, start),
                "last": _ms(span.last_ns, start),
                "nearest": _ms(span.nearest_ns, start),
                "distance": round(span.distance_m, 2),
                "size": round(span.size_m, 2),
                "reasons": list(span.reasons),
                "text": span.text,
                "verdict": label.verdict,
                "name": label.name,
            }
        )
    return shown


def frame(store: Store, camera: str, stamp_ns: int, labels: Labels) -> dict[str, Any] | None:
    """One image: its masks as outlines, and the hazards of that instant from above."""
    found = store.frame(camera, stamp_ns)
    if found is None:
        return None
    hazards = store.judged(stamp_ns)
    if hazards is None:
        near = store.nearest_instant(stamp_ns)
        hazards = store.judged(near) if near is not None else None
    on_mask = hazards_of_masks(found.masks, hazards)
    return {
        "size": found.masks.image_size,
        "state": found.masks.state.name,
        "reason": found.masks.reason or (hazards.reason if hazards is not None else ""),
        "has_picture": bool(found.jpeg),
        "has_score": found.score is not None,
        "masks": [
            _mask(found, item, on_mask.get(item.id), camera, labels) for item in found.masks.items
        ],
        "dropped": _dropped(found),
        "hazards": [_hazard(item, hazards) for item in hazards.items] if hazards else [],
        "steps": dict(found.weighed.steps_ms) if found.weighed is not None else {},
    }


def chain(store: Store, track: int, stamp_ns: int | None = None) -> list[dict[str, Any]]:
    """What ``s2m explain`` says of a track."""
    return [
        {
            "name": link.name,
            "verdict": link.verdict,
            "holds": link.holds,
            "facts": list(link.facts),
            "changes": [[change.what, change.outcome] for change in link.changes],
        }
        for link in links(of_track(store, track, stamp_ns), Rules.of(store))
    ]


def outline(
    frame: Frame, item: ObjectMask | Candidate, tolerance: float = 0.4
) -> list[list[float]]:
    """Closed outlines in image pixels, each a flat list of x, y, x, y, ..."""
    cell = np.divide(frame.masks.image_size, frame.masks.grid_size)
    corner = np.array([item.x, item.y])
    flat = []
    for ring in edges(item.bits):
        few = (simplified(ring, tolerance) + corner) * cell
        if len(few) >= 3:
            flat.append(np.round(few, 1).ravel().tolist())
    return flat


def _mask(
    frame: Frame, item: ObjectMask, hazard: Hazard | None, camera: str, labels: Labels
) -> dict[str, Any]:
    label = labels[mask_key(camera, frame.stamp_ns, item.id)]
    return {
        "id": item.id,
        "rings": outline(frame, item),
        "box": np.round(item.box, 1).tolist(),
        "evidence": round(item.evidence, 3),
        "track": hazard.track.id if hazard is not None else None,
        "level": int(hazard.level) if hazard is not None else None,
        "verdict": label.verdict,
        "name": label.name,
    }


def _dropped(frame: Frame) -> list[dict[str, Any]]:
    """Candidates that did not make it, without those that another mask stands for."""
    stood_for = ("duplicate", "part_of_other")
    verdicts = frame.weighed.verdicts if frame.weighed is not None else ()
    return [
        {
            "rings": outline(frame, verdict.candidate),
            "reason": verdict.reason,
            "evidence": round(verdict.evidence, 3),
        }
        for verdict in verdicts
        if verdict.reason and verdict.reason not in stood_for and verdict.candidate.bits.any()
    ]


def _hazard(item: Hazard, hazards: Hazards) -> dict[str, Any]:
    track = item.track
    corners = box_corners(item)[[0, 4, 6, 2]]
    speed = _turned(hazards, track.velocity)
    return {
        "track": track.id,
        "level": int(item.level),
        "unconfirmed": item.unconfirmed,
        "state": track.state.name,
        "text": item.text,
        "reasons": list(item.reasons),
        "distance": round(item.distance_m, 2),
        "outline": np.round(to_base(hazards, corners)[:, :2], 2).tolist(),
        "speed": np.round(speed[:2], 2).tolist(),
    }


def _turned(hazards: Hazards, vector: Float64) -> Float64:
    """A vector of the array's frame in base_link."""
    if hazards.ego is None:
        return vector
    return np.asarray(hazards.ego.odom_from_base[:3, :3].T @ vector)


def _ms(ns: int, start_ns: int) -> int:
    return round((ns - start_ns) / 1e6)
