"""The monitor over the real middleware: a tracker that hangs, dies, comes back."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("rclpy")

from bench import PATIENT, Bench, Watch

from s2m_ros.config import load
from s2m_ros.hazards.markers import Action
from s2m_ros.nodes.graph import graph
from s2m_ros.types import State

pytestmark = pytest.mark.timeout(300)  # each wait has its own, shorter limit

MONITOR = "/tug_7/monitor"


def test_a_tracker_that_hangs_or_dies_is_unknown_and_its_markers_go(bench: Bench) -> None:
    bench.namespace = "/tug_7"
    _, _, tracker, monitor = graph(load(None, PATIENT), namespace="/tug_7")
    bench.start(replace(monitor, parameters={"watched": ["tracker"]}))
    watch = Watch(bench, "s2m_msgs/msg/HazardArray", "s2m/hazards")
    markers = bench.collect("visualization_msgs/msg/MarkerArray", "s2m/markers")

    def vehicle(state: State, reason: str) -> Any:
        start = len(watch.health)

        def found() -> Any:
            return next(
                (
                    h
                    for h in watch.health[start:]
                    if h.node == MONITOR and h.state == state and reason in h.reason
                ),
                None,
            )

        return bench.until(found, f"the vehicle {state.name} '{reason}'")

    def stands_in() -> None:
        markers.clear()
        hazards = watch.output(State.UNKNOWN, "no sign of life")
        assert len(hazards.hazards) == 0
        bench.until(
            lambda: any(m.action == Action.DELETE_ALL for a in markers for m in a.markers),
            "DELETEALL",
        )

    vehicle(State.BUILDING, "/tug_7/tracker: starting")
    process = bench.start(tracker)
    silent = "/tug_7/s2m/objects: no message"
    vehicle(State.UNKNOWN, silent)

    process.send_signal(signal.SIGSTOP)
    stands_in()
    vehicle(State.UNKNOWN, "/tug_7/tracker: no sign of life for")
    process.send_signal(signal.SIGCONT)
    vehicle(State.UNKNOWN, silent)
    watch.output(State.UNKNOWN, "/tug_7/s2m/objects: silent")

    bench.lose(process)
    stands_in()
    vehicle(State.UNKNOWN, "/tug_7/tracker: no sign of life for")
    bench.start(tracker)
    vehicle(State.UNKNOWN, silent)
    watch.output(State.UNKNOWN, "/tug_7/s2m/objects: silent")
    health = next(d for d in reversed(watch.diagnostics) if d.status[0].name == MONITOR)
    assert {p.key: p.value for p in health.status[0].values}["restarts./tug_7/tracker"] == "1"
