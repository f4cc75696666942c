"""``s2m sim``: drives over a simulated apron, as bags or as a picture to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from s2m_ros.sim.scenario import Scenario


def sim(
    scenario: Annotated[
        str | None, typer.Argument(help="A name of --list, or a YAML file.", show_default=False)
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="Show the scenarios and end.")] = False,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the bag.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of noise, wear and shapes.")] = None,
    duration: Annotated[float | None, typer.Option(min=0.1, help="Seconds.")] = None,
    width: Annotated[int | None, typer.Option(min=32, max=4096, help="Of the image, px.")] = None,
    height: Annotated[int | None, typer.Option(min=32, max=4096, help="Of the image, px.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that render; all cores, at most 4.")
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an older bag.")] = False,
    preview: Annotated[
        Path | None, typer.Option(help="Write six frames as one picture instead of a bag.")
    ] = None,
) -> None:
    """Simulate an apron drive and write it as a bag.

    The bag holds cameras, LiDAR, odometry, extrinsics and the truth; calibration.yaml and the
    scenario lie in it. Ctrl-C or SIGTERM ends it with the frames so far.
    """
    from rich.console import Console

    from s2m_ros.sim.scenario import load

    console = Console()
    if list_:
        _print_list(console)
        return
    if scenario is None:
        raise typer.BadParameter("expected a name of --list or a YAML file", param_hint="SCENARIO")
    given = {"camera.width": width, "camera.height": height, "seed": seed}
    chosen = load(scenario, {name: value for name, value in given.items() if value is not None})
    if preview is not None:
        from s2m_ros.sim.preview import write_preview

        write_preview(chosen, preview, duration)
        console.print(f"picture: {preview}", highlight=False)
        return
    _write(console, chosen, out or Path("out/sim") / chosen.name, duration, workers, overwrite)


def _write(
    console: Console,
    scenario: Scenario,
    out: Path,
    duration_s: float | None,
    workers: int | None,
    overwrite: bool,
) -> None:
    from s2m_ros.cli._narrator import Narrator
    from s2m_ros.cli._signals import ended_by_sigterm
    from s2m_ros.sim.bag import write_bag

    done = total = 0

    def advance(so_far: int, of: int) -> None:
        nonlocal done, total
        done, total = so_far, of
        narrator("simulating the drive", so_far / of)

    try:
        with ended_by_sigterm(), Narrator(console) as narrator:
            narrator("simulating the drive", 0.0)
            write_bag(
                out,
                scenario,
                duration_s=duration_s,
                overwrite=overwrite,
                workers=workers,
                advance=advance,
            )
    except KeyboardInterrupt:
        console.print(f"stopped: {done} of {total or '?'} frames are in {out}", highlight=False)
        raise typer.Exit(130) from None
    console.print(f"bag: {out}", highlight=False)


def _print_list(console: Console) -> None:
    from rich.table import Table

    from s2m_ros.sim.scenario import load, names

    table = Table.grid(padding=(0, 2))
    for name in names():
        table.add_row(f"[bold]{name}[/bold]", load(name).description)
    console.print(table)
