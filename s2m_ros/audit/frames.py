"""The frames of a drive put together: image, masks, hazards, sweep and trails of one stamp."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass, replace

import numpy as np

from s2m_ros.audit.drive import Drive, pictures, sweeps
from s2m_ros.fusion.transforms import apply
from s2m_ros.types import Float64, Hazards, ObjectMasks, Sweep, UInt8

TRAIL_S = 4.0
HOLD_NS = 500_000_000
POINTS_SHOWN = 25_000


@dataclass(frozen=True, slots=True, eq=False)
class FrameView:
    """All that is known of one image. answered: there are masks of this very image.

    hazards: of this stamp, else the newest before it (at most half a second old, seen from where
    the vehicle is now), else None;
    points: the nearest sweep in base_link, thinned to ``POINTS_SHOWN``; trails: positions of each
    track up to now.
    """

    stamp_ns: int
    image: UInt8
    masks: ObjectMasks | None
    hazards: Hazards | None
    points: Float64 | None
    trails: dict[int, list[Float64]]

    @property
    def answered(self) -> bool:
        return self.masks is not None


def frame_views(
    drive: Drive, camera: str, only: Container[int] | None = None, with_points: bool = True
) -> Iterator[FrameView]:
    """The images of a camera with what belongs to each, in order, read from disk.

    only: stamps of the images that are wanted; without ``with_points`` no sweep is read.
    """
    masks = {m.value.stamp_ns: m.value for m in drive.masks if m.value.camera == camera}
    hazards = {h.value.stamp_ns: h.value for h in drive.hazards}
    stamps = sorted(hazards)
    scans = _Sweeps(drive) if with_points else None
    trails: dict[int, list[tuple[int, Float64]]] = defaultdict(list)
    added = 0
    for stamp, image in pictures(drive.bag, camera, only):
        reached = bisect_right(stamps, stamp)
        for earlier in stamps[added:reached]:
            for hazard in hazards[earlier].items:
                trails[hazard.track.id].append((earlier, hazard.track.position))
        added = max(added, reached)
        newest = hazards[stamps[reached - 1]] if reached else None
        if newest is not None and stamp - newest.stamp_ns > HOLD_NS:
            newest = None
        if newest is not None and newest.ego is not None and newest.stamp_ns != stamp:
            newest = replace(newest, ego=drive.ego.at(stamp) or newest.ego)
        yield FrameView(
            stamp,
            image,
            masks.get(stamp),
            newest,
            scans.near(stamp) if scans is not None else None,
            {
                track: [p for ns, p in path if stamp - ns <= TRAIL_S * 1e9]
                for track, path in trails.items()
            },
        )


class _Sweeps:
    """The sweep nearest to rising stamps, in base_link."""

    def __init__(self, drive: Drive) -> None:
        self._rig = drive.rig
        self._stream = sweeps(drive.bag)
        self._before: Sweep | None = None
        self._after = next(self._stream, None)

    def near(self, stamp_ns: int) -> Float64 | None:
        while self._after is not None and self._after.stamp_ns <= stamp_ns:
            self._before, self._after = self._after, next(self._stream, None)
        found = [s for s in (self._before, self._after) if s is not None]
        if not found:
            return None
        sweep = min(found, key=lambda s: abs(s.stamp_ns - stamp_ns))
        if sweep.frame_id not in self._rig or abs(sweep.stamp_ns - stamp_ns) > 200_000_000:
            return None
        shown = sweep.points[:: 1 + len(sweep.points) // POINTS_SHOWN]
        return apply(self._rig.base_from(sweep.frame_id), shown.astype(np.float64))
