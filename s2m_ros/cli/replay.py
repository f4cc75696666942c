"""``s2m replay``: a recorded drive through the nodes, or in lockstep without ROS."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def replay(
    bag: Annotated[Path, typer.Argument(help="rosbag2: a folder, an .mcap or a .db3.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the results.")] = Path(
        "out/replay"
    ),
    lockstep: Annotated[
        bool, typer.Option("--lockstep", help="Frame by frame, nothing dropped, without ROS.")
    ] = False,
    topics: Annotated[
        Path | None, typer.Option(help="YAML: our topic name to the bag's, one a line.")
    ] = None,
    rate: Annotated[float, typer.Option(min=0.01, max=100.0, help="Speed of a live replay.")] = 1.0,
    store: Annotated[
        Path | None, typer.Option(help="Also write an audit store there; with --lockstep.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="YAML file of settings, or a profile: small."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, e.g. fusion.base_frame=body.")
    ] = None,
) -> None:
    """Play a recorded drive through the nodes and report.

    Live: the nodes as processes over DDS, at recorded speed, on simulated time, in a ROS
    domain of their own. With --lockstep every frame is processed and the results are the same
    bytes each time.
    """
    from rich.console import Console

    from s2m_ros.audit.replay import Options
    from s2m_ros.audit.replay import replay as run
    from s2m_ros.bags import load_topics
    from s2m_ros.cli._narrator import Narrator
    from s2m_ros.cli._results import print_results
    from s2m_ros.cli._signals import ended_by_sigterm
    from s2m_ros.config import load, parse_overrides

    if store is not None and not lockstep:
        raise typer.BadParameter("--store needs --lockstep; live nodes store with audit.folder")
    options = Options(
        load(config, parse_overrides(set_ or ())),
        load_topics(topics) if topics is not None else None,
        lockstep,
        rate,
        store=store,
    )
    console = Console()
    with ended_by_sigterm(), Narrator(console) as narrator:
        made = run(bag, out, options, narrator)
    print_results(console, made)
