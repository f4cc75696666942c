"""Write a store while the pipeline runs: a thread of its own behind a bounded queue.

The pipeline hands over and goes on; what finds the queue full is dropped and counted. Files of a
few seconds go into the ring; those around a trigger are moved to where they are kept for good.
"""

from __future__ import annotations

import queue
import shutil
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typing_extensions import Self

from s2m_ros.config import Audit
from s2m_ros.pipeline.conditions import Condition
from s2m_ros.store.index import Index, Rows
from s2m_ros.store.layout import INDEX, KEPT, RING, segments
from s2m_ros.store.segment import Segment, SegmentWriter, Stored, complete
from s2m_ros.store.triggers import OPERATOR, Trigger, Triggers
from s2m_ros.types import State
from s2m_ros.wire import topics
from s2m_ros.wire.factory import RosbagsFactory, load_typestore
from s2m_ros.wire.geometry import time as time_message

MB = 1_000_000
LOOK_S = 1.0
"""How often the free space is looked at."""
RETRY_S = 5.0
"""How long a full disk is left alone before it is tried again."""
LOG = "rcl_interfaces/msg/Log"
_BYTES = (bytes, bytearray, memoryview)
_WARN = 30  # of rcl_interfaces/msg/Log


@dataclass(frozen=True, slots=True)
class _Item:
    topic: str
    kind: str
    stamp_ns: int
    message: Any
    latched: bool


@dataclass(frozen=True, slots=True)
class _Closed:
    """A finished file of the ring."""

    name: str
    start_ns: int
    end_ns: int
    bytes: int


def free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


