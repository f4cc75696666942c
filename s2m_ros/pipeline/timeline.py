"""The order of the stamps on a topic: what is late, what a stray, and when time has jumped."""

from __future__ import annotations

from enum import Enum

from s2m_ros.types import InputError

BACK_S, FORWARD_S = 1.0, 2.0
"""How far a stamp of a sensor may lie from the one before."""


class Order(Enum):
    """What a stamp is to those before it."""

    NEXT = "next"
    LATE = "late"
    """A little before the last one."""
    STRAY = "stray"
    """Far from the last one, and alone there so far."""
    JUMP = "jump"
    """Far from the last one, and the second beside the stray: from here on time counts anew."""


class Timeline:
    """Tells one wrong stamp from a jump of time.

    back_s, forward_s: how far from the last stamp the next one may lie. One beyond that is a stray,
    and changes nothing; when the following stamp lies beside it, both say that time has jumped (a
    bag that loops, a clock that was set).
    """

    def __init__(self, back_s: float = BACK_S, forward_s: float = FORWARD_S) -> None:
        self._back_ns = round(back_s * 1e9)
        self._forward_ns = round(forward_s * 1e9)
        self._last: int | None = None
        self._stray: int | None = None

    @property
    def last(self) -> int | None:
        """The newest stamp in order, nanoseconds."""
        return self._last

    def place(self, stamp_ns: int) -> Order:
        """Where the next stamp stands."""
        if self._last is None or self._near(self._last, stamp_ns):
            late = self._last is not None and stamp_ns < self._last
            self._last = stamp_ns if self._last is None else max(self._last, stamp_ns)
            self._stray = None
            return Order.LATE if late else Order.NEXT
        if self._stray is None or not self._near(self._stray, stamp_ns):
            self._stray = stamp_ns
            return Order.STRAY
        self._last, self._stray = stamp_ns, None
        return Order.JUMP

    def require(self, stamp_ns: int, source: str) -> Order:
        """``place``, but InputError naming the source for a stray."""
        last = self._last
        order = self.place(stamp_ns)
        if order is not Order.STRAY or last is None:
            return order
        side = "ahead of" if stamp_ns > last else "behind"
        raise InputError(
            source,
            f"stamp is {abs(stamp_ns - last) * 1e-9:.3g} s {side} the one before",
            "check the clock of the sensor; time is taken to have jumped when the next one agrees",
        )

    def forget(self) -> None:
        """The next stamp is the first."""
        self._last = self._stray = None

    def _near(self, last_ns: int, stamp_ns: int) -> bool:
        return -self._back_ns <= stamp_ns - last_ns <= self._forward_ns
