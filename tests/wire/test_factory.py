"""Factories fill what is not given, and refuse what does not exist."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest
from values import factories

from s2m_ros.wire import factory as module
from s2m_ros.wire.factory import RosbagsFactory, definitions_dir

FACTORIES = [pytest.param(f, id=type(f).__name__) for f in factories()]


@pytest.mark.parametrize("factory", FACTORIES)
def test_defaults(factory: Any) -> None:
    message = factory.make("nav_msgs/msg/Odometry", child_frame_id="base_link")
    assert message.child_frame_id == "base_link"
    assert message.header.frame_id == ""
    assert message.pose.pose.orientation.w == 1.0
    assert len(message.pose.covariance) == 36


@pytest.mark.parametrize("factory", FACTORIES)
def test_unknown_fields(factory: Any) -> None:
    with pytest.raises(TypeError, match="std_msgs/msg/Header has no field 'frame'"):
        factory.make("std_msgs/msg/Header", frame="lidar")


def test_every_type_of_ours_can_be_made_and_serialised() -> None:
    factory = RosbagsFactory()
    names = [path.stem for path in definitions_dir().glob("*.msg")]
    assert "HazardArray" in names
    for name in names:
        kind = f"s2m_msgs/msg/{name}"
        factory.typestore.serialize_cdr(factory.make(kind), kind)


def test_unknown_type() -> None:
    with pytest.raises(TypeError, match="s2m_msgs/msg/Nothing: unknown message type"):
        RosbagsFactory().make("s2m_msgs/msg/Nothing")


def test_definitions_are_found_in_an_ament_prefix(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "__file__", str(tmp_path / "a" / "b" / "factory.py"))
    monkeypatch.setenv("AMENT_PREFIX_PATH", str(tmp_path / "prefix"))
    with pytest.raises(FileNotFoundError, match="source the workspace"):
        definitions_dir()
    folder = tmp_path / "prefix" / "share" / "s2m_msgs" / "msg"
    folder.mkdir(parents=True)
    (folder / "ObjectMaskArray.msg").write_text("")
    assert definitions_dir() == folder


def test_rclpy_arrays_are_set_as_one_block() -> None:
    pytest.importorskip("rclpy")
    from s2m_ros.nodes.factory import RclpyFactory

    made = RclpyFactory().make("sensor_msgs/msg/Image", data=np.arange(6, dtype=np.uint8))
    assert made.data == array.array("B", range(6))
    made = RclpyFactory().make("s2m_msgs/msg/ObjectMask", runs=np.array([1, 2], np.int64))
    assert made.runs == array.array("I", [1, 2])
    made = RclpyFactory().make("s2m_msgs/msg/Object3D", covariance=np.eye(3).ravel().tolist())
    assert made.covariance.tolist() == np.eye(3).ravel().tolist()
