"""``s2m bench``: how fast the nodes are on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s2m_ros.cli._options import ConfigFile, Settings, overrides

if TYPE_CHECKING:
    from s2m_ros.config import Config

FRAMES = 60


def bench(
    drive: Annotated[
        Path | None, typer.Argument(help="A bag; a simulated drive if none is given.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the report.")] = Path(
        "out/bench"
    ),
    rates: Annotated[str, typer.Option(help="Images a second, one run each.")] = "1,5,10,20",
    seconds: Annotated[
        float, typer.Option(min=2.0, max=600.0, help="Length of a run, at least.")
    ] = 15.0,
    find: Annotated[
        bool, typer.Option(help="Look between the rates for the highest that is kept up.")
    ] = True,
    dds: Annotated[bool, typer.Option(help="Run the nodes over DDS; needs ROS.")] = True,
    profile: Annotated[
        bool, typer.Option("--profile", help="Also name the functions that cost most.")
    ] = False,
    scenario: Annotated[str, typer.Option(help="Scenario of the simulated drive.")] = "apron",
    config: ConfigFile = None,
    set_: Settings = None,
) -> None:
    """Measure how fast the nodes are on this machine, as users feel it.

    Plays a drive over DDS at several rates, stamped with the machine's own time, and measures from
    the stamp of an image to the receipt of its markers; then runs the same stages in one process,
    without middleware. Leaves metrics.json, report.md and report.html.
    """
    from rich.console import Console
    from rich.text import Text

    from s2m_ros.audit.bench import inside, report, runs
    from s2m_ros.audit.pace import lag
    from s2m_ros.cli._drives import simulated
    from s2m_ros.cli._narrator import Narrator
    from s2m_ros.cli._signals import ended_by_sigterm
    from s2m_ros.config import load

    console, settings = Console(), load(config, overrides(None, None, None, set_))
    wanted = _rates(rates)
    with ended_by_sigterm(), Narrator(console) as narrator:
        bag = drive or simulated(scenario, out, narrator)
        made: list[runs.Run] = []
        highest = None

        def at(rate: float) -> runs.Run:
            def said(what: str, share: float) -> None:
                narrator(f"{rate:g} Hz: {what}", share)

            return runs.at_rate(bag, settings, rate, seconds, out / f"{rate:g}hz", said)

        if dds:
            highest = runs.highest(wanted, made, at, between=find)
        alone = inside.measure(bag, settings, FRAMES, narrator)
        functions = inside.profile(bag, settings, FRAMES, narrator) if profile else []
        about = {"drive": bag.name, **machine(), **_settings(settings)}
        found = report.Bench(about, settings.cameras[0], made, highest, alone, functions)
        report.write(found, out)
    if made:
        console.print(report.table(found))
    else:
        console.print(Text(found.headline, style="bold"))
    for run in made:
        if late := lag(run.player_late_ms):
            console.print(f"at {run.rate_hz:g} Hz {late}", style="yellow", highlight=False)
    console.print(
        Text("report     ", style="bold") + Text(str(out / "report.html")), soft_wrap=True
    )


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    import os
    import platform

    names = Path("/proc/cpuinfo").read_text().split("model name")
    model = names[1].splitlines()[0].strip("\t :") if len(names) > 1 else platform.machine()
    load = " ".join(f"{value:.1f}" for value in os.getloadavg())
    return {
        "processor": f"{len(os.sched_getaffinity(0))} x {model}",
        "load before the end (1, 5, 15 min)": load,
        "python": platform.python_version(),
    }


def _settings(config: Config) -> dict[str, str]:
    model = config.perception.model
    size = f"{model.width}x{model.height}" if model.width else "the model's own"
    return {"input size": size, "threads": str(model.threads)}


def _rates(text: str) -> list[float]:
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(0.1 <= rate <= 200 for rate in rates):
        raise typer.BadParameter(f"expected rates of 0.1 to 200 Hz as 1,5,10,20, got '{text}'")
    return rates
