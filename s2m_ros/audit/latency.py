"""How late the answers to images come, by stage, from the times at which messages were received."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from s2m_ros.types import Float64

STAGES = ("camera to masks", "masks to objects", "objects to hazards", "camera to marker")

Received = Iterable[tuple[int, int]]
"""Stamp and time of receipt of messages, both in ns of the same clock."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds, over ``count`` frames."""

    p50: float
    p95: float
    p99: float
    worst: float
    count: int

    @classmethod
    def of(cls, values: Float64) -> Latency:
        """Of at least one value."""
        p50, p95, p99 = np.percentile(values, [50, 95, 99])
        return cls(float(p50), float(p95), float(p99), float(values.max()), len(values))


def delays(
    taken: Mapping[int, int],
    *,
    masks: Received,
    objects: Received,
    hazards: Received,
    markers: Received,
) -> dict[str, Float64]:
    """Delays by stage, float64 (N,), ms, in the order of the images.

    taken: when each image was there, by its stamp. What LiDAR alone gave before, or without, the
    masks of an image is no answer to the image.
    """
    masked = first_received(masks)
    placed, judged, shown = (first_received(part, masked) for part in (objects, hazards, markers))
    pairs = ((taken, masked), (masked, placed), (placed, judged), (taken, shown))
    return {name: _between(*pair) for name, pair in zip(STAGES, pairs, strict=True)}


def first_received(received: Received, after: Mapping[int, int] | None = None) -> dict[int, int]:
    """When each stamp came first; with ``after``, only what came after it had the same stamp."""
    into: dict[int, int] = {}
    for stamp, logged in received:
        if after is None or (stamp in after and logged >= after[stamp]):
            into.setdefault(stamp, logged)
    return into


def _between(begin: Mapping[int, int], end: Mapping[int, int]) -> Float64:
    return np.array([(end[s] - begin[s]) * 1e-6 for s in sorted(begin.keys() & end.keys())])
