"""``s2m soak``: the nodes over DDS with random faults, for as long as wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Settings, overrides


def soak(
    minutes: Annotated[float, typer.Option(min=0.3, help="How long.")] = 30.0,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path(
        "out/soak"
    ),
    drive: Annotated[
        Path | None, typer.Option(help="A bag to loop; a simulated drive if none.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the faults and their order.")] = 0,
    config: ConfigFile = Path("small"),
    set_: Settings = None,
) -> None:
    """Run the nodes over DDS with random faults, for as long as wanted.

    A drive of 10 s at 10 Hz is played again and again on a clock that goes on. Measures growth of
    memory and file handles, time to tell and to recover, and whether anything looked clear.
    """
    from rich.console import Console
    from rich.text import Text

    from s2m_ros.audit.chaos import bench, report
    from s2m_ros.audit.chaos import soak as soaking
    from s2m_ros.audit.pace import lag
    from s2m_ros.cli._drives import simulated
    from s2m_ros.cli._narrator import Narrator
    from s2m_ros.cli._signals import ended_by_sigterm
    from s2m_ros.config import load

    console = Console()
    settings = load(config, overrides(None, None, None, set_))
    spells = soaking.random_spells(minutes, seed)
    with ended_by_sigterm(), Narrator(console) as narrator:
        drive = drive or simulated("apron", out, narrator)
        loops = bench.loops_for(drive, spells, 60 * minutes)
        verdicts, lives, late_ms = bench.live(
            drive, settings, spells, out, seed=seed, loops=loops, status=narrator
        )
    grown = soaking.growth(lives)
    figures = soaking.figures(verdicts, grown)
    about = {"drive": drive.name, "minutes": minutes, "seed": seed,
             "player late, 95 %": f"{late_ms:.0f} ms", "figures": figures}  # fmt: skip
    report.write(verdicts, about, out)
    console.print(report.table(verdicts))
    if late := lag(late_ms):
        console.print(late, highlight=False)
    for g in grown:
        console.print(
            f"{g.node:<16} memory {100 * g.memory:+.1f} %, handles {g.handles:+d} in "
            f"{g.seconds:.0f} s", highlight=False,
        )  # fmt: skip
    console.print(Text("report     ", style="bold") + Text(str(out / "report.html")))
    if not all(v.passed for v in verdicts) or not all(g.flat for g in grown):
        raise typer.Exit(1)
