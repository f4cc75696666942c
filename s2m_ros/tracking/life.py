"""Birth, confirmation, memory and end of tracks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from s2m_ros.config import Tracking
from s2m_ros.tracking import existence
from s2m_ros.tracking.detections import Detections
from s2m_ros.tracking.filter import Rows
from s2m_ros.types import Bool, Evidence, Float64, Object3D, TrackState, UInt8

UNCONFIRMED = "unconfirmed"
FREE = "place_free"
LOST = "lost"
BLIND = "blind"
FAR = "left_behind"
EXPIRED = "memory_expired"
NO_ODOMETRY = "no_odometry"

SURE = 0.9  # existence of what gets confirmed: hits that do not fit together are no object
GONE = 0.05  # existence below which a place counts as observed free
RECORD = 5.0  # detections that the prior of the detection probability is worth
PAINT = 2  # detections as paint, less those that stood, from which a track is taken for paint
_MOST_PAINT = 5
_FLAT, _LIDAR = int(Evidence.FLAT), int(Evidence.LIDAR)
_STATES = tuple(TrackState)
_EVIDENCE = tuple(Evidence(bits) for bits in range(16))


class Lives:
    """What is remembered of N tracks besides motion and shape.

    existence: float64 (N,); hit: bool (N,), detected in the last frame; placed: bool (N,), its
    place was in view then (every hit was); last: the last detections.
    """

    def __init__(self, settings: Tracking) -> None:
        self._settings = settings
        # Misses in a row that a window of M of N can forgive.
        self._forgiven = max(settings.confirm_window - settings.confirm_hits, 0)
        self._next_id = 1
        window = settings.confirm_window
        self.id = np.zeros(0, np.int64)
        self.first_ns = np.zeros(0, np.int64)
        self.last_ns = np.zeros(0, np.int64)
        self.hits = np.zeros(0, np.int64)
        self.existence = np.zeros(0)
        self.confirmed: Bool = np.zeros(0, np.bool_)
        self.hit: Bool = np.zeros(0, np.bool_)
        self.placed: Bool = np.zeros(0, np.bool_)
        self.box = np.zeros((0, 4))
        self.camera: NDArray[np.str_] = np.zeros(0, np.str_)
        self.contrast = np.zeros(0)
        self.last: list[Object3D] = []
        self._recent: Bool = np.zeros((0, window), np.bool_)
        self._seen_as: UInt8 = np.zeros((0, window), np.uint8)
        self._paint = np.zeros(0, np.int64)  # detections as paint, less those that stood
        self._missed = np.zeros(0, np.int64)  # frames in a row
        self._looks = np.zeros(0, np.int64)  # frames with the place in view, to the last hit
        self._since = np.zeros(0, np.int64)  # and since then

    def __len__(self) -> int:
        return len(self.last)

    def chance(self) -> Float64:
        """Probability of detection (N,), by each track's own record up to its last detection."""
        prior = self._settings.detection_probability
        rate = (prior * RECORD + self.hits - 1) / (RECORD + self._looks - 1)
        return np.asarray(np.clip(rate, 0.2, 0.95) * self._settings.gate)

    def begin(self, stamp_ns: int, new: Detections, columns: Rows) -> None:
        n = len(columns)
        window = self._settings.confirm_window
        recent, seen_as = np.zeros((n, window), np.bool_), np.zeros((n, window), np.uint8)
        recent[:, 0] = ~self._is_paint(new, columns)
        seen_as[:, 0] = new.evidence[columns]
        ones, stamps = np.ones(n, np.int64), np.full(n, stamp_ns, np.int64)
        yes = ones > 0
        grown = {
            "id": np.arange(self._next_id, self._next_id + n),
            "first_ns": stamps, "last_ns": stamps, "hits": ones,
            "existence": np.full(n, existence.BIRTH),
            "confirmed": np.full(n, self._settings.confirm_hits <= 1),
            "hit": yes, "placed": yes, "box": new.box[columns],
            "camera": new.camera[columns], "contrast": new.contrast[columns],
            "_recent": recent, "_seen_as": seen_as,
            "_paint": self._is_paint(new, columns).astype(np.int64),
            "_missed": 0 * ones, "_looks": ones, "_since": 0 * ones,
        }  # fmt: skip
        for name, values in grown.items():
            setattr(self, name, np.concatenate([getattr(self, name), values]))
        self.last += [new.items[i] for i in columns.tolist()]
        self._next_id += n

    def age(self, seconds: float) -> None:
        self.existence = existence.survive(self.existence, seconds)

    def detect(
        self, stamp_ns: int, rows: Rows, new: Detections, columns: Rows, density: Float64
    ) -> None:
        """These rows were detected; density (M,): see ``existence.detected``."""
        flat = (new.evidence[columns] & _FLAT) > 0
        self.existence[rows] = existence.detected(
            self.existence[rows],
            self.chance()[rows],
            density,
            self._settings.clutter_per_m2,
            flat,
        )
        self.hit = np.zeros(len(self), np.bool_)
        self.hit[rows] = True
        self.last_ns[rows] = stamp_ns
        self.hits[rows] += 1
        self._looks[rows] += self._since[rows] + 1
        self._since[rows] = self._missed[rows] = 0
        self.box[rows], self.contrast[rows] = new.box[columns], new.contrast[columns]
        camera = self.camera.astype(np.promote_types(self.camera.dtype, new.camera.dtype))
        camera[rows] = new.camera[columns]
        self.camera = camera
        paint = self._is_paint(new, columns)
        stands = ~flat & ((new.evidence[columns] & _LIDAR) > 0)
        self._paint[rows] = np.clip(self._paint[rows] + paint - 2 * stands, 0, _MOST_PAINT)
        self._push(rows, ~paint & (stands | (self._paint[rows] < PAINT)))
        self._seen_as[rows, 1:] = self._seen_as[rows, :-1]
        self._seen_as[rows, 0] = new.evidence[columns]
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            self.last[row] = new.items[column]
        enough = self._recent[rows].sum(axis=1) >= self._settings.confirm_hits
        large = flat & (new.size[columns].max(axis=1) > self._settings.flat_max_m)
        self.confirmed[rows] |= enough & (self.existence[rows] >= SURE) & ~paint & ~large

    def miss(self, placed: Bool) -> None:
        """All rows that were not detected; a miss tells only where the place (N,) was in view."""
        self.placed = placed | self.hit
        self._missed += ~self.hit
        rows = np.flatnonzero(placed & ~self.hit)
        self.existence[rows] = existence.missed(self.existence[rows], self.chance()[rows])
        self._since[rows] += 1
        self._push(rows, False)

    def ends(
        self, stamp_ns: int, moving: Bool, away_m: Float64, looked: bool, fixed: bool
    ) -> list[str | None]:
        """Why each track ends now, or None.

        away_m: (N,) distances from the vehicle; looked: any camera could look; fixed: the frame
        stands still, so that what is out of sight stays where it was.

        What is not confirmed ends when its window cannot confirm it any more: else what comes by
        later would be confirmed by the artifact of one frame. A static confirmed object ends when
        its place was seen free again and again. While no camera can see its place it is
        remembered within a distance and a time; what has no height only if it was not seen to be
        gone before.
        """
        settings = self._settings
        unseen_s = (stamp_ns - self.last_ns) * 1e-9
        coasted = (unseen_s > settings.coast_s) & (self._missed > self._forgiven)
        rules = (
            (~self.confirmed & (self._missed > self._forgiven), UNCONFIRMED if looked else BLIND),
            (self.confirmed & coasted & moving, LOST if looked else BLIND),
            (self.confirmed & coasted & self.placed & (self.existence < GONE), FREE),
            (self.confirmed & ~self.placed & (self.existence < GONE) & self._flat, FREE),
            (self.confirmed & coasted & ~self.placed & (away_m > settings.hold_distance_m), FAR),
            (self.confirmed & ~self.placed & (unseen_s > settings.hold_s), EXPIRED),
            (self.confirmed & coasted & ~self.placed & (not fixed), NO_ODOMETRY),
        )  # fmt: skip
        why: list[str | None] = [None] * len(self)
        for holds, reason in reversed(rules):
            for row in np.flatnonzero(holds).tolist():
                why[row] = reason
        return why

    def keep(self, kept: Bool) -> None:
        """Forget all rows but these, bool (N,)."""
        for name, values in vars(self).items():
            if isinstance(values, np.ndarray):
                setattr(self, name, values[kept])
        self.last = [item for item, stays in zip(self.last, kept, strict=True) if stays]

    def states(self) -> list[TrackState]:
        unseen = np.where(self.placed, TrackState.COASTING, TrackState.HELD)
        state = np.where(self.hit, TrackState.CONFIRMED, unseen)
        return [_STATES[s] for s in np.where(self.confirmed, state, 0).tolist()]

    def evidence(self) -> list[Evidence]:
        """All that the last detections rest on; flat when most of them were."""
        ever = np.bitwise_or.reduce(self._seen_as, axis=1)
        return [_EVIDENCE[e] for e in np.where(self._flat, ever, ever & ~np.uint8(_FLAT)).tolist()]

    @property
    def _flat(self) -> Bool:
        """Whether most of the last detections of each track (N,) had no height."""
        count = np.minimum(self.hits, self._seen_as.shape[1])
        return np.asarray(2 * ((self._seen_as & _FLAT) > 0).sum(axis=1) > count)

    def _is_paint(self, new: Detections, columns: Rows) -> Bool:
        """Which detections (M,) many points show to be the ground, and no mask around something
        far that holds much of it."""
        small = new.size[columns].max(axis=1) <= self._settings.flat_max_m
        flat = (new.evidence[columns] & _FLAT) > 0
        return np.asarray(flat & small & (new.points[columns] >= self._settings.flat_points))

    def _push(self, rows: Rows, value: Bool | bool) -> None:
        self._recent[rows, 1:] = self._recent[rows, :-1]
        self._recent[rows, 0] = value
