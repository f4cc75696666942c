"""The launch file with real nodes under launch_testing, on a machine with a sourced workspace."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(400)

for name in ("launch_testing", "launch_ros"):
    pytest.importorskip(name, reason=f"{name} is part of a ROS installation")


def test_the_launch_file_brings_every_node_to_life(ros_domain_id: int) -> None:
    from ament_index_python.packages import PackageNotFoundError, get_package_prefix

    try:
        get_package_prefix("s2m_ros")
    except PackageNotFoundError:
        pytest.skip("s2m_ros is not in a sourced workspace: colcon build, . install/setup.bash")
    file = Path(__file__).with_name("launch_s2m.py")
    result = subprocess.run(
        [sys.executable, "-m", "launch_testing.launch_test", str(file)],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "ROS_DOMAIN_ID": str(ros_domain_id)},
        timeout=350.0,
        check=False,
    )
    assert result.returncode == 0, result.stdout
