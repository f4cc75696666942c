"""Serialised messages, read in part and written field by field: what goes to the audit store at 10
Hz is not made into message values first, which costs ten times as much.

CDR as ROS 2 has it (XCDR1): every number lies at a multiple of its size, counted after the head of
four bytes, which says the byte order.
"""

from __future__ import annotations

import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

_HEAD = b"\0\1\0\0"
_PAD = bytes(8)


class CdrWriter:
    """Puts the fields of a message one behind the other, in the order of its definition."""

    def __init__(self) -> None:
        self._data = bytearray()

    def finish(self) -> bytes:
        return _HEAD + bytes(self._data)

    def pack(self, codes: str, *values: float) -> None:
        """Numbers of one size each, as ``struct`` names them: 'Iif'."""
        layout, size = _layout("<", codes)
        if over := len(self._data) % size:
            self._data += _PAD[: size - over]
        self._data += layout.pack(*values)

    def text(self, value: str) -> None:
        data = value.encode() + b"\0"
        self.pack("I", len(data))
        self._data += data

    def numbers(self, values: NDArray[np.generic], *, counted: bool = True) -> None:
        """An array of its own dtype; counted: a sequence, which says its length before."""
        if counted:
            self.pack("I", values.size)
        if values.size:
            if over := len(self._data) % values.itemsize:
                self._data += _PAD[: values.itemsize - over]
            self._data += values.tobytes()

    def header(self, stamp_ns: int, frame_id: str) -> None:
        """A std_msgs/Header."""
        self.stamp(stamp_ns)
        self.text(frame_id)

    def stamp(self, stamp_ns: int) -> None:
        self.pack("iI", *divmod(stamp_ns, 1_000_000_000))


class CdrReader:
    """Takes the fields of a message in the order of its definition.

    Raises struct.error or ValueError where the bytes end too early or are no text.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._order = "<" if data[1] & 1 else ">"
        self._at = 4

    def take(self, codes: str) -> tuple[int | float, ...]:
        """Numbers of one size each, as ``struct`` names them: 'Iif'."""
        layout, size = _layout(self._order, codes)
        self._align(size)
        found = layout.unpack_from(self._data, self._at)
        self._at += layout.size
        return found

    def count(self) -> int:
        return int(self.take("I")[0])

    def text(self) -> str:
        length = self.count()
        return str(self.block(length)[: max(0, length - 1)], "utf-8")

    def block(self, size: int) -> memoryview:
        """The next bytes as they are."""
        end = self._at + size
        if end > len(self._data):
            raise struct.error(f"{size} bytes are asked for, {len(self._data) - self._at} are left")
        found = memoryview(self._data)[self._at : end]
        self._at = end
        return found

    def skip(self, codes: str, count: int = 1) -> None:
        """Leave out so many times these numbers."""
        if count:
            layout, size = _layout(self._order, codes)
            self._align(size)
            self._at += count * layout.size

    def stamp(self) -> int:
        """Nanoseconds of a builtin_interfaces/Time."""
        sec, nanosec = self.take("iI")
        return int(sec) * 1_000_000_000 + int(nanosec)

    def header(self) -> tuple[int, str]:
        """Stamp and frame of a std_msgs/Header."""
        return self.stamp(), self.text()

    def _align(self, size: int) -> None:
        self._at += -(self._at - 4) % size


@lru_cache(maxsize=256)
def _layout(order: str, codes: str) -> tuple[struct.Struct, int]:
    """Of some numbers, and the size of each."""
    return struct.Struct(order + codes), struct.calcsize(order + codes[-1])


def header_stamp_ns(data: bytes) -> int:
    """The header's stamp of a serialised message that begins with a std_msgs/Header."""
    sec, nanosec = struct.unpack_from("<iI" if data[1] & 1 else ">iI", data, 4)
    return int(sec * 1_000_000_000 + nanosec)


def with_header_stamp(data: bytes, stamp_ns: int) -> bytes:
    """The same message, which begins with a std_msgs/Header, with another stamp."""
    stamp = struct.pack("<iI" if data[1] & 1 else ">iI", *divmod(stamp_ns, 1_000_000_000))
    return b"".join((data[:4], stamp, data[12:]))


def marker_stamp_ns(data: bytes) -> int:
    """The first marker's stamp of a serialised MarkerArray, -1 for an empty one."""
    order = "<" if data[1] & 1 else ">"
    (count,) = struct.unpack_from(f"{order}I", data, 4)
    if not count:
        return -1
    sec, nanosec = struct.unpack_from(f"{order}iI", data, 8)
    return int(sec * 1_000_000_000 + nanosec)
