"""Pairing images with sweeps: ours, against message_filters' approximate time."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from measuring import Row, run, skipped

from s2m_ros import config
from s2m_ros.fusion.pairing import Pairing
from s2m_ros.types import ObjectMasks, Sweep

WORK = "pairing, 2,000 images and 2,000 sweeps"
COUNT = 2000
PERIOD_NS = 100_000_000
SLOP_NS = 40_000_000
QUEUE = 16

Arrival = tuple[int, str, int]


def stream(seed: int = 0) -> list[Arrival]:
    """(time of arrival, kind, stamp) at 10 Hz each, 20 ms apart, with jitter and unlike delays."""
    rng = np.random.default_rng(seed)
    beat = np.arange(1, COUNT + 1) * PERIOD_NS
    images = beat + rng.integers(-5_000_000, 5_000_000, COUNT)
    sweeps = beat + 20_000_000 + rng.integers(-5_000_000, 5_000_000, COUNT)
    arrivals = [(int(t) + 45_000_000, "image", int(t)) for t in images]
    arrivals += [(int(t) + 60_000_000, "sweep", int(t)) for t in sweeps]
    return sorted(arrivals)


class ApproximateTime:
    """A stand-in for message_filters' ApproximateTimeSynchronizer of two topics, which needs a ROS
    installation: the same queues and the same search in Python, on stamps in nanoseconds."""

    def __init__(self, queue_size: int, slop_ns: int, paired: Callable[..., None]) -> None:
        self._queues: list[dict[int, Any]] = [{}, {}]
        self._size, self._slop, self._paired = queue_size, slop_ns, paired

    def add(self, topic: int, stamp_ns: int, message: Any) -> None:
        own = self._queues[topic]
        own[stamp_ns] = message
        while len(own) > self._size:
            del own[min(own)]
        stamps = []
        for queue in self._queues[:topic] + self._queues[topic + 1 :]:
            near = [(s, abs(s - stamp_ns)) for s in queue if abs(s - stamp_ns) <= self._slop]
            if not near:
                return
            stamps.append([s for s, _ in sorted(near, key=lambda pair: pair[1])])
        for found in itertools.product(*stamps):
            chosen = list(found)
            chosen.insert(topic, stamp_ns)
            if max(chosen) - min(chosen) < self._slop:
                parts = list(zip(self._queues, chosen, strict=True))
                self._paired(*(queue[stamp] for queue, stamp in parts))
                for queue, stamp in parts:
                    del queue[stamp]
                return


def _masks(stamp_ns: int) -> ObjectMasks:
    return ObjectMasks(stamp_ns, "front", "optical", (8, 8), (8, 8), (), None, "none")


def fed(pairing: Any, arrivals: list[Arrival]) -> list[Any]:
    """The pairs that a ``Pairing`` or its stand-in makes of the arrivals."""
    nothing = np.zeros((0, 3), np.float32)
    pairs = []
    for now, kind, stamp in arrivals:
        if kind == "image":
            pairing.add_masks(_masks(stamp))
        else:
            pairing.add_sweep(Sweep(stamp, "lidar", nothing))
        pairs += pairing.poll(now)
    return pairs


def stamps(pairs: list[Any]) -> list[tuple[int, int]]:
    """Of those that have both."""
    return [(p.masks[0].stamp_ns, p.sweep.stamp_ns) for p in pairs if p.sweep is not None]


def ours(arrivals: list[Arrival]) -> list[tuple[int, int]]:
    pairing = Pairing(config.Pairing(max_difference_ms=SLOP_NS * 1e-6))
    return stamps([*fed(pairing, arrivals), *pairing.drain()])


def theirs(arrivals: list[Arrival]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    both = ApproximateTime(QUEUE, SLOP_NS, lambda m, s: pairs.append((m.stamp_ns, s.stamp_ns)))
    nothing = np.zeros((0, 3), np.float32)
    for _, kind, stamp in arrivals:
        if kind == "image":
            both.add(0, stamp, _masks(stamp))
        else:
            both.add(1, stamp, Sweep(stamp, "lidar", nothing))
    return pairs


def message_filters(arrivals: list[Arrival]) -> list[tuple[int, int]]:
    from s2m_ros.nodes.factory import RclpyFactory
    from s2m_ros.nodes.seams.message_filters import MessageFiltersPairing

    settings = config.Pairing(max_difference_ms=SLOP_NS * 1e-6)
    pairing = MessageFiltersPairing(settings, ("front",), RclpyFactory())
    return stamps(fed(pairing, arrivals))


def rows(repeats: int) -> Iterator[Row]:
    arrivals = stream()
    row, expected = run(
        WORK,
        "s2m_ros: nearest stamp, drops counted by reason",
        lambda: ours(arrivals),
        repeats,
        True,
        "waits for a nearer sweep, for other cameras, for a timeout",
    )
    yield row
    row, pairs = run(
        WORK,
        "approximate time in Python, a stand-in for message_filters",
        lambda: theirs(arrivals),
        repeats,
        note="same pairs asserted; what it drops it does not count",
    )
    assert sorted(pairs) == sorted(expected), "the pairs differ"
    yield row
    name = "message_filters' ApproximateTimeSynchronizer"
    try:
        row, pairs = run(WORK, name, lambda: message_filters(arrivals), repeats)
    except Exception as error:
        yield skipped(WORK, name, error)
        return
    assert sorted(pairs) == sorted(expected), "the pairs differ"
    yield row
