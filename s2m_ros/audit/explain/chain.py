"""The chain of one object, out of a store: score, prompt, mask, 3D, track, level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from s2m_ros.config import Config
from s2m_ros.hazards.rulebook import Rulebook, load_rulebook
from s2m_ros.perception.interfaces import Candidate, Verdict
from s2m_ros.perception.selection import overlap
from s2m_ros.runtime.build import UNCALIBRATED_EVIDENCE
from s2m_ros.store.layout import OPERATING_POINT, POLICY
from s2m_ros.store.reader import Frame, Instant, Store, TrackSpan, spans_of
from s2m_ros.types import Float32, Hazard, InputError, Object3D, ObjectMask, Track

NEAR_NS = 1_000_000_000
"""So far outside the store a stamp still means its first or last instant."""


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What decisions were made by: settings, the least evidence of a mask, and the policy."""

    config: Config
    min_evidence: float
    policy: Rulebook

    @classmethod
    def of(cls, store: Store) -> Rules:
        about = store.about
        policy = about.get(POLICY)
        return cls(
            store.config,
            float(about.get(OPERATING_POINT, UNCALIBRATED_EVIDENCE)),
            Rulebook.model_validate_json(policy) if policy else load_rulebook(),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Rival:
    """A candidate that shares cells with what is explained; shared: IoU of the two."""

    verdict: Verdict
    shared: float


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """All that is stored of one object at one instant; what there was none of is None or empty.

    stamp_ns: of the instant; seen_ns: of the image that the mask is from, which is older while
    the track is out of view. place: float32 (2,), the pixel that was asked for. box: float32 (4,)
    in image pixels.
    """

    stamp_ns: int
    start_ns: int
    instant: Instant
    hazard: Hazard | None
    track: Track | None
    object: Object3D | None
    seen_ns: int | None
    frame: Frame | None
    mask: ObjectMask | None
    rivals: tuple[Rival, ...]
    place: Float32 | None
    history: tuple[tuple[float, int, float], ...]
    span: TrackSpan | None

    @property
    def seconds(self) -> float:
        """Since the start of the store."""
        return (self.stamp_ns - self.start_ns) * 1e-9

    @property
    def box(self) -> Float32 | None:
        if self.mask is not None:
            return self.mask.box
        if self.place is None:
            return None
        return np.concatenate([self.place - 24, self.place + 24]).astype(np.float32)


def parse_time(text: str, start_ns: int) -> int:
    """A stamp, ns, of seconds since the start ('5.4'), of epoch seconds, or of nanoseconds."""
    try:
        value = float(text)
        if not np.isfinite(value):
            raise ValueError
    except ValueError:
        raise InputError(
            f"--at {text}", "no time", "give seconds since the start of the store, as 12.5"
        ) from None
    if value >= 1e17:
        return int(text) if text.isdigit() else round(value)
    return round(value * 1e9) if value >= 1e8 else start_ns + round(value * 1e9)


def of_track(store: Store, number: int, at_ns: int | None = None) -> Chain:
    """A track at an instant; else when it was nearest at its highest level.

    Raises InputError when the store has no such track.
    """
    entries = list(store.hazards(number))
    if not entries:
        known = ", ".join(str(t.track) for t in store.tracks()[:20]) or "none"
        raise InputError(f"track {number}", f"the store has none; it has {known}", "name one")
    (span,) = spans_of(entries)
    wanted = span.nearest_ns if at_ns is None else at_ns
    entry = min(entries, key=lambda e: abs(e.stamp_ns - wanted))
    start_ns = store.span_ns[0]
    history = tuple(((e.stamp_ns - start_ns) * 1e-9, e.level, e.distance_m) for e in entries)
    instant = store.instant(entry.stamp_ns)
    if instant is None:
        raise InputError(f"track {number}", "its instant is gone from the ring", "look again")
    hazard = next(h for h in instant.hazards.items if h.track.id == number)
    return _complete(store, instant, hazard, hazard.track, history, span)


def of_time(store: Store, at_ns: int) -> Chain:
    """The worst hazard of the instant nearest to a stamp; without any, the worst track."""
    instant = _instant(store, at_ns)
    if instant.hazards.items:
        return of_track(store, instant.hazards.items[0].track.id, instant.stamp_ns)
    tracks = instant.tracks.items if instant.tracks is not None else ()
    track = max(tracks, key=lambda t: t.existence, default=None)
    return _complete(store, instant, None, track)


def of_pixel(store: Store, at_ns: int, camera: str, x: float, y: float) -> Chain:
    """What became of one place of an image: why something, or nothing, was found there."""
    stamp = store.nearest_frame(_inside(store, at_ns), camera)
    frame = store.frame(camera, stamp) if stamp is not None else None
    if frame is None:
        names = ", ".join(store.cameras) or "none, the store has no image"
        raise InputError(f"camera '{camera}'", "no image there", f"name one of {names}")
    instant = _instant(store, frame.stamp_ns)
    width, height = frame.masks.image_size
    if not (0 <= x < width and 0 <= y < height):
        raise InputError(
            f"--pixel {x:g},{y:g}", "outside the image", f"it has {width} x {height} pixels"
        )
    place = np.array([x, y], np.float32)
    mask = next((m for m in frame.masks.items if _holds(frame, m, x, y)), None)
    found = _object_of(instant, camera, mask.id) if mask is not None else None
    hazard = next(
        (
            h
            for h in instant.hazards.items
            if mask is not None and _is(h.track, camera, mask, instant)
        ),
        None,
    )
    rivals = _rivals(frame, _cells(frame, mask, place))
    return Chain(
        instant.stamp_ns, store.span_ns[0], instant, hazard, hazard.track if hazard else None,
        found, frame.stamp_ns, frame, mask, rivals, place, (), None,
    )  # fmt: skip


def _inside(store: Store, at_ns: int) -> int:
    """The stamp, when the store was recording then: else the answer were to another question."""
    start_ns, end_ns = store.span_ns
    if start_ns - NEAR_NS <= at_ns <= end_ns + NEAR_NS:
        return at_ns
    raise InputError(
        f"--at {(at_ns - start_ns) * 1e-9:.1f}",
        f"outside the store, which ends at {(end_ns - start_ns) * 1e-9:.1f} s",
        "give seconds since its start",
    )


def _instant(store: Store, at_ns: int) -> Instant:
    nearest = store.nearest_instant(_inside(store, at_ns))
    instant = store.instant(nearest) if nearest is not None else None
    if instant is None:
        raise InputError(str(store.path), "holds no instant", "record one")
    return instant


def _complete(
    store: Store,
    instant: Instant,
    hazard: Hazard | None,
    track: Track | None,
    history: tuple[tuple[float, int, float], ...] = (),
    span: TrackSpan | None = None,
) -> Chain:
    """Follow a track down to the image that it was last seen in."""
    frame = mask = found = seen_ns = None
    rivals: tuple[Rival, ...] = ()
    if track is not None:
        seen_ns = track.last_ns
        then = instant if seen_ns == instant.stamp_ns else store.instant(seen_ns)
        seen = _as_seen(then, track)
        cameras = store.cameras
        camera = seen.camera or (cameras[0] if cameras else "")  # which still shows the place
        frame = store.frame(camera, seen_ns)
        if frame is not None and seen.camera:
            mask = next((m for m in frame.masks.items if m.id == seen.mask_id), None)
            rivals = _rivals(frame, _cells(frame, mask, None))
        if then is not None:
            found = _object_of(then, camera, seen.mask_id) or _nearest(then, track)
    return Chain(
        instant.stamp_ns, store.span_ns[0], instant, hazard, track, found, seen_ns, frame, mask,
        rivals, None, history, span,
    )  # fmt: skip


def _as_seen(then: Instant | None, track: Track) -> Track:
    """The track when it was last detected, which has the mask of that moment."""
    tracks = then.tracks.items if then is not None and then.tracks is not None else ()
    return next((t for t in tracks if t.id == track.id), track)


def _object_of(instant: Instant, camera: str, mask_id: int) -> Object3D | None:
    items = instant.objects.items if instant.objects is not None else ()
    same = (item for item in items if item.camera == camera and item.mask_id == mask_id > 0)
    return next(same, None)


def _nearest(instant: Instant, track: Track) -> Object3D | None:
    """The object of a track without a mask: the one where the track is."""
    items = instant.objects.items if instant.objects is not None else ()
    away = [(float(np.hypot(*(i.position - track.position)[:2])), i) for i in items]
    best = min(away, key=lambda pair: pair[0], default=None)
    return best[1] if best is not None and best[0] < 1.0 else None


def _is(track: Track, camera: str, mask: ObjectMask, instant: Instant) -> bool:
    now = track.last_ns == instant.stamp_ns
    return now and track.camera == camera and track.mask_id == mask.id


def _holds(frame: Frame, mask: ObjectMask, x: float, y: float) -> bool:
    column, row = _cell(frame, x, y)
    h, w = mask.bits.shape
    inside = 0 <= column - mask.x < w and 0 <= row - mask.y < h
    return inside and bool(mask.bits[row - mask.y, column - mask.x])


def _cell(frame: Frame, x: float, y: float) -> tuple[int, int]:
    """Column and row of the mask grid at an image pixel."""
    grid, image = frame.masks.grid_size, frame.masks.image_size
    return int(x * grid[0] / max(image[0], 1)), int(y * grid[1] / max(image[1], 1))


def _cells(frame: Frame, mask: ObjectMask | None, place: Float32 | None) -> Candidate | None:
    """What is explained, as a candidate to compare with: the mask, else the one cell."""
    if mask is not None:
        return Candidate(-1, mask.x, mask.y, mask.bits, mask.predicted_iou, 1.0)
    if place is None:
        return None
    column, row = _cell(frame, float(place[0]), float(place[1]))
    return Candidate(-1, column, row, np.ones((1, 1), np.bool_), 0.0, 0.0)


def _rivals(frame: Frame, own: Candidate | None) -> tuple[Rival, ...]:
    """Candidates that share cells with it, the kept first, then by evidence."""
    if own is None or frame.weighed is None:
        return ()
    area = int(own.bits.sum())
    found = []
    for verdict in frame.weighed.verdicts:
        both = overlap(own, verdict.candidate)
        if both:
            union = area + int(verdict.candidate.bits.sum()) - both
            found.append(Rival(verdict, both / union))
    return tuple(sorted(found, key=lambda r: (bool(r.verdict.reason), -r.verdict.evidence)))
