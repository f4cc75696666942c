"""``s2m chaos``: put faults into a drive and see what the pipeline says meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Settings, overrides


def chaos(
    faults: Annotated[
        list[str] | None, typer.Argument(help="Names of faults; all of them if none.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path(
        "out/chaos"
    ),
    drive: Annotated[
        Path | None, typer.Option(help="A bag of 8 s or more; a simulated drive if none.")
    ] = None,
    scenario: Annotated[str, typer.Option(help="Scenario of the simulated drive.")] = "apron",
    live: Annotated[
        bool, typer.Option("--live", help="Through the nodes over DDS, processes killed too.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Of chance in the faults.")] = 0,
    names: Annotated[bool, typer.Option("--list", help="Name the faults and stop.")] = False,
    config: ConfigFile = Path("small"),
    set_: Settings = None,
) -> None:
    """Put faults into a drive and see what the pipeline says meanwhile.

    Message by message without ROS by default: the same verdicts each time, on any machine. With
    --live through the nodes over DDS at recorded speed, where nodes are killed and stopped too.
    Leaves metrics.json, report.md and report.html; ends with code 1 when a fault was not handled.
    """
    from rich.console import Console
    from rich.text import Text

    from s2m_ros.audit.chaos import bench, report
    from s2m_ros.audit.chaos.faults import FAULTS, named
    from s2m_ros.audit.pace import lag
    from s2m_ros.cli._drives import simulated
    from s2m_ros.cli._narrator import Narrator
    from s2m_ros.cli._signals import ended_by_sigterm
    from s2m_ros.config import load

    console = Console()
    if names:
        for fault in FAULTS:
            console.print(f"{fault.name:<16} {fault.what} ({fault.effect})", highlight=False)
        return
    try:
        chosen = named(faults or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    settings = load(config, overrides(None, None, None, set_))
    with ended_by_sigterm(), Narrator(console) as narrator:
        drive = drive or simulated(scenario, out, narrator)
        if live:
            spells = bench.one_after_another(chosen)
            verdicts, _, late_ms = bench.live(
                drive, settings, spells, out, seed=seed,
                loops=bench.loops_for(drive, spells), status=narrator,
            )  # fmt: skip
        else:
            verdicts, late_ms = (
                bench.in_lockstep(drive, settings, chosen, seed=seed, status=narrator),
                0.0,
            )
    about = {
        "drive": drive.name,
        "mode": "live, over DDS" if live else "lockstep",
        "seed": seed,
        **({"player late, 95 %": f"{late_ms:.0f} ms"} if live else {}),
    }
    report.write(verdicts, about, out)
    console.print(report.table(verdicts))
    if late := lag(late_ms):
        console.print(late, highlight=False)
    left_out = [fault.name for fault in chosen if fault.process] if not live else []
    if left_out:
        console.print(f"only with --live: {', '.join(left_out)}", highlight=False)
    console.print(Text("report     ", style="bold") + Text(str(out / "report.html")))
    if not all(verdict.passed for verdict in verdicts):
        raise typer.Exit(1)
