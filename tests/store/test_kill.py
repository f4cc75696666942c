"""kill -9 at random moments: no file is spoilt, and nothing that was acknowledged is lost.

``S2M_KILLS=50 pytest tests/store/test_kill.py`` for so many kills of one store.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mcap.reader import make_reader
from stores import judged, stamp

from s2m_ros.bags import BagReader
from s2m_ros.config import Audit
from s2m_ros.store import Store, StoreWriter
from s2m_ros.store.layout import KEPT, segments
from s2m_ros.store.segment import Segment
from s2m_ros.types import Level
from s2m_ros.wire import topics
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.hazards import encode_hazards

KILLS = int(os.environ.get("S2M_KILLS", "3"))
ROUND = 1_000_000
"""Messages are numbered; those of each round begin at a multiple of this."""
RULES = Audit(
    segment_s=4.0, before_s=8.0, after_s=4.0, ring_s=1e9, ring_mb=1e6, min_free_mb=0
)  # fmt: skip
"""Files of 40 messages, of which those around a trigger are moved; the ring drops none."""
FACTORY = RosbagsFactory()
"""Made here, so that the server of forks has it: a process is killed at work, not at imports."""


def message(number: int) -> tuple[str, str, bytes]:
    """Topic, type and bytes of a message: the same each time for its number."""
    store = FACTORY.typestore
    if number % 10 == 0:
        level = Level.CRITICAL if number // 100 % 4 == 0 else Level.INFO
        value = encode_hazards(FACTORY, judged(stamp(number), level))
        kind = "s2m_msgs/msg/HazardArray"
        return topics.HAZARDS, kind, bytes(store.serialize_cdr(value, kind))
    rng = random.Random(number)
    kind = "sensor_msgs/msg/CompressedImage"
    noise = np.frombuffer(rng.randbytes(rng.randrange(200_000)), np.uint8)
    value = FACTORY.make(kind, format=str(number), data=noise)
    return "noise", kind, bytes(store.serialize_cdr(value, kind))


def write(folder: str, first: int, acknowledged: Any) -> None:
    """Write until the end of the process, and say what is acknowledged."""
    with StoreWriter(Path(folder), RULES, {"made": "up"}, wait=True) as writer:
        for number in range(first, first + ROUND):
            topic, kind, data = message(number)
            writer.put(topic, kind, data, stamp(number))
            acknowledged.value = writer.acknowledged


def test_what_was_acknowledged_outlives_every_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))  # the server imports this module
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    rng = random.Random(7)
    held: dict[int, int] = {}
    for number in range(KILLS):
        acknowledged = context.Value("q", 0)
        first = number * ROUND
        args = str(tmp_path), first, acknowledged
        process = context.Process(target=write, args=args, daemon=True)
        process.start()
        if number % 5 != 4:  # else it may be killed while it mends what the kill before left
            _until(acknowledged, rng.randrange(1, 200))
        time.sleep(rng.uniform(0.0, 0.2))
        assert process.is_alive()
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        held[first] = acknowledged.value
        if segments(tmp_path):
            _check(tmp_path, {first: held[first]})  # as it was left
    assert sum(held.values()) > 20 * KILLS
    with StoreWriter(tmp_path, RULES, {}):
        pass
    _check(tmp_path, held)
    for path in segments(tmp_path).values():
        assert Segment(path).complete
        with path.open("rb") as file:
            assert len(list(make_reader(file).iter_messages())) > 0
        with BagReader(path) as bag:
            assert all(bag.decode(item) is not None for item in bag.messages())
    assert list((tmp_path / KEPT).glob("*.mcap"))
    counted = sum(held.values())
    print(f"{KILLS} kills, {counted} messages acknowledged, all found in {len(segments(tmp_path))}")


def _check(folder: Path, held: dict[int, int]) -> None:
    """That all acknowledged messages, and none but those that were written, are there."""
    found: dict[int, tuple[str, str, bytes]] = {}
    with Store(folder) as store:
        for item in store.messages(["noise", topics.HAZARDS]):
            number = round((item.stamp_ns - stamp(0)) / (stamp(1) - stamp(0)))
            assert number not in found, f"message {number} is there twice"
            found[number] = item.topic.strip("/"), item.kind, item.data
        moments = {moment.stamp_ns for moment in store.moments()}
    for first, count in held.items():
        ours = [n for n in sorted(found) if first <= n < first + ROUND]
        assert len(ours) >= count
        for place, number in enumerate(ours):
            assert number == first + place, "a message is missing between others"
            assert found[number] == message(number)
            assert number % 10 or stamp(number) in moments


def _until(counted: Any, least: int) -> None:
    end = time.monotonic() + 120
    while counted.value < least:
        assert time.monotonic() < end
        time.sleep(0.002)


@pytest.fixture(autouse=True, scope="module")
def _no_server_left() -> Any:
    yield
    from multiprocessing import forkserver

    with contextlib.suppress(AttributeError):
        forkserver._forkserver._stop()
