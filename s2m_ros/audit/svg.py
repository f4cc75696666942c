"""The drawings of the report, as SVG text. Every text that comes from data is escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray

from s2m_ros.audit.drive import Drive
from s2m_ros.audit.scene import box_corners
from s2m_ros.audit.style import LEVELS, STATES, hexed
from s2m_ros.audit.truth import box_outline
from s2m_ros.types import Float64, Hazard, Level, Role, State, TrackState
from s2m_ros.wire.truth import TruthObject

ToPixels = Callable[[NDArray[np.floating]], NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a time line, s."""

    begin: float
    end: float
    colour: str
    title: str


@dataclass(frozen=True, slots=True)
class Path:
    """A confirmed track over the whole drive: its positions and the worst that it became."""

    track_id: int
    level: Level
    text: str
    positions: tuple[Float64, ...]
    worst: Hazard


def paths_of(drive: Drive) -> list[Path]:
    """Confirmed tracks, the worst and nearest first."""
    seen: dict[int, list[Hazard]] = {}
    for array in drive.hazards:
        for hazard in array.value.items:
            if hazard.track.state != TrackState.TENTATIVE:
                seen.setdefault(hazard.track.id, []).append(hazard)
    result = []
    for track_id, hazards in seen.items():
        worst = max(hazards, key=lambda h: (h.level, -h.distance_m))
        positions = tuple(h.track.position for h in hazards)
        result.append(Path(track_id, worst.level, worst.text, positions, worst))
    return sorted(result, key=lambda p: (-p.level, p.worst.distance_m))


def plan(drive: Drive, width: int = 1040, tallest: int = 480) -> str:
    """The drive from above in its frame: the way of the vehicle, tracks, real objects."""
    ways = [a.value.ego for a in drive.hazards if a.value.ego is not None]
    paths = paths_of(drive)
    way = np.array([e.odom_from_base[:2, 3] for e in ways]).reshape(-1, 2)
    marks = np.concatenate(
        [way, np.zeros((0 if len(way) else 1, 2)), *(np.asarray(p.positions)[:, :2] for p in paths)]
    )
    low, high, scale = _region(marks, width, tallest)
    height = (high[1] - low[1]) * scale

    def at(points: NDArray[np.floating]) -> NDArray[np.float64]:
        points = np.atleast_2d(points)
        return np.column_stack([(points[:, 0] - low[0]) * scale, (high[1] - points[:, 1]) * scale])

    parts = [_grid(low, high, scale, width, height)]
    for item in drive.truth[max(drive.truth)].items if drive.truth else ():
        parts.append(_real(item, at, width, height))
    if len(way) > 1:
        parts.append(f'<polyline class="way" points="{_points(at(way))}"/>')
    if ways:
        parts.append(_vehicle(ways[-1].odom_from_base, at))
    for path in reversed(paths):
        parts.append(_track(path, at))
    return sheet(width, height, "".join(parts), "plan")


def _region(marks: Float64, width: int, tallest: int) -> tuple[Float64, Float64, float]:
    """Corners of the shown piece of ground, m, and pixels per metre: all marks and some room."""
    low, high = marks.min(axis=0) - 7, marks.max(axis=0) + 7
    middle, extent = (low + high) / 2, high - low
    scale = min(width / extent[0], tallest / extent[1])
    half = np.array([width / scale, max(extent[1], 280 / scale)]) / 2
    return middle - half, middle + half, float(scale)


def _real(item: TruthObject, at: ToPixels, width: float, height: float) -> str:
    outline = at(box_outline(item))
    kind = "truth unknown" if item.role == Role.UNKNOWN else "truth known"
    shape = f'<polygon class="{kind}" points="{_points(outline)}"/>'
    x, y = float(outline[:, 0].mean()), float(outline[:, 1].min()) - 5
    if not (20 < x < width - 20 and 12 < y < height):
        return shape
    return f'{shape}<text class="name" x="{x:.1f}" y="{y:.1f}">{escape(item.name)}</text>'


