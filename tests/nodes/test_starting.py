"""What a person asks for, as the table of nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2m_ros.config import ConfigError, load, parse_overrides
from s2m_ros.nodes.starting import remappings, requested


def test_one_camera_node_per_camera_then_fusion_and_tracker() -> None:
    names = [spec.name for spec in requested(cameras="front, left")]
    assert names == ["camera_front", "camera_left", "fusion", "tracker", "monitor"]


@pytest.mark.parametrize(
    ("given", "used"), [("", ""), ("tug_7", "/tug_7"), ("/tug_7", "/tug_7"), ("/", "")]
)
def test_the_namespace_with_or_without_slash(given: str, used: str) -> None:
    assert {spec.namespace for spec in requested(namespace=given)} == {used}


def test_a_file_then_the_command_line(tmp_path: Path) -> None:
    file = tmp_path / "vehicle.yaml"
    file.write_text("cameras: [rear]\nfusion: {base_frame: body, max_range_m: 50}\n")
    specs = requested(str(file), overrides={"fusion.max_range_m": 60})
    fusion = next(spec for spec in specs if spec.name == "fusion")
    assert fusion.parameters == {
        "cameras": ["rear"],
        "fusion.base_frame": "body",
        "fusion.max_range_m": 60.0,
    }


def test_a_ros_parameter_file_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "vehicle.yaml"
    file.write_text("/**:\n  ros__parameters:\n    hazards:\n      vehicle_length_m: 2.0\n")
    assert load(file).hazards.vehicle_length_m == 2.0


def test_a_parameter_file_for_one_node_is_refused_with_the_way_out(tmp_path: Path) -> None:
    file = tmp_path / "vehicle.yaml"
    file.write_text("/fusion:\n  ros__parameters: {fusion.base_frame: body}\n")
    with pytest.raises(ConfigError, match="--params-file"):
        load(file)


def test_remappings() -> None:
    assert remappings(["points:=/lidar/points"]) == {"points": "/lidar/points"}
    for broken in ("points=/lidar", ":=/lidar", "points:="):
        with pytest.raises(ConfigError, match="expected topic:=name"):
            remappings([broken])


def test_settings_on_the_command_line_are_yaml() -> None:
    assert parse_overrides(["a.b=0.5", "c=true", "d=[x, y]", "e="]) == {
        "a.b": 0.5, "c": True, "d": ["x", "y"], "e": "",
    }  # fmt: skip
    for broken in ("a", "=1"):
        with pytest.raises(ConfigError, match="expected name=value"):
            parse_overrides([broken])
    with pytest.raises(ConfigError, match="not a YAML value"):
        parse_overrides(["a={"])
