"""``s2m up``: the nodes of one vehicle on a machine without ``ros2 launch``."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from s2m_ros.config import parse_overrides


def up(
    config: Annotated[
        Path | None, typer.Option(help="YAML of settings; see docs/parameters.md.")
    ] = None,
    cameras: Annotated[str, typer.Option(help="Camera names, separated by commas.")] = "",
    namespace: Annotated[str, typer.Option(help="Namespace of the vehicle.")] = "",
    use_sim_time: Annotated[bool, typer.Option(help="Take the time from /clock.")] = False,
    remap: Annotated[
        list[str] | None, typer.Option(help="Topic of yours, e.g. points:=/lidar/points.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One setting, e.g. fusion.base_frame=body.")
    ] = None,
    profile: Annotated[
        str, typer.Option(help="What the settings are laid over: cpu, desktop_gpu, orin, small.")
    ] = "",
    params_file: Annotated[
        Path | None, typer.Option(help="ROS parameter file that goes to the nodes as it is.")
    ] = None,
    autostart: Annotated[
        bool, typer.Option(help="Or a lifecycle manager configures and activates the nodes.")
    ] = True,
    composed: Annotated[
        bool, typer.Option("--composed", help="All nodes but the monitor in one process.")
    ] = False,
    respawn: Annotated[bool, typer.Option(help="Start a node again that has ended.")] = True,
    show: Annotated[bool, typer.Option(help="Print the command lines and start nothing.")] = False,
) -> None:
    """Start the nodes on this machine, as the launch file does.

    One process each: a camera node per camera, the fusion node, the tracker node, and the monitor
    that watches them. A node that ends is started again. Ctrl-C ends them all.
    """
    from s2m_ros.nodes.processes import Processes
    from s2m_ros.nodes.starting import RESPAWN_DELAY_S, requested

    specs = requested(
        str(config or ""),
        cameras=cameras,
        namespace=namespace,
        use_sim_time=use_sim_time,
        remap=" ".join(remap or ()),
        overrides=parse_overrides(set_ or ()),
        profile=profile,
        params_file=str(params_file or ""),
        autostart=autostart,
        together=composed,
    )
    if show:
        import shlex

        for spec in specs:
            print(shlex.join(spec.command()))
        return
    _require_ros()
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    width = max(len(spec.name) for spec in specs)
    with Processes(
        specs,
        lambda name, line: _print(name.ljust(width), line),
        respawn_delay_s=RESPAWN_DELAY_S if respawn else None,
    ) as processes:
        for name, pid in processes.running.items():
            _print(name.ljust(width), f"started, process {pid}")
        while not ended.wait(0.2):
            processes.poll()
        _print(" " * width, "stopping")


def _print(name: str, line: str) -> None:
    try:
        os.write(1, f"[{name}] {line}\n".encode())  # one write, so that threads never mix lines
    except BrokenPipeError:
        signal.raise_signal(signal.SIGTERM)


def _require_ros() -> None:
    """Fail here, in one line, and not three times in three processes."""
    import rclpy  # noqa: F401
    import s2m_msgs.msg  # noqa: F401
