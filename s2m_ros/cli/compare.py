"""``s2m compare``: two audit stores, or one and another run of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s2m_ros.cli._options import Model, Scorer, Segmenter, Settings, overrides


def compare(
    a: Annotated[Path, typer.Argument(help="Folder of an audit store.")],
    b: Annotated[
        Path | None, typer.Argument(help="Another; without it A is run again into OUT/rerun.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path(
        "out/compare"
    ),
    scorer: Scorer = None,
    model: Model = None,
    segmenter: Segmenter = None,
    set_: Settings = None,
) -> None:
    """Say what B does otherwise than A: hazards gained, lost, moved, with pictures.

    Without B, the drive of A is run again with its own settings and those given here over them;
    with none given it must come out identical. Ends with 0 when identical, else with 1.
    """
    from rich.console import Console
    from rich.text import Text

    from s2m_ros.audit.compare.diff import compare as tell_apart
    from s2m_ros.audit.compare.report import verdict, write
    from s2m_ros.audit.compare.rerun import rerun
    from s2m_ros.cli._narrator import Narrator
    from s2m_ros.store import Store
    from s2m_ros.store.layout import changed_by

    changed = overrides(scorer, model, segmenter, set_)
    if b is not None and changed:
        raise typer.BadParameter("settings are for a run of A: leave B out")
    console = Console()
    note = ""
    with Store(a) as first:
        if b is None:
            b = out / "rerun"
            with Narrator(console) as narrator:
                made_from = rerun(first, changed_by(first.config, changed), changed, b, narrator)
            note = f"B was run from {made_from}"
        with Store(b) as second:
            result = tell_apart(first, second)
            page = write(first, second, result, out, note)
    console.print(Text(verdict(result), style="bold"), soft_wrap=True)
    for item in result.differences[:20]:
        console.print(Text(f"  {item.kind}: {item.text}"), soft_wrap=True)
    console.print(Text("page  ", style="bold") + Text(str(page)), soft_wrap=True)
    if not result.identical:
        raise typer.Exit(1)
