"""What /proc says of a process: processor time, memory, file handles."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


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
