"""How late messages come by their stamps, and what that says of the clocks that made the stamps."""

from __future__ import annotations

from collections import deque

_WINDOW = 200


class Delays:
    """Arrival minus stamp of the newest messages of one sensor.

    The least of them is the clock filter of NTP (RFC 5905, section 10) for one way: queues only
    add to a delay, so the smallest is the offset of the sensor's clock plus the least time that a
    message is under way.
    """

    def __init__(self, window: int = _WINDOW) -> None:
        self._ms: deque[float] = deque(maxlen=window)

    def add(self, stamp_ns: int, arrival_ns: int) -> None:
        """A message with this stamp arrived at this time of the reader's clock."""
        self._ms.append((arrival_ns - stamp_ns) * 1e-6)

    @property
    def least_ms(self) -> float | None:
        """None before the first message."""
        return min(tuple(self._ms), default=None)


def offset_ms(one: Delays, other: Delays) -> float | None:
    """How far the clock of ``other`` is behind that of ``one``, in ms; None before both spoke.

    The difference of the two least transport times goes in: on one machine a few milliseconds.
    """
    a, b = one.least_ms, other.least_ms
    return None if a is None or b is None else b - a
