"""``s2m eval``: measure score maps and masks against labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Model, Scorer, Segmenter, Settings, overrides, progress


def eval(
    images: Annotated[Path | None, typer.Option(help="Folder of images.")] = None,
    labels: Annotated[Path | None, typer.Option(help="Folder of labels, same names.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path(
        "out/eval"
    ),
    dataset: Annotated[
        str | None,
        typer.Option(help="Official layout: road_anomaly, smiyc, fishyscapes or ade_ood."),
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Folder of that layout.")] = None,
    bag: Annotated[
        Path | None, typer.Option(help="A drive of `s2m sim`: its truth labels the frames.")
    ] = None,
    clean: Annotated[
        Path | None, typer.Option(help="Folder of frames without anything unknown, no labels.")
    ] = None,
    anomaly_values: Annotated[str, typer.Option(help="Label values of anomalies.")] = "1,2",
    ignore_values: Annotated[str, typer.Option(help="Label values to leave out.")] = "255",
    categories: Annotated[
        Path | None,
        typer.Option(help="YAML of label values and names (11: cone); these are anomalies too."),
    ] = None,
    min_pred_px: Annotated[int, typer.Option(help="Least size of predicted components.")] = 0,
    min_gt_px: Annotated[int, typer.Option(help="Least size of labelled components.")] = 0,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input", help="Size the network sees, as 1536x768; else 3/4 of the picture."
        ),
    ] = None,
    scorer: Scorer = None,
    model: Model = None,
    segmenter: Segmenter = None,
    config: ConfigFile = None,
    set_: Settings = None,
    sweep: Annotated[
        bool, typer.Option(help="Also cut the masks at each of many levels of evidence.")
    ] = False,
    score_only: Annotated[
        bool, typer.Option("--score-only", help="No prompts and no masks: faster.")
    ] = False,
    rate_hz: Annotated[float, typer.Option(min=0, help="Frame rate, for rates a minute.")] = 10.0,
    limit: Annotated[int, typer.Option(help="Use at most this many frames; 0 for all.")] = 0,
) -> None:
    """Measure the score map, the score map cut at its best threshold, and the masks.

    Writes metrics.json, frames.json, report.md and report.html (worst and best frames) to the
    folder.
    """
    from rich.console import Console

    from s2m_ros.config import load
    from s2m_ros.evaluation import layouts, report
    from s2m_ros.evaluation.drives import label_bags
    from s2m_ros.evaluation.evaluate import Options
    from s2m_ros.evaluation.one_set import Job, as_on_the_vehicle
    from s2m_ros.evaluation.tables import terminal

    console = Console()
    given = overrides(scorer, model, segmenter, set_)
    settings = as_on_the_vehicle(load(config, given).perception, input_)
    names = layouts.read_categories(categories) if categories is not None else {}
    samples: list[layouts.Sample] = []
    if dataset is not None:
        if dataset not in layouts.LAYOUTS or root is None:
            raise typer.BadParameter(
                f"give --dataset as one of {', '.join(layouts.LAYOUTS)} together with --root"
            )
        samples += layouts.LAYOUTS[dataset](root)
    if (images is None) != (labels is None):
        raise typer.BadParameter("give --images and --labels together (or --clean alone)")
    if images is not None and labels is not None:
        samples += layouts.plain(images, labels)
    if bag is not None:
        folder = label_bags([bag], out / "frames")
        samples += layouts.plain(folder / "images", folder / "labels")
        names = {**layouts.read_categories(folder / "categories.yaml"), **names}
    if clean is not None:
        samples += layouts.clean(clean)
    if not samples:
        raise typer.BadParameter(
            "give --images with --labels, --dataset with --root, --bag, or --clean"
        )
    options = Options(
        _numbers(anomaly_values),
        _numbers(ignore_values),
        min_pred_px,
        min_gt_px,
        names,
        rate_hz=rate_hz,
    )
    job = Job(samples[:limit] if limit else samples, options, settings, input_ or "", sweep)
    with progress("frames", 2 * len(job.samples), console) as advance:
        measured = job.scores(advance) if score_only else job.masks(advance)
    tree = report.write(*measured, out)
    console.print(report.title(tree) + f" ({report.subtitle(tree)})", highlight=False)
    for grid in report.grids(tree):
        console.print(terminal(grid))
    console.print(f"report: {out / 'report.html'}", highlight=False, soft_wrap=True)


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise typer.BadParameter(f"'{text}': expected numbers with commas, as 1,2") from None
