"""``s2m demo``: the whole system on a drive that it makes itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

SETTINGS = Path("small")  # what two CPU cores carry beside the player and the recorder


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path(
        "out/demo"
    ),
    scenario: Annotated[
        str, typer.Option(help="Scenario of the simulator, or its file.")
    ] = "apron",
    seconds: Annotated[
        float | None, typer.Option(min=1.0, max=600.0, help="Length of the drive, if not its own.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of noise, wear and shapes.")] = None,
    lockstep: Annotated[
        bool, typer.Option("--lockstep", help="Frame by frame, without ROS, instead of live.")
    ] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, e.g. fusion.base_frame=body.")
    ] = None,
) -> None:
    """Simulate an apron drive, run the nodes on it, write a report.

    The drive goes through the nodes over DDS at recorded speed. Left in --out: the bag with
    inputs and outputs, a Rerun recording, a film and a report that compares with the truth. The
    model sees 640x352 px, which two CPU cores carry: --set perception.model.width=0 and height=0
    for its full size.
    """
    from rich.console import Console

    from s2m_ros.audit.replay import Options, replay
    from s2m_ros.cli._narrator import Narrator
    from s2m_ros.cli._results import print_results
    from s2m_ros.cli._signals import ended_by_sigterm
    from s2m_ros.config import load, parse_overrides
    from s2m_ros.sim.bag import write_bag

    begun = time.monotonic()
    console = Console()
    settings = load(SETTINGS, parse_overrides(set_ or ()))
    drive = out / "drive"
    with ended_by_sigterm(), Narrator(console) as narrator:
        narrator("simulating the drive", 0.0)
        write_bag(
            drive,
            scenario,
            seed=seed,
            duration_s=seconds,
            overwrite=True,
            advance=lambda done, total: narrator("simulating the drive", done / total),
        )
        title = f"Apron drive, scenario {scenario}"
        made = replay(drive, out, Options(settings, lockstep=lockstep, title=title), narrator)
    print_results(console, made)
    console.print(f"[dim]all in {time.monotonic() - begun:.0f} s[/dim]", highlight=False)
