"""Detections of one instant after another become tracks."""

from __future__ import annotations

from collections import Counter

import numpy as np

from s2m_ros.config import Tracking
from s2m_ros.fusion.transforms import invert
from s2m_ros.tracking.association import Looks, assign
from s2m_ros.tracking.detections import Detections
from s2m_ros.tracking.filter import Motion
from s2m_ros.tracking.known import KnownObjects
from s2m_ros.tracking.life import Lives
from s2m_ros.tracking.shape import Shapes
from s2m_ros.types import Bool, Float64, Objects3D, Role, State, Track, Tracks

NO_EGO = "no ego motion: velocities are relative to the vehicle"
PLACE_MARGIN_M = 0.3
_AROUND = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1.0]])


class Tracker:
    """Multi-object tracker: deterministic, ids rise and never return.

    Known objects (role other than UNKNOWN) pass through as ``Tracks.known``, and stay there as
    long as a track coasts. Without ego motion it works in base_link, and says so. Every unknown
    detection is in the result, at first tentative. What was confirmed and stands still is not
    forgotten because nobody can see it.
    """

    def __init__(self, settings: Tracking) -> None:
        self._settings = settings
        self._deleted: Counter[str] = Counter()
        self._lives = Lives(settings)
        self._motion, self._shapes = Motion(settings), Shapes()
        self._known = KnownObjects(settings.coast_s)
        self._last: tuple[int, str] | None = None

    def reset(self) -> None:
        """Forget all tracks (the clock jumped); the next update counts them as deleted."""
        self._end_all("time_jump")

    def update(self, objects: Objects3D) -> Tracks:
        """Take in the objects of one instant, not before the last one's.

        A stamp before the last or another frame ends all tracks. Objects of state UNKNOWN or FAULT
        say nothing about what is not among them, nor does a place that was not in view: tracks
        there are kept without doubt of them.
        """
        ns = objects.stamp_ns
        if self._last is not None:
            if ns < self._last[0]:
                self._end_all("time_jump")
            elif objects.frame_id != self._last[1]:
                self._end_all("frame_change")
        if self._last is not None:
            seconds = (ns - self._last[0]) * 1e-9
            self._motion.predict(seconds)
            self._lives.age(seconds)
        self._last = ns, objects.frame_id
        self._take_in(objects)
        self._bury(objects)
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
            known=self._known.update(
                ns, [item for item in objects.items if item.role != Role.UNKNOWN]
            ),
            state=state,
            reason=reason,
            sequence=objects.sequence,
            deleted=deleted,
        )

    def _end_all(self, reason: str) -> None:
        if len(self._lives):
            self._deleted[reason] += len(self._lives)
            self._keep(np.zeros(len(self._lives), np.bool_))
        self._known.reset()
        self._last = None

    def _take_in(self, objects: Objects3D) -> None:
        ns, lives = objects.stamp_ns, self._lives
        new = Detections.of([item for item in objects.items if item.role == Role.UNKNOWN])
        looks = Looks(self._shapes.size, lives.box, lives.camera, lives.contrast)
        pairs = assign(*self._motion.hypotheses(), looks, new, self._settings.gate)
        rows, columns = pairs.rows, pairs.columns
        self._motion.update(rows, new.z[columns], new.r[columns])
        self._shapes.blend(rows, new, columns)
        lives.detect(ns, rows, new, columns, pairs.density)
        lives.miss(self._in_view(objects))
        unclaimed = np.ones(len(new), np.bool_)
        unclaimed[columns] = False
        if unclaimed.any():
            others = np.flatnonzero(unclaimed)
            self._motion.add(new.z[others], new.r[others])
            self._shapes.add(new, others)
            lives.begin(ns, new, others)

    def _in_view(self, objects: Objects3D) -> Bool:
        """Whether the whole place of each track, and of where it may be, was looked at: (N,)."""
        if objects.state >= State.UNKNOWN or not len(self._lives):
            return np.zeros(len(self._lives), np.bool_)
        size = self._shapes.size[:, :2].max(axis=1)
        reach = PLACE_MARGIN_M + size / 2 + self._motion.deviations()
        place = _from_vehicle(objects, self._motion.positions())
        around = place[:, None] + reach[:, None, None] * _AROUND
        return np.asarray(objects.visibility.at(around).all(axis=1))

    def _bury(self, objects: Objects3D) -> None:
        away = _from_vehicle(objects, self._motion.positions())
        ends = self._lives.ends(
            objects.stamp_ns,
            self._motion.moving,
            np.hypot(away[:, 0], away[:, 1]),
            objects.state < State.UNKNOWN,
            objects.ego is not None,
        )
        self._deleted.update(reason for reason in ends if reason is not None)
        if any(ends):
            self._keep(np.array([reason is None for reason in ends], np.bool_))

    def _keep(self, kept: Bool) -> None:
        for table in (self._motion, self._shapes, self._lives):
            table.keep(kept)

    def _tracks(self) -> tuple[Track, ...]:
        lives, shapes = self._lives, self._shapes
        positions, velocities, covariances = self._motion.estimates()
        return tuple(
            Track(
                id=id,
                state=state,
                position=position,
                velocity=velocity,
                covariance=covariance,
                size=size,
                yaw=yaw,
                footprint=outline,
                height=height,
                existence=existence,
                hits=hits,
                first_ns=first_ns,
                last_ns=last_ns,
                evidence=evidence,
                range_source=last.range_source,
                point_count=last.point_count,
                score=last.score,
                contrast=last.contrast,
                camera=last.camera,
                mask_id=last.mask_id if hit else -1,
            )
            for (
                id, state, position, velocity, covariance, size, yaw, outline, height, existence,
                hits, first_ns, last_ns, evidence, last, hit,
            ) in zip(
                lives.id.tolist(), lives.states(), positions, velocities, covariances,
                shapes.size.copy(), shapes.yaw.tolist(), shapes.footprints(positions[:, :2]),
                shapes.height.tolist(), lives.existence.tolist(), lives.hits.tolist(),
                lives.first_ns.tolist(), lives.last_ns.tolist(), lives.evidence(), lives.last,
                lives.hit.tolist(), strict=True,
            )
        )  # fmt: skip


def _from_vehicle(objects: Objects3D, positions: Float64) -> Float64:
    """Horizontal positions (N, 2) in base_link."""
    if objects.ego is None:
        return positions[:, :2]
    base_from_odom = invert(objects.ego.odom_from_base)
    return np.asarray(positions @ base_from_odom[:2, :3].T + base_from_odom[:2, 3])
