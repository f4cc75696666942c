"""Detections of one instant after another become tracks."""

from __future__ import annotations

from collections import Counter
from itertools import compress

import numpy as np

from s2m_ros.config import Tracking
from s2m_ros.tracking.association import assign
from s2m_ros.tracking.filter import Motion
from s2m_ros.tracking.life import Life
from s2m_ros.tracking.shape import DIRECTIONS, footprints
from s2m_ros.types import Float64, Object3D, Objects3D, Role, State, Track, Tracks

POSITION_SIGMA_FLOOR = 0.03  # m; no sensor of a vehicle does better
CENTRE_SHARE = 0.06  # of an object's size: how far its seen centre jumps with the view
NO_EGO = "no ego motion: velocities are relative to the vehicle"


class Tracker:
    """Multi-object tracker: deterministic, ids rise and never return.

    Known objects (role other than UNKNOWN) pass through as ``Tracks.known``. Without ego motion it
    works in base_link, and says so. Every unknown detection is in the result, at first tentative.
    """

    def __init__(self, settings: Tracking) -> None:
        self._settings = settings
        self._next_id = 1
        self._deleted: Counter[str] = Counter()
        self._motion = Motion(settings)
        self._lives: list[Life] = []
        self._last: tuple[int, str] | None = None

    def reset(self) -> None:
        """Forget all tracks (the clock jumped); the next update counts them as deleted."""
        self._end_all("time_jump")

    def update(self, objects: Objects3D) -> Tracks:
        """Take in the objects of one instant, not before the last one's.

        A stamp before the last or another frame ends all tracks. Objects of state UNKNOWN or FAULT
        say nothing about what is not among them: tracks then coast without doubt of them.
        """
        ns = objects.stamp_ns
        if self._last is not None:
            if ns < self._last[0]:
                self._end_all("time_jump")
            elif objects.frame_id != self._last[1]:
                self._end_all("frame_change")
        unknown = [item for item in objects.items if item.role == Role.UNKNOWN]
        looked = objects.state < State.UNKNOWN
        if self._last is not None:
            self._motion.predict((ns - self._last[0]) * 1e-9)
        self._last = ns, objects.frame_id
        self._take_in(ns, unknown, looked)
        self._bury(ns, looked)
        deleted, self._deleted = dict(self._deleted), Counter()
        state, reason = objects.state, objects.reason
        if objects.ego is None:
            state = max(state, State.DEGRADED)
            reason = "; ".join(filter(None, (reason, NO_EGO)))
        return Tracks(
            stamp_ns=ns,
            frame_id=objects.frame_id,
            items=self._tracks(),
            ego=objects.ego,
            known=tuple(item for item in objects.items if item.role != Role.UNKNOWN),
            state=state,
            reason=reason,
            sequence=objects.sequence,
            deleted=deleted,
        )

    def _end_all(self, reason: str) -> None:
        if self._lives:
            self._deleted[reason] += len(self._lives)
        self._motion, self._lives, self._last = Motion(self._settings), [], None

    def _take_in(self, ns: int, items: list[Object3D], looked: bool) -> None:
        z = np.array([item.position for item in items]).reshape(-1, 3)
        r = np.array([_noise(item) for item in items]).reshape(-1, 3, 3)
        rows, columns = assign(
            self._motion.hypotheses(),
            np.array([life.shape.size for life in self._lives]).reshape(-1, 3),
            np.array([life.last.box for life in self._lives], float).reshape(-1, 4),
            [life.last.camera for life in self._lives],
            z,
            r,
            np.array([item.size for item in items]).reshape(-1, 3),
            np.array([item.box for item in items], float).reshape(-1, 4),
            [item.camera for item in items],
            self._settings.gate,
        )
        self._motion.update(rows, z[columns], r[columns])
        found = dict(zip(rows.tolist(), columns.tolist(), strict=True))
        for row, life in enumerate(self._lives):
            if row in found:
                life.hit(ns, items[found[row]], self._settings)
            else:
                life.miss(looked)
        new = [column for column in range(len(items)) if column not in set(columns.tolist())]
        self._motion.add(z[new], r[new])
        for column in new:
            self._lives.append(Life.begin(self._next_id, ns, items[column], self._settings))
            self._next_id += 1

    def _bury(self, ns: int, looked: bool) -> None:
        ends = [life.end(ns, looked, self._settings) for life in self._lives]
        self._deleted.update(reason for reason in ends if reason is not None)
        kept = np.array([reason is None for reason in ends], np.bool_)
        self._motion.keep(kept)
        self._lives = list(compress(self._lives, kept))

    def _tracks(self) -> tuple[Track, ...]:
        positions, velocities, covariances = self._motion.estimates()
        supports = np.array([life.shape.support for life in self._lives]).reshape(-1, DIRECTIONS)
        bases = np.array([life.shape.base for life in self._lives])
        outlines = footprints(supports, bases, positions[:, :2])
        return tuple(
            Track(
                id=life.id,
                state=life.state,
                position=position,
                velocity=velocity,
                covariance=covariance,
                size=life.shape.size,
                yaw=life.shape.yaw,
                footprint=outline,
                height=life.shape.height,
                existence=life.existence,
                hits=life.hits,
                first_ns=life.first_ns,
                last_ns=life.last_ns,
                evidence=life.evidence,
                range_source=life.last.range_source,
                point_count=life.last.point_count,
                score=life.last.score,
                contrast=life.last.contrast,
                camera=life.last.camera,
                mask_id=life.last.mask_id if life.visible else -1,
            )
            for life, position, velocity, covariance, outline in zip(
                self._lives, positions, velocities, covariances, outlines, strict=True
            )
        )


def _noise(item: Object3D) -> Float64:
    """Measurement noise (3, 3): what fusion says, and that the centre depends on the view."""
    spread = POSITION_SIGMA_FLOOR**2 + (CENTRE_SHARE * float(item.size[:2].max())) ** 2
    symmetric = (item.covariance + item.covariance.T) / 2
    return np.asarray(symmetric + spread * np.eye(3))
