"""Processor time and memory of the nodes while they run."""

from __future__ import annotations

from dataclasses import dataclass, field

from s2m_ros.audit.vitals import vitals
from s2m_ros.nodes.processes import Processes

_PERIOD_S = 1.0


@dataclass(frozen=True, slots=True)
class Use:
    """Of one process: share of one core, and its share of memory at its highest, MB."""

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
        for name, pid in nodes.pids.items():
            if pid in self._last and now_s - self._last[pid][0] < _PERIOD_S:
                continue
            try:
                now = vitals(pid)
            except OSError:
                continue  # it has just ended
            self._names[name] = pid
            self._begun.setdefault(pid, (now_s, now.processor_s))
            self._last[pid] = now_s, now.processor_s
            self._memory[pid] = max(now.share_mb, self._memory.get(pid, 0.0))

    @property
    def nodes(self) -> dict[str, Use]:
        return {name: Use(self._share(pid), self._memory[pid]) for name, pid in self._names.items()}

    def _share(self, pid: int) -> float:
        (begin_s, before_s), (end_s, after_s) = self._begun[pid], self._last[pid]
        return (after_s - before_s) / (end_s - begin_s) if end_s > begin_s else 0.0
