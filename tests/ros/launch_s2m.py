"""For ``launch_test``: s2m.launch.py brings every node to life and ends it cleanly."""

from __future__ import annotations

import time
import unittest
from pathlib import Path
from typing import Any

import launch_testing.actions
import launch_testing.asserts
import rclpy
from ament_index_python.packages import get_package_share_directory
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription, SetLaunchConfiguration
from launch.launch_description_sources import PythonLaunchDescriptionSource
from s2m_msgs.msg import Health

LIMIT_S = 120.0
NODES = {f"/tug_7/{name}" for name in ("camera_front", "fusion", "tracker", "monitor")}


def generate_test_description() -> LaunchDescription:
    file = Path(get_package_share_directory("s2m_ros")) / "launch" / "s2m.launch.py"
    return LaunchDescription(
        [
            SetLaunchConfiguration("sigterm_timeout", "60"),  # on a busy machine
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(str(file)),
                launch_arguments={"namespace": "tug_7", "profile": "small"}.items(),
            ),
            launch_testing.actions.ReadyToTest(),
        ]
    )


class TestNodes(unittest.TestCase):
    def test_every_node_speaks_and_gets_past_building(self) -> None:
        rclpy.init()
        node = rclpy.create_node("test_launch")
        states: dict[str, int] = {}

        def heard(message: Health) -> None:
            states[message.node] = message.state

        node.create_subscription(Health, "/tug_7/s2m/health", heard, 50)
        end = time.monotonic() + LIMIT_S
        while not self._up(states) and time.monotonic() < end:
            rclpy.spin_once(node, timeout_sec=0.2)
        node.destroy_node()
        rclpy.shutdown()
        assert self._up(states), states

    def _up(self, states: dict[str, int]) -> bool:
        return states.keys() >= NODES and Health.BUILDING not in states.values()


@launch_testing.post_shutdown_test()
class TestEnd(unittest.TestCase):
    def test_no_node_failed(self, proc_info: Any, proc_output: Any) -> None:
        launch_testing.asserts.assertExitCodes(proc_info)
        said = "".join(
            chunk.text.decode(errors="replace")
            for process in proc_info.process_names()
            for chunk in proc_output[process]
        )
        assert "Traceback" not in said
