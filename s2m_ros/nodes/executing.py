"""The life of a process: nodes are spun until SIGINT or SIGTERM, then their last words.

rclpy's own signal handlers end the context at once, and nothing could be said any more. Ours only
note the signal; the wait for the next event, 0.1 s at the latest, then ends.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType

import rclpy
from rclpy.exceptions import ParameterException
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from s2m_ros.config import ConfigError
from s2m_ros.nodes.hearing import Deaf
from s2m_ros.nodes.shared_memory import sweep
from s2m_ros.nodes.spinner import Spinner


def run(makers: Sequence[Callable[[], Node]], args: Sequence[str] | None = None) -> None:
    """Make the nodes and spin each in a thread of its own, a single one in the main thread."""
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    sweep()  # of the node that this one takes the place of, perhaps
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    nodes: list[Node] = []
    try:
        for make in makers:
            if not ended.is_set():
                nodes.append(make())
        if len(nodes) == 1:
            _spin(nodes[0], ended)
        else:
            _spin_all(nodes, ended)
    except (ConfigError, ParameterException) as error:
        raise SystemExit(f"settings: {error}") from error
    except Deaf as error:
        raise SystemExit(str(error)) from error
    finally:
        for node in nodes:
            node.close()
        if rclpy.ok():
            rclpy.shutdown()


def _spin(node: Node, ended: threading.Event) -> None:
    spinner = Spinner(node)
    while rclpy.ok() and not ended.is_set():
        spinner.spin_once()


def _spin_all(nodes: Sequence[Node], ended: threading.Event) -> None:
    failures: list[Exception] = []

    def spin(node: Node) -> None:
        try:
            _spin(node, ended)
        except Exception as error:
            failures.append(error)
        ended.set()  # one that stops spinning ends the process, so that it is started again

    threads = [threading.Thread(target=spin, args=(node,), daemon=True) for node in nodes]
    for thread in threads:
        thread.start()
    while not ended.wait(1.0):
        pass
    for thread in threads:
        thread.join(timeout=2.0)
    if failures:
        raise failures[0]
