"""``s2m health`` asks the running monitor, over the middleware."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("rclpy")

pytestmark = [pytest.mark.ros, pytest.mark.timeout(120)]


def command(repository: Path, domain: int, *words: str) -> dict[str, object]:
    return {
        "args": [sys.executable, "-m", *words],
        "cwd": repository,
        "env": {**os.environ, "ROS_DOMAIN_ID": str(domain)},
        "text": True,
    }


@pytest.fixture
def monitor(repository: Path, ros_domain_id: int, tmp_path: Path) -> Iterator[None]:
    """A monitor in /tug_9 that watches nobody, or a node that never comes."""
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            **command(
                repository, ros_domain_id, "s2m_ros.nodes.monitor_node", "--ros-args",
                "-r", "__ns:=/tug_9", "-p", "watched:=[tracker]", "-p", "monitor.start_ms:=4000.0",
            ),
            stdout=log, stderr=subprocess.STDOUT,
        )  # type: ignore[call-overload]  # fmt: skip
        yield
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)


def asked(repository: Path, domain: int, *options: str) -> tuple[int, str]:
    result = subprocess.run(
        **command(repository, domain, "s2m_ros.cli", "health", *options),
        capture_output=True, check=False,
    )  # type: ignore[call-overload]  # fmt: skip
    return result.returncode, result.stdout + result.stderr


def test_the_state_of_the_vehicle_is_the_exit_code(
    repository: Path, ros_domain_id: int, monitor: None
) -> None:
    for _ in range(30):  # BUILDING while it waits for the tracker, UNKNOWN when that never comes
        code, told = asked(repository, ros_domain_id, "--namespace", "tug_9", "--timeout", "20")
        if not told.startswith("BUILDING"):
            break
        assert code == 0
    assert told.startswith("UNKNOWN /tug_9/tracker: "), told
    assert code == 1
    code, told = asked(repository, ros_domain_id, "--timeout", "1")
    assert code == 1
    assert told == "no Health from /monitor in 1 s: are the nodes running?\n"
