"""``s2m find``: what in an atlas looks like this."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Settings, overrides


def find(
    atlas: Annotated[Path, typer.Argument(help="Folder that `s2m mine` made.")],
    like: Annotated[
        str | None, typer.Option(help="An object of the atlas, SOURCE#TRACK, or a picture file.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Words; needs a pair of models.")] = None,
    box: Annotated[
        str | None, typer.Option(help="Where in the picture: left,top,right,bottom in pixels.")
    ] = None,
    model: Annotated[str, typer.Option(help="The model that the atlas was made with.")] = "",
    most: Annotated[int, typer.Option("--most", "-n", min=1, help="So many.")] = 12,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Page to write; ATLAS/found.html if none.")
    ] = None,
    config: ConfigFile = None,
    set_: Settings = None,
) -> None:
    """Find what in an atlas looks like an object, a picture, or words."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from s2m_ros.audit.mining import query
    from s2m_ros.audit.mining.atlas import write_hits
    from s2m_ros.audit.mining.duplicates import joined
    from s2m_ros.audit.mining.jobs import load_all
    from s2m_ros.config import load
    from s2m_ros.types import Level

    if (like is None) == (text is None):
        raise typer.BadParameter("give one of --like and --text")
    met = load_all(atlas)
    specimens = joined(one for part in met for one in part.specimens)
    settings = load(config, overrides(None, None, None, set_)).perception.model
    if text is not None:
        vector = query.by_text(text, model, settings)
    elif Path(str(like)).is_file():
        embedder = query.embedder_for(model, settings, met[0].embedder)
        vector = query.by_picture(Path(str(like)), _box(box), embedder)
    else:
        vector = query.by_specimen(str(like), specimens).embedding
    hits = query.ranked(vector, specimens, most)
    table = Table(box=None)
    for name in ("similarity", "object", "level", "size"):
        table.add_column(name, justify="right" if name == "similarity" else "left")
    for hit in hits:
        one = hit.specimen
        size = " x ".join(f"{v:.1f}" for v in one.size) + " m"
        key = f"{Path(one.source).name}#{one.tracks[0]}"
        table.add_row(f"{hit.similarity:.2f}", Text(key), Level(one.level).name.lower(), size)
    console = Console()
    console.print(table)
    asked = f'"{text}"' if text is not None else f"like {like}"
    facts = {"Atlas": str(atlas), "Embeddings": met[0].embedder, "Objects": str(len(specimens))}
    path = write_hits(asked, hits, facts, out or atlas / "found.html")
    console.print(Text("page       ", style="bold") + Text(str(path)), soft_wrap=True)


def _box(text: str | None) -> tuple[float, float, float, float] | None:
    if text is None:
        return None
    try:
        left, top, right, bottom = (float(v) for v in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            f"--box {text}: expected left,top,right,bottom in pixels"
        ) from None
    return left, top, right, bottom
