# ruff: noqa: E402
"""Time of the stages behind perception, on one core: `tools/env python tools/benchmark.py`.

Fusion: one camera, a full sweep of 120,000 points, 20 masks; twice the points; twice the masks.
Tracking and policy: 60 tracks.
Prints p50 and p95 of wall and of processor time; the second holds on a busy machine too.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL"):  # before numpy reads them
    os.environ[f"{_library}_NUM_THREADS"] = "1"
sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "tests/support")]

import cv2
import detections
import numpy as np
import raycast

from s2m_ros import config
from s2m_ros.fusion.pipeline import Fusion
from s2m_ros.hazards.policy import HazardPolicy
from s2m_ros.tracking.tracker import Tracker

RUNS = 40


def measure(name: str, step: Callable[[int], object]) -> None:
    gc.freeze()  # the made-up inputs of all runs are not the garbage of one
    for k in range(5):
        step(k)
    wall, busy = [], []
    for k in range(5, 5 + RUNS):
        before = time.perf_counter(), time.process_time()
        step(k)
        wall.append(time.perf_counter() - before[0])
        busy.append(time.process_time() - before[1])
    rows = [np.quantile(np.array(times) * 1e3, [0.5, 0.95]) for times in (wall, busy)]
    print(
        f"{name:60s} wall p50 {rows[0][0]:6.2f} p95 {rows[0][1]:6.2f} ms   "
        f"processor p50 {rows[1][0]:6.2f} p95 {rows[1][1]:6.2f} ms"
    )


def fusion(beams: int = 100, objects: int = 20) -> None:
    ground, boxes = raycast.fan(objects)
    sweep = raycast.sweep(ground, boxes, beams=beams, columns=1800)
    masks = raycast.masks(ground, boxes, raycast.SIZE)
    stage = Fusion(config.Fusion(), raycast.rig())
    stage.set_camera("front", raycast.MODEL, "camera_optical_frame")
    name = f"fusion, {len(sweep.points)} points, {len(masks.items)} masks"
    measure(name, lambda _: stage.fuse([masks], sweep, None, None))


def tracking() -> None:
    rng = np.random.default_rng(0)
    places = rng.uniform((2, -25), (60, 25), (60, 2))
    frames = [
        detections.frame(k, *(detections.detection(*(p + rng.normal(0, 0.05, 2))) for p in places))
        for k in range(RUNS + 5)
    ]
    tracker, policy = Tracker(config.Tracking()), HazardPolicy(config.Hazards())
    measure("tracking and policy, 60 tracks", lambda k: policy.assess(tracker.update(frames[k])))


if __name__ == "__main__":
    cv2.setNumThreads(1)
    fusion()
    fusion(beams=200)
    fusion(objects=40)
    tracking()
