"""``s2m eval-suite``: every figure of a model, in one summary."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Model, Scorer, Segmenter, Settings, overrides, progress

if TYPE_CHECKING:
    from rich.console import Console


def eval_suite(
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the data sets; by default S2M_DATA or ../shared/data."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the summary.")] = Path(
        "out/eval"
    ),
    only: Annotated[
        str | None,
        typer.Option(help="Parts, with commas: sets,clean,apron,decoder,scorers,clustering."),
    ] = None,
    input_: Annotated[
        str | None, typer.Option("--input", help="Size the network sees of all sets, as 960x544.")
    ] = None,
    scorers: Annotated[
        str | None, typer.Option(help="Rows of the table of scorers, with commas; all by default.")
    ] = None,
    scorer_input: Annotated[
        str | None, typer.Option(help="Size the network sees for that table.")
    ] = None,
    scorer_limit: Annotated[int, typer.Option(help="Frames a set for that table; 0 for all.")] = 0,
    scorer: Scorer = None,
    model: Model = None,
    segmenter: Segmenter = None,
    config: ConfigFile = None,
    set_: Settings = None,
    limit: Annotated[int, typer.Option(help="Frames a set; 0 for all.")] = 0,
) -> None:
    """Measure a model on all sets: score maps, masks, false masks, decoder, scorers, timing.

    Writes summary.md, summary.html and summary.json, and a folder for each part. What was
    measured before, of the same model, frames, settings and code, is not measured again.
    """
    from rich.console import Console
    from rich.text import Text

    from s2m_ros.config import load
    from s2m_ros.evaluation import suite_report
    from s2m_ros.evaluation.benchmarks import data_folder
    from s2m_ros.evaluation.one_set import as_on_the_vehicle
    from s2m_ros.evaluation.suite import PARTS, Plan, Suite
    from s2m_ros.evaluation.tables import terminal

    parts = only.split(",") if only else list(PARTS)
    unknown = sorted(set(parts) - set(PARTS))
    if unknown:
        raise typer.BadParameter(f"--only {','.join(unknown)}: take some of {','.join(PARTS)}")
    console = Console()
    settings = load(config, overrides(scorer, model, segmenter, set_)).perception
    for size in (input_, scorer_input):
        as_on_the_vehicle(settings, size)  # refuse a wrong one before the work
    plan = Plan(
        data or data_folder(),
        out,
        settings,
        parts,
        input_ or "",
        limit,
        scorers.split(",") if scorers else None,
        scorer_input or "",
        scorer_limit,
    )
    tree = Suite(plan, lambda what, steps: _shown(what, steps, console)).run()
    wide = Console(width=max(console.width, 132))
    for grid in suite_report.write(tree, out):
        wide.print(terminal(grid))
    for problem in tree["problems"]:
        console.print(Text("not measured: ", style="yellow") + Text(problem), soft_wrap=True)
    console.print(f"summary: {out / 'summary.html'}", highlight=False, soft_wrap=True)


@contextmanager
def _shown(what: str, steps: int, console: Console) -> Iterator[Callable[[], None]]:
    """A bar, and when it is done a line that stays."""
    from rich.markup import escape

    start = time.monotonic()
    with progress(what, steps, console) if console.is_terminal else nullcontext(_nothing) as bar:
        yield bar
    took = f"{time.monotonic() - start:.0f} s"
    console.print(f"[green]+[/green] {escape(what)} [dim]{took}[/dim]", highlight=False)


def _nothing() -> None:
    """Where there is no bar to move on."""
