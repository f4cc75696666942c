"""At which images of a store each track was seen, and which of them show it best."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from s2m_ros.store.index import read
from s2m_ros.store.reader import Store
from s2m_ros.types import Float32, Hazard, InputError, ObjectMasks, TrackState
from s2m_ros.wire import topics
from s2m_ros.wire.hazards import decode_hazards
from s2m_ros.wire.masks import decode_masks

VIEWS = 4
"""So many views of an object are embedded."""
APART_NS = 400_000_000
"""and they lie so far apart, that they differ."""
TOGETHER_NS = 60_000_000
"""Images this much older than an answer are still part of it: cameras look one after another."""
CUT = 0.25
"""Worth of a view of which the border of the image may hide a part."""
INSIDE = 0.5
"""So much of a mask lies in another one that shows the same thing, or more of it."""


@dataclass(frozen=True, slots=True)
class Look:
    """One mask of one image; worth: the pixels that show the object, less when it may be cut."""

    camera: str
    stamp_ns: int
    mask: int
    worth: float


@dataclass(slots=True)
class Followed:
    """A track and what was said of it. hazards: first, last and worst; nested: in how many images
    its mask and that of another track lay one in the other, by that track."""

    first_ns: int
    last_ns: int
    first: Hazard
    last: Hazard
    worst: Hazard
    confirmed: bool = False
    reasons: dict[str, None] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)
    nested: Counter[int] = field(default_factory=Counter)


def follow(store: Store) -> tuple[dict[int, Followed], Counter[str]]:
    """All tracks of a store that were ever a hazard, and messages that cannot be read, by topic."""
    broken: Counter[str] = Counter()
    seen: dict[str, dict[int, dict[int, float]]] = defaultdict(dict)
    inside: dict[tuple[str, int], list[tuple[int, int]]] = {}
    arrays = []
    names = {"/" + topics.masks(camera): camera for camera in store.cameras}
    for stored in store.messages([*names, "/" + topics.HAZARDS]):
        try:
            if stored.topic in names:
                masks = decode_masks(read(stored), stored.topic)
                camera = names[stored.topic]
                seen[camera][masks.stamp_ns] = worths(masks)
                inside[camera, masks.stamp_ns] = nested(masks)
            else:
                arrays.append(decode_hazards(read(stored), stored.topic))
        except (InputError, ValueError):
            broken[f"unreadable: {stored.topic}"] += 1
    stamps = {camera: np.array(sorted(frames), np.int64) for camera, frames in seen.items()}
    tracks: dict[int, Followed] = {}
    for array in sorted(arrays, key=lambda a: a.stamp_ns):
        for hazard in array.items:
            track = hazard.track
            one = tracks.setdefault(
                track.id, Followed(array.stamp_ns, array.stamp_ns, hazard, hazard, hazard)
            )
            one.last_ns, one.last = array.stamp_ns, hazard
            if (hazard.level, -hazard.distance_m) > (one.worst.level, -one.worst.distance_m):
                one.worst = hazard
            one.confirmed |= not hazard.unconfirmed and track.state != TrackState.TENTATIVE
            one.reasons |= dict.fromkeys(hazard.reasons)
            if track.camera in stamps and track.last_ns == array.stamp_ns:
                at = _newest(stamps[track.camera], array.stamp_ns)
                worth = seen[track.camera].get(at, {}).get(track.mask_id)
                if worth is not None:
                    one.looks.append(Look(track.camera, at, track.mask_id, worth))
    _count_nested(tracks, inside)
    return tracks, broken


def _count_nested(
    tracks: dict[int, Followed], inside: dict[tuple[str, int], list[tuple[int, int]]]
) -> None:
    shown: dict[tuple[str, int], dict[int, int]] = defaultdict(dict)
    for track, one in tracks.items():
        for look in one.looks:
            shown[look.camera, look.stamp_ns][look.mask] = track
    for image, owners in shown.items():
        for a, b in inside[image]:
            if a in owners and b in owners:
                tracks[owners[a]].nested[owners[b]] += 1
                tracks[owners[b]].nested[owners[a]] += 1


def nested(masks: ObjectMasks) -> list[tuple[int, int]]:
    """Ids of masks of which one lies in the other, for the larger part of the smaller."""
    found = []
    for a, b in combinations(masks.items, 2):
        x, y = max(a.x, b.x), max(a.y, b.y)
        right = min(a.x + a.bits.shape[1], b.x + b.bits.shape[1])
        bottom = min(a.y + a.bits.shape[0], b.y + b.bits.shape[0])
        if right <= x or bottom <= y:
            continue
        parts = [m.bits[y - m.y : bottom - m.y, x - m.x : right - m.x] for m in (a, b)]
        common = np.count_nonzero(parts[0] & parts[1])
        if common >= INSIDE * max(1, min(a.bits.sum(), b.bits.sum())):
            found.append((a.id, b.id))
    return found


def worths(masks: ObjectMasks) -> dict[int, float]:
    """How well each mask of an image shows its object, by id."""
    (width, height), (columns, rows) = masks.image_size, masks.grid_size
    cell = width * height / max(1, columns * rows)
    return {
        item.id: float(item.bits.sum() * cell) * (CUT if _cut(item.box, masks.image_size) else 1)
        for item in masks.items
    }


def best(looks: Iterable[Look]) -> list[Look]:
    """Those that show an object best, one in each ``APART_NS``, best first."""
    found: dict[int, Look] = {}
    for look in looks:
        part = look.stamp_ns // APART_NS
        if part not in found or look.worth > found[part].worth:
            found[part] = look
    return sorted(found.values(), key=lambda look: -look.worth)[:VIEWS]


def _newest(stamps: NDArray[np.int64], now_ns: int) -> int:
    """The last stamp not after now, -1 when that is too old."""
    i = int(np.searchsorted(stamps, now_ns, "right")) - 1
    return int(stamps[i]) if i >= 0 and now_ns - int(stamps[i]) < TOGETHER_NS else -1


def _cut(box: Float32, size: tuple[int, int]) -> bool:
    return bool(box[:2].min() < 2 or box[2] > size[0] - 2 or box[3] > size[1] - 2)
