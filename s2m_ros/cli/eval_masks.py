"""``s2m eval-masks``: the mask decoder alone, from ground-truth boxes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Model, Segmenter, Settings, overrides, progress

if TYPE_CHECKING:
    from rich.table import Table

FOLDERS = {"davis": "davis", "coco": "coco_instances"}


def eval_masks(
    dataset: Annotated[str, typer.Option(help="davis or coco.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for masks.json.")] = Path(
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
    model: Model = None,
    segmenter: Segmenter = None,
    config: ConfigFile = None,
    set_: Settings = None,
    limit: Annotated[int, typer.Option(help="Use at most this many images; 0 for all.")] = 0,
) -> None:
    """IoU of masks from ground-truth boxes, exact and with 8 % jitter, by object size.

    The ellipse inscribed in the box is the floor. Writes masks.json to the folder.
    """
    from itertools import islice

    from rich.console import Console

    from s2m_ros.config import load
    from s2m_ros.evaluation import boxes
    from s2m_ros.runtime.build import build_perception

    if dataset not in FOLDERS:
        raise typer.BadParameter(f"--dataset {dataset}: give one of {', '.join(FOLDERS)}")
    repository = Path(__file__).resolve().parents[2]
    data = Path(os.environ.get("S2M_DATA") or repository.parent / "shared" / "data")
    folder = root or data / FOLDERS[dataset]
    names: list[str] | None = None
    if part != "all":
        file = split or repository / "models" / "training" / "split.json"
        names = json.loads(file.read_text())[part][dataset]
    read = boxes.davis if dataset == "davis" else boxes.coco
    images = list(islice(read(folder, names), limit or None))
    settings = load(config, overrides(None, model, segmenter, set_))
    perception = build_perception(settings.perception)
    console = Console()
    with progress("images", len(images), console) as advance:
        results = boxes.measure(perception.encoder, perception.segmenter, images, advance)
    rows = boxes.summary(results)
    out.mkdir(parents=True, exist_ok=True)
    tree = {
        "dataset": dataset,
        "part": part,
        "images": len(images),
        "model": perception.info["model"],
        "segmenter": perception.segmenter.info["segmenter"],
        "iou": rows,
    }
    (out / "masks.json").write_text(json.dumps(tree, indent=2) + "\n")
    console.print(_table(f"{dataset}, {part}, {tree['segmenter']}: mean IoU", rows))


def _table(title: str, rows: dict[str, dict[str, float | int | None]]) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    columns = ("objects", "exact", "jittered", "ellipse", "ellipse_jittered")
    table.add_column("size")
    for name in columns:
        table.add_column(name.replace("_", ", "), justify="right")
    for size, row in rows.items():
        values = [row[name] for name in columns]
        table.add_row(
            size,
            *("-" if v is None else f"{v:.3f}" if isinstance(v, float) else str(v) for v in values),
        )
    return table
