"""Whether a player kept the pace of what it played, in the words of every report."""

from __future__ import annotations

_ON_TIME_MS = 50.0


def lag(late_ms: float) -> str:
    """What to say of a player 5 % of whose messages went out later than this; empty in time."""
    if late_ms <= _ON_TIME_MS:
        return ""
    return (
        "the machine was too slow to keep pace: 5 % of the messages went out more than "
        f"{late_ms:.0f} ms late, and times mean little then"
    )
