"""What can be read of a serialised message without knowing the rest of it."""

from __future__ import annotations

import struct


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
