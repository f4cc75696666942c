"""The launch files and ``s2m up`` start the same graph. Runs where launch_ros is importable."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from s2m_ros.config import load
from s2m_ros.nodes.graph import NodeSpec, graph
from s2m_ros.nodes.starting import requested

LAUNCH = Path(__file__).resolve().parents[2] / "launch"

pytest.importorskip("launch_ros", reason="launch_ros is part of a ROS installation")
import launch  # noqa: E402
import launch_ros.actions  # noqa: E402
from launch.utilities import (  # noqa: E402
    normalize_to_list_of_substitutions,
    perform_substitutions,
)
from launch_ros.utilities import evaluate_parameters  # noqa: E402


def module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name.partition(".")[0], LAUNCH / name)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def started(file: str, **arguments: str) -> list[tuple[Any, launch.LaunchContext]]:
    """The node actions of a launch file with these arguments, visited as ros2 launch does."""
    context = launch.LaunchContext()
    context.launch_configurations.update(arguments)
    pending = [module(file).generate_launch_description()]
    nodes = []
    while pending:
        entity = pending.pop(0)
        if isinstance(entity, launch_ros.actions.Node):
            if entity.condition is None or entity.condition.evaluate(context):
                nodes.append((entity, context))
        elif not isinstance(entity, (launch.actions.ExecuteProcess, launch.actions.TimerAction)):
            pending = [*(entity.visit(context) or []), *pending]
    return nodes


def described(action: Any, context: launch.LaunchContext) -> dict[str, Any]:
    """What a node action will start, with its substitutions performed."""

    def text(value: Any) -> str:
        return perform_substitutions(context, normalize_to_list_of_substitutions(value))

    action._perform_substitutions(context)
    parameters: dict[str, Any] = {}
    files = []
    for item in evaluate_parameters(context, action._Node__parameters):
        if isinstance(item, dict):
            parameters.update(item)
        else:
            assert not parameters, "what comes as a value outweighs the file"
            files.append(item)
    return {
        "files": files,
        "arguments": [text(a) for a in action._Node__arguments or [] if text(a).startswith("[")],
        "executable": text(action.node_executable),
        "name": action._Node__expanded_node_name,
        "namespace": action._Node__expanded_node_namespace.strip("/"),
        "parameters": {k: list(v) if isinstance(v, tuple) else v for k, v in parameters.items()},
        "remappings": [tuple(pair) for pair in action.expanded_remapping_rules or []],
    }


def expected(spec: NodeSpec) -> dict[str, Any]:
    return {
        "files": list(spec.parameter_files),
        "arguments": list(spec.arguments),
        "executable": spec.executable,
        "name": spec.name,
        "namespace": spec.namespace.strip("/"),
        "parameters": dict(spec.parameters),
        "remappings": list(spec.remappings),
    }


def by_name(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(items, key=lambda item: item["name"])


@pytest.mark.parametrize("file", ["s2m.launch.py", "replay.launch.py"])
@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"cameras": "front,left", "namespace": "tug_7"},
        {"remap": "points:=/lidar/points odom:=/odometry", "namespace": "/tug_7"},
        {"profile": "small", "autostart": "false", "cameras": "front,left", "composed": "true"},
    ],
    ids=["defaults", "two cameras", "own topics", "composed"],
)
def test_both_starters_start_the_same_nodes(file: str, arguments: dict[str, str]) -> None:
    asked: dict[str, Any] = dict(arguments)
    for name, other in (("autostart", "autostart"), ("composed", "together")):
        if name in asked:
            asked[other] = asked.pop(name) == "true"
    if file == "replay.launch.py":
        arguments = {**arguments, "bag": "drive"}
        asked["use_sim_time"] = True
    actual = [described(*node) for node in started(file, **arguments)]
    assert by_name(actual) == by_name([expected(spec) for spec in requested(**asked)])


def test_settings_of_a_file_reach_the_launched_nodes(tmp_path: Path) -> None:
    file = tmp_path / "vehicle.yaml"
    content = "cameras: [rear]\nfusion: {base_frame: body}\nhazards: {vehicle_length_m: 2.0}\n"
    file.write_text(content)
    actual = [described(*node) for node in started("s2m.launch.py", config=str(file))]
    assert by_name(actual) == by_name([expected(spec) for spec in graph(load(file))])
    assert {"fusion.base_frame": "body"}.items() <= actual[1]["parameters"].items()


def test_a_parameter_file_goes_to_every_node_below_the_other_settings(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("/tug_7/fusion:\n  ros__parameters: {fusion: {base_frame: body}}\n")
    arguments = {"params_file": str(file), "namespace": "tug_7"}
    actual = [described(*node) for node in started("s2m.launch.py", **arguments)]
    assert by_name(actual) == by_name([expected(spec) for spec in requested(**arguments)])
    assert all(node["files"] == [file] for node in actual)


@pytest.mark.parametrize("respawn", ["true", "false"])
def test_nodes_are_started_again_when_asked(respawn: str) -> None:
    for action, _ in started("s2m.launch.py", respawn=respawn):
        assert action._ExecuteLocal__respawn is (respawn == "true")


def test_several_cameras_by_pattern() -> None:
    arguments = {
        "cameras": "front,left",
        "image": "/sensing/{camera}/image",
        "camera_info": "/sensing/{camera}/info",
        "namespace": "tug_7",
        "remap": "points:=/lidar/points",
    }
    actual = [described(*node) for node in started("multi_camera.launch.py", **arguments)]
    remap = " ".join(
        [
            "camera/front/image_raw:=/sensing/front/image",
            "camera/left/image_raw:=/sensing/left/image",
            "camera/front/camera_info:=/sensing/front/info",
            "camera/left/camera_info:=/sensing/left/info",
            "points:=/lidar/points",
        ]
    )
    wanted = requested(cameras="front,left", namespace="tug_7", remap=remap)
    assert by_name(actual) == by_name([expected(spec) for spec in wanted])


def test_rviz_starts_when_asked() -> None:
    without = started("s2m.launch.py")
    shown = started("s2m.launch.py", rviz="true")
    assert len(shown) == len(without) + 1
    action, context = shown[-1]
    action._perform_substitutions(context)
    assert action.node_package == "rviz2"
