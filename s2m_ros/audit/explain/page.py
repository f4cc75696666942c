"""A chain as a page and pictures in a folder."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup

from s2m_ros.audit import svg
from s2m_ros.audit.explain.chain import Chain
from s2m_ros.audit.explain.links import Link, conclusion
from s2m_ros.audit.explain.panels import panels
from s2m_ros.audit.explain.text import title_of
from s2m_ros.audit.page import template
from s2m_ros.audit.scene import top_view
from s2m_ros.audit.style import LEVELS, hexed, readable_on
from s2m_ros.types import Level, UInt8

TOP_VIEW = 960, 520


def write_page(chain: Chain, found: tuple[Link, ...], out: Path, store: str) -> Path:
    """Write explain.html and a PNG for each stage into ``out``; the page holds its pictures."""
    out.mkdir(parents=True, exist_ok=True)
    pictures = []
    for panel in panels(chain):
        data = _png(panel.picture)
        (out / f"{panel.name}.png").write_bytes(data)
        pictures.append({"title": panel.title, "name": panel.name, "data": _base64(data)})
    above = ""
    if chain.instant.hazards.items:
        data = _png(top_view(TOP_VIEW, chain.instant.hazards, sideways=True))
        (out / "top.png").write_bytes(data)
        above = _base64(data)
    colour = LEVELS[chain.hazard.level] if chain.hazard is not None else (110, 130, 160)
    page = template("explain/explain.html.j2").render(
        title=title_of(chain),
        store=store,
        verdict=chain.hazard.text if chain.hazard is not None else conclusion(found),
        level=chain.hazard.level.name if chain.hazard is not None else "NO HAZARD",
        colour=hexed(colour),
        ink=hexed(readable_on(colour)),
        links=found,
        pictures=pictures,
        above=above,
        history=Markup(_history(chain)),
        levels=[{"name": v.name, "colour": hexed(LEVELS[v])} for v in reversed(Level)],
    )
    path = out / "explain.html"
    path.write_text(page)
    return path


def _history(chain: Chain, width: int = 1040, height: int = 190) -> str:
    """Distance over the life of the track, in the colour of its level."""
    if len(chain.history) < 2:
        return ""
    times = np.array([t for t, _, _ in chain.history])
    away = np.array([d for _, _, d in chain.history])
    left, right, top, base = 40, width - 12, 10, height - 26
    begin, end = float(times[0]), float(times[-1])
    highest = svg.nice(float(away.max()) * 1.02)
    x = left + (times - begin) / max(end - begin, 1e-9) * (right - left)
    y = base - away / highest * (base - top)
    parts = [f'<line class="axis" x1="{left}" x2="{right}" y1="{base}" y2="{base}"/>']
    for k in range(3):
        value, at = highest * k / 2, base - k / 2 * (base - top)
        parts.append(
            f'<line class="axis" opacity=".4" x1="{left}" x2="{right}" y1="{at:.1f}" '
            f'y2="{at:.1f}"/><text class="tick" text-anchor="end" x="{left - 6}" '
            f'y="{at + 4:.1f}">{value:g} m</text>'
        )
    for i, (_, level, _) in enumerate(chain.history[:-1]):
        parts.append(
            f'<line x1="{x[i]:.1f}" y1="{y[i]:.1f}" x2="{x[i + 1]:.1f}" y2="{y[i + 1]:.1f}" '
            f'stroke="{hexed(LEVELS[Level(level)])}" stroke-width="3" stroke-linecap="round"/>'
        )
    now = left + (chain.seconds - begin) / max(end - begin, 1e-9) * (right - left)
    parts.append(f'<line class="mark" x1="{now:.1f}" x2="{now:.1f}" y1="{top}" y2="{base}"/>')
    step = svg.nice((end - begin) / 8)
    for second in np.arange(np.ceil(begin / step) * step, end, step):
        at = left + (second - begin) / max(end - begin, 1e-9) * (right - left)
        parts.append(
            f'<text class="tick" text-anchor="middle" x="{at:.1f}" y="{height - 8}">{second:g} s'
            "</text>"
        )
    return svg.sheet(width, height, "".join(parts), "history")


def _png(picture: UInt8) -> bytes:
    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return bytes(data)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
