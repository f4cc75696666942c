"""The whole path over the real middleware: image and cloud in, hazard and markers out."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import toy_model

pytest.importorskip("rclpy")

from bench import PATIENT, Bench, Watch
from site_of_tests import BOX_RANGE_M, Site, rig_file

from s2m_ros.config import load
from s2m_ros.nodes.graph import composed, graph
from s2m_ros.types import State, TrackState

pytestmark = pytest.mark.timeout(400)  # each wait has its own, shorter limit

KIND = "s2m_msgs/msg/HazardArray"


def status(markers: list[Any]) -> str:
    return " ".join(m.text for array in markers[-1:] for m in array.markers if m.ns == "status")


def test_all_nodes_in_one_process(bench: Bench, tmp_path: Path) -> None:
    bench.namespace = "/tug_7"
    config = load(
        None,
        {
            **PATIENT,
            "perception.model.path": str(toy_model.write(tmp_path / "toy")),
            "fusion.calibration_file": str(rig_file(tmp_path)),
        },
    )
    vehicle, monitor = composed(graph(config, namespace="/tug_7"))
    process = bench.start(vehicle)
    bench.start(monitor)
    site, watch = Site(bench), Watch(bench, KIND, "s2m/hazards")
    watch.output(State.OK, meanwhile=site.send)

    def whole() -> bool:
        last = {health.node: health.state for health in watch.health}
        names = ("camera_front", "fusion", "tracker", "monitor")
        return all(last.get(f"/tug_7/{name}") == State.OK for name in names)

    bench.until(whole, "OK of all nodes", site.send)
    bench.end(process)
    bench.until(lambda: "was shut down" in watch.outputs[-1].reason, "last words")
    watch.output(State.UNKNOWN, "/tug_7/tracker: no sign of life")
    assert "Traceback" not in bench.logs()


def test_from_image_and_cloud_to_hazards_and_markers(bench: Bench, tmp_path: Path) -> None:
    bench.namespace = "/tug_7"
    config = load(
        None,
        {
            **PATIENT,
            "perception.model.path": str(toy_model.write(tmp_path / "toy")),
            "fusion.calibration_file": str(rig_file(tmp_path)),
        },
    )
    tracker_alone = bench.start(graph(config, namespace="/tug_7")[2])
    site, watch = Site(bench), Watch(bench, KIND, "s2m/hazards")
    markers = bench.collect("visualization_msgs/msg/MarkerArray", "s2m/markers")
    nothing = watch.output(State.UNKNOWN, "s2m/objects: silent")
    assert len(nothing.hazards) == 0
    bench.until(lambda: "UNKNOWN" in status(markers), "a status marker")

    camera, fusion = (bench.start(spec) for spec in graph(config, namespace="/tug_7")[:2])
    watch.output(State.OK, meanwhile=site.send)
    start = len(watch.outputs)

    def confirmed() -> Any:
        for array in watch.outputs[start:]:
            for hazard in array.hazards:
                if hazard.track_state == TrackState.CONFIRMED and array.state == State.OK:
                    return hazard
        return None

    hazard = bench.until(confirmed, "a confirmed hazard", site.send)
    assert abs(hazard.pose.position.x - BOX_RANGE_M) < 0.7
    assert abs(hazard.pose.position.y) < 0.4

    def boxes() -> list[int]:
        return [m.id for array in markers for m in array.markers if m.ns == "hazard/box"]

    bench.until(lambda: hazard.track_id in boxes(), "its box marker", site.send)

    site.skip = {"image"}
    watch.output(State.UNKNOWN, "s2m/front/masks: silent", site.send)
    bench.until(lambda: "UNKNOWN" in status(markers), "a status marker", site.send)

    def blind_in_odom() -> bool:  # odometry goes on: sweeps alone are still placed in its frame
        last = watch.outputs[-1]
        return bool(last.state == State.UNKNOWN and last.header.frame_id == "odom")

    bench.until(blind_in_odom, "a blind answer in the odometry frame", site.send)
    site.skip = set()
    watch.output(State.OK, meanwhile=site.send)

    bench.end(fusion, signal.SIGTERM)
    watch.output(State.UNKNOWN, "s2m/objects: silent", site.send)
    bench.end(camera)
    assert "Traceback" not in bench.end(tracker_alone)
