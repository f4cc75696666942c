"""Drives over DDS at one rate after the other, and the highest rate that the machine keeps up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from s2m_ros.audit.bench.usage import Use, uses
from s2m_ros.audit.inputs import Inputs, find_inputs
from s2m_ros.audit.latency import STAGES, Latency, delays, first_received
from s2m_ros.audit.looping import LoopingBag
from s2m_ros.audit.status import Status
from s2m_ros.audit.vitals import Lives
from s2m_ros.bags import BagReader
from s2m_ros.config import Config
from s2m_ros.nodes.processes import Processes
from s2m_ros.types import Float64
from s2m_ros.wire import topics
from s2m_ros.wire.cdr import header_stamp_ns, marker_stamp_ns

if TYPE_CHECKING:
    from s2m_ros.audit.live import Played

WARM_UP_S = 3.0
"""From the first image on; not counted. Graphs are compiled for the size of the first image."""

KEPT_UP = 0.95
"""A rate is kept up when this share of its images gets markers, and latency does not grow."""

_GROWTH, _GROWTH_MS = 0.2, 10.0  # of the median, and beside it
_MARKERS = f"/{topics.MARKERS}"


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One rate. latencies: by stage; inside: medians of what the nodes say of their own stages, ms;
    jitter_ms: standard deviation of the time between markers; first_s: from the start of the
    processes to the first markers, the loading of models included."""

    rate_hz: float
    sent: int
    answered: int
    seconds: float
    latencies: dict[str, Latency]
    inside: dict[str, float]
    jitter_ms: float
    growth_ms: float
    kept_up: bool
    usage: dict[str, Use]
    drops: dict[str, int]
    startup_s: float
    player_late_ms: float

    @property
    def output_hz(self) -> float:
        return self.answered / self.seconds if self.seconds else 0.0

    @property
    def cores(self) -> float:
        return sum(use.cores for use in self.usage.values())

    @property
    def memory_mb(self) -> float:
        return sum(use.memory_mb for use in self.usage.values())


def at_rate(
    bag: Path, config: Config, rate_hz: float, seconds: float, out: Path, status: Status
) -> Run:
    """Play a drive so that its first camera gives ``rate_hz``, on the machine's own time.

    A drive that is too short is begun again. Raises BagError, ReplayError.
    """
    from s2m_ros.audit.live import play

    lives = Lives()
    out.mkdir(parents=True, exist_ok=True)

    def sample(nodes: Processes, since_ns: int) -> None:
        if since_ns * 1e-9 >= WARM_UP_S:
            lives.take(nodes.pids, time.monotonic())

    with BagReader(bag) as reader:
        inputs = find_inputs(reader, config).with_calibration(out / "calibration.yaml")
        pace = rate_hz / image_rate(reader, inputs)
        drive = LoopingBag(reader, duration_ns=round((seconds + WARM_UP_S) * pace * 1e9))
        drive.hold(inputs.topics)
        played = play(
            drive,
            inputs,
            out / "outputs",
            out / "logs",
            rate=pace,
            status=status,
            meddle=sample,
            restamp=True,
            record=recorded(inputs),
        )
    return read(out / "outputs", inputs, rate_hz, played, uses(lives))


def highest(
    rates: Sequence[float], runs: list[Run], measure: Callable[[float], Run], between: bool = True
) -> float:
    """The highest rate that is kept up; 0 when none is. Adds all that it measured to ``runs``.

    between: look between the rates, to 1 Hz.
    """
    for rate in sorted(rates):
        runs.append(measure(rate))
    good = max((run.rate_hz for run in runs if run.kept_up), default=0.0)
    bad = min((run.rate_hz for run in runs if not run.kept_up and run.rate_hz > good), default=good)
    while between and bad - good > 1.0:
        run = measure(round(0.5 * (good + bad), 1))
        runs.append(run)
        good, bad = (run.rate_hz, bad) if run.kept_up else (good, run.rate_hz)
    runs.sort(key=lambda run: run.rate_hz)
    return good


