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
    clean: Annotated[
        Path | None, typer.Option(help="Folder of frames without anything unknown, no labels.")
    ] = None,
    anomaly_values: Annotated[str, typer.Option(help="Label values of anomalies.")] = "1,2",
    ignore_values: Annotated[str, typer.Option(help="Label values to leave out.")] = "255",
    min_pred_px: Annotated[int, typer.Option(help="Least size of predicted components.")] = 0,
    min_gt_px: Annotated[int, typer.Option(help="Least size of labelled components.")] = 0,
    scorer: Scorer = None,
    model: Model = None,
    segmenter: Segmenter = None,
    config: ConfigFile = None,
    set_: Settings = None,
    sweep: Annotated[
        bool, typer.Option(help="Also report the masks cut at the best evidence for this set.")
    ] = False,
    limit: Annotated[int, typer.Option(help="Use at most this many frames; 0 for all.")] = 0,
) -> None:
    """Measure the score map, the score map cut at its best threshold, and the masks.

    Writes metrics.json, report.md and report.html (worst and best frames) to the folder.
    """
    from rich.console import Console

    from s2m_ros.config import load
    from s2m_ros.evaluation import layouts
    from s2m_ros.evaluation.evaluate import SWEEP, Options, evaluate
    from s2m_ros.evaluation.report import document, table, write
    from s2m_ros.runtime.build import build_perception

    console = Console()
    given = overrides(scorer, model, segmenter, set_)
    settings = load(config, given)
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
    if clean is not None:
        samples += layouts.clean(clean)
    if not samples:
        raise typer.BadParameter("give --images with --labels, --dataset with --root, or --clean")
    samples = samples[:limit] if limit else samples
    perception = build_perception(settings.perception)
    options = Options(
        _numbers(anomaly_values),
        _numbers(ignore_values),
        min_pred_px,
        min_gt_px,
        perception.selector.config.min_evidence,
        SWEEP if sweep else (),
    )
    if sweep:  # weaker masks must come out to be tried; timings are then those of more prompts
        least = {**given, "perception.selection.min_evidence": SWEEP[0]}
        perception = build_perception(load(config, least).perception)
    with progress("frames", 2 * len(samples), console) as advance:
        report = evaluate(perception, samples, options, advance)
    write(report, options, out)
    console.print(table(document(report, options)))
    console.print(f"report: {out / 'report.html'}")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise typer.BadParameter(f"'{text}': expected numbers with commas, as 1,2") from None
