"""Where to find what in a store: a table of frames, instants, hazards and triggers in SQLite.

It repeats what the MCAP files say and can be made anew from them at any time.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from s2m_ros.store.segment import Segment, Stored
from s2m_ros.store.told import Entry, Moment, Told, seen, told
from s2m_ros.types import State
from s2m_ros.wire import topics
from s2m_ros.wire.factory import load_typestore

MASKS_KIND = "s2m_msgs/msg/ObjectMaskArray"
HAZARDS_KIND = "s2m_msgs/msg/HazardArray"

_TABLES = """
CREATE TABLE IF NOT EXISTS segments (name TEXT PRIMARY KEY, bytes INT, start_ns INT, end_ns INT);
CREATE TABLE IF NOT EXISTS frames (
    stamp_ns INT, camera TEXT, state INT, masks INT, segment TEXT);
CREATE TABLE IF NOT EXISTS instants (
    stamp_ns INT, state INT, reason TEXT, level INT, hazards INT, segment TEXT);
CREATE TABLE IF NOT EXISTS hazards (
    stamp_ns INT, track INT, level INT, unconfirmed INT, size_m REAL, distance_m REAL, x REAL,
    y REAL, camera TEXT, mask INT, reasons TEXT, text TEXT, segment TEXT);
CREATE TABLE IF NOT EXISTS triggers (stamp_ns INT, kind TEXT, text TEXT, segment TEXT);
CREATE INDEX IF NOT EXISTS frames_by_stamp ON frames (camera, stamp_ns);
CREATE INDEX IF NOT EXISTS instants_by_stamp ON instants (stamp_ns);
CREATE INDEX IF NOT EXISTS hazards_by_track ON hazards (track, stamp_ns);
CREATE INDEX IF NOT EXISTS hazards_by_stamp ON hazards (stamp_ns);
CREATE INDEX IF NOT EXISTS hazards_by_segment ON hazards (segment);
"""
_REASONS = 10
"""The column of ``Index.hazards`` that holds JSON."""
_FILLED = ("frames", "instants", "hazards", "triggers")


@dataclass
class Rows:
    """What the index says of one file."""

    frames: list[tuple[Any, ...]] = field(default_factory=list)
    instants: list[tuple[Any, ...]] = field(default_factory=list)
    hazards: list[tuple[Any, ...]] = field(default_factory=list)
    triggers: list[tuple[Any, ...]] = field(default_factory=list)

    def take(self, stored: Stored) -> Told | None:
        """Add what a message says; what was told when it held hazards. InputError when it is
        broken."""
        if stored.kind == MASKS_KIND:
            self.frames.append(seen(stored.data, stored.topic))
        elif stored.kind == HAZARDS_KIND and stored.topic.strip("/") == topics.HAZARDS:
            found = told(stored.data, stored.topic)
            self.instants.append(found.moment)
            self.hazards += [
                (*entry[:_REASONS], json.dumps(entry.reasons), entry.text)
                for entry in found.entries
            ]
            return found
        elif stored.topic.strip("/") == topics.TRIGGERS:
            message = read(stored)
            self.triggers.append((stored.stamp_ns, message.function, message.msg))
        return None


def read(stored: Stored) -> Any:
    """The message as a rosbags value."""
    return load_typestore().deserialize_cdr(stored.data, stored.kind)


def rows_of(messages: Iterable[Stored]) -> Rows:
    """Of all messages that can be read: a broken one is in its file, and in no table."""
    rows = Rows()
    for message in messages:
        with suppress(Exception):  # whatever the parser makes of bytes that are no such message
            rows.take(message)
    return rows


class Index:
    """The table of one store. Where the folder is read-only it is made anew in memory."""

    def __init__(self, path: Path) -> None:
        self._db = _open(path)

    def close(self) -> None:
        self._db.close()

    def put(self, name: str, segment: tuple[int, int, int], rows: Rows) -> None:
        """Say anew what a file holds: its (bytes, start_ns, end_ns) and rows."""
        with self._db:
            self._forget(name)
            self._db.execute("INSERT INTO segments VALUES (?, ?, ?, ?)", (name, *segment))
            for table in _FILLED:
                given = getattr(rows, table)
                if given:
                    marks = ", ".join("?" * (len(given[0]) + 1))
                    self._db.executemany(
                        f"INSERT INTO {table} VALUES ({marks})", [(*row, name) for row in given]
                    )

    def forget(self, name: str) -> None:
        with self._db:
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._db.execute("DELETE FROM segments WHERE name = ?", (name,))
        for table in _FILLED:
            self._db.execute(f"DELETE FROM {table} WHERE segment = ?", (name,))

    def refresh(self, files: dict[str, Path]) -> None:
        """Forget files that are gone, read those that are new or have grown."""
        known = dict(self._db.execute("SELECT name, bytes FROM segments"))
        for name in known.keys() - files.keys():
            self.forget(name)
        for name, path in files.items():
            try:
                size = path.stat().st_size
                if known.get(name) == size:
                    continue
                segment = Segment(path)
                rows = rows_of(segment.messages())
            except FileNotFoundError:
                continue  # the ring moved on, or kept it: the next refresh sees
            self.put(name, (size, *segment.span_ns), rows)

    def spans(self) -> dict[str, tuple[int, int]]:
        """First and last stamp of each file."""
        rows = self._db.execute("SELECT name, start_ns, end_ns FROM segments ORDER BY name")
        return {name: (start, end) for name, start, end in rows}

    def cameras(self) -> list[str]:
        return [name for (name,) in self._db.execute("SELECT DISTINCT camera FROM frames")]

    def frames(self, camera: str) -> list[int]:
        """Stamps of a camera's images, in order."""
        query = "SELECT DISTINCT stamp_ns FROM frames WHERE camera = ? ORDER BY stamp_ns"
        return [ns for (ns,) in self._db.execute(query, (camera,))]

    def moments(self) -> list[Moment]:
        query = "SELECT stamp_ns, state, reason, level, hazards FROM instants ORDER BY stamp_ns"
        return [
            Moment(ns, State(state), reason, level, count)
            for ns, state, reason, level, count in self._db.execute(query)
        ]

    def hazards(self, track: int | None = None) -> Iterator[Entry]:
        """All hazards of a track, or of all, by time."""
        where = "" if track is None else "WHERE track = ?"
        query = (
            "SELECT stamp_ns, track, level, unconfirmed, size_m, distance_m, x, y, camera, mask, "
            f"reasons, text FROM hazards {where} ORDER BY stamp_ns, track"
        )
        for row in self._db.execute(query, () if track is None else (track,)):
            seen = (*row[:3], bool(row[3]), *row[4:_REASONS], _codes(row[_REASONS]), row[-1])
            yield Entry._make(seen)

    def triggers(self) -> list[tuple[int, str, str]]:
        """(stamp, kind, text) of each, by time."""
        query = "SELECT stamp_ns, kind, text FROM triggers ORDER BY stamp_ns"
        return list(self._db.execute(query))

    def nearest(self, table: str, stamp_ns: int, camera: str = "") -> int | None:
        """The stamp of a frame or an instant nearest to a stamp."""
        where = "AND camera = ?" if camera else ""
        more = (camera,) if camera else ()
        before = self._db.execute(
            f"SELECT max(stamp_ns) FROM {table} WHERE stamp_ns <= ? {where}", (stamp_ns, *more)
        ).fetchone()[0]
        after = self._db.execute(
            f"SELECT min(stamp_ns) FROM {table} WHERE stamp_ns >= ? {where}", (stamp_ns, *more)
        ).fetchone()[0]
        found = [ns for ns in (before, after) if ns is not None]
        return min(found, key=lambda ns: abs(ns - stamp_ns)) if found else None


@lru_cache(maxsize=1024)
def _codes(reasons: str) -> tuple[str, ...]:
    return tuple(json.loads(reasons))


def finite(value: float) -> float | None:
    """For JSON and SQL, which have no infinity."""
    return value if math.isfinite(value) else None


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _prepare(sqlite3.connect(path, timeout=10, check_same_thread=False))
    except sqlite3.DatabaseError:  # read-only folder, or a file that is no index
        return _prepare(sqlite3.connect(":memory:", check_same_thread=False))


def _prepare(db: sqlite3.Connection) -> sqlite3.Connection:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.executescript(_TABLES)
    return db
