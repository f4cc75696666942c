"""How late messages come by their stamps, how well they meet, and what that says of clocks.

One thread adds while another asks: what is asked is answered from a ``copy()`` of the deque, which
no other thread can enter. ``tuple(deque)`` is none: it can begin a garbage collection, and that
another thread, between making its iterator and using it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

_WINDOW = 200
_RATE_WINDOW = 20


class Delays:
    """Arrival minus stamp of the newest messages of one sensor.

    The least of them is the clock filter of NTP (RFC 5905, section 10) for one way: queues only
    add to a delay, so the smallest is the offset of the sensor's clock plus the least time that a
    message is under way.
    """

    def __init__(self, window: int = _WINDOW) -> None:
        self._ms: deque[float] = deque(maxlen=window)
        self._arrivals_s: deque[float] = deque(maxlen=_RATE_WINDOW)

    def add(self, stamp_ns: int | None, arrival_ns: int, steady_s: float) -> None:
        """A message with this stamp, if it has one, arrived.

        arrival_ns: by the clock that stamps are compared with; steady_s: by one that never jumps.
        """
        if stamp_ns is not None:
            self._ms.append((arrival_ns - stamp_ns) * 1e-6)
        self._arrivals_s.append(steady_s)

    def rate_hz(self, now_s: float) -> float:
        """Of the newest messages; it falls while none comes."""
        arrivals = self._arrivals_s.copy()
        span_s = max(now_s, arrivals[-1]) - arrivals[0] if len(arrivals) > 1 else 0.0
        return (len(arrivals) - 1) / span_s if span_s > 0 else 0.0

    @property
    def least_ms(self) -> float | None:
        """None before the first message."""
        return min(self._ms.copy(), default=None)


class SyncRecord:
    """How the newest images of one camera met the sweeps."""

    def __init__(self, window: int = _WINDOW) -> None:
        self._apart: deque[int | None] = deque(maxlen=window)

    def add(self, apart_ns: int | None) -> None:
        """Sweep minus image in nanoseconds; None for an image, or an instant, without the other."""
        self._apart.append(apart_ns)

    def figures(self) -> Iterator[tuple[str, str]]:
        """Share of the images that met a sweep, and the median and largest difference."""
        newest = self._apart.copy()
        met = sorted(apart * 1e-6 for apart in newest if apart is not None)
        if newest:
            yield "success", f"{len(met) / len(newest):.3f}"
        if met:
            yield "median_difference_ms", f"{met[len(met) // 2]:.1f}"
            yield "largest_difference_ms", f"{max(met, key=abs):.1f}"


def offset_ms(one: Delays, other: Delays) -> float | None:
    """How far the clock of ``other`` is behind that of ``one``, in ms; None before both spoke.

    The difference of the two least transport times goes in: on one machine a few milliseconds.
    """
    a, b = one.least_ms, other.least_ms
    return None if a is None or b is None else b - a