def histogram(
    values: Mapping[str, NDArray[np.float64]], width: int = 500, height: int = 104
) -> str:
    """A small histogram for each name, one above the other on one scale of milliseconds."""
    used = {name: v for name, v in values.items() if len(v)}
    if not used:
        return ""
    end = nice(max(float(np.percentile(v, 99.5)) for v in used.values()) * 1.02)
    rows = [
        f'<g transform="translate(0 {row * height})">{_bars(name, v, end, width, height)}</g>'
        for row, (name, v) in enumerate(used.items())
    ]
    return sheet(width, height * len(used), "".join(rows), "histogram")


def _bars(name: str, values: NDArray[np.float64], end: float, width: int, height: int) -> str:
    counts, _ = np.histogram(np.clip(values, 0, end), np.linspace(0, end, 51))
    left, right, top, base = 4, width - 24, 26, height - 24
    tall = (base - top) / max(1, counts.max())
    step = (right - left) / len(counts)
    bars = "".join(
        f'<rect x="{left + i * step:.1f}" y="{base - n * tall:.1f}" width="{step - 1:.1f}" '
        f'height="{n * tall:.1f}"/>'
        for i, n in enumerate(counts)
        if n
    )
    p50, p95 = np.percentile(values, [50, 95])
    marks = "".join(
        f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 4}" y2="{base}"/>'
        for x in (left + min(1.0, float(v) / end) * (right - left) for v in (p50, p95))
    )
    ticks = "".join(
        f'<text class="tick" text-anchor="middle" x="{left + k / 4 * (right - left):.1f}" '
        f'y="{base + 14}">{end * k / 4:.0f}{" ms" if k == 4 else ""}</text>'
        for k in range(1, 5)
    )
    return (
        f'<text class="title" x="{left}" y="14">{escape(name)}</text>'
        f'<text class="tick" text-anchor="end" x="{right}" y="14">'
        f"p50 {p50:.0f} ms, p95 {p95:.0f} ms</text>"
        f'<line class="axis" x1="{left}" x2="{right}" y1="{base}" y2="{base}"/>'
        f'<g class="bars">{bars}</g>{marks}{ticks}'
    )


def timeline(rows: Mapping[str, Sequence[Span]], duration_s: float, width: int = 1040) -> str:
    """Coloured stretches, one row a name, over the seconds of the drive."""
    left, row_height = 150, 26
    duration_s = max(duration_s, 0.1)
    scale = (width - left - 10) / duration_s
    height = len(rows) * row_height + 24
    parts = []
    for i, (name, spans) in enumerate(rows.items()):
        y = i * row_height
        parts.append(
            f'<text class="tick" text-anchor="end" x="{left - 10}" y="{y + 15}">{escape(name)}'
            f'</text><rect class="track" x="{left}" y="{y + 3}" '
            f'width="{duration_s * scale:.1f}" height="17"/>'
        )
        for span in spans:
            wide = max(1.5, (span.end - span.begin) * scale)
            parts.append(
                f'<rect x="{left + span.begin * scale:.1f}" y="{y + 3}" width="{wide:.1f}" '
                f'height="17" fill="{span.colour}"><title>{escape(span.title)}</title></rect>'
            )
    step = nice(duration_s / 8)
    for second in np.arange(0, duration_s + 1e-6, step):
        x = left + second * scale
        parts.append(
            f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{height - 5}">'
            f"{second:g} s</text>"
        )
    return sheet(width, height, "".join(parts), "timeline")


def state_rows(drive: Drive) -> dict[str, list[Span]]:
    """Rows for ``timeline``: highest hazard level, state of the hazards, health of each node."""
    end = drive.duration_ns * 1e-9
    levels = [
        (
            drive.seconds(a.value.stamp_ns),
            max((h.level for h in a.value.items), default=None),
        )
        for a in drive.hazards
    ]
    rows = {
        "highest level": _spans(
            (
                (t, hexed(LEVELS[v]) if v is not None else "", v.name if v is not None else "none")
                for t, v in levels
            ),
            end,
        ),
        "hazards": _spans(
            (
                (drive.seconds(a.value.stamp_ns), *_state(a.value.state, a.value.reason))
                for a in drive.hazards
            ),
            end,
        ),
    }
    for node in sorted({h.value.node for h in drive.health}):
        said = ((drive.seconds(h.logged_ns), h.value) for h in drive.health if h.value.node == node)
        rows[node.strip("/")] = _spans(((t, *_state(v.state, v.reason)) for t, v in said), end)
    return rows


