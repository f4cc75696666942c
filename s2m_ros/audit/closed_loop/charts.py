"""The drawings of a closed-loop report, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

from s2m_ros.audit.closed_loop.losses import STAGES
from s2m_ros.audit.style import Colour, hexed, readable_on
from s2m_ros.audit.svg import nice, sheet

STAGE_COLOURS: dict[str, Colour] = {
    "score": (200, 50, 58),
    "prompt": (226, 122, 51),
    "mask": (232, 184, 60),
    "lift": (74, 144, 190),
    "track": (110, 96, 178),
    "policy": (90, 104, 120),
}
_BAD, _HALF, _GOOD = (214, 92, 84), (240, 214, 128), (96, 176, 122)
_MEDIAN, _P95 = "#2b6cb0", "#9cc0e4"


def heat(rows: Mapping[str, Mapping[str, tuple[int, int]]], columns: Sequence[str]) -> str:
    """Share of each row and column as a coloured cell; rows: {name: {column: (found, all)}}."""
    left, wide, tall = 130, 96, 27
    parts = [
        f'<text class="tick" text-anchor="middle" x="{left + (j + 0.5) * wide:.0f}" y="14">'
        f"{escape(name)}</text>"
        for j, name in enumerate(columns)
    ]
    for i, (name, cells) in enumerate(rows.items()):
        y = 22 + i * tall
        parts.append(
            f'<text class="tick" text-anchor="end" x="{left - 10}" y="{y + 17}">'
            f"{escape(name)}</text>"
        )
        for j, column in enumerate(columns):
            found, total = cells.get(column, (0, 0))
            x = left + j * wide
            if not total:
                parts.append(
                    f'<rect class="track" x="{x}" y="{y}" width="{wide - 2}" height="{tall - 2}"/>'
                )
                continue
            colour = _shade(found / total)
            parts.append(
                f'<rect x="{x}" y="{y}" width="{wide - 2}" height="{tall - 2}" '
                f'fill="{hexed(colour)}"><title>{escape(name)}, {escape(column)}: {found} of '
                f"{total} frames</title></rect>"
                f'<text text-anchor="middle" font-size="12" fill="{hexed(readable_on(colour))}" '
                f'x="{x + wide / 2 - 1:.0f}" y="{y + 17}">{100 * found / total:.0f} % '
                f'<tspan opacity=".7" font-size="10">{total}</tspan></text>'
            )
    return sheet(left + wide * len(columns), 26 + tall * len(rows), "".join(parts), "heat")


def spreads(
    values: Mapping[str, tuple[float, float, int]], goal: tuple[float, float], unit: str
) -> str:
    """Bars of median and p95 for each name, with a line at the goal of each.

    values: {name: (median, p95, count)}, NaN where there is nothing.
    """
    width, height, left, base, top = 640, 260, 44, 216, 16
    finite = [v for m, p, _ in values.values() for v in (m, p) if math.isfinite(v)]
    end = nice(1.05 * max([*finite, *goal]))
    step = (width - left) / max(1, len(values))
    scale = (base - top) / end
    parts = []
    for k in range(5):
        value = end * k / 4
        y = base - value * scale
        parts.append(
            f'<line class="axis" x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" opacity=".5"/>'
            f'<text class="tick" text-anchor="end" x="{left - 6}" y="{y + 4:.1f}">{value:.2g}'
            f"</text>"
        )
    for i, (name, (median, p95, count)) in enumerate(values.items()):
        x = left + (i + 0.5) * step
        for value, colour, shift, what in ((median, _MEDIAN, -1, "median"), (p95, _P95, 0, "p95")):
            if math.isfinite(value):
                tall = max(1.0, value * scale)
                parts.append(
                    f'<rect x="{x + shift * step * 0.3:.1f}" y="{base - tall:.1f}" '
                    f'width="{step * 0.28:.1f}" height="{tall:.1f}" fill="{colour}">'
                    f"<title>{escape(name)}: {what} {value:.3f} {unit}</title></rect>"
                    f'<text class="tick" text-anchor="middle" '
                    f'x="{x + (shift + 0.47) * step * 0.3:.1f}" y="{base - tall - 4:.1f}">'
                    f"{value:.2f}</text>"
                )
        parts.append(
            f'<text class="tick" text-anchor="middle" x="{x:.1f}" y="{base + 16}">{escape(name)}'
            f'</text><text class="tick" text-anchor="middle" x="{x:.1f}" y="{base + 31}" '
            f'opacity=".7">{count} frames</text>'
        )
    for value, colour in zip(goal, (_MEDIAN, _P95), strict=True):
        y = base - value * scale
        parts.append(
            f'<line x1="{left}" x2="{width}" y1="{y:.1f}" y2="{y:.1f}" stroke="{colour}" '
            f'stroke-width="1.5" stroke-dasharray="6 4"><title>goal {value:g} {unit}</title></line>'
        )
    return sheet(width, height, "".join(parts), "spreads")


def stacks(rows: Mapping[str, Mapping[str, int]], totals: Mapping[str, int]) -> str:
    """Of ``totals`` frames of each name the share lost at each stage, as one bar a name."""
    left, width, tall = 130, 640, 30
    parts = []
    for i, (name, lost) in enumerate(rows.items()):
        y, total = i * tall, totals[name]
        parts.append(
            f'<text class="tick" text-anchor="end" x="{left - 10}" y="{y + 17}">'
            f"{escape(name)}</text>"
            f'<rect class="track" x="{left}" y="{y + 2}" width="{width - left - 60}" height="22"/>'
            f'<text class="tick" x="{width - 54}" y="{y + 17}">{total}</text>'
        )
        x = float(left)
        for stage in STAGES:
            wide = (width - left - 60) * lost.get(stage, 0) / max(1, total)
            if wide:
                parts.append(
                    f'<rect x="{x:.1f}" y="{y + 2}" width="{wide:.1f}" height="22" '
                    f'fill="{hexed(STAGE_COLOURS[stage])}"><title>{escape(name)}: lost by {stage} '
                    f"on {lost[stage]} of {total} frames</title></rect>"
                )
            if wide > 34:
                share = 100 * lost[stage] / total
                ink = hexed(readable_on(STAGE_COLOURS[stage]))
                parts.append(
                    f'<text x="{x + 5:.1f}" y="{y + 17}" font-size="11" fill="{ink}">{share:.0f} %'
                    f"</text>"
                )
            x += wide
    return sheet(width, max(1, len(rows)) * tall, "".join(parts), "stacks")


def _shade(share: float) -> Colour:
    """Red over yellow to green."""
    a, b, t = (_BAD, _HALF, 2 * share) if share < 0.5 else (_HALF, _GOOD, 2 * share - 1)
    red, green, blue = (round(x + (y - x) * t) for x, y in zip(a, b, strict=True))
    return red, green, blue
