"""Delays and offsets by stamps; what the worker adds to, another thread may read."""

from __future__ import annotations

import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.pipeline.clocks import Delays, SyncRecord, offset_ms

MS = 1_000_000


@pytest.fixture
def restless() -> Iterator[None]:
    """Threads take turns as often as they can, in each of many garbage collections too."""
    interval, threshold = sys.getswitchinterval(), gc.get_threshold()

    def linger(*_: object) -> None:
        sum(range(20))  # the interpreter gives way to other threads between two instructions

    sys.setswitchinterval(1e-6)
    gc.set_threshold(1)
    gc.callbacks.append(linger)
    yield
    gc.callbacks.remove(linger)
    gc.set_threshold(*threshold)
    sys.setswitchinterval(interval)


@given(st.lists(st.none() | st.integers(-80 * MS, 80 * MS), min_size=1, max_size=50))
def test_the_figures_are_those_of_the_instants(apart: list[int | None]) -> None:
    record = SyncRecord()
    for ns in apart:
        record.add(ns)
    figures = dict(record.figures())
    met = sorted(ns for ns in apart if ns is not None)
    assert figures["success"] == f"{len(met) / len(apart):.3f}"
    assert ("median_difference_ms" in figures) == bool(met)
    if met:
        assert abs(float(figures["largest_difference_ms"])) == pytest.approx(
            max(map(abs, met)) / MS, abs=0.06
        )


def test_before_anything_came_there_is_nothing_to_say() -> None:
    assert dict(SyncRecord().figures()) == {}
    assert Delays().least_ms is None
    assert offset_ms(Delays(), Delays()) is None


def test_the_offset_is_the_difference_of_the_least_delays() -> None:
    camera, lidar = Delays(), Delays()
    for number, late_ms in enumerate((9, 4, 7)):
        camera.add(number * 100 * MS, (number * 100 + late_ms) * MS, 0.1 * number)
        lidar.add(number * 100 * MS, (number * 100 + late_ms + 30) * MS, 0.1 * number)
    assert offset_ms(camera, lidar) == pytest.approx(30.0)
    assert camera.rate_hz(0.2) == pytest.approx(10.0)


@pytest.mark.usefixtures("restless")
@pytest.mark.parametrize("kind", ["sync", "delays"])
def test_one_thread_adds_while_another_reads(kind: str) -> None:
    record, delays, over = SyncRecord(), Delays(), threading.Event()
    add, read = {
        "sync": (lambda: record.add(3 * MS), lambda: list(record.figures())),
        "delays": (lambda: delays.add(1, 2, 3.0), lambda: (delays.rate_hz(4.0), delays.least_ms)),
    }[kind]

    def keep_adding(add: Callable[[], None]) -> None:
        while not over.is_set():
            add()

    adding = threading.Thread(target=keep_adding, args=(add,))
    adding.start()
    try:
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            read()
    finally:
        over.set()
        adding.join()
