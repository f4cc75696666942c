"""``s2m eval-sim``: scenarios of the simulator through the true stages, against the truth."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Model, Scorer, Settings, overrides

if TYPE_CHECKING:
    from rich.console import Console

    from s2m_ros.audit.closed_loop.suite import Advance

SENSES = ("scorer", "lidar")


def eval_sim(
    scenarios: Annotated[
        list[str] | None, typer.Argument(help="Names or YAML files; all of `s2m sim` if none.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path(
        "out/eval-sim"
    ),
    frames: Annotated[
        int | None, typer.Option(min=1, help="Use at most so many frames of each.")
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(help="Switch off 'scorer' (LiDAR evidence alone) or 'lidar'."),
    ] = None,
    artifacts: Annotated[
        int, typer.Option(min=0, help="Inject so many false masks of one frame each.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Of the injected masks.")] = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; as many as cores if none.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of rendered drives; 'cache' beside --out if none.")
    ] = None,
    scorer: Scorer = None,
    model: Model = None,
    config: ConfigFile = None,
    set_: Settings = None,
) -> None:
    """Run scenarios through the true stages and measure what comes out.

    Each drive is rendered once and kept, and so is what perception says of it: another run with
    other settings of fusion or tracking takes seconds. Leaves metrics.json, report.md and
    report.html.
    """
    from rich.console import Console
    from rich.text import Text

    from s2m_ros.audit.closed_loop.document import document
    from s2m_ros.audit.closed_loop.report import losses_line, table, write
    from s2m_ros.audit.closed_loop.suite import Options, run_suite
    from s2m_ros.cli._signals import ended_by_sigterm
    from s2m_ros.config import load
    from s2m_ros.sim import scenario as sim

    console = Console()
    unknown = sorted(set(without or ()) - set(SENSES))
    if unknown:
        raise typer.BadParameter(f"--without {unknown[0]}: expected {' or '.join(SENSES)}")
    chosen = [sim.load(name) for name in scenarios or sim.names()]
    twice = {s.name for s in chosen if sum(s.name == other.name for other in chosen) > 1}
    if twice:
        raise typer.BadParameter(f"{', '.join(sorted(twice))}: more than one scenario of that name")
    jobs = jobs or os.cpu_count() or 1
    given = overrides(scorer, model, None, set_)
    if jobs > 1 and len(chosen) > 1:  # the processes have the cores already
        given = {"perception.model.threads": 1, **given}
    options = Options(
        config=load(config, given),
        cache=cache or out.parent / "cache",
        frames=frames,
        without=frozenset(without or ()),
        artifacts=artifacts,
        seed=seed,
        jobs=jobs,
    )
    with ended_by_sigterm(), _progress(console, len(chosen)) as advance:
        outcome = run_suite(chosen, options, advance)
    tree = document(outcome, options)
    write(tree, outcome.rows, out)
    console.print(table(tree))
    console.print(losses_line(tree), highlight=False)
    for name, why in outcome.failed.items():
        console.print(Text("failed: ", style="red") + Text(f"{name}: {why}"), soft_wrap=True)
    console.print(
        Text("report     ", style="bold") + Text(str(out / "report.html")), soft_wrap=True
    )
    if outcome.interrupted:
        raise typer.Exit(130)
    if outcome.failed:
        raise typer.Exit(1)


@contextmanager
def _progress(console: Console, drives: int) -> Iterator[Advance]:
    """A bar over all drives; where the output is no terminal, a line for each finished step."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    shares: dict[tuple[str, str], float] = {}
    begun = time.monotonic()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("drives", total=2.0 * drives)

        def advance(name: str, what: str, share: float) -> None:
            done_before = shares.get((name, what), 0.0) >= 1
            shares[name, what] = share
            bar.update(task, description=f"{name}: {what}", completed=sum(shares.values()))
            if share >= 1 and not done_before and not console.is_terminal:
                seconds = time.monotonic() - begun
                console.print(f"+ {name}: {what}, at {seconds:.0f} s", highlight=False)

        yield advance
