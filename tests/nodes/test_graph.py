"""The table of nodes."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from s2m_ros.config import leaves, load, within
from s2m_ros.nodes.graph import COMMAND_SETTINGS, SETTINGS, composed, graph


def test_one_camera_node_a_camera_then_fusion_and_tracker() -> None:
    specs = graph(load(None, {"cameras": ["front", "left"]}))
    assert [spec.name for spec in specs] == [
        "camera_front", "camera_left", "fusion", "tracker", "monitor",
    ]  # fmt: skip
    assert [spec.parameters.get("camera", "front") for spec in specs[:2]] == ["front", "left"]


def test_each_node_gets_the_changed_settings_that_it_declares() -> None:
    config = load(
        None, {"perception.model.threads": 4, "tracking.coast_s": 3, "intake.max_age_ms": 900}
    )
    camera, fusion, tracker, monitor = graph(config, use_sim_time=True)
    shared = {"use_sim_time": True, "intake.max_age_ms": 900.0}
    assert camera.parameters == {**shared, "perception.model.threads": 4, "camera": "front"}
    assert fusion.parameters == shared
    assert tracker.parameters == {**shared, "tracking.coast_s": 3.0}
    assert monitor.parameters == {
        "use_sim_time": True,
        "watched": ["camera_front", "fusion", "tracker"],
    }


def test_every_setting_has_a_node() -> None:
    branches = {branch for settings in SETTINGS.values() for branch in settings}
    assert not branches & set(COMMAND_SETTINGS)
    branches |= set(COMMAND_SETTINGS)
    assert [name for name, _, _ in leaves() if not within(name, branches)] == []


def test_the_command_line_says_it_all() -> None:
    spec = graph(
        load(None, {"cameras": ["front", "left"]}),
        namespace="/tug_7",
        parameter_files=[Path("a.yaml")],
        remappings={"points": "/velodyne_points"},
    )[2]
    command = spec.command("python")
    assert command[:4] == ["python", "-m", "s2m_ros.nodes", "fusion_node"]
    arguments = command[5:]
    assert arguments[:2] == ["-r", "__node:=fusion"]
    assert "__ns:=/tug_7" in arguments
    assert "points:=/velodyne_points" in arguments
    assert arguments[arguments.index("--params-file") + 1] == "a.yaml"
    (parameter,) = [a for a in arguments if a.startswith("cameras:=")]
    assert yaml.safe_load(parameter.partition(":=")[2]) == ["front", "left"]


def test_composed_is_the_same_in_one_process_and_the_monitor_in_another() -> None:
    specs = graph(load(None, {"cameras": ["front", "left"]}), namespace="/tug_7")
    vehicle, monitor = composed(specs)
    assert monitor == specs[-1]
    assert [json.loads(text) for text in vehicle.arguments] == [
        [spec.executable, *spec.ros_arguments()] for spec in specs[:-1]
    ]
