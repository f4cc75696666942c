"""A bag with faults laid over it, again and again if wanted. Reads as a ``BagReader`` does."""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from s2m_ros.audit.chaos.faults import CLOUD, IMAGE, ODOM, Fault, Hand
from s2m_ros.bags import BagReader, Message

_STAMPED = (IMAGE, CLOUD, ODOM, "sensor_msgs/msg/CameraInfo")
_STAMP = struct.Struct("<iI")
_GAP_NS = 100_000_000 - 1  # a bag's duration ends with its last message


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault from one time to another, in nanoseconds since the start of the stream."""

    fault: Fault
    begin_ns: int
    end_ns: int

    def holds(self, since_ns: int) -> bool:
        return self.begin_ns <= since_ns < self.end_ns


class FaultyBag(BagReader):
    """An open bag, its messages changed by the spells; loops: how often it runs, on and on.

    A repetition continues the clock of the one before: its stamps are moved.
    """

    def __init__(
        self, bag: BagReader, spells: Sequence[Spell], seed: int = 0, loops: int = 1
    ) -> None:
        super().__init__(bag.path)
        self._reader = bag._reader
        self._ours = bag._ours
        self._spells = tuple(spells)
        self._seed = seed
        self._loops = loops

    @property
    def duration_ns(self) -> int:
        return self._loops * (self._once_ns + _GAP_NS) - _GAP_NS

    @property
    def _once_ns(self) -> int:
        return super().duration_ns

    def messages(self, topics: Iterable[str] | None = None) -> Iterator[Message]:
        wanted = None if topics is None else list(topics)
        hands = [Hand(np.random.default_rng([self._seed, i])) for i in range(len(self._spells))]
        waiting: list[tuple[int, int, Message]] = []
        order = count()
        for message in self._repeated(wanted):
            while waiting and waiting[0][0] <= message.stamp_ns:
                yield heapq.heappop(waiting)[2]
            changed = [message]
            for spell, hand in zip(self._spells, hands, strict=True):
                change = spell.fault.change
                if change is not None and spell.holds(message.stamp_ns - self.start_ns):
                    changed = [out for one in changed for out in change(one, hand)]
            for out in changed:
                heapq.heappush(waiting, (out.stamp_ns, next(order), out))
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _repeated(self, topics: list[str] | None) -> Iterator[Message]:
        for loop in range(self._loops):
            later_ns = loop * (self._once_ns + _GAP_NS)
            for message in super().messages(topics):
                yield moved(message, later_ns) if later_ns else message


def moved(message: Message, later_ns: int) -> Message:
    """The message as recorded and stamped later. Types whose header comes first, as of sensors."""
    data = message.data
    if message.type in _STAMPED:
        sec, nanosec = _STAMP.unpack_from(data, 4)
        sec, nanosec = divmod(sec * 1_000_000_000 + nanosec + later_ns, 1_000_000_000)
        data = data[:4] + _STAMP.pack(sec, nanosec) + data[12:]
    return replace(message, stamp_ns=message.stamp_ns + later_ns, data=data)
