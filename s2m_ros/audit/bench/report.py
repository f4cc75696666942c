"""What a benchmark came to: metrics.json, report.md, report.html, a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2m_ros.audit.bench.flame import draw, spans
from s2m_ros.audit.bench.inside import SUM, Function, Inside
from s2m_ros.audit.bench.runs import KEPT_UP, WARM_UP_S, Run
from s2m_ros.audit.latency import STAGES
from s2m_ros.audit.page import template, whole

if TYPE_CHECKING:
    from rich.table import Table

HEADING = ("Hz", "Out, Hz", "Frames", "p50", "p95", "p99", "Jitter", "Growth", "Cores", "MB",
           "Kept up")  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """All that was measured. highest_hz: the highest rate kept up; 0 when none was, None when no
    run over DDS was made."""

    about: Mapping[str, str]
    camera: str
    runs: Sequence[Run] = ()
    highest_hz: float | None = None
    inside: Inside | None = None
    functions: Sequence[Function] = ()

    @property
    def headline(self) -> str:
        if self.highest_hz is None:
            if self.inside is None or SUM not in self.inside.stages:
                return "nothing was measured"
            return f"{self.inside.stages[SUM].p50:.0f} ms a frame without middleware (p50)"
        if not self.highest_hz:
            rates = ", ".join(f"{run.rate_hz:g}" for run in self.runs)
            return f"none of {rates} Hz is kept up on this machine"
        best = next(run for run in self.runs if run.rate_hz == self.highest_hz)
        latency = best.latencies[STAGES[-1]]
        return (
            f"{self.highest_hz:g} Hz kept up: camera to marker p50 {latency.p50:.0f} ms, "
            f"p95 {latency.p95:.0f} ms, {best.cores:.2f} cores, {best.memory_mb:.0f} MB"
        )


def write(bench: Bench, out: Path) -> None:
    """Write the three files to the folder, which is made; each appears whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    whole(out / "metrics.json", json.dumps(as_dict(bench), indent=1, allow_nan=False) + "\n")
    whole(out / "report.md", markdown(bench))
    page = template("bench.html.j2").render(
        bench=bench,
        heading=HEADING,
        rows=[row(run) for run in bench.runs],
        flames=[(run, draw(spans(run, bench.camera))) for run in bench.runs if run.latencies],
        stages=stage_rows(bench),
        drops=[(f"{run.rate_hz:g}", drop_rows(run)) for run in bench.runs],
        warm_up_s=WARM_UP_S,
        kept_up=KEPT_UP,
    )
    whole(out / "report.html", page)


def as_dict(bench: Bench) -> dict[str, Any]:
    """Plain values; the names of ros2_benchmark where it has one."""
    return {
        "metadata": dict(bench.about),
        "headline": bench.headline,
        "highest_sustained_hz": bench.highest_hz,
        "runs": [_run(run) for run in bench.runs],
        "without_middleware": None if bench.inside is None else asdict(bench.inside),
        "functions": [asdict(function) for function in bench.functions],
    }


def _run(run: Run) -> dict[str, Any]:
    end = run.latencies.get(STAGES[-1])
    basic = "BasicPerformanceMetrics"
    return {
        f"{basic}.MEAN_PLAYBACK_FRAME_RATE": run.rate_hz,
        f"{basic}.MEAN_FRAME_RATE": run.output_hz,
        f"{basic}.NUM_FRAMES_SENT": run.sent,
        f"{basic}.NUM_MISSED_FRAMES": run.sent - run.answered,
        f"{basic}.RECEIVED_DURATION": run.seconds * 1e3,
        f"{basic}.STD_DEV_JITTER": run.jitter_ms,
        "CPUProfilingMetrics.MEAN_CPU_UTIL": 100 * run.cores,
        "end_to_end_ms": None if end is None else asdict(end),
        "kept_up": run.kept_up,
        "growth_ms": run.growth_ms,
        "stages_ms": {name: asdict(latency) for name, latency in run.latencies.items()},
        "inside_ms": dict(run.inside),
        "nodes": {name: asdict(use) for name, use in run.usage.items()},
        "memory_mb": run.memory_mb,
        "drops": dict(run.drops),
        "startup_s": run.startup_s,
        "player_late_ms": run.player_late_ms,
    }


def row(run: Run) -> tuple[str, ...]:
    end = run.latencies.get(STAGES[-1])
    times = ("-",) * 3 if end is None else tuple(f"{v:.0f}" for v in (end.p50, end.p95, end.p99))
    return (
        f"{run.rate_hz:g}",
        f"{run.output_hz:.1f}",
        f"{run.answered}/{run.sent}",
        *times,
        f"{run.jitter_ms:.0f}",
        f"{run.growth_ms:+.0f}",
        f"{run.cores:.2f}",
        f"{run.memory_mb:.0f}",
        "yes" if run.kept_up else "no",
    )


def stage_rows(bench: Bench) -> list[tuple[str, ...]]:
    """Name, p50, p95 and p99 of each stage without middleware."""
    if bench.inside is None:
        return []
    named = {
        **bench.inside.stages,
        **{f"camera: {name}": value for name, value in bench.inside.camera.items()},
    }
    return [(name, *(f"{v:.1f}" for v in (x.p50, x.p95, x.p99))) for name, x in named.items()]


def drop_rows(run: Run) -> list[tuple[str, int]]:
    return [(reason, count) for reason, count in sorted(run.drops.items()) if count]


def table(bench: Bench) -> Table:
    """For the terminal."""
    from rich.table import Table
    from rich.text import Text

    result = Table(
        title=bench.headline,
        title_justify="left",
        title_style="bold",
        caption="from the stamp of an image to its markers, milliseconds",
        caption_justify="left",
    )
    for name in HEADING:
        result.add_column(name, justify="right")
    for run in bench.runs:
        *cells, last = row(run)
        result.add_row(*cells, Text(last, style="green" if run.kept_up else "red"))
    return result


def markdown(bench: Bench) -> str:
    lines = ["# Benchmark", "", bench.headline + ".", ""]
    if bench.runs:
        lines += _table(HEADING, [row(run) for run in bench.runs])
        stages = [
            (
                f"{run.rate_hz:g}",
                *(f"{run.latencies[s].p50:.0f}" for s in STAGES if s in run.latencies),
            )
            for run in bench.runs
            if len(run.latencies) == len(STAGES)
        ]
        lines += ["", *_table(("Hz", *(f"{s}, p50 ms" for s in STAGES)), stages)]
    if bench.inside is not None:
        heading = ("Without middleware, ms a frame", "p50", "p95", "p99")
        lines += ["", *_table(heading, stage_rows(bench))]
    if bench.functions:
        found = [
            (f"`{f.name}`", f"{f.own_ms:.2f}", f"{f.all_ms:.2f}", f"{f.calls:.1f}")
            for f in bench.functions
        ]
        lines += [
            "",
            *_table(("Function", "own, ms a frame", "with calls", "calls a frame"), found),
        ]
    lines += ["", *(f"- {name}: {value}" for name, value in bench.about.items())]
    return "\n".join(lines) + "\n"


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [heading, ("---",) * len(heading), *rows]
    return [f"| {' | '.join(str(c).replace('|', '/') for c in line)} |" for line in cells]
