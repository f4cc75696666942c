"""``s2m explain``: the chain of one object from its score to its level, out of an audit store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PLAIN_WIDTH = 140
"""Where the output is no terminal."""


def explain(
    store: Annotated[Path, typer.Argument(help="Folder of an audit store.")],
    at: Annotated[
        str | None, typer.Option(help="Seconds since the start of the store, or a stamp.")
    ] = None,
    track: Annotated[int | None, typer.Option(help="Number of a track.")] = None,
    pixel: Annotated[
        str | None, typer.Option(help="X,Y of an image: what became of this place; with --at.")
    ] = None,
    camera: Annotated[str | None, typer.Option(help="Camera of --pixel.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for a page and pictures.")
    ] = None,
) -> None:
    """Say why one object was judged as it was, and what would have changed that.

    With --track alone: when it was nearest at its highest level. With --at alone: the worst hazard
    of that instant. With --pixel: why something, or nothing, was found at a place of an image.
    Without any: the tracks of the store.
    """
    from rich.console import Console
    from rich.text import Text

    from s2m_ros.audit.explain import chain as chains
    from s2m_ros.audit.explain.links import links
    from s2m_ros.audit.explain.text import render, tracks_table
    from s2m_ros.store import Store

    if pixel is not None and at is None:
        raise typer.BadParameter("--pixel needs --at")
    console = Console()
    if not console.is_terminal:
        console = Console(width=PLAIN_WIDTH)
    with Store(store) as opened:
        at_ns = None if at is None else chains.parse_time(at, opened.span_ns[0])
        if pixel is not None and at_ns is not None:
            x, y = _pixel(pixel)
            chain = chains.of_pixel(opened, at_ns, camera or next(iter(opened.cameras), ""), x, y)
        elif track is not None:
            chain = chains.of_track(opened, track, at_ns)
        elif at_ns is not None:
            chain = chains.of_time(opened, at_ns)
        else:
            console.print(tracks_table(opened.tracks(), opened.span_ns[0]))
            console.print("give --track, or --at and --pixel, for the chain of one object")
            return
        found = links(chain, chains.Rules.of(opened))
    console.print(render(chain, found))
    if out is not None:
        from s2m_ros.audit.explain.page import write_page

        page = write_page(chain, found, out, str(store))
        console.print(Text("page  ", style="bold") + Text(str(page)), soft_wrap=True)


def _pixel(text: str) -> tuple[float, float]:
    try:
        x, y = (float(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"--pixel {text}: expected X,Y as 480,270") from None
    return x, y
