# ruff: noqa: E402
"""Has a stage become slower? `make bench-check`; `--update` writes a new reference.

Each stage is timed in turn with a fixed piece of work of the same kind, and the ratio of the two is
compared with the committed one (tools/check.json), so that the machine and what else runs on it
cancel out. A stage counts as slower when both the ratio of the least times and the median of the
ratios of neighbouring times are more than 20 % above the reference.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL"):  # before numpy reads them
    os.environ[f"{_library}_NUM_THREADS"] = "1"
_tools = Path(__file__).resolve().parent
sys.path[:0] = [str(_tools.parent), str(_tools.parent / "tests/support"), str(_tools / "scaling")]

import cv2
import machine
import numpy as np
import scenes

from s2m_ros import config
from s2m_ros.evaluation.component import LabelComponents
from s2m_ros.hazards.policy import HazardPolicy
from s2m_ros.runtime.build import build_perception
from s2m_ros.tracking.tracker import Tracker
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.masks import decode_masks, encode_masks
from s2m_ros.wire.objects import decode_objects, encode_objects
from s2m_ros.wire.pointcloud import decode_sweep, encode_sweep

REFERENCE = _tools / "check.json"
ALLOWED = 1.2
ROUNDS, WARM_UP = 25, 3

Step = Callable[[int], object]


@dataclass(frozen=True)
class Ratio:
    """A stage's time over that of its fixed work."""

    least: float
    median: float

    def over(self, reference: Ratio) -> float:
        """How much slower than a reference; both say it, or it is the noise of the machine."""
        return min(self.least / reference.least, self.median / reference.median)


def small_arrays(_: int) -> object:
    """What the call of a function of NumPy costs, many times."""
    values = np.linspace(0.0, 1.0, 180).reshape(60, 3)
    for _ in range(60):
        moved = np.where(values > 0.5, values * 1.01, values) + 0.5
        order = np.argsort(moved[:, 0])
        values = np.stack([np.hypot(moved[:, 0], moved[:, 1]), moved[order, 1], moved[:, 2]], 1) % 1
    return values


_cloud = np.random.default_rng(0).normal(size=(120_000, 3)).astype(np.float32)


def large_arrays(_: int) -> object:
    """Passes over a sweep, and look-ups."""
    kept = (_cloud @ np.array([1, 0.5, 0.2], np.float32) > 0).nonzero()[0]
    some = _cloud.take(kept, axis=0)
    order = np.argsort(some[:20_000, 0], kind="stable")
    grid = cv2.GaussianBlur(some[:40_000, 0].reshape(200, 200), (9, 9), 2)
    return grid.ravel().take(order)


_matrix = np.random.default_rng(0).normal(size=(640, 640)).astype(np.float32)


def products(_: int) -> object:
    """What a network is made of."""
    result = _matrix
    for _ in range(6):
        result = np.maximum(result @ _matrix, 0) * np.float32(1e-3)
    return result


def fusion() -> Step:
    stage, masks = scenes.fusion(20, (480, 270), 1)
    sweep = scenes.sweep(120_000, 20)
    return lambda _: stage.fuse(masks, sweep, None, None)


def three_cameras() -> Step:
    stage, masks = scenes.fusion(20, (480, 270), 3)
    sweep = scenes.ring(120_000, 20, 3)
    return lambda _: stage.fuse(masks, sweep, None, None)


def tracking() -> Step:
    frames = scenes.objects(60, ROUNDS + WARM_UP)
    tracker, policy = Tracker(config.Tracking()), HazardPolicy(config.Hazards())
    return lambda k: policy.assess(tracker.update(frames[k]))


def codecs() -> Step:
    factory = RosbagsFactory()
    masks, sweep = scenes.masks(20, (480, 270)), scenes.sweep(120_000, 20)
    objects = scenes.objects(60, 1)[0]

    def step(_: int) -> None:
        decode_masks(encode_masks(factory, masks), "check")
        decode_objects(encode_objects(factory, objects), "check")
        decode_sweep(encode_sweep(factory, sweep), "check")

    return step


def perception() -> Step:
    settings = config.load(None, {"perception.model.threads": 1})
    found = build_perception(settings.perception)
    rng = np.random.default_rng(0)
    image = cv2.GaussianBlur(rng.integers(80, 150, (540, 960, 3), np.uint8), (0, 0), 3)
    for k in range(12):
        x, y = 75 * k + 20, 310 + 15 * (k % 5)
        cv2.rectangle(image, (x, y), (x + 30, y + 25), (200, 40 + 10 * k, 30), -1)
    return lambda _: found.perceive(image)


def components() -> Step:
    truth, found = np.zeros((2, 540, 960), np.uint8)
    for k in range(40):
        at = (40 + 47 * k % 900, 40 + 83 * k % 470)
        cv2.circle(truth, at, 12, 1, -1)
        cv2.circle(found, (at[0] + 4, at[1]), 11, 1, -1)
    nothing = np.zeros(truth.shape, np.bool_)
    return lambda _: LabelComponents(truth > 0, nothing).compare(found > 0)


STAGES: dict[str, tuple[Callable[[], Step], Step]] = {
    "perception": (perception, products),
    "fusion": (fusion, large_arrays),
    "fusion, three cameras": (three_cameras, large_arrays),
    "tracking and policy": (tracking, small_arrays),
    "codecs": (codecs, large_arrays),
    "component metrics": (components, large_arrays),
}


def measure(step: Step, fixed: Step) -> Ratio:
    gc.collect()
    ours, theirs = [], []
    for k in range(ROUNDS + WARM_UP):
        for times, work in ((theirs, fixed), (ours, step)):
            before = time.process_time()
            work(k)
            times.append(time.process_time() - before)
    a, b = np.array(ours[WARM_UP:]), np.array(theirs[WARM_UP:])
    return Ratio(float(a.min() / b.min()), float(np.median(a / b)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="write a new reference")
    given = parser.parse_args()
    cv2.setNumThreads(1)
    about = machine.about()
    print(machine.sentence(about))
    found: dict[str, Ratio] = {}
    known = {} if given.update else json.loads(REFERENCE.read_text())["ratios"]
    slower = []
    for name, (make, fixed) in STAGES.items():
        step = make()
        ratio = measure(step, fixed)
        if name in known and ratio.over(Ratio(**known[name])) > ALLOWED:
            again = measure(step, fixed)  # what holds is found a second time
            ratio = min(ratio, again, key=lambda r: r.over(Ratio(**known[name])))
        found[name] = ratio
        line = f"{name:24s} {ratio.least:8.3f} least {ratio.median:8.3f} median"
        if name in known:
            over = ratio.over(Ratio(**known[name]))
            line += f"   {over:5.2f} x the reference"
            if over > ALLOWED:
                slower.append(name)
                line += "   SLOWER"
        print(line, flush=True)
    if given.update:
        tree = {"machine": about, "ratios": {name: asdict(r) for name, r in found.items()}}
        REFERENCE.write_text(json.dumps(tree, indent=2) + "\n")
        print(f"written to {REFERENCE}")
        return 0
    missing = sorted(STAGES.keys() - known.keys())
    if missing:
        print(f"no reference of {', '.join(missing)}: run with --update", file=sys.stderr)
    if slower:
        print(f"slower by more than 20 %: {', '.join(slower)}", file=sys.stderr)
    return int(bool(slower or missing))


if __name__ == "__main__":
    sys.exit(main())
