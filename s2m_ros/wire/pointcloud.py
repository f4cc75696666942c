"""sensor_msgs/PointCloud2 <-> Sweep."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2m_ros.types import Bool, Float32, InputError, Sweep
from s2m_ros.wire.checks import cells
from s2m_ros.wire.geometry import SECOND_NS, header, stamp_ns
from s2m_ros.wire.protocol import MessageFactory

_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 8: "f8"}
_INTENSITY = ("intensity", "i", "reflectivity")
_TIME = ("t", "time", "time_offset", "offset_time", "timestamp", "timeStamp", "time_stamp")
# Stamps later than this since their epoch are absolute, not relative to the sweep.
_ABSOLUTE_S = 1e6
_LAST_NS = 4e18  # what int64 holds, about
_FARTHEST_M = 1e4
"""No LiDAR sees so far: such a point is damage."""
_MOST_STEP = 1 << 16


def decode_sweep(message: Any, source: str) -> tuple[Sweep, dict[str, int]]:
    """The finite points of a PointCloud2, and how many were dropped, by reason.

    Padded, unordered, organised and empty clouds and both byte orders are accepted; intensity of
    any number type comes out as float32 in its own scale; a per-point time (seconds as floats,
    nanoseconds as integers, relative or absolute) as nanoseconds from the header's stamp.
    Raises InputError naming ``source``.
    """
    names = [f.name for f in message.fields if f.datatype in _TYPES]
    missing = [name for name in "xyz" if name not in names]
    if missing:
        raise InputError(
            source,
            f"no field {', '.join(missing)} among {', '.join(names) or 'no fields'}",
            "publish a PointCloud2 with float32 x, y, z",
        )
    records = _records(message, source)
    for name in "xyz":
        if records.dtype[name].kind != "f":
            raise InputError(
                source,
                f"field {name} is {records.dtype[name]}",
                "publish x, y, z as float32 or float64 in metres",
            )
    points = _positions(records)
    stamp, dropped = stamp_ns(message.header.stamp), {}
    # Not of NaN, which would be the least and the largest.
    usual = not len(points) or (points.max() <= _FARTHEST_M and points.min() >= -_FARTHEST_M)
    if not usual:
        kept: Bool = np.asarray((np.abs(points) <= _FARTHEST_M).all(axis=1))
        finite = int(np.isfinite(points).all(axis=1).sum())
        counts = {"not_finite": len(kept) - finite, "too_far": finite - int(kept.sum())}
        dropped = {reason: count for reason, count in counts.items() if count}
        points, records = points.T[:, kept].T, records[kept]
    sweep = Sweep(
        stamp, message.header.frame_id, points, _intensity(records), _offsets(records, stamp)
    )
    return sweep, dropped


def _positions(records: NDArray[Any]) -> Float32:
    """x, y, z of all points, (N, 3), coordinate by coordinate in memory: what follows works so."""
    points = np.empty((3, len(records)), np.float32)
    with np.errstate(over="ignore", invalid="ignore"):  # float64 beyond float32 is far, too
        for row, name in zip(points, "xyz", strict=True):
            row[:] = records[name]
    return np.asarray(points.T)


def _records(message: Any, source: str) -> NDArray[Any]:
    """The points as a structured array (N,), dtype from the fields' own offsets."""
    fields = [f for f in message.fields if f.name and f.datatype in _TYPES]
    order = ">" if message.is_bigendian else "<"
    step, width, height = int(message.point_step), int(message.width), int(message.height)
    cells(source, "cloud", width, height)
    if not 0 < step <= _MOST_STEP and width * height:
        raise InputError(
            source,
            f"point_step is {step} bytes",
            "let the LiDAR driver set it to the bytes of a point",
        )
    for f in fields:
        size = np.dtype(_TYPES[f.datatype]).itemsize * max(int(f.count), 1)
        if width * height == 0:
            continue
        if f.offset + size > step:
            raise InputError(
                source,
                f"field {f.name} ends at byte {f.offset + size} of a point of {step} bytes",
                "correct offsets and point_step in the LiDAR driver",
            )
    unique = list({f.name: f for f in fields}.values())
    if width * height == 0:
        return np.empty(0, [(f.name, order + _TYPES[f.datatype]) for f in unique])
    dtype = np.dtype(
        {
            "names": [f.name for f in unique],
            "formats": [_format(order, f) for f in unique],
            "offsets": [int(f.offset) for f in unique],
            "itemsize": step,
        }
    )
    data = np.frombuffer(message.data, np.uint8)
    row = width * step
    row_step = int(message.row_step) if height > 1 else row
    needed = row_step * (height - 1) + row
    if row_step < row or data.size < needed:
        raise InputError(
            source,
            f"truncated cloud: {data.size} bytes with row_step {message.row_step}, expected "
            f"{needed} for {width} x {height} points of {step} bytes",
            "check the LiDAR driver and the middleware's limits on message size",
        )
    if row_step == row:
        return data[:needed].view(dtype)
    rows = np.lib.stride_tricks.as_strided(data, (height, row), (row_step, 1), writeable=False)
    return np.ascontiguousarray(rows).reshape(-1).view(dtype)


