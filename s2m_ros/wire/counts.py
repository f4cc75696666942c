"""Counts by reason <-> the parallel arrays of the messages, sorted so that bytes repeat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def encode_counts(counts: Mapping[str, int]) -> dict[str, Any]:
    reasons = sorted(counts)
    return {"drop_reasons": reasons, "drop_counts": [int(counts[name]) for name in reasons]}


def decode_counts(message: Any) -> dict[str, int]:
    return {
        str(name): int(count)
        for name, count in zip(message.drop_reasons, message.drop_counts, strict=True)
    }
