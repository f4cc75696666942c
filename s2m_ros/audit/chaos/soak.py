"""Random faults for a long time: does it stay up, does its memory grow, does it always recover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from s2m_ros.audit.chaos.bench import AFTER_S, LASTS_S, Vitals
from s2m_ros.audit.chaos.faults import FAULTS, Fault
from s2m_ros.audit.chaos.stream import Spell
from s2m_ros.audit.chaos.verdict import Verdict

WARM_S = 20.0
"""Memory of a node counts from so long after its start on."""
MOST_GROWTH = 0.05


@dataclass(frozen=True, slots=True)
class Growth:
    """From the first to the last tenth of a node's life after warm-up; restarts begin a new life,
    of which the longest counts."""

    node: str
    memory: float
    handles: int
    seconds: float

    @property
    def flat(self) -> bool:
        return self.memory < MOST_GROWTH and self.handles <= 0


def random_spells(minutes: float, seed: int, faults: Sequence[Fault] = FAULTS) -> list[Spell]:
    """Faults by chance, each with time to recover from it, until the time is over."""
    rng = np.random.default_rng(seed)
    spells, at_s = [], 8.0
    while at_s + LASTS_S + AFTER_S < 60 * minutes:
        fault = faults[int(rng.integers(len(faults)))]
        begin_ns = round(at_s * 1e9)
        spells.append(Spell(fault, begin_ns, begin_ns + round(LASTS_S * 1e9)))
        rest_s = 8.0 if fault.process.startswith("kill") else 2.0
        at_s += LASTS_S + AFTER_S + rest_s + float(rng.uniform(0, 2))
    return spells


def growth(vitals: Vitals) -> list[Growth]:
    """Of each node. Nodes that never lived long enough are left out."""
    found = []
    for node, taken in vitals.memory.items():
        lives: dict[int, list[tuple[float, int, int]]] = {}
        for (at_s, pid, memory), (_, _, handles) in zip(taken, vitals.handles[node], strict=True):
            lives.setdefault(pid, []).append((at_s, memory, handles))
        life = max(lives.values(), key=len)
        settled = np.array([row for row in life if row[0] - life[0][0] >= WARM_S])
        if len(settled) < 10:
            continue
        tenth = max(1, len(settled) // 10)
        first, last = np.median(settled[:tenth], axis=0), np.median(settled[-tenth:], axis=0)
        seconds = float(settled[-1, 0] - settled[0, 0])
        found.append(Growth(node, float(last[1] / first[1] - 1), int(last[2] - first[2]), seconds))
    return found


def figures(verdicts: Sequence[Verdict], grown: Sequence[Growth]) -> dict[str, Any]:
    """What a soak came to, for metrics.json."""
    owed = [v for v in verdicts if v.effect != "harmless"]
    told = [v.detect_s for v in owed if v.detect_s is not None]
    over = [v.recover_s for v in verdicts if v.recover_s is not None]
    return {
        "faults": len(verdicts),
        "handled": sum(v.passed for v in verdicts),
        "looked_clear": sum(v.clear for v in verdicts),
        "never_told": len(owed) - len(told),
        "slowest_told_s": max(told, default=None),
        "never_over": len(verdicts) - len(over),
        "slowest_over_s": max(over, default=None),
        "growth": [asdict(g) for g in grown],
    }
