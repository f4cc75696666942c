"""Tables of figures, once for the terminal, for Markdown and for the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: its first column names, the others count. note: what a reader must know."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def percent(value: float | None, digits: int = 1) -> str:
    return "-" if value is None else f"{100 * value:.{digits}f}"


def number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def pair(first: float | None, second: float | None) -> str:
    """Two shares in per cent, as '81.4 / 11.4'."""
    return f"{percent(first)} / {percent(second)}"


def markdown(grid: Grid) -> str:
    """A heading, the table, the note."""
    lines = [
        f"## {grid.title}",
        "",
        _row(grid.head),
        "|---|" + "---:|" * (len(grid.head) - 1),
        *map(_row, grid.rows),
    ]
    return "\n".join([*lines, *(["", grid.note] if grid.note else []), ""])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def terminal(grid: Grid) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=grid.title,
        title_justify="left",
        caption=Text(grid.note) if grid.note else None,
        caption_justify="left",
    )
    names = min(28, max((len(row[0]) for row in grid.rows), default=0))
    for i, heading in enumerate(grid.head):
        if i:
            table.add_column(Text(heading), justify="right")
        else:
            table.add_column(Text(heading), min_width=names)
    for row in grid.rows:
        table.add_row(*map(Text, row))
    return table
