"""One file of a store: an MCAP with ROS 2 schemas, written chunk by chunk, read at any moment.

A file that was cut short (a kill, a power cut, a full disk) reads up to its last whole chunk.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO, cast

from mcap.data_stream import ReadDataStream
from mcap.exceptions import McapError
from mcap.reader import SeekingReader
from mcap.records import Channel, Chunk, Message, Metadata, Schema
from mcap.stream_reader import StreamReader, breakup_chunk
from mcap.writer import CompressionType, Writer

from s2m_ros.wire.factory import load_typestore

CHUNK_BYTES = 256 * 1024
"""Packed with LZ4: half the processor time of zstd, a tenth more bytes."""
ABOUT = "s2m_store"
"""Name of the metadata record that says what made the file."""
_CHUNK_HEAD = 9
"""Bytes of a record's opcode and length, before what ``Chunk.read`` reads."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A message of a store: CDR bytes of ``kind`` ('s2m_msgs/msg/HazardArray').

    stamp_ns: of the instant it belongs to; of inputs, when they came in.
    """

    topic: str
    kind: str
    stamp_ns: int
    data: bytes


@lru_cache(maxsize=64)
def definition(kind: str) -> bytes:
    """The definition of a message type with all it holds, as MCAP's ``ros2msg`` wants it."""
    text, _ = load_typestore().generate_msgdef(kind, ros_version=2)
    return str(text).encode()


class _File:
    """A new file without a buffer, which knows its length: asking the system for it at each
    message costs more than packing does."""

    def __init__(self, path: Path) -> None:
        self._raw = path.open("wb", buffering=0)
        self.length = 0

    def write(self, data: bytes) -> int:
        rest = memoryview(data)
        while rest:
            count = self._raw.write(rest) or 0
            self.length += count
            rest = rest[count:]
        return len(data)

    def tell(self) -> int:
        return self.length

    def sync(self) -> None:
        os.fsync(self._raw.fileno())

    def close(self) -> None:
        self._raw.close()


class SegmentWriter:
    """A new file. Whole chunks go to the disk at once. OSError when it cannot be written."""

    def __init__(self, path: Path, about: Mapping[str, str]) -> None:
        self.path = path
        self.start_ns: int | None = None
        self.end_ns = 0
        self._file = _File(path)
        self._writer = Writer(cast(BinaryIO, self._file), CHUNK_BYTES, CompressionType.LZ4)
        self._writer.start("ros2", "s2m_ros")
        self._writer.add_metadata(ABOUT, dict(about))
        self._schemas: dict[str, int] = {}
        self._channels: dict[str, int] = {}

    @property
    def bytes(self) -> int:
        """What the system has by now, all of it whole chunks."""
        return self._file.length

    def write(self, message: Stored) -> bool:
        """Whether a chunk was finished by it: then it and all before it outlive a kill."""
        channel = self._channels.get(message.topic)
        if channel is None:
            channel = self._channels[message.topic] = self._add(message.topic, message.kind)
        ns, before = message.stamp_ns, self._file.length
        self.start_ns = ns if self.start_ns is None else min(ns, self.start_ns)
        self.end_ns = max(ns, self.end_ns)
        self._writer.add_message(channel, ns, message.data, ns)
        return self._file.length > before

    def close(self) -> None:
        """Write what is left and the index of the file, and see it to the disk."""
        self._writer.finish()  # type: ignore[no-untyped-call]
        self._file.sync()
        self._file.close()

    def abandon(self) -> None:
        """Let go of a file that cannot be written any more; what is on the disk stays."""
        self._file.close()

    def _add(self, topic: str, kind: str) -> int:
        if kind not in self._schemas:
            name = self._writer.register_schema(kind, "ros2msg", definition(kind))
            self._schemas[kind] = name
        return self._writer.register_channel("/" + topic.strip("/"), "cdr", self._schemas[kind], {})


@dataclass(frozen=True, slots=True)
class _ChunkRef:
    offset: int
    length: int
    start_ns: int
    end_ns: int


