# ruff: noqa: E402
"""What users would pick instead, beside ours, on this machine, one after the other.

`make bench-peers`, or `tools/env python tools/peers [--only WORD] [--out FOLDER]`. Prints a table
of times and ratios (a peer's time over ours) and writes it as JSON and Markdown. Where results must
be equal they are compared, and a difference ends the run.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

for _library in ("OMP", "OPENBLAS", "MKL"):  # before numpy reads them; torch is told by itself
    os.environ[f"{_library}_NUM_THREADS"] = "1"
_tools = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_tools.parent), str(_tools.parent / "tests/support"), str(_tools)]

import components
import cv2
import machine
import pairing
import projection
import report
import segmenters

ROOMS = {
    "perception": segmenters.rows,
    "projection": projection.rows,
    "pairing": pairing.rows,
    "components": components.rows,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=ROOMS, nargs="*", default=list(ROOMS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("out/bench-peers"))
    given = parser.parse_args()
    cv2.setNumThreads(1)
    found, about = [], machine.about()
    for room in given.only:
        for row in ROOMS[room](given.repeats):
            print(report.line(row), flush=True)
            found.append(row)
    report.write(found, about, given.out)
    print()
    print(report.markdown(found, about))
    print(f"written to {given.out}")


if __name__ == "__main__":
    main()
