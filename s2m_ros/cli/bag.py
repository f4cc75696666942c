"""``s2m bag``: what a bag holds, and bags from public data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Make bags from data sets; say what a bag holds.")


@app.command()
def info(
    bag: Annotated[Path, typer.Argument(help="rosbag2: a folder, an .mcap or a .db3.")],
    topics: Annotated[
        Path | None, typer.Option(help="YAML: our topic name to the bag's, one a line.")
    ] = None,
) -> None:
    """Say what a bag holds and what of it the nodes would use."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from s2m_ros.audit.inputs import find_inputs
    from s2m_ros.bags import BagError, BagReader, load_topics
    from s2m_ros.config import Config

    console = Console()
    with BagReader(bag, load_topics(topics) if topics is not None else None) as reader:
        try:
            inputs = find_inputs(reader, Config())
            used, notes = inputs.topics, list(inputs.notes)
        except BagError as error:
            used, notes = frozenset(), [str(error)]
        seconds = reader.duration_ns * 1e-9
        table = Table(title=f"{bag}: {seconds:.1f} s", title_justify="left")
        table.add_column("topic", overflow="fold")
        table.add_column("type", overflow="fold")
        table.add_column("messages", justify="right")
        table.add_column("Hz", justify="right")
        table.add_column("used")
        for topic in reader.topics:
            stored = "" if topic.name == topic.stored_name else f" (there {topic.stored_name})"
            rate = f"{(topic.count - 1) / seconds:.1f}" if seconds > 0 and topic.count > 1 else ""
            mark = "yes" if topic.name in used else ""
            table.add_row(topic.name + stored, topic.type, str(topic.count), rate, mark)
        console.print(table)
        for key, value in reader.about.items():
            console.print(Text(f"{key}: ", style="bold") + Text(value), soft_wrap=True)
        for note in notes:
            console.print(Text("note: ", style="yellow") + Text(note), soft_wrap=True)


@app.command("kitti")
def kitti(
    folder: Annotated[Path, typer.Argument(help="With image_02, velodyne_front, calib.txt.")],
    out: Annotated[Path, typer.Argument(help="Bag to write.")],
    compressed: Annotated[
        bool, typer.Option("--compressed", help="Keep the JPEG files instead of raw images.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an older bag.")] = False,
) -> None:
    """Turn a KITTI sequence into a bag.

    The data has no odometry and none is made up: objects stay in the vehicle's frame and speeds
    are relative to it.
    """
    from rich.console import Console

    from s2m_ros.bags.kitti import convert
    from s2m_ros.cli._narrator import Narrator

    console = Console()
    with Narrator(console) as narrator:
        done = convert(
            folder,
            out,
            compressed=compressed,
            overwrite=overwrite,
            advance=lambda n, total: narrator("writing the bag", n / total),
        )
    console.print(f"{done.bag}: {done.frames} images, {done.sweeps} sweeps, calibration.yaml")
    if done.without_sweep:
        console.print(f"without a sweep: {', '.join(done.without_sweep)}")
    console.print("no odometry: speeds will be relative to the vehicle")
