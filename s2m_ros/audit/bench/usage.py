"""Processor time and memory of the nodes while they run."""

from __future__ import annotations

from dataclasses import dataclass

from s2m_ros.audit.vitals import Lives, Sample


@dataclass(frozen=True, slots=True)
class Use:
    """Of one process: share of one core, and its share of memory at its highest, MB."""

    cores: float
    memory_mb: float


def uses(lives: Lives) -> dict[str, Use]:
    """By name. Of a node that was started again only the newest process counts."""
    newest = {
        name: [sample for sample in samples if sample.pid == samples[-1].pid]
        for name, samples in lives.samples.items()
        if samples
    }
    return {name: _use(samples) for name, samples in newest.items()}


def _use(samples: list[Sample]) -> Use:
    first, last = samples[0], samples[-1]
    spent_s = last.vitals.processor_s - first.vitals.processor_s
    lasted_s = last.at_s - first.at_s
    return Use(spent_s / lasted_s if lasted_s > 0 else 0.0, max(s.vitals.share_mb for s in samples))
