"""A node that nothing reaches any more ends, so that it is started again; a quiet one does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

from bench import PATIENT, Bench, Watch

from s2m_ros.config import load
from s2m_ros.nodes.graph import graph
from s2m_ros.nodes.hearing import DEAF_S
from s2m_ros.types import State

pytestmark = pytest.mark.timeout(200)  # each wait has its own, shorter limit

DEAF_WHILE = """
from pathlib import Path
from s2m_ros.nodes.hearing import Hearing
heard = Hearing.heard
Hearing.heard = lambda self: None if Path({flag!r}).exists() else heard(self)
from s2m_ros.nodes.tracker_node import main
main()
"""


def test_a_node_that_nothing_reaches_ends_and_says_why(bench: Bench, tmp_path: Path) -> None:
    _, _, tracker, monitor = graph(load(None, PATIENT))
    flag = tmp_path / "deaf"
    deaf = bench.script(DEAF_WHILE.format(flag=str(flag)), tracker)
    bench.start(replace(monitor, parameters={"watched": ["tracker"]}))
    Watch(bench).healthy(State.UNKNOWN, "no message")
    bench.spin(DEAF_S + 2.0)
    assert deaf.poll() is None, "it ended although it hears"
    flag.touch()
    bench.until(lambda: deaf.poll() is not None, "its end")
    assert deaf.returncode == 1
    assert "/tracker: nothing reaches this process any more" in bench.logs()
    assert "Traceback" not in bench.logs()


def test_without_a_monitor_silence_is_no_deafness(bench: Bench) -> None:
    _, _, tracker, monitor = graph(load(None, PATIENT))
    node = bench.start(tracker)
    watching = bench.start(replace(monitor, parameters={"watched": ["tracker"]}))
    Watch(bench).healthy(State.UNKNOWN, "/s2m/objects: no message")
    bench.end(watching)
    bench.spin(DEAF_S + 2.0)
    assert node.poll() is None, bench.logs()
    bench.end(node)
