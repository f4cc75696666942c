"""A chain in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from s2m_ros.audit.explain.chain import Chain
from s2m_ros.audit.explain.links import Link, conclusion
from s2m_ros.audit.style import LEVELS, hexed
from s2m_ros.store.reader import TrackSpan
from s2m_ros.types import Level

if TYPE_CHECKING:
    from rich.console import Group, RenderableType
    from rich.table import Table


def title_of(chain: Chain) -> str:
    what = f"track {chain.track.id}" if chain.track is not None else "no track"
    if chain.place is not None:
        what = f"pixel {chain.place[0]:g}, {chain.place[1]:g}"
    camera = f", camera {chain.frame.camera}" if chain.frame is not None else ""
    seen = chain.seen_ns if chain.seen_ns is not None else chain.stamp_ns
    earlier = (
        f", as last seen at {(seen - chain.start_ns) * 1e-9:.1f} s"
        if seen < chain.stamp_ns and chain.frame is not None
        else ""
    )
    return f"{what} at {chain.seconds:.1f} s{camera}{earlier}"


def tracks_table(tracks: Sequence[TrackSpan], start_ns: int) -> Table:
    """All tracks of a store, worst first."""
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for name in ("track", "level", "seen, s", "nearest, m", "what was said"):
        table.add_column(name, justify="left" if name in ("level", "what was said") else "right")
    for item in tracks:
        begin, end = ((ns - start_ns) * 1e-9 for ns in (item.first_ns, item.last_ns))
        level = Level(item.level)
        table.add_row(
            str(item.track), Text(level.name, style=hexed(LEVELS[level])),
            f"{begin:.1f} to {end:.1f}", f"{item.distance_m:.1f}", Text(item.text),
        )  # fmt: skip
    return table


def render(chain: Chain, found: tuple[Link, ...]) -> Group:
    """For ``rich``: what each stage said, and what would have changed it."""
    from rich.console import Group
    from rich.text import Text
    from rich.tree import Tree

    colour = hexed(LEVELS[chain.hazard.level]) if chain.hazard is not None else "default"
    tree = Tree(Text(title_of(chain), style=f"bold {colour}"), guide_style="dim")
    for link in found:
        mark = ("✓ ", "green") if link.holds else ("✗ ", "red")
        branch = tree.add(Text.assemble(mark, (f"{link.name}  ", "bold"), link.verdict))
        for fact in link.facts:
            branch.add(Text(fact, style="dim"))
        for change in link.changes:
            branch.add(
                Text.assemble(
                    ("otherwise with ", "cyan"), change.what, (" → ", "cyan"), change.outcome
                )
            )
    parts: list[RenderableType] = [tree]
    if any(not link.holds for link in found):
        parts.append(Text(conclusion(found), style="bold"))
    return Group(*parts)
