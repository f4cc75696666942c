"""``s2m eval-masks``: the mask decoder alone, from ground-truth boxes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Model, Segmenter, Settings, overrides, progress


def eval_masks(
    dataset: Annotated[str, typer.Option(help="davis or coco.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the figures.")] = Path(
        "out/eval_masks"
    ),
    root: Annotated[
        Path | None,
        typer.Option(help="Folder of the data set; by default under S2M_DATA or ../shared/data."),
    ] = None,
    part: Annotated[
        str, typer.Option(help="held_out or train as the split file has them, or all.")
    ] = "held_out",
    split: Annotated[
        Path | None, typer.Option(help="Split file; models/training/split.json by default.")
    ] = None,
    input_: Annotated[
        str | None,
        typer.Option("--input", help="Size the network sees, as 960x544; else 3/4 of the picture."),
    ] = None,
    model: Model = None,
    segmenter: Segmenter = None,
    config: ConfigFile = None,
    set_: Settings = None,
    limit: Annotated[int, typer.Option(help="Use at most this many images; 0 for all.")] = 0,
) -> None:
    """IoU of masks from ground-truth boxes, exact and with 8 % jitter, by object size.

    The ellipse inscribed in the box is the floor. Writes metrics.json and report.md to the folder.
    """
    from rich.console import Console

    from s2m_ros.config import load
    from s2m_ros.evaluation.benchmarks import FOLDERS, data_folder
    from s2m_ros.evaluation.decoder import DecoderJob, write
    from s2m_ros.evaluation.one_set import as_on_the_vehicle
    from s2m_ros.evaluation.tables import terminal

    if dataset not in FOLDERS:
        raise typer.BadParameter(f"--dataset {dataset}: give one of {', '.join(FOLDERS)}")
    given = load(config, overrides(None, model, segmenter, set_)).perception
    settings = as_on_the_vehicle(given, input_)
    folder = root or data_folder() / FOLDERS[dataset]
    job = DecoderJob.of(dataset, folder, settings, part, split, limit)
    console = Console()
    with progress("images", len(job.images), console) as advance:
        tree = job.run(advance)
    grid = write(tree, out)
    console.print(terminal(grid))
