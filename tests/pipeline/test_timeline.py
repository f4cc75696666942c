"""Stamps in and out of order, and clocks that differ."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.pipeline.clocks import Delays, offset_ms
from s2m_ros.pipeline.timeline import Order, Timeline

S = 10**9
START = 1_700_000_000 * S
far = st.one_of(st.integers(-(10**6), -2), st.integers(3, 10**6))


def started() -> Timeline:
    timeline = Timeline(back_s=1.0, forward_s=2.0)
    assert timeline.place(START) is Order.NEXT
    return timeline


@given(st.lists(st.integers(0, 2 * S), max_size=30))
def test_what_rises_by_little_is_in_order(steps: list[int]) -> None:
    timeline, at = started(), START
    for step in steps:
        at += step
        assert timeline.place(at) is Order.NEXT
    assert timeline.last == at


@given(st.integers(1, S))
def test_a_little_back_is_late_and_the_newest_stays(back: int) -> None:
    timeline = started()
    assert timeline.place(START - back) is Order.LATE
    assert timeline.last == START


@given(far)
def test_one_stray_changes_nothing(seconds: int) -> None:
    timeline = started()
    assert timeline.place(START + seconds * S) is Order.STRAY
    assert timeline.last == START
    assert timeline.place(START + S // 10) is Order.NEXT
    assert timeline.place(START + S // 10 + seconds * S) is Order.STRAY


@given(far, st.integers(-S, 2 * S))
def test_a_second_one_beside_the_stray_is_a_jump(seconds: int, apart: int) -> None:
    timeline, there = started(), START + seconds * S
    assert timeline.place(there) is Order.STRAY
    if abs(seconds) * S < 4 * S:
        return  # beside the last one as well
    assert timeline.place(there + apart) is Order.JUMP
    assert timeline.last == there + apart
    assert timeline.place(there + apart + S) is Order.NEXT


def test_strays_that_do_not_agree_are_all_refused() -> None:
    timeline = started()
    for hours in (1, -2, 5, -7, 9):
        assert timeline.place(START + hours * 3600 * S) is Order.STRAY
    assert timeline.place(START + S) is Order.NEXT


@given(
    st.integers(-(10**6), 10**6),
    st.lists(st.integers(0, 300), min_size=1, max_size=50),
    st.lists(st.integers(0, 300), min_size=1, max_size=50),
)
def test_the_offset_of_a_clock_is_found_under_queues(
    offset: int, camera_waits: list[int], lidar_waits: list[int]
) -> None:
    """Both sensors need 5 ms at best; waits in queues only add. The LiDAR's clock is behind."""
    camera, lidar = Delays(), Delays()
    assert offset_ms(camera, lidar) is None
    for i, wait in enumerate([0, *camera_waits]):
        measured = START + i * S // 10
        camera.add(measured, measured + (5 + wait) * 10**6, i)
    for i, wait in enumerate([*lidar_waits, 0]):
        measured = START + i * S // 10
        lidar.add(measured - offset * 10**6, measured + (5 + wait) * 10**6, i)
    found = offset_ms(camera, lidar)
    assert found is not None
    assert abs(found - offset) < 1e-6


def test_the_rate_of_what_comes_and_falls_in_silence() -> None:
    delays = Delays()
    assert delays.rate_hz(0.0) == 0.0
    for i in range(40):
        delays.add(None, 0, 0.1 * i)
    assert abs(delays.rate_hz(3.9) - 10.0) < 1e-6
    assert delays.rate_hz(60.0) < 0.5
