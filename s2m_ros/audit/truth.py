"""What was found, missed and falsely reported, against a simulator's ground truth.

How hazards and real objects are matched, at every stamp that has both:

* The gap is the horizontal distance between the hazard's footprint and the object's box, zero
  when they overlap. A pair is possible up to ``GATE_M``.
* Hazards and unknown objects are paired one to one: pairs of the instant before hold while they
  are possible, the others have the least sum of gaps (ties: centre distances; ``clearmot.py``).
  What is left of the hazards is *known* when a known object lies within the gate (aircraft,
  vehicle, person, structure: reported apart, neither found nor false), *double* when an unknown
  object does that is paired already, else *false*.
* A track is judged by most of its confirmed stamps: one that is false on more of them than not is
  one false hazard, however long it lived.
* An unknown object counts once it is *due*: within ``DUE_RANGE_M`` of the vehicle and in front of
  it, visible with at least ``DUE_PIXELS`` pixels, on ``DUE_FRAMES`` frames. It is found when a
  confirmed hazard was paired with it at any stamp; missed when it was due and was not found.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from s2m_ros.audit.clearmot import Correspondence
from s2m_ros.fusion.transforms import apply, from_yaw
from s2m_ros.types import Float64, Hazards, Object3D, Role, Track, TrackState
from s2m_ros.wire.truth import TruthFrame, TruthObject

GATE_M = 1.0
DUE_RANGE_M = 30.0
DUE_PIXELS = 24
DUE_FRAMES = 5
DOUBLE, FALSE = "double", "false"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One unknown object: when and how far away it was first reported, and by which tracks.

    first_range_m: from base_link at that moment, negative when it was never found.
    error_m: median distance between the centres of box and hazard, NaN when never found.
    """

    object_id: int
    name: str
    due_frames: int
    tracks: tuple[int, ...]
    first_range_m: float
    first_ns: int
    error_m: float

    @property
    def found(self) -> bool:
        return bool(self.tracks)

    @property
    def missed(self) -> bool:
        return not self.tracks and self.due_frames >= DUE_FRAMES


@dataclass(frozen=True, slots=True)
class Score:
    """objects: every unknown object that was due or found; tracks: what each confirmed track was
    ('object', 'double', 'false', or the name of the known object's role)."""

    objects: tuple[Verdict, ...]
    tracks: dict[int, str]

    @property
    def found(self) -> int:
        return sum(v.found for v in self.objects)

    @property
    def missed(self) -> int:
        return sum(v.missed for v in self.objects)

    @property
    def false(self) -> int:
        return sum(kind == FALSE for kind in self.tracks.values())

    @property
    def on_known(self) -> dict[str, int]:
        """Tracks on known objects, by role in lower case."""
        roles = {r.name.lower() for r in Role}
        return dict(Counter(kind for kind in self.tracks.values() if kind in roles))


def score(hazards: Iterable[Hazards], truth: dict[int, TruthFrame]) -> Score | None:
    """Compare hazard arrays with ground truth of the same stamps and frame, or None without any."""
    if not truth:
        return None
    votes: dict[int, Counter[str]] = defaultdict(Counter)
    pairs: dict[int, list[tuple[int, int, float, float]]] = defaultdict(list)
    due: Counter[int] = Counter()
    names: dict[int, str] = {}
    correspondence = Correspondence()
    for array in hazards:
        frame = truth.get(array.stamp_ns)
        if frame is None or frame.frame_id != array.frame_id:
            continue
        unknown = [t for t in frame.items if t.role == Role.UNKNOWN]
        known = [t for t in frame.items if t.role != Role.UNKNOWN]
        position, forward = _vehicle(array)
        for item in unknown:
            names[item.id] = item.name
            due[item.id] += _is_due(item, position, forward)
        confirmed = [h for h in array.items if h.track.state != TrackState.TENTATIVE]
        tracks = [hazard.track for hazard in confirmed]
        matched = correspondence.match(
            [item.id for item in unknown], [t.id for t in tracks], distances(tracks, unknown)
        )
        object_of = {track: item for item, track in matched.track_of.items()}
        for track in tracks:
            if track.id in object_of:
                item = next(t for t in unknown if t.id == object_of[track.id])
                range_m = float(np.linalg.norm(item.position[:2] - position))
                error_m = float(np.linalg.norm((item.position - track.position)[:2]))
                pairs[item.id].append((array.stamp_ns, track.id, range_m, error_m))
                votes[track.id]["object"] += 1
            else:
                votes[track.id][explain(track, unknown, known)] += 1
    verdicts = tuple(
        _verdict(k, names[k], due[k], pairs[k])
        for k in sorted(names)
        if due[k] >= DUE_FRAMES or pairs[k]
    )
    return Score(verdicts, {k: _majority(v) for k, v in sorted(votes.items())})


