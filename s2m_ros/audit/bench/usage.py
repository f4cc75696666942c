"""Processor time and memory of the nodes while they run."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from s2m_ros.nodes.processes import Processes


@dataclass(frozen=True, slots=True)
class Use:
    """Of one node: share of one core, and resident memory at its highest, MB."""

    cores: float
    memory_mb: float


@dataclass
class Usage:
    """Samples /proc. Of a node that was started again only the newest process counts."""

    _begun: dict[int, tuple[float, float]] = field(default_factory=dict)
    _last: dict[int, tuple[float, float]] = field(default_factory=dict)
    _memory: dict[int, float] = field(default_factory=dict)
    _names: dict[str, int] = field(default_factory=dict)

    def take(self, nodes: Processes, now_s: float) -> None:
        for name, pid in nodes.running.items():
            try:
                busy_s, memory_mb = _read(pid)
            except OSError:
                continue  # it has just ended
            self._names[name] = pid
            self._begun.setdefault(pid, (now_s, busy_s))
            self._last[pid] = now_s, busy_s
            self._memory[pid] = max(memory_mb, self._memory.get(pid, 0.0))

    @property
    def nodes(self) -> dict[str, Use]:
        return {name: Use(self._share(pid), self._memory[pid]) for name, pid in self._names.items()}

    def _share(self, pid: int) -> float:
        (begin_s, before_s), (end_s, after_s) = self._begun[pid], self._last[pid]
        return (after_s - before_s) / (end_s - begin_s) if end_s > begin_s else 0.0


def _read(pid: int) -> tuple[float, float]:
    """Processor seconds so far and resident MB."""
    folder = Path(f"/proc/{pid}")
    # The name, in brackets, may hold anything; utime and stime are the 12th and 13th after it.
    fields = (folder / "stat").read_text().rpartition(")")[2].split()
    pages = int((folder / "statm").read_text().split()[1])
    ticks = int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") * 1e-6
