"""Where the time from camera to marker goes, as an icicle of spans: below each its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from s2m_ros.audit.bench.runs import Run
from s2m_ros.audit.latency import STAGES
from s2m_ros.audit.svg import sheet

WIDTH, ROW = 1040.0, 26.0
PERCEPTION = ("encode", "score", "prompt", "mask", "select")
WAITING = "transport and waiting"
_COLOURS = ("#2b6cb0", "#5b8fd0", "#3f8f7a", "#c0803a", "#8a6db5", "#b8627d")
_REST = "#c7cfdb"


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    ms: float
    parts: tuple[Span, ...] = ()


def spans(run: Run, camera: str) -> Span:
    """Medians of a run: what a node says of its own work, the rest of a stage is waiting."""
    whole, (to_masks, to_objects, to_hazards) = STAGES[-1], STAGES[:3]
    median = {name: latency.p50 for name, latency in run.latencies.items()}
    node = f"camera_{camera}"
    perception = {name: run.inside.get(f"{node} {name}", 0.0) for name in PERCEPTION}
    stages = (
        _filled(to_masks, median.get(to_masks, 0.0), perception),
        _filled(to_objects, median.get(to_objects, 0.0), _own(run, "fusion")),
        _filled(to_hazards, median.get(to_hazards, 0.0), _own(run, "tracker")),
    )
    total = max(median.get(whole, 0.0), sum(stage.ms for stage in stages))
    return Span(whole, total, stages)


def draw(root: Span) -> str:
    """The icicle as SVG; a span's width is its share of the whole."""
    rows: list[str] = []
    scale = WIDTH / root.ms if root.ms else 0.0

    def lay(span: Span, x: float, depth: int, colour: str) -> None:
        width, y = span.ms * scale, depth * (ROW + 2)
        text = f"{span.name} {span.ms:.0f} ms"
        title = escape(f"{span.name}: {span.ms:.1f} ms")
        shown = escape(text if width > 7.0 * len(text) else "")
        rows.append(
            f'<g><title>{title}</title><rect x="{x:.1f}" y="{y:.1f}" rx="3" '
            f'width="{max(0.0, width - 1.5):.1f}" height="{ROW}" fill="{colour}"/>'
            f'<text x="{x + 8:.1f}" y="{y + 17.5:.1f}" font-size="12" fill="#fff">{shown}</text>'
            "</g>"
        )
        for k, part in enumerate(span.parts):
            below = _REST if part.name == WAITING else _COLOURS[(depth + k + 1) % len(_COLOURS)]
            lay(part, x, depth + 1, below)
            x += part.ms * scale

    lay(root, 0.0, 0, _COLOURS[0])
    return sheet(WIDTH, 3 * (ROW + 2), "".join(rows), "flame")


def _own(run: Run, node: str) -> dict[str, float]:
    return {f"{node} itself": run.inside.get(f"{node} processing_time", 0.0)}


def _filled(name: str, ms: float, parts: Mapping[str, float]) -> Span:
    """A span with these parts, cut to fit, and the rest as waiting."""
    known = sum(parts.values())
    scale = min(1.0, ms / known) if known else 0.0
    made = [Span(part, value * scale) for part, value in parts.items() if value]
    rest = ms - sum(part.ms for part in made)
    return Span(name, ms, (*made, *([Span(WAITING, rest)] if rest > 0 else [])))
