"""A bag that is played again and again, on a clock that goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import takewhile

from s2m_ros.bags import BagReader, Message
from s2m_ros.wire.cdr import header_stamp_ns, with_header_stamp

_STAMPED = {
    "sensor_msgs/msg/Image",
    "sensor_msgs/msg/CompressedImage",
    "sensor_msgs/msg/CameraInfo",
    "sensor_msgs/msg/PointCloud2",
    "nav_msgs/msg/Odometry",
}
_GAP_NS = 100_000_000 - 1  # a bag's duration ends with its last message


class LoopingBag(BagReader):
    """An open bag that runs ``loops`` times, or for ``duration_ns``; reads as a ``BagReader`` does.

    A repetition continues the clock of the one before: its stamps are moved. Of types whose header
    does not come first, such as transforms, only the time of recording is.
    """

    def __init__(self, bag: BagReader, loops: int = 1, duration_ns: int | None = None) -> None:
        super().__init__(bag.path)
        self._reader = bag._reader
        self._ours = bag._ours
        self._loops = loops
        self._most_ns = duration_ns
        self._held: list[Message] | None = None
        if duration_ns is not None:
            self._loops = -(-duration_ns // (self._once_ns + _GAP_NS))

    @property
    def duration_ns(self) -> int:
        whole_ns = self._loops * (self._once_ns + _GAP_NS) - _GAP_NS
        return whole_ns if self._most_ns is None else self._most_ns

    @property
    def _once_ns(self) -> int:
        return super().duration_ns

    def hold(self, topics: Iterable[str]) -> None:
        """Read these topics now, as far as they are needed, and play them from memory.

        So that unpacking takes no time from what is measured while they are played.
        """
        end_ns = self.start_ns + self.duration_ns
        held = list(takewhile(lambda m: m.stamp_ns <= end_ns, super().messages(topics)))
        self._held = held

    def messages(self, topics: Iterable[str] | None = None) -> Iterator[Message]:
        wanted = None if topics is None else list(topics)
        end_ns = self.start_ns + self.duration_ns
        for loop in range(self._loops):
            later_ns = loop * (self._once_ns + _GAP_NS)
            for message in self._once(wanted):
                if message.stamp_ns + later_ns > end_ns:
                    return
                yield moved(message, later_ns) if later_ns else message

    def _once(self, topics: list[str] | None) -> Iterable[Message]:
        if self._held is None:
            return super().messages(topics)
        return (m for m in self._held if topics is None or m.topic in topics)


def moved(message: Message, later_ns: int) -> Message:
    """The message as recorded and stamped later."""
    data = message.data
    if message.type in _STAMPED:
        data = with_header_stamp(data, header_stamp_ns(data) + later_ns)
    return replace(message, stamp_ns=message.stamp_ns + later_ns, data=data)