def _format(order: str, field: Any) -> Any:
    base = order + _TYPES[field.datatype]
    return base if int(field.count) <= 1 else (base, (int(field.count),))


def _find(records: NDArray[Any], names: tuple[str, ...]) -> NDArray[Any] | None:
    for name in names:
        if name in (records.dtype.names or ()) and records[name].ndim == 1:
            return records[name]
    return None


def _intensity(records: NDArray[Any]) -> NDArray[np.float32] | None:
    values = _find(records, _INTENSITY)
    return None if values is None else values.astype(np.float32, copy=False)


def _offsets(records: NDArray[Any], stamp: int) -> NDArray[np.int64] | None:
    values = _find(records, _TIME)
    if values is None:
        return None
    if values.dtype.kind == "f":
        seconds = np.nan_to_num(values.astype(np.float64))
        seconds = np.clip(seconds, -_LAST_NS, _LAST_NS)
        # Some drivers keep nanoseconds since the epoch in a double.
        if seconds.size and abs(seconds[0]) > _ABSOLUTE_S * 1e6:
            return (seconds - float(stamp)).astype(np.int64)
        if seconds.size and abs(seconds[0]) > _ABSOLUTE_S:
            return ((seconds - stamp / SECOND_NS) * SECOND_NS).astype(np.int64)
        seconds = np.clip(seconds, -_ABSOLUTE_S, _ABSOLUTE_S)
        return np.round(seconds * SECOND_NS).astype(np.int64)
    ns = values.astype(np.int64)
    return ns - stamp if ns.size and abs(int(ns[0])) > _ABSOLUTE_S * SECOND_NS else ns


def encode_sweep(factory: MessageFactory, sweep: Sweep) -> Any:
    """A packed little-endian PointCloud2: x, y, z, then intensity and t (ns) where known."""
    layout: list[tuple[str, str, int]] = [("x", "<f4", 7), ("y", "<f4", 7), ("z", "<f4", 7)]
    columns: list[NDArray[Any]] = [sweep.points[:, 0], sweep.points[:, 1], sweep.points[:, 2]]
    if sweep.intensity is not None:
        layout.append(("intensity", "<f4", 7))
        columns.append(sweep.intensity)
    if sweep.offset_ns is not None:
        layout.append(("t", "<i4", 5))
        columns.append(sweep.offset_ns)
    dtype = np.dtype([(name, kind) for name, kind, _ in layout])
    records = np.empty(len(sweep.points), dtype)
    for (name, _, _), column in zip(layout, columns, strict=True):
        records[name] = column
    fields = [
        factory.make(
            "sensor_msgs/msg/PointField", name=name, offset=4 * i, datatype=datatype, count=1
        )
        for i, (name, _, datatype) in enumerate(layout)
    ]
    return factory.make(
        "sensor_msgs/msg/PointCloud2",
        header=header(factory, sweep.stamp_ns, sweep.frame_id),
        height=1,
        width=len(records),
        fields=fields,
        is_bigendian=False,
        point_step=dtype.itemsize,
        row_step=dtype.itemsize * len(records),
        data=records.view(np.uint8).reshape(-1),
        is_dense=True,
    )
