"""What one thing took, and the table of such things."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

SLOW_S = 2.0
"""What takes longer needs no warming up."""


@dataclass(frozen=True)
class Row:
    """One way to do a piece of work: how long each repetition took, s, or why it was not run.

    work: the piece; ours: whether it is this system's way.
    """

    work: str
    name: str
    ours: bool = False
    wall_s: tuple[float, ...] = ()
    processor_s: tuple[float, ...] = ()
    note: str = ""
    skipped: str = ""

    @property
    def least_s(self) -> float:
        return min(self.wall_s)

    @property
    def median_s(self) -> float:
        ordered = sorted(self.wall_s)
        return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2

    def document(self, ours: Row | None) -> dict[str, Any]:
        values = asdict(self)
        if self.wall_s:
            values |= {"least_s": self.least_s, "median_s": self.median_s}
            if ours is not None and ours.wall_s:
                values["ratio_least"] = self.least_s / ours.least_s
                values["ratio_median"] = self.median_s / ours.median_s
                values["ratio_processor"] = min(self.processor_s) / min(ours.processor_s)
        return values


def run(
    work: str, name: str, step: Callable[[], Any], repeats: int, ours: bool = False, note: str = ""
) -> tuple[Row, Any]:
    """Time a step after one call that warms up, which counts where it is slow; with what the last
    call gave."""
    gc.collect()
    wall, processor = [], []
    while len(wall) < repeats + 1:
        before = time.perf_counter(), time.process_time()
        result = step()
        wall.append(time.perf_counter() - before[0])
        processor.append(time.process_time() - before[1])
        if wall[0] > SLOW_S and len(wall) == repeats:
            break
    first = 0 if wall[0] > SLOW_S else 1
    return Row(work, name, ours, tuple(wall[first:]), tuple(processor[first:]), note), result


def combined(work: str, name: str, note: str, *parts: tuple[Row, int]) -> Row:
    """The sum of rows, each taken so many times: the least of all first, and so on."""
    wall, processor = (
        tuple(
            sum(times * value for value, (_, times) in zip(values, parts, strict=True))
            for values in zip(*(sorted(getattr(row, kind)) for row, _ in parts), strict=False)
        )
        for kind in ("wall_s", "processor_s")
    )
    return Row(work, name, False, wall, processor, note)


def skipped(work: str, name: str, why: object) -> Row:
    return Row(work, name, skipped=str(why).splitlines()[0] if str(why) else type(why).__name__)
