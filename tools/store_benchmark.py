# ruff: noqa: E402
"""What the audit store costs: `tools/env python tools/store_benchmark.py [BAG]`.

Perception runs once over the images of a drive (default: 40 frames of the simulator's `apron`);
then the outputs are fed to a store at 10 Hz, one camera. Prints the processor time of the writer's
thread and of the hand-over as a share of one core, and the bytes on the disk.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL"):  # before numpy reads them
    os.environ[f"{_library}_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2

from s2m_ros.audit.inputs import find_inputs
from s2m_ros.audit.lockstep import Lockstep, Step, hand_over
from s2m_ros.bags import BagReader
from s2m_ros.config import load
from s2m_ros.sim import scenario
from s2m_ros.sim.bag import write_bag
from s2m_ros.store import StoreWriter
from s2m_ros.store.feed import Feed
from s2m_ros.store.layout import about

HZ = 10.0


def steps_of(path: Path, frames: int) -> list[Step]:
    """What lockstep makes of the first images of a bag."""
    with BagReader(path) as bag, tempfile.TemporaryDirectory() as folder:
        inputs = find_inputs(bag, load(None, {})).with_calibration(Path(folder) / "rig.yaml")
        stages = Lockstep(inputs)
        stages.load()
        found: list[Step] = []
        for step in stages.steps(bag):
            found.append(step)
            if sum(s.image is not None for s in found) >= frames:
                return found
        return found


def feed_all(steps: list[Step], folder: Path, rounds: int) -> tuple[float, float, float, int]:
    """Processor seconds of the writer and of the hand-over and bytes, all a frame; drops.

    Of the best round: what else runs on a machine only adds. The first warms up.
    """
    config = load(None, {"audit.min_free_mb": 0})
    found: list[tuple[float, float, float]] = []
    images = sum(step.image is not None for step in steps)
    with StoreWriter(folder, config.audit, about(config)) as writer:
        feed = Feed(writer, config.audit)
        next_s = time.monotonic()
        for _ in range(rounds + 1):
            writer.flush()
            before_s, before_bytes, hand_over_s = writer.busy_s, writer.bytes_written, 0.0
            for step in steps:
                before = time.thread_time()
                hand_over(step, feed)
                hand_over_s += time.thread_time() - before
                if step.image is not None:
                    next_s += 1 / HZ
                    time.sleep(max(0.0, next_s - time.monotonic()))
            writer.flush()
            written = writer.bytes_written - before_bytes
            found.append((writer.busy_s - before_s, hand_over_s, float(written)))
    busy, handed = (min(costs[i] for costs in found[1:]) / images for i in (0, 1))
    size = sum(costs[2] for costs in found[1:]) / (rounds * images)
    return busy, handed, size, sum(writer.drops.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bag", nargs="?", type=Path)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = given.bag
        if path is None:
            path = Path(folder) / "drive"
            write_bag(scenario.load("apron"), path)
        steps = steps_of(path, given.frames)
        made = feed_all(steps, Path(folder) / "store", given.rounds)
    busy, hand_over, size, drops = made
    for name, seconds in (("writer", busy), ("hand-over", hand_over)):
        print(f"{name:15s} {1e3 * seconds:6.2f} ms a frame, {100 * seconds * HZ:5.2f} % of a core")
    print(f"on the disk     {size / 1e3:6.1f} kB a frame, {size * HZ / 1e6:5.2f} MB/s at {HZ:g} Hz")
    print(f"dropped         {drops}")


if __name__ == "__main__":
    main()