class Segment:
    """A file of a store, complete or cut short. Raises OSError when it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.about: dict[str, str] = {}
        self._chunks: list[_ChunkRef] = []
        self._topics: dict[int, tuple[str, str]] = {}
        self._loose: dict[int, list[Stored]] = {}
        with path.open("rb") as file:
            self.complete = self._read_summary(file) if _has_end(file) else False
        if not self.complete:
            self._scan()

    @property
    def span_ns(self) -> tuple[int, int]:
        """Stamps of the first and the last message; (0, -1) without any."""
        if not self._chunks:
            return 0, -1
        return min(c.start_ns for c in self._chunks), max(c.end_ns for c in self._chunks)

    def messages(
        self,
        topics: Iterable[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Iterator[Stored]:
        """Messages as they were written, of these topics and from start_ns to end_ns inclusive."""
        wanted = None if topics is None else {"/" + name.strip("/") for name in topics}
        for index, chunk in enumerate(self._chunks):
            if start_ns is not None and chunk.end_ns < start_ns:
                continue
            if end_ns is not None and chunk.start_ns > end_ns:
                continue
            for message in self._load(index):
                if start_ns is not None and message.stamp_ns < start_ns:
                    continue
                if end_ns is not None and message.stamp_ns > end_ns:
                    continue
                if wanted is None or message.topic in wanted:
                    yield message

    def _load(self, index: int) -> list[Stored]:
        """The messages of a chunk; the last few chunks stay at hand."""
        held = self._loose.get(index)
        if held is None:
            ref = self._chunks[index]
            with self.path.open("rb") as file:
                file.seek(ref.offset + _CHUNK_HEAD)
                data = file.read(ref.length - _CHUNK_HEAD)
            records = breakup_chunk(Chunk.read(ReadDataStream(BytesIO(data))))
            held = [
                Stored(*self._topics[r.channel_id], r.log_time, r.data)
                for r in records
                if isinstance(r, Message)
            ]
            while len(self._loose) >= 4:
                self._loose.pop(next(iter(self._loose)))
            self._loose[index] = held
        return held

    def _read_summary(self, file: IO[bytes]) -> bool:
        try:
            reader = SeekingReader(file)
            summary = reader.get_summary()
            if summary is None:
                return False
            for record in reader.iter_metadata():
                if record.name == ABOUT:
                    self.about = dict(record.metadata)
        except (McapError, ValueError, EOFError):
            return False
        for channel in summary.channels.values():
            self._topics[channel.id] = channel.topic, summary.schemas[channel.schema_id].name
        self._chunks = [
            _ChunkRef(
                c.chunk_start_offset, c.chunk_length, c.message_start_time, c.message_end_time
            )
            for c in sorted(summary.chunk_indexes, key=lambda c: c.chunk_start_offset)
        ]
        return True

    def _scan(self) -> None:
        """Find the whole chunks of a file without an end."""
        self._chunks, self._topics = [], {}
        schemas: dict[int, str] = {}
        with self.path.open("rb") as file:
            reader = StreamReader(file, emit_chunks=True)
            try:
                for record in reader.records:
                    if isinstance(record, Metadata) and record.name == ABOUT:
                        self.about = dict(record.metadata)
                    if not isinstance(record, Chunk):
                        continue
                    for inner in breakup_chunk(record, validate_crc=True):
                        if isinstance(inner, Schema):
                            schemas[inner.id] = inner.name
                        elif isinstance(inner, Channel):
                            self._topics[inner.id] = inner.topic, schemas[inner.schema_id]
                    length = _chunk_length(record)
                    ref = _ChunkRef(
                        file.tell() - length, length, record.message_start_time,
                        record.message_end_time,
                    )  # fmt: skip
                    self._chunks.append(ref)
            except Exception:  # whatever the parser makes of bytes that stop half-way
                return


def complete(path: Path) -> bool:
    """Give a file that was cut short its end, in place; False when nothing of it is whole."""
    segment = Segment(path)
    if segment.complete:
        return True
    if segment.span_ns[1] < 0:
        return False
    mended = path.with_suffix(".mending")
    writer = SegmentWriter(mended, segment.about)
    for message in segment.messages():
        writer.write(message)
    writer.close()
    mended.replace(path)
    return True


def _chunk_length(chunk: Chunk) -> int:
    """Bytes of a chunk's record: opcode, length, six fields, name of the compression, data."""
    return _CHUNK_HEAD + 8 + 8 + 8 + 4 + 4 + len(chunk.compression) + 8 + len(chunk.data)


def _has_end(file: IO[bytes]) -> bool:
    """Whether the file ends as a finished MCAP does."""
    size = file.seek(0, os.SEEK_END)
    if size < 16:
        return False
    file.seek(-8, os.SEEK_END)
    end = file.read(8)
    file.seek(0)
    return end == b"\x89MCAP0\r\n"
