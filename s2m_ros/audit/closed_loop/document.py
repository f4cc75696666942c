"""All that a run came to as one tree of plain values: the content of metrics.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from s2m_ros import __version__
from s2m_ros.audit.closed_loop.figures import (
    DUE_FRAMES,
    REACH_M,
    Recall,
    breakdown,
    counted,
    figures,
    finite,
    misses,
    range_name,
    range_names,
    recall,
    size_name,
    size_names,
)
from s2m_ros.audit.closed_loop.goals import goals
from s2m_ros.audit.closed_loop.rows import Rows
from s2m_ros.audit.closed_loop.suite import Options, Outcome
from s2m_ros.config import leaves
from s2m_ros.runtime.manifest import find, read
from s2m_ros.types import Evidence
from s2m_ros.wire.truth import LEAST_SPAN_PX


def document(outcome: Outcome, options: Options) -> dict[str, Any]:
    """Fractions in [0, 1], metres, seconds; what could not be measured is None."""
    rows = outcome.rows
    categories = sorted({s.category for s in rows.sightings})
    tree = {
        "complete": outcome.complete,
        "interrupted": outcome.interrupted,
        "scenarios": outcome.asked,
        "done": outcome.done,
        "failed": outcome.failed,
        "without": sorted(options.without),
        "frames_limit": options.frames,
        "seed": options.seed,
        "about": about(options),
        "definitions": {
            "visible_from_px": LEAST_SPAN_PX,
            "reach_m": REACH_M,
            "due_frames": DUE_FRAMES,
        },
        "goals": [asdict(goal) for goal in goals(rows, options.without)],
        "overall": figures(rows),
        "by_scenario": {name: _scenario(rows, name) for name in outcome.done},
        "by_category": breakdown(
            rows, lambda row: getattr(row, "category", None), categories, with_claims=False
        ),
        "by_size": breakdown(rows, size_name, size_names()),
        "by_range": breakdown(rows, range_name, range_names()),
        "by_category_and_range": {
            category: {
                name: _recall(recall(s for s in rows.sightings
                                     if s.category == category and range_name(s) == name))
                for name in range_names()
            }
            for category in categories
        },
        "evidence": _evidence(rows),
        "misses": misses(rows.sightings),
        "artifacts": _artifacts(rows),
        "conservative": [asdict(rule) for rule in rows.rules],
    }  # fmt: skip
    result: dict[str, Any] = finite(tree)
    return result


def about(options: Options) -> dict[str, str]:
    """Versions, model and the settings that are not the defaults."""
    manifest = read(find(options.config.perception.model.path))
    defaults = {name: value for name, value, _ in leaves()}
    changed = {k: str(v) for k, v, _ in leaves(options.config) if v != defaults[k]}
    return {
        "s2m_ros": __version__,
        "model": f"{manifest.name} {manifest.version}",
        "encoder": manifest.files["encoder"].sha256[:12],
        **changed,
    }


def _scenario(rows: Rows, name: str) -> dict[str, Any]:
    own = Rows(
        [j for j in rows.journeys if j.scenario == name],
        [s for s in rows.sightings if s.scenario == name],
        [c for c in rows.claims if c.scenario == name],
    )
    journey = own.journeys[0]
    return {
        **figures(own),
        "answers": journey.answers,
        "unmatched_answers": journey.unmatched,
        "reasons": journey.reasons,
        "drops": journey.drops,
    }


def _recall(value: Recall) -> dict[str, Any]:
    return {**asdict(value), "per_object": value.per_object, "per_frame": value.per_frame}


def _evidence(rows: Rows) -> Mapping[str, int]:
    """On how many counted frames each combination of evidence carried a found object."""
    result: dict[str, int] = {}
    for s in counted(rows.sightings):
        if s.track:
            names = [e.name for e in Evidence if e and e & s.evidence and e.name]
            key = "+".join(names).lower() or "none"
            result[key] = result.get(key, 0) + 1
    return dict(sorted(result.items()))


def _artifacts(rows: Rows) -> dict[str, int]:
    found = rows.hauntings
    return {
        "injected": len(found),
        "lifted": sum(h.lifted for h in found),
        "began_a_track": sum(h.born for h in found),
        "told_unconfirmed": sum(h.told and not h.confirmed for h in found),
        "published_as_confirmed": sum(h.confirmed for h in found),
        "track_adopted_by_real_object": sum(h.adopted for h in found),
        "beside_valuable": sum(h.beside for h in found),
    }