def gap_m(footprint: Float64, item: TruthObject) -> float:
    """Horizontal distance, m, of a convex outline (K, 2) and an object's box; 0 if they meet."""
    box = box_outline(item)
    if len(footprint) < 3:
        return _outside(footprint.mean(axis=0), box)
    overlap, _ = cv2.intersectConvexConvex(
        np.ascontiguousarray(footprint, np.float32), box.astype(np.float32)
    )
    if overlap > 0:
        return 0.0
    return min(min(_outside(p, box) for p in footprint), min(_outside(p, footprint) for p in box))


def box_outline(item: TruthObject) -> Float64:
    """The box from above, float64 (4, 2), counter-clockwise."""
    half = item.size[:2] / 2
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half
    corners = np.column_stack([square, np.zeros(4)])
    return np.asarray(apply(from_yaw(item.yaw, item.position), corners)[:, :2])


def _outside(point: Float64, outline: Float64) -> float:
    """Distance from a point to a convex outline, zero inside."""
    hull = cv2.convexHull(np.ascontiguousarray(outline, np.float32))
    at = (float(point[0]), float(point[1]))
    return max(0.0, -float(cv2.pointPolygonTest(hull, at, True)))


def distances(tracks: Sequence[Track | Object3D], items: Sequence[TruthObject]) -> Float64:
    """Gaps, m, of real objects (rows) and tracks (columns); infinite beyond the gate.

    A thousandth of the distance of the centres is added, so that among footprints that hold an
    object the nearest one has the least.
    """
    result = np.full((len(items), len(tracks)), np.inf)
    for j, track in enumerate(tracks):
        outline = _footprint(track)
        for i, item in enumerate(items):
            centres = float(np.linalg.norm((track.position - item.position)[:2]))
            if centres > GATE_M + 10 + float(np.linalg.norm(item.size)):
                continue
            gap = gap_m(outline, item)
            if gap <= GATE_M:
                result[i, j] = gap + 1e-3 * centres
    return result


def explain(
    track: Track | Object3D, unknown: Sequence[TruthObject], known: Sequence[TruthObject]
) -> str:
    """What a track is that stands for no object: a known role, ``DOUBLE`` or ``FALSE``."""
    near = [(gap_m(_footprint(track), t), t.role.name.lower()) for t in known]
    if near and min(near)[0] <= GATE_M:
        return min(near)[1]
    if any(gap_m(_footprint(track), t) <= GATE_M for t in unknown):
        return DOUBLE
    return FALSE


def _footprint(track: Track | Object3D) -> Float64:
    return track.footprint if len(track.footprint) else track.position[None, :2]


def _is_due(item: TruthObject, position: Float64, forward: Float64) -> bool:
    away = item.position[:2] - position
    near = float(away @ forward) > 0 and float(np.linalg.norm(away)) <= DUE_RANGE_M
    return near and (item.pixels < 0 or item.pixels >= DUE_PIXELS)


def _vehicle(array: Hazards) -> tuple[Float64, Float64]:
    """Position and heading in the array's frame, float64 (2,) each."""
    if array.ego is None:
        return np.zeros(2), np.array([1.0, 0.0])
    pose = array.ego.odom_from_base
    return pose[:2, 3], pose[:2, 0]


def _majority(votes: Counter[str]) -> str:
    return max(sorted(votes), key=lambda kind: votes[kind])


def _verdict(
    number: int, name: str, due: int, pairs: list[tuple[int, int, float, float]]
) -> Verdict:
    tracks = tuple(dict.fromkeys(track for _, track, _, _ in pairs))
    if not pairs:
        return Verdict(number, name, due, (), -1.0, 0, float("nan"))
    first = pairs[0]
    error_m = float(np.median([error for *_, error in pairs]))
    return Verdict(number, name, due, tracks, first[2], first[0], error_m)