def _state(state: State, reason: str) -> tuple[str, str]:
    return hexed(STATES[state]), f"{state.name}: {reason}" if reason else state.name


def _spans(marks: Iterable[tuple[float, str, str]], end: float) -> list[Span]:
    """Stretches of equal colour and title; an empty colour leaves a gap."""
    spans: list[Span] = []
    open_: tuple[float, str, str] | None = None
    for mark in marks:
        if open_ is not None and mark[1:] != open_[1:]:
            spans.append(Span(open_[0], mark[0], open_[1], open_[2]))
            open_ = mark
        elif open_ is None:
            open_ = mark
    if open_ is not None:
        spans.append(Span(open_[0], max(end, open_[0]), open_[1], open_[2]))
    return [
        Span(max(0.0, s.begin), s.end, s.colour, f"{s.title} ({s.begin:.1f} to {s.end:.1f} s)")
        for s in spans
        if s.colour
    ]


def _track(path: Path, at: ToPixels) -> str:
    colour = hexed(LEVELS[path.level])
    outline = box_corners(path.worst)[[0, 4, 6, 2]][:, :2]
    x, y = at(path.worst.track.position[:2])[0]
    trail = _points(at(np.asarray(path.positions)[:, :2]))
    title = escape(f"#{path.track_id} {path.level.name}: {path.text}")
    return (
        f'<g><title>{title}</title><polyline class="trail" stroke="{colour}" points="{trail}"/>'
        f'<polygon points="{_points(at(outline))}" fill="{colour}" fill-opacity=".45" '
        f'stroke="{colour}"/><circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
        f'<text class="id" x="{x + 8:.1f}" y="{y + 4:.1f}" fill="{colour}">'
        f"#{path.track_id}</text></g>"
    )


def _vehicle(matrix: Float64, at: ToPixels) -> str:
    shape = np.array([[3.0, 1.0], [3.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]])
    nose = np.array([[2.7, 0.0], [1.8, 0.55], [1.8, -0.55]])
    place = [s @ matrix[:2, :2].T + matrix[:2, 3] for s in (shape, nose)]
    return (
        f'<polygon class="vehicle" points="{_points(at(place[0]))}"/>'
        f'<polygon class="nose" points="{_points(at(place[1]))}"/>'
    )


def _grid(low: Float64, high: Float64, scale: float, width: float, height: float) -> str:
    parts = []
    for value in np.arange(np.ceil(low[0] / 10) * 10, high[0], 10):
        x = (value - low[0]) * scale
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height:.0f}"/>')
        parts.append(
            f'<text class="tick" x="{x + 3:.1f}" y="{height - 5:.0f}">{value + 0.0:.0f} m</text>'
        )
    for value in np.arange(np.ceil(low[1] / 10) * 10, high[1], 10):
        y = (high[1] - value) * scale
        parts.append(f'<line class="grid" x1="0" x2="{width:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>')
    return "".join(parts)


def _points(pixels: NDArray[np.floating]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pixels)


def nice(value: float) -> float:
    """A round number, at least ``value``."""
    power = 10 ** np.floor(np.log10(max(value, 1e-9)))
    return float(next(k * power for k in (1, 2, 4, 5, 8, 10) if k * power >= value))


def sheet(width: float, height: float, content: str, kind: str) -> str:
    """A drawing of that size; kind: its class in the page's style."""
    return (
        f'<svg class="{kind}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'xmlns="http://www.w3.org/2000/svg" role="img">{content}</svg>'
    )
