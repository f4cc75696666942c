"""What /proc says of processes: processor time, memory, file handles."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class Vitals:
    """Of one process, now.

    processor_s: used since its start; share_mb: of the memory in use, where what several processes
    map counts in parts (PSS), so that a sum over processes is what they take together; own_mb: what
    it allocated itself, without files and shared memory (anonymous); handles: open files.
    """

    processor_s: float
    share_mb: float
    own_mb: float
    handles: int


def vitals(pid: int) -> Vitals:
    """Raises OSError when the process has ended, or is another user's."""
    folder = Path(f"/proc/{pid}")
    # The name, in brackets, may hold anything; utime and stime are the 12th and 13th after it.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    kilobytes = {
        name: int(size.split()[0])
        for name, _, size in (
            line.partition(":") for line in (folder / "smaps_rollup").read_text().splitlines()[1:]
        )
    }
    return Vitals(
        ticks / os.sysconf("SC_CLK_TCK"),
        kilobytes["Pss"] * 1024e-6,
        kilobytes["Anonymous"] * 1024e-6,
        len(os.listdir(folder / "fd")),  # noqa: PTH208
    )


@dataclass(frozen=True, slots=True)
class Sample:
    """Of a process, at some time."""

    at_s: float
    pid: int
    vitals: Vitals


@dataclass
class Lives:
    """Samples of processes by name, one a PERIOD_S; one that is started again goes on under its
    name with another pid."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def take(self, pids: Mapping[str, int], now_s: float) -> None:
        """Sample those of which the last sample is old enough. Call it as often as you like."""
        for name, pid in pids.items():
            known = self.samples.setdefault(name, [])
            if known and now_s - known[-1].at_s < PERIOD_S:
                continue
            with contextlib.suppress(OSError):  # it has just ended
                known.append(Sample(now_s, pid, vitals(pid)))
