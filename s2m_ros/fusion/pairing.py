"""Which sweep goes with which image, decided by stamps alone, with nothing lost uncounted."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from s2m_ros import config
from s2m_ros.types import ObjectMasks, Sweep

_KEEP_SWEEPS = 32
_KEEP_MASKS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """The masks of one instant, at most one array per camera, and the sweep nearest to them.

    reason says why there is no sweep; missing names the cameras that did not answer in time.
    """

    masks: tuple[ObjectMasks, ...]
    sweep: Sweep | None
    reason: str = ""
    missing: tuple[str, ...] = ()

    @property
    def stamp_ns(self) -> int:
        """Stamp of the newest image: the instant that the fused objects are given for."""
        return max(m.stamp_ns for m in self.masks)


class Pairing:
    """Collects masks and sweeps, yields pairs in the order of the images.

    An image takes the nearest sweep within ``max_difference_ms``. It waits until no nearer one can
    come (a later sweep is there, or half a sweep period has not passed) or until ``timeout_ms``
    after its stamp; then it goes on alone. A sweep may serve several images of a fast camera.
    drops counts what was discarded or went on incomplete, by reason; worst_difference_ms is the
    largest |image - sweep| that was refused, for the warning that names it.
    """

    def __init__(self, settings: config.Pairing, cameras: Sequence[str] = ("front",)) -> None:
        self._cameras = tuple(cameras)
        self.adjust(settings)
        self._drops: Counter[str] = Counter()
        self.worst_difference_ms = 0.0
        self._forget()

    def adjust(self, settings: config.Pairing) -> None:
        """Other limits from now on; a new offset is that of the sweeps still to come."""
        self._settings = settings
        self._difference_ns = round(settings.max_difference_ms * 1e6)
        self._timeout_ns = round(settings.timeout_ms * 1e6)
        self._offset_ns = round(settings.offset_ms * 1e6)

    @property
    def drops(self) -> Mapping[str, int]:
        """Counts since the start, by reason."""
        return dict(self._drops)

    def add_masks(self, masks: ObjectMasks) -> bool:
        """Take the masks of one image. True when their stamp shows a time jump (all is flushed)."""
        if masks.camera not in self._cameras:
            self._drops["unknown_camera"] += 1
            return False
        last = self._newest_masks.get(masks.camera)
        jumped = self._jumped(last, masks.stamp_ns)
        if not jumped and last is not None and masks.stamp_ns <= last:
            self._drops["masks_out_of_order"] += 1
            return False
        self._newest_masks[masks.camera] = masks.stamp_ns
        queue = self._masks[masks.camera]
        queue.append(masks)
        if len(queue) > _KEEP_MASKS:
            queue.pop(0)
            self._drops["masks_overflow"] += 1
        return jumped

    def add_sweep(self, sweep: Sweep) -> bool:
        """Take a sweep; its stamp gets ``offset_ms``. True when it shows a time jump."""
        sweep = replace(sweep, stamp_ns=sweep.stamp_ns + self._offset_ns)
        last = self._stamps[-1] if self._stamps else None
        jumped = self._jumped(last, sweep.stamp_ns)
        if not jumped and sweep.stamp_ns in self._stamps:
            self._drops["sweep_repeated"] += 1
            return False
        insort(self._sweeps, sweep, key=lambda s: s.stamp_ns)
        insort(self._stamps, sweep.stamp_ns)
        if len(self._sweeps) > _KEEP_SWEEPS:
            self._retire(1)
        return jumped

    def poll(self, now_ns: int) -> list[Pair]:
        """All pairs that are decided at a time (of the clock that the stamps come from)."""
        pairs = []
        while (pair := self._next(now_ns)) is not None:
            pairs.append(pair)
        return pairs

    def drain(self) -> list[Pair]:
        """All that waits, as if every timeout had passed: the end of a recording."""
        waiting = [m.stamp_ns for queue in self._masks.values() for m in queue]
        return self.poll(max(waiting) + self._timeout_ns) if waiting else []

    def flush(self) -> None:
        """Forget what waits (a time jump in another input); what was waiting is counted."""
        lost = sum(map(len, self._masks.values())) + len(self._sweeps)
        self._drops["time_jump"] += lost
        self._forget()

    def _forget(self) -> None:
        self._masks: dict[str, list[ObjectMasks]] = {name: [] for name in self._cameras}
        self._newest_masks: dict[str, int] = {}
        self._sweeps: list[Sweep] = []
        self._stamps: list[int] = []
        self._used: set[int] = set()

    def _jumped(self, last_ns: int | None, stamp_ns: int) -> bool:
        back = last_ns is not None and last_ns - stamp_ns > self._timeout_ns + self._difference_ns
        if back:
            self.flush()
        return back

    def _next(self, now_ns: int) -> Pair | None:
        heads = [queue[0] for queue in self._masks.values() if queue]
        if not heads:
            return None
        first = min(heads, key=lambda m: (m.stamp_ns, m.camera))
        late = now_ns >= first.stamp_ns + self._timeout_ns
        nearest = self._nearest(first.stamp_ns)
        if not late and not self._settled(first.stamp_ns, nearest):
            return None
        if nearest is not None and abs(first.stamp_ns - nearest) > self._difference_ns:
            nearest = None
        group = [first] + [m for m in heads if m is not first and self._together(first, m, nearest)]
        seen = {m.camera for m in group}
        missing = tuple(c for c in self._cameras if c not in seen)
        # A camera whose next image is already there, and later, has nothing for this group.
        if not late and any(not self._masks[c] for c in missing):
            return None
        for masks in group:
            self._masks[masks.camera].pop(0)
        self._drops["camera_missing"] += len(missing)
        return self._pair(tuple(group), nearest, missing)

    def _pair(
        self, group: tuple[ObjectMasks, ...], nearest: int | None, missing: tuple[str, ...]
    ) -> Pair:
        if nearest is not None:
            i = bisect_left(self._stamps, nearest)
            sweep = self._sweeps[i]
            self._used.add(nearest)
            self._retire(i)
            return Pair(group, sweep, "", missing)
        stamp = group[0].stamp_ns
        near = self._nearest(stamp)
        if near is None:
            self._drops["masks_without_sweep"] += 1
            return Pair(group, None, "no sweep arrived", missing)
        apart_ms = abs(stamp - near) * 1e-6
        self._drops["difference_too_large"] += 1
        self.worst_difference_ms = max(self.worst_difference_ms, apart_ms)
        limit = self._settings.max_difference_ms
        reason = f"nearest sweep is {apart_ms:.0f} ms from the image, at most {limit:g} ms allowed"
        return Pair(group, None, reason, missing)

    def _retire(self, count: int) -> None:
        """Drop the oldest sweeps; those that served no image are counted."""
        for stamp in self._stamps[:count]:
            if stamp in self._used:
                self._used.discard(stamp)
            else:
                self._drops["sweep_without_masks"] += 1
        del self._sweeps[:count], self._stamps[:count]

    def _nearest(self, stamp_ns: int) -> int | None:
        i = bisect_left(self._stamps, stamp_ns)
        near = self._stamps[max(i - 1, 0) : i + 1]
        return min(near, key=lambda s: abs(s - stamp_ns)) if near else None

    def _settled(self, stamp_ns: int, nearest: int | None) -> bool:
        """No sweep still to come can be nearer than the nearest one that is here."""
        if nearest is None:
            return False
        if self._stamps[-1] >= stamp_ns:
            return True
        period = min((b - a for a, b in pairwise(self._stamps[-6:])), default=0)
        return 2 * abs(stamp_ns - nearest) <= min(period, 2 * self._difference_ns)

    def _together(self, first: ObjectMasks, other: ObjectMasks, nearest: int | None) -> bool:
        if nearest is None or not self._stamps:
            return other.stamp_ns - first.stamp_ns <= self._difference_ns
        return (
            self._nearest(other.stamp_ns) == nearest
            and abs(other.stamp_ns - nearest) <= self._difference_ns
        )
