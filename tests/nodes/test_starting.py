"""What a person asks for, as the table of nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2m_ros.config import PROFILES, ConfigError, load, parse_overrides
from s2m_ros.nodes.starting import camera_remappings, remappings, requested


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


def test_a_file_outweighs_its_profile_and_an_override_both(tmp_path: Path) -> None:
    file = tmp_path / "vehicle.yaml"
    file.write_text("perception: {model: {width: 320}}\ncameras: [rear]\n")
    camera = requested(
        str(file), profile="small", overrides={"perception.prompting.max_prompts": 5}
    )[0]
    assert camera.name == "camera_rear"
    assert camera.parameters["perception.model.width"] == 320
    assert camera.parameters["perception.model.height"] == 352, "of the profile"
    assert camera.parameters["perception.prompting.max_prompts"] == 5
    with pytest.raises(ConfigError, match="nowhere"):
        requested(profile="nowhere")


@pytest.mark.parametrize("file", sorted(PROFILES.glob("*.yaml")), ids=lambda file: file.stem)
def test_every_profile_is_a_vehicle(file: Path) -> None:
    assert [s.name for s in requested(profile=file.stem)][-1] == "monitor"


def test_a_lifecycle_manager_starts_all_but_the_monitor() -> None:
    *stages, monitor = requested(autostart=False)
    assert all(spec.parameters["autostart"] is False for spec in stages)
    assert "autostart" not in monitor.parameters


def test_topics_of_cameras_by_pattern() -> None:
    assert camera_remappings("front, left", "/s/{camera}/i", camera_info="/{camera}") == [
        "camera/front/image_raw:=/s/front/i",
        "camera/left/image_raw:=/s/left/i",
        "camera/front/camera_info:=/front",
        "camera/left/camera_info:=/left",
    ]
    assert camera_remappings("front", "/image") == ["camera/front/image_raw:=/image"]
    with pytest.raises(ConfigError, match=r"expected \{camera\} in it, got '/image'"):
        camera_remappings("front,left", "/image")
