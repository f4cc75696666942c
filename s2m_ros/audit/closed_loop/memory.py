"""Perception that is watched, remembered from run to run, and changed for an experiment.

A change in fusion, tracking or policy then costs no pass of the network. What is remembered is
valid for one drive, model, settings of perception and source code of perception.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from typing_extensions import Self

from s2m_ros.audit.closed_loop.drives import source_hash
from s2m_ros.audit.packing import Packing
from s2m_ros.config import Perception as Settings
from s2m_ros.perception.interfaces import Frame
from s2m_ros.perception.pipeline import Perception
from s2m_ros.runtime.manifest import find
from s2m_ros.types import InputError, UInt8

Change = Callable[[Frame], Frame]
_DECIDED_BY = ("perception", "runtime", "types.py")


class Memory:
    """Frames of one drive on disk, by camera and stamp; a context manager."""

    def __init__(self, folder: Path, drive: str) -> None:
        self._folder, self._drive = folder, drive
        self._open: dict[str, sqlite3.Connection] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for store in self._open.values():
            store.close()

    def get(self, key: str, camera: str, stamp_ns: int) -> Frame | None:
        row = (
            self._store(key)
            .execute("SELECT frame FROM frames WHERE camera=? AND stamp=?", (camera, stamp_ns))
            .fetchone()
        )
        return None if row is None else unpack(row[0])

    def put(self, key: str, camera: str, stamp_ns: int, frame: Frame) -> None:
        with self._store(key) as store:
            store.execute(
                "INSERT OR REPLACE INTO frames VALUES (?, ?, ?)", (camera, stamp_ns, pack(frame))
            )

    def _store(self, key: str) -> sqlite3.Connection:
        if key not in self._open:
            self._folder.mkdir(parents=True, exist_ok=True)
            store = sqlite3.connect(self._folder / f"{self._drive}-{key}.frames", timeout=60)
            store.execute("PRAGMA synchronous=OFF")  # it can be computed again
            store.execute(
                "CREATE TABLE IF NOT EXISTS frames "
                "(camera TEXT, stamp INTEGER, frame BLOB, PRIMARY KEY (camera, stamp))"
            )
            self._open[key] = store
        return self._open[key]


class Remembered:
    """Perception that looks into a memory first. ``frames`` holds what it answered, changed.

    A frame comes out of the memory without its raw score and with no time spent.
    """

    def __init__(
        self, inner: Perception, settings: Settings, memory: Memory, changes: Sequence[Change]
    ) -> None:
        self._inner, self._memory, self._changes = inner, memory, changes
        self._key = _key(inner, settings)
        self.frames: dict[tuple[str, int], Frame] = {}

    @property
    def info(self) -> dict[str, str]:
        return dict(self._inner.info)

    def warm_up(self) -> None:
        self._inner.warm_up()

    def perceive(
        self,
        image: UInt8,
        stamp_ns: int = 0,
        camera: str = "",
        frame_id: str = "",
        sequence: int = 0,
    ) -> Frame:
        if not camera:  # the warm-up
            return self._inner.perceive(image)
        frame = self._memory.get(self._key, camera, stamp_ns)
        if frame is None:
            frame = self._inner.perceive(image, stamp_ns, camera, frame_id, sequence)
            frame = replace(frame, raw=frame.raw[:0], timings_ms={})
            self._memory.put(self._key, camera, stamp_ns, frame)
        frame = replace(frame, masks=replace(frame.masks, sequence=sequence))
        for change in self._changes:
            frame = change(frame)
        self.frames[camera, stamp_ns] = frame
        return frame


def pack(frame: Frame) -> bytes:
    return zlib.compress(_PACKING.pack(frame), 1)


def unpack(packed: bytes) -> Frame:
    """The frame that ``pack`` packed, bit for bit. Raises InputError for anything else."""
    try:
        plain = zlib.decompress(packed)
    except (zlib.error, TypeError) as error:
        raise InputError(_SOURCE, f"{_PROBLEM} ({error})", _REMEDY) from error
    return _PACKING.unpack(plain, _SOURCE)


_SOURCE, _PROBLEM, _REMEDY = "remembered frame", "not one that was packed", "remove the cache"
_PACKING = Packing(Frame, _PROBLEM, _REMEDY)


def blind(frame: Frame) -> Frame:
    """The frame of a camera whose scorer found nothing. The known classes stay."""
    return replace(frame, masks=replace(frame.masks, items=(), drops={}), candidates=())


def _key(perception: Perception, settings: Settings) -> str:
    model = (find(settings.model.path) / "model.yaml").read_bytes()
    site = Path(settings.site).read_bytes() if settings.site else b""
    decided = settings.model_dump(exclude={"model": {"threads"}})
    text = json.dumps([dict(perception.info), decided, source_hash(_DECIDED_BY)], sort_keys=True)
    return hashlib.sha256(b"\0".join([text.encode(), model, site])).hexdigest()[:16]
