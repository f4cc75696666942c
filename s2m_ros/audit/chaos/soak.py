"""Random faults for a long time: does it stay up, does its memory grow, does it always recover."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from s2m_ros.audit.chaos.bench import AFTER_S, LASTS_S
from s2m_ros.audit.chaos.faults import FAULTS, Fault
from s2m_ros.audit.chaos.stream import Spell
from s2m_ros.audit.chaos.verdict import Verdict
from s2m_ros.audit.vitals import Lives, Sample

WARM_S = 20.0
"""Memory of a node counts from so long after its start on."""
MOST_GROWTH = 0.05


@dataclass(frozen=True, slots=True)
class Growth:
    """From the first to the last tenth of a node's life after warm-up; restarts begin a new life,
    of which the longest counts. memory: of what it allocated itself, as a share."""

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


def growth(lives: Lives) -> list[Growth]:
    """Of each node. Nodes that never lived long enough are left out."""
    found = []
    for node, samples in lives.samples.items():
        each: dict[int, list[Sample]] = {}
        for sample in samples:
            each.setdefault(sample.pid, []).append(sample)
        life = max(each.values(), key=len, default=[])
        settled = [sample for sample in life if sample.at_s - life[0].at_s >= WARM_S]
        if len(settled) < 10:
            continue
        memory = np.array([sample.vitals.own_mb for sample in settled])
        handles = np.array([sample.vitals.handles for sample in settled])
        tenth = max(1, len(settled) // 10)
        more = np.median(memory[-tenth:]) / np.median(memory[:tenth]) - 1
        opened = np.median(handles[-tenth:]) - np.median(handles[:tenth])
        seconds = settled[-1].at_s - settled[0].at_s
        found.append(Growth(node, float(more), int(opened), seconds))
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
