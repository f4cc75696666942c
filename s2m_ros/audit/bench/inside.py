"""The same stages in one process, message by message: what the drive costs without middleware."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2m_ros.audit.inputs import find_inputs
from s2m_ros.audit.latency import Latency
from s2m_ros.audit.lockstep import Lockstep, Step
from s2m_ros.audit.status import Status
from s2m_ros.bags import BagReader
from s2m_ros.config import Config

SUM = "sum"
WARM_UP_FRAMES = 3
"""Not counted: graphs are compiled for the size of the first image."""


@dataclass(frozen=True, slots=True)
class Inside:
    """Milliseconds a frame, a frame being all messages from one image to the next.

    stages: reading, camera, fusion, tracking, and their sum; camera: the parts of perception.
    """

    frames: int
    stages: dict[str, Latency]
    camera: dict[str, Latency]


@dataclass(frozen=True, slots=True)
class Function:
    """A function's own time and that of all it calls, ms a frame, and its calls a frame."""

    name: str
    own_ms: float
    all_ms: float
    calls: float


def measure(bag: Path, config: Config, frames: int, status: Status) -> Inside:
    """Run the first frames of a drive. Raises BagError, InputError."""
    stages: dict[str, list[float]] = {}
    camera: dict[str, list[float]] = {}
    frame: dict[str, float] = {}
    seen = 0
    for step in _steps(bag, config, frames, status):
        if step.image is not None:
            if seen > WARM_UP_FRAMES:
                for name, value in {**frame, SUM: sum(frame.values())}.items():
                    stages.setdefault(name, []).append(value)
            frame = {}
            seen += 1
            if seen > WARM_UP_FRAMES:
                for name, value in step.image.timings_ms.items():
                    camera.setdefault(name, []).append(value)
        for name, value in step.times_ms.items():
            frame[name] = frame.get(name, 0.0) + value
    return Inside(max(0, seen - WARM_UP_FRAMES), _summed(stages), _summed(camera))


def profile(
    bag: Path, config: Config, frames: int, status: Status, most: int = 30
) -> list[Function]:
    """The functions that cost most, by their own time. The profiler itself slows small ones."""
    profiler = cProfile.Profile()
    counted = 0
    steps = _steps(bag, config, frames, status)
    for step in steps:
        counted += step.image is not None
        if counted == WARM_UP_FRAMES:
            break
    profiler.enable()
    measured = sum(step.image is not None for step in steps)
    profiler.disable()
    found = []
    for (file, line, name), (_, calls, own_s, all_s, _) in pstats.Stats(profiler).stats.items():  # type: ignore[attr-defined]
        where = name if file == "~" else f"{_short(file)}:{line} {name}"
        share = 1e3 / max(1, measured)
        found.append(Function(where, own_s * share, all_s * share, calls / max(1, measured)))
    return sorted(found, key=lambda function: -function.own_ms)[:most]


def _steps(bag: Path, config: Config, frames: int, status: Status) -> Iterator[Step]:
    with BagReader(bag) as reader:
        inputs = find_inputs(reader, config)
        stages = Lockstep(inputs)
        stages.load()
        done = 0
        for step in stages.steps(reader):
            done += step.image is not None
            if done > frames + WARM_UP_FRAMES:
                return
            status("the stages without middleware", done / (frames + WARM_UP_FRAMES))
            yield step


def _summed(values: dict[str, list[float]]) -> dict[str, Latency]:
    return {name: Latency.of(np.array(of)) for name, of in values.items()}


def _short(file: str) -> str:
    path = Path(file)
    parts = path.parts
    return "/".join(parts[parts.index("s2m_ros") :]) if "s2m_ros" in parts else path.name
