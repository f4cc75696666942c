"""``s2m mine``: an atlas of all unknown objects that drives have met."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Settings, overrides, progress

if TYPE_CHECKING:
    from rich.console import Console

    from s2m_ros.audit.mining.jobs import Advance


def mine(
    sources: Annotated[list[Path], typer.Argument(help="Audit stores and bags.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the atlas.")] = Path(
        "out/atlas"
    ),
    model: Annotated[
        str, typer.Option(help="Folder of an image encoder (CLIP, DINO); else our own features.")
    ] = "",
    least: Annotated[int, typer.Option(min=2, help="Members of the smallest cluster.")] = 2,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Sources at once; as many as cores.")
    ] = None,
    ray: Annotated[
        str | None, typer.Option(help="Work on Ray: 'local', or the address of a cluster.")
    ] = None,
    stores: Annotated[
        Path | None, typer.Option(help="Keep the audit stores that bags are worked off into.")
    ] = None,
    retry: Annotated[bool, typer.Option("--retry", help="Try what failed before again.")] = False,
    truth: Annotated[
        bool, typer.Option("--truth", help="Measure against the truth of simulated drives.")
    ] = False,
    config: ConfigFile = None,
    set_: Settings = None,
) -> None:
    """Make an atlas of all unknown objects that drives have met.

    Each object once, alike ones together, the novel ones first: atlas.html, coco.json,
    embeddings.parquet. Stores are read as they are, bags are worked off first. What is done is not
    done again; a source that cannot be mined is reported and passed over. `s2m find` searches it.
    """
    import os

    from rich.console import Console
    from rich.text import Text

    from s2m_ros.audit.mining.jobs import Backend, Processes, Ray, run
    from s2m_ros.audit.mining.making import make
    from s2m_ros.audit.mining.meeting import Options
    from s2m_ros.cli._signals import ended_by_sigterm
    from s2m_ros.config import load

    console = Console()
    jobs = jobs or (None if ray else os.cpu_count() or 1)
    given = overrides(None, None, None, set_)
    if jobs != 1 and len(sources) > 1:  # the processes have the cores already
        given = {"perception.model.threads": 1, **given}
    options = Options(load(config, given), model, truth, stores.resolve() if stores else None)
    backend: Backend = Ray(ray, jobs) if ray else Processes(min(jobs or 1, len(sources)))
    with ended_by_sigterm(), _progress(console, len(sources)) as advance:
        outcome = run(sources, options, out, backend, retry=retry, advance=advance)
    for source, why in outcome.failed.items():
        console.print(
            Text("passed over ", style="yellow") + Text(f"{source}: {why}"), soft_wrap=True
        )
    if outcome.interrupted:
        console.print(f"stopped: {len(outcome.parts)} sources are done, the same command goes on")
        raise typer.Exit(130)
    if not outcome.parts:
        raise typer.Exit(1)
    made = make(outcome.met(), out, least=least, truth=truth)
    for line in made.lines:
        console.print(Text(line), soft_wrap=True)
    for name, path in made.files.items():
        console.print(Text(f"{name:11}", style="bold") + Text(str(path)), soft_wrap=True)
    if outcome.failed:
        raise typer.Exit(1)


@contextmanager
def _progress(console: Console, sources: int) -> Iterator[Advance]:
    """A bar over all sources; where the output is no terminal, a line for each."""
    from rich.markup import escape

    from s2m_ros.audit.mining.jobs import DONE, KNOWN

    with progress("mining", sources, console) as move_on:

        def advance(source: str, what: str) -> None:
            move_on()
            if not console.is_terminal:
                mark = "+" if what in (DONE, KNOWN) else "x"
                text = escape(f"{mark} {Path(source).name}: {what}")
                console.print(text, highlight=False, soft_wrap=True)

        yield advance
