# ruff: noqa: E402
"""What each stage costs at other sizes, and how that grows: `make bench-scale`.

Over cameras (1 to 6), points (20,000 to 500,000), objects (0 to 200) and pixels (480x270 to
1920x1080). Least processor time and least wall time of some repetitions; a curve that grows faster
than n log n is called so, and ends the command with status 1.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import os
import sys
import time
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL"):  # before numpy reads them
    os.environ[f"{_library}_NUM_THREADS"] = "1"
_tools = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_tools.parent), str(_tools.parent / "tests/support"), str(_tools)]

import cv2
import growth
import machine
import stages

WARM_UP = 1
ENOUGH_S = 30.0
"""A curve that takes longer gets no more than two runs."""


def measure(cases: list[stages.Case], runs: int) -> list[tuple[float, float]]:
    """Least processor and wall time of each step, s. All sizes of a curve take turns, so that what
    else runs on the machine meets all of them."""
    gc.collect()
    took: list[list[tuple[float, float]]] = [[] for _ in cases]
    begin = time.perf_counter()
    for k in range(runs + WARM_UP):
        if k > WARM_UP + 1 and time.perf_counter() - begin > ENOUGH_S:
            break
        for case, times in zip(cases, took, strict=True):
            before = time.process_time(), time.perf_counter()
            case.step(k)
            times.append((time.process_time() - before[0], time.perf_counter() - before[1]))
    return [
        (min(t[0] for t in times[WARM_UP:]), min(t[1] for t in times[WARM_UP:])) for times in took
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="stages whose name holds this")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--out", type=Path, default=Path("out/bench-scale"))
    given = parser.parse_args()
    cv2.setNumThreads(1)
    about = machine.about()
    curves: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    every = stages.cases(given.runs + WARM_UP)
    for name, some in itertools.groupby(every, lambda case: (case.stage, case.over)):
        if given.only not in name[0]:
            continue
        cases = list(some)
        for case, (processor, wall) in zip(cases, measure(cases, given.runs), strict=True):
            curves.setdefault(name, []).append((case.size, processor, wall))
            print(
                f"{case.stage:36s} {case.size:9.0f} {case.over:12s} "
                f"processor {1e3 * processor:8.2f} ms   wall {1e3 * wall:8.2f} ms",
                flush=True,
            )
    fits = {
        name: growth.fit([row[0] for row in rows], [row[1] for row in rows])
        for name, rows in curves.items()
    }
    text = markdown(curves, fits, about)
    print(f"\n{text}")
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / "scale.md").write_text(f"# Growth\n\n{text}\n")
    (given.out / "scale.json").write_text(json.dumps(document(curves, fits, about), indent=2))
    print(f"\nwritten to {given.out}")
    return int(any(fit.worse for fit in fits.values()))


def markdown(curves: dict, fits: dict, about: dict[str, str]) -> str:
    lines = [
        machine.sentence(about),
        "",
        "Least processor time. Slopes are of log t over log n, over log (n log n), and over the "
        "latter for the larger half of the sizes.",
        "",
        "| Stage | over | sizes | ms | slope | over n log n | larger half | |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for (stage, over), rows in curves.items():
        fit = fits[stage, over]
        sizes = " ".join(f"{row[0]:,.0f}" for row in rows)
        times = " ".join(f"{1e3 * row[1]:.3g}" for row in rows)
        lines.append(
            f"| {stage} | {over} | {sizes} | {times} | {fit.power:.2f} | {fit.loglinear:.2f} "
            f"| {fit.tail:.2f} | {fit.verdict} |"
        )
    return "\n".join(lines)


def document(curves: dict, fits: dict, about: dict[str, str]) -> dict[str, object]:
    return {
        "machine": about,
        "curves": [
            {
                "stage": stage,
                "over": over,
                "size": [row[0] for row in rows],
                "processor_s": [row[1] for row in rows],
                "wall_s": [row[2] for row in rows],
                "slope": fits[stage, over].power,
                "slope_over_n_log_n": fits[stage, over].loglinear,
                "slope_over_n_log_n_larger_half": fits[stage, over].tail,
                "worse_than_n_log_n": fits[stage, over].worse,
            }
            for (stage, over), rows in curves.items()
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
