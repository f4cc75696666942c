"""One unknown object as it was met in one source, and its best views."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import cv2
import numpy as np

from s2m_ros.audit.packing import Packing
from s2m_ros.perception.naming import NO_MODEL, Name
from s2m_ros.types import Bool, Float32, Float64, InputError, UInt8

FORMAT = 2
"""Of what is kept of a source: one of another number is mined anew."""


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One image of an object.

    jpeg: the whole image, perhaps smaller than it was; image_size: its (width, height) as it was;
    box: float32 (4,) in pixels of image_size; x, y, bits: the mask, bool (h, w), at its place on a
    grid of grid_size laid over the image; embedding: float32 (D,), of length 1.
    """

    camera: str
    stamp_ns: int
    jpeg: bytes
    image_size: tuple[int, int]
    box: Float32
    grid_size: tuple[int, int]
    x: int
    y: int
    bits: Bool
    embedding: Float32

    @property
    def span_px(self) -> float:
        """The longer side of the box."""
        return float(max(self.box[2:] - self.box[:2]))

    def image(self) -> UInt8:
        """uint8 (h, w, 3) RGB."""
        return open_jpeg(self.jpeg)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What a simulator says of it: the object it is, -1 for none; span_px: its longest side in
    any image of the drive."""

    id: int
    name: str
    category: str
    span_px: int


@dataclass(frozen=True, slots=True, eq=False)
class Specimen:
    """source: the store or bag; tracks: those that followed it there, one unless duplicates were
    joined; position: float64 (3,) at the last look, in the odometry frame of the source; size:
    float64 (3,) length, width, height, m; level: the highest; text: the words of that hazard;
    reasons: all codes it was ever given; looks: camera and stamp of each image in which a mask
    showed it; nested: in how many of them its mask and that of another track of the source lay
    one in the other, by that track."""

    source: str
    tracks: tuple[int, ...]
    first_ns: int
    last_ns: int
    first_position: Float64
    position: Float64
    size: Float64
    level: int
    text: str
    reasons: tuple[str, ...]
    looks: tuple[tuple[str, int], ...]
    views: tuple[View, ...]
    embedding: Float32
    name: Name = NO_MODEL
    truth: Truth | None = None
    nested: Mapping[int, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.source}#{self.tracks[0]}"


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """All specimens of one source. left_out: how many tracks gave none, by reason; embedder: what
    made the embeddings, which can only be compared with those of the same."""

    source: str
    embedder: str
    specimens: tuple[Specimen, ...]
    left_out: Mapping[str, int]
    seconds: float


def pack(met: Met) -> bytes:
    return _PACKING.pack(met)


def unpack(packed: bytes, source: str) -> Met:
    """What ``pack`` packed. Raises InputError naming ``source`` for anything else."""
    return _PACKING.unpack(packed, source)


def open_jpeg(data: bytes) -> UInt8:
    """uint8 (h, w, 3) RGB of a JPEG. Raises InputError when it is none."""
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if image is None:
        raise InputError("picture", f"no JPEG ({len(data)} bytes)", "mine the source again")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


_PACKING = Packing(Met, "no result of mining", "remove it")
