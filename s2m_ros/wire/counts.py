"""Counts by reason <-> the parallel arrays of the messages, sorted so that bytes repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from s2m_ros.types import InputError


def encode_counts(counts: Mapping[str, int]) -> dict[str, Any]:
    reasons = sorted(counts)
    return {"drop_reasons": reasons, "drop_counts": [int(counts[name]) for name in reasons]}


def decode_counts(message: Any, source: str) -> dict[str, int]:
    """Raises InputError naming ``source`` when reasons and counts are not as many."""
    reasons, counts = message.drop_reasons, message.drop_counts
    if len(reasons) != len(counts):
        raise InputError(
            source,
            f"{len(reasons)} drop_reasons for {len(counts)} drop_counts",
            "publish one count a reason",
        )
    return {str(name): int(count) for name, count in zip(reasons, counts, strict=True)}
