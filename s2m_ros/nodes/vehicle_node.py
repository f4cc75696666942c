"""All nodes of a vehicle in one process: one JSON list (executable, ROS arguments) an argument."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

from rclpy.node import Node

from s2m_ros.nodes.executing import run

_CLASSES = {
    "camera_node": "CameraNode",
    "fusion_node": "FusionNode",
    "tracker_node": "TrackerNode",
}


def main(args: list[str] | None = None) -> None:
    arguments = sys.argv[1:] if args is None else args
    ours = [argument for argument in arguments if argument.startswith("[")]
    run([maker(*json.loads(text)) for text in ours], [a for a in arguments if a not in ours])


def maker(executable: str, *ros_arguments: str) -> Callable[[], Node]:
    """Makes the node with arguments of its own in place of those of the process."""
    module: Any = import_module(f"s2m_ros.nodes.{executable}")
    node = getattr(module, _CLASSES[executable])
    return partial(node, cli_args=list(ros_arguments), use_global_arguments=False)


if __name__ == "__main__":
    main()
