"""Clouds of any layout, laid out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from values import factories

from s2m_ros.types import InputError, Sweep
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.pointcloud import decode_sweep, encode_sweep

STAMP = SimpleNamespace(sec=1_700_000_000, nanosec=250_000_000)
CODES = {"i1": 1, "u1": 2, "i2": 3, "u2": 4, "i4": 5, "u4": 6, "f4": 7, "f8": 8}


def cloud(
    columns: dict[str, tuple[str, Any]],
    *,
    height: int = 1,
    gap: int = 0,
    pad: int = 0,
    row_pad: int = 0,
    order: str = "<",
) -> Any:
    """A PointCloud2 with ``gap`` bytes before each field and ``pad`` after the last."""
    offsets, end = [], 0
    for kind, _ in columns.values():
        offsets.append(end + gap)
        end += gap + np.dtype(kind).itemsize
    step = end + pad
    count = len(next(iter(columns.values()))[1]) if columns else 0
    records = np.zeros(
        count,
        np.dtype(
            {
                "names": list(columns),
                "formats": [order + kind for kind, _ in columns.values()],
                "offsets": offsets,
                "itemsize": max(step, 1),
            }
        ),
    )
    for name, (_, values) in columns.items():
        records[name] = values
    width = count // height
    rows = records.view(np.uint8).reshape(height, -1) if count else np.zeros((height, 0), np.uint8)
    return SimpleNamespace(
        header=SimpleNamespace(stamp=STAMP, frame_id="lidar"),
        height=height,
        width=width,
        fields=[
            SimpleNamespace(name=name, offset=offset, datatype=CODES[kind], count=1)
            for (name, (kind, _)), offset in zip(columns.items(), offsets, strict=True)
        ],
        is_bigendian=order == ">",
        point_step=step,
        row_step=width * step + row_pad,
        data=np.pad(rows, ((0, 0), (0, row_pad))).reshape(-1),
    )


@given(
    order=st.sampled_from("<>"),
    names=st.permutations(["x", "y", "z", "intensity", "ring"]),
    float_kind=st.sampled_from(["f4", "f8"]),
    intensity=st.sampled_from(["u1", "u2", "f4"]),
    height=st.sampled_from([1, 2, 3]),
    gap=st.integers(0, 5),
    pad=st.integers(0, 9),
    row_pad=st.integers(0, 8),
    seed=st.integers(0, 9),
)
@settings(deadline=None, max_examples=80)
def test_any_layout(
    order: str, names: list[str], float_kind: str, intensity: str,
    height: int, gap: int, pad: int, row_pad: int, seed: int,
) -> None:  # fmt: skip
    rng = np.random.default_rng(seed)
    xyz = rng.normal(0, 20, (12, 3)).astype(np.float32)
    value = rng.integers(0, 256, 12)
    every = {
        "x": (float_kind, xyz[:, 0]),
        "y": (float_kind, xyz[:, 1]),
        "z": (float_kind, xyz[:, 2]),
        "intensity": (intensity, value),
        "ring": ("u2", np.arange(12)),
    }
    message = cloud(
        {name: every[name] for name in names},
        height=height, gap=gap, pad=pad, row_pad=row_pad, order=order,
    )  # fmt: skip
    sweep, dropped = decode_sweep(message, "points")
    assert dropped == {}
    assert np.array_equal(sweep.points, xyz)
    assert sweep.intensity is not None
    assert np.array_equal(sweep.intensity, value.astype(np.float32))
    assert sweep.offset_ns is None
    assert (sweep.stamp_ns, sweep.frame_id) == (stamp_ns(STAMP), "lidar")


def columns(n: int = 6) -> dict[str, tuple[str, Any]]:
    return {name: ("f4", np.arange(n) + i) for i, name in enumerate("xyz")}


def test_points_that_are_not_finite_are_dropped_and_counted_with_their_values() -> None:
    parts = columns() | {"intensity": ("f4", np.arange(6)), "t": ("u4", np.arange(6) * 1000)}
    for axis, row, bad in (("x", 1, np.nan), ("y", 3, np.inf), ("z", 3, -np.inf)):
        values = parts[axis][1].astype(float)
        values[row] = bad
        parts[axis] = ("f4", values)
    sweep, dropped = decode_sweep(cloud(parts), "points")
    assert dropped == {"not_finite": 2}
    assert sweep.intensity is not None
    assert sweep.offset_ns is not None
    assert sweep.intensity.tolist() == [0, 2, 4, 5]
    assert sweep.offset_ns.tolist() == [0, 2000, 4000, 5000]


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("t", "u4", [0, 50_000_000, 100_000_000]),
        ("offset_time", "u4", [0, 50_000_000, 100_000_000]),
        ("time", "f4", [0.0, 0.05, 0.1]),
        ("timestamp", "f8", [1_700_000_000.25, 1_700_000_000.30, 1_700_000_000.35]),
        ("timestamp", "f8", [1.70000000025e18, 1.70000000030e18, 1.70000000035e18]),
    ],
)
def test_time_of_each_point_in_every_convention(name: str, kind: str, values: list[float]) -> None:
    sweep, _ = decode_sweep(cloud(columns(3) | {name: (kind, values)}), "points")
    assert sweep.offset_ns is not None
    np.testing.assert_allclose(sweep.offset_ns, [0, 5e7, 1e8], atol=1000)


def test_an_empty_cloud_has_no_points_and_is_no_error() -> None:
    sweep, dropped = decode_sweep(cloud(columns(0)), "points")
    assert sweep.points.shape == (0, 3)
    assert dropped == {}


def test_no_xyz() -> None:
    parts = {"x": ("f4", [1.0]), "range": ("f4", [2.0])}
    with pytest.raises(InputError, match=r"points: no field y, z among x, range: publish"):
        decode_sweep(cloud(parts), "points")
    with pytest.raises(InputError, match=r"points: no field x, y, z among no fields"):
        decode_sweep(cloud({}), "points")


def test_integer_coordinates() -> None:
    parts = columns() | {"y": ("i2", np.arange(6))}
    with pytest.raises(InputError, match="points: field y is"):
        decode_sweep(cloud(parts), "points")


def test_truncated() -> None:
    message = cloud(columns(), height=2, row_pad=4)
    message.data = message.data[:-5]
    with pytest.raises(InputError, match=r"points: truncated cloud: \d+ bytes"):
        decode_sweep(message, "points")


def test_a_field_beyond_the_point() -> None:
    message = cloud(columns())
    message.point_step = 10
    with pytest.raises(InputError, match="field z ends at byte 12 of a point of 10 bytes"):
        decode_sweep(message, "points")


@pytest.mark.parametrize("factory", factories(), ids=lambda f: type(f).__name__)
@pytest.mark.parametrize("extras", [False, True])
def test_round_trip(factory: Any, extras: bool) -> None:
    rng = np.random.default_rng(0)
    sweep = Sweep(
        5,
        "lidar",
        rng.normal(size=(50, 3)).astype(np.float32),
        rng.random(50, np.float32) if extras else None,
        rng.integers(0, 10**8, 50) if extras else None,
    )
    decoded, _ = decode_sweep(encode_sweep(factory, sweep), "points")
    for name in ("points", "intensity", "offset_ns"):
        a, b = getattr(sweep, name), getattr(decoded, name)
        assert a is b is None or np.array_equal(a, b)
