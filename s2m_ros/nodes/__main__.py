"""``python -m s2m_ros.nodes camera_node --ros-args ...`` and the executables of ``ros2 run``.

Importing what a node needs takes a second; the signals are ours before it begins, so that an early
Ctrl-C ends the process without a traceback.
"""

import os
import signal
import sys
from types import FrameType


def camera_node() -> None:
    _start("camera_node")


def fusion_node() -> None:
    _start("fusion_node")


def tracker_node() -> None:
    _start("tracker_node")


def monitor_node() -> None:
    _start("monitor_node")


def audit_node() -> None:
    _start("audit_node")


def vehicle_node() -> None:
    _start("vehicle_node")


def _start(name: str) -> None:
    signal.signal(signal.SIGINT, _leave)
    signal.signal(signal.SIGTERM, _leave)
    from importlib import import_module

    import_module(f"s2m_ros.nodes.{name}").main()


def _leave(number: int, frame: FrameType | None) -> None:
    os._exit(0)  # nothing was begun that would have to be ended


if __name__ == "__main__":
    _start(sys.argv.pop(1))
