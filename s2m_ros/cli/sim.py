"""``s2m sim``: drives over a simulated apron, as bags or as a picture to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def sim(
    scenario: Annotated[str, typer.Argument(help="Name or YAML file; 'list' shows the names.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the bag.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of noise, wear and shapes.")] = None,
    duration: Annotated[float | None, typer.Option(min=0.1, help="Seconds.")] = None,
    width: Annotated[int | None, typer.Option(min=32, max=4096, help="Of the image, px.")] = None,
    height: Annotated[int | None, typer.Option(min=32, max=4096, help="Of the image, px.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an older bag.")] = False,
    preview: Annotated[
        Path | None, typer.Option(help="Write six frames as one picture instead of a bag.")
    ] = None,
) -> None:
    """Simulate an apron drive and write it as a bag.

    The bag holds camera, LiDAR, odometry, extrinsics and the truth; calibration.yaml lies in it.
    """
    from rich.console import Console
    from rich.table import Table

    from s2m_ros.cli._narrator import Narrator
    from s2m_ros.sim.scenario import load, names

    console = Console()
    if scenario == "list":
        table = Table.grid(padding=(0, 2))
        for name in names():
            table.add_row(f"[bold]{name}[/bold]", load(name).description)
        console.print(table)
        return
    given = {"camera.width": width, "camera.height": height, "seed": seed}
    chosen = load(scenario, {name: value for name, value in given.items() if value is not None})
    if preview is not None:
        from s2m_ros.sim.preview import write_preview

        write_preview(chosen, preview, duration)
        console.print(f"picture: {preview}", highlight=False)
        return
    from s2m_ros.sim.bag import write_bag

    target = out or Path("out/sim") / chosen.name
    with Narrator(console) as narrator:
        narrator("simulating the drive", 0.0)
        write_bag(
            target,
            chosen,
            duration_s=duration,
            overwrite=overwrite,
            advance=lambda done, total: narrator("simulating the drive", done / total),
        )
    console.print(f"bag: {target}", highlight=False)
