"""Pages of results: the templates of this package, and files that appear whole or not at all."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template


def template(name: str) -> Template:
    """A template of this package, by its path in it. What it shows is escaped; what it is not
    given is an error."""
    environment = Environment(
        loader=PackageLoader("s2m_ros.audit", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template(name)


def whole(path: Path, text: str) -> None:
    """Write a file so that a reader, or a power cut, never meets half of it."""
    half = path.with_name(f".{path.name}.part")
    half.write_text(text)
    half.replace(path)
