"""``s2m models``: which models, scorers and mask decoders there are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="List models, scorers and mask decoders.")


@app.callback()
def models() -> None:
    """Models, scorers and mask decoders."""


@app.command("list")
def list_(
    models_dir: Annotated[
        Path | None, typer.Option(help="A further folder with models in it.")
    ] = None,
) -> None:
    """List models with their hashes checked, and each scorer with what it needs."""
    from rich.console import Console
    from rich.table import Table

    from s2m_ros.runtime.manifest import available, read, verify
    from s2m_ros.runtime.scorers import SCORERS, calibrated
    from s2m_ros.types import InputError

    console = Console()
    table = Table(title="Models", title_justify="left")
    for column in ("name", "version", "input", "files", "scorers calibrated", "folder"):
        table.add_column(column, overflow="fold")
    folders = available(models_dir)
    for folder in folders:
        try:
            manifest = read(folder)
            for entry in manifest.files.values():
                verify(folder / entry.path, entry)
            size = sum(entry.bytes for entry in manifest.files.values()) / 1e6
            state = f"[green]{len(manifest.files)} intact[/green], {size:.1f} MB"
        except InputError as error:
            table.add_row(folder.name, "", "", f"[red]{error.problem}[/red]", "", str(folder))
            continue
        table.add_row(
            manifest.name,
            manifest.version,
            f"{manifest.input.width}x{manifest.input.height}",
            state,
            ", ".join(calibrated(manifest)) or "-",
            str(folder),
        )
    if folders:
        console.print(table)
    else:
        console.print("no models found: run `make model`, or name a folder with --models-dir")
    scorers = Table(title="Scorers", title_justify="left")
    scorers.add_column("--scorer")
    scorers.add_column("needs")
    scorers.add_column("what it is")
    for name, (needs, meaning) in SCORERS.items():
        scorers.add_row(name, needs, meaning)
    console.print(scorers)
    console.print("'site': a file of `s2m calibrate`. Combine as 0.7*learned+0.3*energy.")
