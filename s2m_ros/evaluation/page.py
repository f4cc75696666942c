"""A self-contained HTML page of tables and pictures. The template escapes every text."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .tables import Grid


@dataclass(frozen=True, slots=True)
class Panel:
    """jpeg: the bytes of a picture."""

    title: str
    jpeg: bytes

    @property
    def source(self) -> str:
        return "data:image/jpeg;base64," + base64.b64encode(self.jpeg).decode()


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame: panels side by side."""

    name: str
    facts: str
    panels: Sequence[Panel]


def write_page(
    path: Path,
    title: str,
    subtitle: str,
    grids: Sequence[Grid],
    gallery: Mapping[str, Sequence[Picture]] | None = None,
    pages: Mapping[str, str] | None = None,
    problems: Sequence[str] = (),
) -> None:
    """Write the page. gallery: pictures by heading; pages: others beside it, by title."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("s2m_ros.evaluation", "."), autoescape=True, undefined=StrictUndefined
    )
    text = environment.get_template("page.html.j2").render(
        title=title,
        subtitle=subtitle,
        grids=grids,
        gallery=gallery or {},
        pages=pages or {},
        problems=problems,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
