"""``s2m calibrate``: fit scores and operating point on normal footage of a site."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Model, Segmenter, Settings, overrides, progress


def calibrate(
    footage: Annotated[
        list[Path],
        typer.Argument(
            help="Bags or folders of images without unknown objects; or folders with images/ and "
            "labels/, as the review page exports them."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="File to write.", dir_okay=False, writable=True)
    ] = Path("out/site.npz"),
    false_masks_per_minute: Annotated[
        float, typer.Option(help="Rate of false masks at the operating point.")
    ] = 1.0,
    keep_objects: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of labelled objects not to lose, at any rate."),
    ] = 0.95,
    rate_hz: Annotated[float, typer.Option(help="Frame rate of images in folders.")] = 10.0,
    topic: Annotated[str | None, typer.Option(help="Image topic of the bags.")] = None,
    scorer: Annotated[
        str | None, typer.Option(help="Scorer that the operating point is for.")
    ] = None,
    only: Annotated[bool, typer.Option(help="Calibrate this scorer alone, not all.")] = False,
    point_only: Annotated[
        bool, typer.Option(help="Fit the operating point alone; keep the model's quantiles.")
    ] = False,
    most: Annotated[int, typer.Option(help="Use at most this many frames; 0 for all.")] = 400,
    model: Model = None,
    segmenter: Segmenter = None,
    config: ConfigFile = None,
    set_: Settings = None,
) -> None:
    """Fit scores and operating point on footage of a site.

    Without labels the footage must hold nothing unknown; with labels what is marked unknown is left
    out of what is normal, and stays found. Use the result with perception.site.
    """
    from rich.console import Console
    from rich.table import Table

    from s2m_ros.config import load
    from s2m_ros.evaluation import calibrate as fitting
    from s2m_ros.evaluation.footage import Together, open_footage
    from s2m_ros.runtime import site as sites
    from s2m_ros.runtime.scorers import names_in

    settings = load(config, overrides(scorer, model, segmenter, set_)).perception
    frames = Together([open_footage(path, rate_hz, topic) for path in footage], most)
    console = Console()
    names = [] if point_only else list(names_in(settings.scorer)) if only else None
    passes = 1 if point_only else fitting.PASSES
    with progress("frames", passes * len(frames), console) as advance:
        site = fitting.calibrate(
            settings, frames, false_masks_per_minute, names, advance, keep_objects
        )
    sites.save(site, out)
    table = Table(title=f"{len(frames)} frames, {frames.seconds:.0f} s", title_justify="left")
    for name in ("scorer", "1 in 100", "1 in 1000", "1 in 10000"):
        table.add_column(name, justify="left" if name == "scorer" else "right")
    for name, quantiles in site.quantiles.items():
        values = [f"{quantiles.value(r):.3g}" for r in (2.0, 3.0, 4.0)]
        table.add_row(name, *values)
    if site.quantiles:
        console.print(table)
    if "left_out" in site.about:
        console.print(f"left out, as they give one value everywhere: {site.about['left_out']}")
    for name, least in site.min_evidence.items():
        console.print(f"least evidence of '{name}': {least:.3f}")
    said = site.about
    console.print(
        f"{said['false_masks_on_footage']} of {said['masks_seen']} false masks on the footage "
        f"reach it: {60 * int(said['false_masks_on_footage']) / frames.seconds:.0f} a minute"
    )
    if said["extrapolated"] == "True":
        console.print(
            f"{frames.seconds:.0f} s of footage cannot show {false_masks_per_minute:g} false masks "
            f"a minute: give {60 / false_masks_per_minute:.0f} s or more to be sure of that rate"
        )
    if said["objects"] != "0":
        kept = float(said["objects_kept"])
        console.print(f"{kept:.0%} of {said['objects']} labelled objects are found with it")
    console.print(f"site: {out}; use it with --set perception.site={out}")
