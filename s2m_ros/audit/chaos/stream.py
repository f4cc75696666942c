"""A bag with faults laid over it, again and again if wanted. Reads as a ``BagReader`` does."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np

from s2m_ros.audit.chaos.faults import Fault, Hand
from s2m_ros.audit.looping import LoopingBag
from s2m_ros.bags import BagReader, Message


@dataclass(frozen=True, slots=True)
class Spell:
    """A fault from one time to another, in nanoseconds since the start of the stream."""

    fault: Fault
    begin_ns: int
    end_ns: int

    def holds(self, since_ns: int) -> bool:
        return self.begin_ns <= since_ns < self.end_ns


class FaultyBag(LoopingBag):
    """An open bag, its messages changed by the spells; loops: how often it runs, on and on."""

    def __init__(
        self, bag: BagReader, spells: Sequence[Spell], seed: int = 0, loops: int = 1
    ) -> None:
        super().__init__(bag, loops)
        self._spells = tuple(spells)
        self._seed = seed

    def messages(self, topics: Iterable[str] | None = None) -> Iterator[Message]:
        hands = [Hand(np.random.default_rng([self._seed, i])) for i in range(len(self._spells))]
        waiting: list[tuple[int, int, Message]] = []
        order = count()
        for message in super().messages(topics):
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