class StoreWriter:
    """A store as a context manager; an older one in the folder goes on.

    about: what made it (``layout.about``). wait: wait where the queue is full, for a run that has
    no clock. free: bytes that are left on the disk of a folder. Raises OSError when the folder
    cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        settings: Audit,
        about: Mapping[str, str],
        *,
        wait: bool = False,
        free: Callable[[Path], int] = free_bytes,
    ) -> None:
        self.folder = folder
        self._settings = settings
        self._about = dict(about)
        self._wait = wait
        self._free = free
        self._queue: queue.Queue[_Item | Trigger | threading.Event | None] = queue.Queue(
            settings.queue
        )
        self._thread = threading.Thread(target=self._work, name="audit store", daemon=True)
        self._lock = threading.Lock()
        self._drops: Counter[str] = Counter()
        self._condition = Condition(State.OK, "")
        self._written = 0
        self._acknowledged = 0
        self._busy_s = 0.0
        # Of the thread alone:
        self._factory = RosbagsFactory()
        self._triggers = Triggers(settings)
        self._segment: SegmentWriter | None = None
        self._rows = Rows()
        self._stored = 0
        self._ring: list[_Closed] = []
        self._latched: dict[tuple[str, bytes], _Item] = {}
        self._keep_until_ns: int | None = None
        self._now_ns = 0
        self._serial = 0
        self._blocked_until = 0.0
        self._looked_at_disk = 0.0

    def __enter__(self) -> Self:
        for name in (KEPT, RING):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        found = segments(self.folder)
        for path in found.values():
            self._mend(path)
        self._serial = max((int(name) for name in found if name.isdigit()), default=0)
        self._index = Index(self.folder / INDEX)
        self._index.refresh(segments(self.folder))
        spans = self._index.spans()
        self._ring = [
            _Closed(path.stem, *spans[path.stem], path.stat().st_size)
            for path in sorted((self.folder / RING).glob("*.mcap"))
            if path.stem in spans
        ]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Write what waits and close the file."""
        self._queue.put(None)
        self._thread.join()
        self._index.close()

    def put(
        self, topic: str, kind: str, message: Any, stamp_ns: int, *, latched: bool = False
    ) -> bool:
        """Hand over a message of an instant; False when it was dropped.

        message: CDR bytes, a rosbags value, or a function that makes one of them, called in the
        writer's thread. latched: said again at the beginning of each file.
        """
        return self._hand_over(_Item(topic, kind, stamp_ns, message, latched), topic)

    def keep(self, stamp_ns: int, text: str) -> bool:
        """The operator's button: keep what lies around a stamp."""
        return self._hand_over(Trigger(stamp_ns, OPERATOR, text), "button")

    def flush(self) -> None:
        """Wait until all that was handed over is worked off; the last chunk may still be open."""
        done = threading.Event()
        self._queue.put(done)
        done.wait()

    @property
    def drops(self) -> Mapping[str, int]:
        """What was not stored, by reason and topic."""
        with self._lock:
            return dict(self._drops)

    @property
    def condition(self) -> Condition:
        """OK, or DEGRADED and why: a full disk, or a queue that overflowed."""
        with self._lock:
            return self._condition

    @property
    def busy_s(self) -> float:
        """Processor time that the writer's thread has taken."""
        with self._lock:
            return self._busy_s

    @property
    def acknowledged(self) -> int:
        """How many of the messages that were handed over, and not dropped, outlive a kill of this
        process by now: they are in whole chunks. Files are seen to the disk when they end, so a
        power cut may take the last of them."""
        with self._lock:
            return self._acknowledged

    @property
    def bytes_written(self) -> int:
        with self._lock:
            return self._written

    def _hand_over(self, item: _Item | Trigger, what: str) -> bool:
        if self._wait:
            self._queue.put(item)
            return True
        try:
            self._queue.put_nowait(item)
        except queue.Full:
            self._drop("queue_full", what)
            self._say(f"the queue of {self._settings.queue} messages is full: the disk is too slow")
            return False
        return True

    def _drop(self, reason: str, topic: str) -> None:
        with self._lock:
            self._drops[f"{reason}: {topic}"] += 1

    def _say(self, problem: str) -> None:
        with self._lock:
            self._condition = Condition(
                State.DEGRADED if problem else State.OK,
                f"audit store {self.folder}: {problem}" if problem else "",
            )

    def _mend(self, path: Path) -> None:
        """What a kill or a power cut left half-written is given its end, and kept: there was a
        reason for it."""
        if Segment(path).complete:
            return
        if complete(path):
            path.replace(self.folder / KEPT / path.name)
        else:
            path.unlink()  # not one whole chunk in it

    # What follows runs in the thread.

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            try:
                if isinstance(item, threading.Event):
                    item.set()
                elif isinstance(item, Trigger):
                    self._on_trigger(item)
                else:
                    self._store(item)
            except OSError as error:
                self._fail(error, item)
            except Exception as error:  # one bad message must not end the store
                self._drop(type(error).__name__, getattr(item, "topic", "trigger"))
                self._say(f"a message could not be stored: {error}")
            with self._lock:
                self._busy_s = time.thread_time()
        try:
            self._close()
        except OSError as error:
            self._fail(error, None)

    def _store(self, item: _Item) -> None:
        if time.monotonic() < self._blocked_until:
            self._drop("disk_full", item.topic)
            return
        made = item.message() if callable(item.message) else item.message
        data = made
        if not isinstance(made, _BYTES):
            data = load_typestore().serialize_cdr(made, item.kind)
        stored = Stored(item.topic, item.kind, item.stamp_ns, bytes(data))
        self._now_ns = item.stamp_ns
        self._write(stored, 1)
        if item.latched:
            self._latched[item.topic, stored.data] = _Item(
                item.topic, item.kind, item.stamp_ns, stored.data, True
            )
        told = self._rows.take(stored)
        if told is not None:
            lasts, new = self._triggers.judge(told)
            if lasts:
                self._keep_around(item.stamp_ns)
            for trigger in new:
                self._on_trigger(trigger)

    def _write(self, stored: Stored, count: int = 0) -> None:
        """count: 1 for what was handed over, 0 for what the writer itself says."""
        segment = self._segment
        if segment is not None and segment.start_ns is not None:
            length_s = (stored.stamp_ns - segment.start_ns) * 1e-9
            full = segment.bytes > self._settings.segment_mb * MB
            if full or not -1.0 <= length_s < self._settings.segment_s:
                self._close()
                segment = None
        self._look_at_disk()
        if segment is None:
            segment = self._begin(stored.stamp_ns)
        before = segment.bytes
        finished = segment.write(stored)
        self._stored += count
        with self._lock:
            self._written += segment.bytes - before
            if finished:
                self._acknowledged = self._stored

    def _begin(self, stamp_ns: int) -> SegmentWriter:
        self._serial += 1
        path = self.folder / RING / f"{self._serial:06d}.mcap"
        self._segment = segment = SegmentWriter(path, self._about)
        self._rows = Rows()
        for item in self._latched.values():
            segment.write(Stored(item.topic, item.kind, stamp_ns, item.message))
        self._say("")
        return segment

    def _close(self) -> None:
        segment, self._segment = self._segment, None
        if segment is None:
            return
        segment.close()
        with self._lock:
            self._acknowledged = self._stored
        closed = self._settle(segment)
        if closed is not None:
            try:
                where = closed.bytes, closed.start_ns, closed.end_ns
                self._index.put(closed.name, where, self._rows)
            except sqlite3.Error:  # a help, not the record: without it readers read the files
                self._drop("index", closed.name)
        self._trim()

    def _settle(self, segment: SegmentWriter) -> _Closed | None:
        """Where a file goes that is not written any more: to the ring, or to what is kept."""
        if segment.start_ns is None:
            segment.path.unlink(missing_ok=True)
            return None
        size = segment.path.stat().st_size
        closed = _Closed(segment.path.stem, segment.start_ns, segment.end_ns, size)
        if self._settings.keep == "all" or self._kept(closed):
            self._move(closed)
        else:
            self._ring.append(closed)
        return closed

    def _kept(self, closed: _Closed) -> bool:
        until = self._keep_until_ns
        before = round(self._settings.before_s * 1e9)
        return (
            until is not None
            and closed.start_ns <= until
            and (closed.end_ns >= until - before - round(self._settings.after_s * 1e9))
        )

    def _move(self, closed: _Closed) -> None:
        path = self.folder / RING / f"{closed.name}.mcap"
        path.replace(self.folder / KEPT / path.name)

    def _on_trigger(self, trigger: Trigger) -> None:
        log = self._factory.make(
            LOG,
            stamp=time_message(self._factory, trigger.stamp_ns),
            level=_WARN,
            name="audit",
            msg=trigger.text,
            function=trigger.kind,
        )
        data = load_typestore().serialize_cdr(log, LOG)
        stored = Stored(topics.TRIGGERS, LOG, trigger.stamp_ns, bytes(data))
        self._write(stored)
        self._rows.take(stored)
        self._keep_around(trigger.stamp_ns)

    def _keep_around(self, stamp_ns: int) -> None:
        until = stamp_ns + round(self._settings.after_s * 1e9)
        self._keep_until_ns = until
        since = stamp_ns - round(self._settings.before_s * 1e9)
        for closed in [c for c in self._ring if c.end_ns >= since and c.start_ns <= until]:
            self._ring.remove(closed)
            self._move(closed)

    def _trim(self) -> None:
        """Let the ring go where it is too large or too old."""
        oldest = self._now_ns - round(self._settings.ring_s * 1e9)
        size = sum(closed.bytes for closed in self._ring)
        while self._ring and (size > self._settings.ring_mb * MB or self._ring[0].end_ns < oldest):
            size -= self._remove_oldest()

    def _remove_oldest(self) -> int:
        closed = self._ring.pop(0)
        (self.folder / RING / f"{closed.name}.mcap").unlink(missing_ok=True)
        try:
            self._index.forget(closed.name)
        except sqlite3.Error:
            self._drop("index", closed.name)
        return closed.bytes

    def _look_at_disk(self) -> None:
        """Once a second: make room from the ring; OSError when there is none left."""
        if time.monotonic() - self._looked_at_disk < LOOK_S:
            return
        least = self._settings.min_free_mb * MB
        while (left := self._free(self.folder)) < least and self._ring:
            self._remove_oldest()
        if left < least:
            raise OSError(
                f"{left / MB:.0f} MB left on the disk, audit.min_free_mb is "
                f"{self._settings.min_free_mb:g}"
            )
        self._looked_at_disk = time.monotonic()

    def _fail(self, error: OSError, item: object) -> None:
        """The disk is full or gone: say so, drop, and try again later."""
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.abandon()
            self._settle(segment)
        self._drop("disk_full", getattr(item, "topic", "end"))
        self._blocked_until = time.monotonic() + RETRY_S
        self._say(f"nothing is stored: {error}: make room; what lies there stays readable")
