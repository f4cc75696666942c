"""What the audit store costs: `tools/env python tools/store_benchmark.py [BAG]`.

The pipeline runs once over the images of a drive (default: 40 frames of the simulator's `apron`);
then what its nodes would publish is fed to a store at 10 Hz, one camera, as the audit node does
it: as the bytes that came. Prints, as shares of one core, the processor time of the writer's thread
and of the hand-over, and what the other nodes spend on what is published for the store alone; and
the bytes on the disk. What is published anyway is not counted, nor is the middleware.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import gc
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for _library in ("OMP", "OPENBLAS", "MKL"):  # before numpy reads them
    os.environ[f"{_library}_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parents[1]))

import cv2

from s2m_ros.audit.inputs import find_inputs
from s2m_ros.audit.lockstep import Lockstep, Step
from s2m_ros.bags import BagReader
from s2m_ros.config import load
from s2m_ros.sim import scenario
from s2m_ros.sim.bag import write_bag
from s2m_ros.store import StoreWriter
from s2m_ros.store.feed import RawFeed
from s2m_ros.store.layout import about
from s2m_ros.store.pictures import RAW
from s2m_ros.wire import topics
from s2m_ros.wire.candidates import encode_candidates, encode_score
from s2m_ros.wire.factory import RosbagsFactory, load_typestore
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.markers import MARKERS
from s2m_ros.wire.tracks import encode_tracks

HZ = 10.0
Sent = tuple[str, str, str, bytes]
"""Topic, type, camera, CDR bytes."""


@dataclass
class Cost:
    """Processor seconds and bytes of one round."""

    writer: float
    hand_over: float
    others: float
    written: float


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


def cdr(value: Any, kind: str) -> bytes:
    return bytes(load_typestore().serialize_cdr(value, kind))


def published(step: Step) -> Iterator[Sent]:
    """What the nodes publish with or without a store, and what came in."""
    if step.message is not None:
        yield step.topic.strip("/"), step.message.type, step.camera, bytes(step.message.data)
    if step.image is not None:
        kind = "s2m_msgs/msg/ObjectMaskArray"
        yield topics.masks(step.camera), kind, step.camera, cdr(step.image.masks, kind)
    for answer in step.answers:
        yield topics.MARKERS, MARKERS, "", answer.tracking.markers
        for topic, value in (
            (topics.OBJECTS, answer.objects),
            (topics.HAZARDS, answer.tracking.hazards),
        ):
            yield topic, value.__msgtype__, "", cdr(value, value.__msgtype__)


def extra(step: Step, factory: RosbagsFactory) -> Iterator[Sent]:
    """What they publish for the store alone."""
    if step.image is not None and step.image.frame is not None:
        frame, camera = step.image.frame, step.camera
        head = step.image.masks.header
        score = encode_score(factory, stamp_ns(head.stamp), head.frame_id, frame.score)
        yield topics.score_picture(camera), RAW, camera, cdr(score, RAW)
        kind = "s2m_msgs/msg/MaskCandidateArray"
        yield topics.candidates(camera), kind, camera, encode_candidates(frame)
    for answer in step.answers:
        if answer.tracking.tracks is not None:
            kind = "s2m_msgs/msg/TrackArray"
            yield topics.TRACKS, kind, "", encode_tracks(answer.tracking.tracks)


def feed_all(steps: list[Step], folder: Path, rounds: int) -> tuple[list[Cost], int]:
    """The cost of each round, the first of which warms up; drops."""
    config = load(None, {"audit.min_free_mb": 0})
    found: list[Cost] = []
    factory = RosbagsFactory()
    sent = [(step, list(published(step))) for step in steps]
    gc.collect()
    gc.freeze()  # what this benchmark holds is not the store's to look through
    with StoreWriter(folder, config.audit, about(config)) as writer:
        feed = RawFeed(writer, config.audit)
        next_s = time.monotonic()
        for _ in range(rounds + 1):
            writer.flush()
            busy_s, written, others, handed = writer.busy_s, writer.bytes_written, 0.0, 0.0
            for step, anyway in sent:
                begun = time.thread_time()
                more = list(extra(step, factory))
                made = time.thread_time()
                for topic, kind, camera, data in (*anyway, *more):
                    feed.take(topic, kind, camera, data, step.stamp_ns)
                others, handed = others + made - begun, handed + time.thread_time() - made
                if step.image is not None:
                    next_s += 1 / HZ
                    time.sleep(max(0.0, next_s - time.monotonic()))
            writer.flush()
            busy_s, written = writer.busy_s - busy_s, writer.bytes_written - written
            found.append(Cost(busy_s, handed, others, float(written)))
    return found[1:], sum(writer.drops.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bag", nargs="?", type=Path)
    parser.add_argument("--frames", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as folder:
        path = given.bag
        if path is None:
            path = Path(folder) / "drive"
            write_bag(path, scenario.load("apron"))
        steps = steps_of(path, given.frames)
        costs, drops = feed_all(steps, Path(folder) / "store", given.rounds)
    images = sum(step.image is not None for step in steps)
    total = 0.0
    for name in ("writer", "hand_over", "others"):  # what else runs on a machine only adds
        seconds = min(getattr(cost, name) for cost in costs) / images
        total += seconds
        print(f"{name:15s} {1e3 * seconds:6.2f} ms a frame, {100 * seconds * HZ:5.2f} % of a core")
    print(f"{'together':15s} {1e3 * total:6.2f} ms a frame, {100 * total * HZ:5.2f} % of a core")
    size = sum(cost.written for cost in costs) / (len(costs) * images)
    print(f"on the disk     {size / 1e3:6.1f} kB a frame, {size * HZ / 1e6:5.2f} MB/s at {HZ:g} Hz")
    print(f"dropped         {drops}")


if __name__ == "__main__":
    main()