def recorded(inputs: Inputs) -> frozenset[str]:
    """The outputs that are received. Not the pictures: the nodes make those only for readers."""
    names = [topics.OBJECTS, topics.HAZARDS, topics.MARKERS, topics.HEALTH]
    names += [topics.masks(camera) for camera in inputs.config.cameras]
    return frozenset({f"/{name}" for name in names} | {topics.DIAGNOSTICS})


def image_rate(bag: BagReader, inputs: Inputs) -> float:
    """Images a second of the first camera of a bag."""
    topic = next(iter(inputs.images.values()))
    count = next(t.count for t in bag.topics if t.name == topic)
    return max(1, count - 1) / max(1e-9, bag.duration_ns * 1e-9) if count > 1 else 1.0


def read(
    outputs: Path, inputs: Inputs, rate_hz: float, played: Played, usage: dict[str, Use]
) -> Run:
    """The figures of a run, from its recorded outputs."""
    begin_ns = played.zero_ns + round(WARM_UP_S * 1e9)
    sent = [stamp for stamp in played.images if stamp >= begin_ns]
    taken = {stamp: stamp for stamp in sent}
    received: dict[str, list[tuple[int, int]]] = {name: [] for name in recorded(inputs)}
    inside: dict[str, list[float]] = {}
    drops: dict[str, int] = {}
    with BagReader(outputs) as bag:
        for message in bag.messages():
            if message.topic == topics.DIAGNOSTICS:
                for status in bag.decode(message).status:
                    _note(status, message.stamp_ns >= begin_ns, inside, drops)
                continue
            stamp_of = marker_stamp_ns if message.topic == _MARKERS else header_stamp_ns
            received[message.topic].append((stamp_of(message.data), message.stamp_ns))
    masks = sorted(item for c in inputs.config.cameras for item in received[f"/{topics.masks(c)}"])
    late = delays(
        taken,
        masks=masks,
        objects=received[f"/{topics.OBJECTS}"],
        hazards=received[f"/{topics.HAZARDS}"],
        markers=received[_MARKERS],
    )
    whole = late[STAGES[-1]]
    shown = sorted(at for stamp, at in first_received(received[_MARKERS]).items() if stamp in taken)
    growth_ms = growth(whole)
    return Run(
        rate_hz,
        len(sent),
        len(whole),
        (sent[-1] - sent[0]) * 1e-9 + 1 / rate_hz if sent else 0.0,
        {name: Latency.of(values) for name, values in late.items() if len(values)},
        {name: float(np.median(values)) for name, values in inside.items()},
        float(np.std(np.diff(shown)) * 1e-6) if len(shown) > 2 else 0.0,
        growth_ms,
        len(whole) >= KEPT_UP * len(sent) > 0 and growth_ms <= _growth_limit(whole),
        usage,
        drops,
        played.startup_s,
        played.late_ms,
    )


def growth(values: Float64) -> float:
    """Median of the last third less that of the first, ms; 0 of less than six values."""
    third = len(values) // 3
    return float(np.median(values[-third:]) - np.median(values[:third])) if third >= 2 else 0.0


def _growth_limit(values: Float64) -> float:
    return _GROWTH_MS + _GROWTH * float(np.median(values))


def _note(status: Any, warm: bool, inside: dict[str, list[float]], drops: dict[str, int]) -> None:
    """Take the times of a node's own stages, and its newest counts of drops."""
    name = status.name.strip("/")
    for pair in status.values:
        if pair.key.startswith("drops."):
            drops[f"{name} {pair.key.removeprefix('drops.')}"] = int(pair.value)
        elif warm and pair.key.endswith("_ms") and "." not in pair.key:
            inside.setdefault(f"{name} {pair.key.removesuffix('_ms')}", []).append(
                float(pair.value)
            )
