"""``s2m up``: what it would start, and the real nodes starting and ending."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from s2m_ros.cli import main as cli
from s2m_ros.nodes.starting import requested


def test_show_prints_the_command_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["up", "--show", "--cameras", "front,left", "--set", "fusion.base_frame=body"])
    assert not left.value.code
    shown = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    specs = requested(cameras="front,left", overrides={"fusion.base_frame": "body"})
    assert shown == [spec.command() for spec in specs]


@pytest.mark.ros
@pytest.mark.timeout(240)
def test_the_nodes_come_up_and_end_with_the_interrupt(
    repository: Path, ros_domain_id: int, tmp_path: Path
) -> None:
    log = tmp_path / "up.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "s2m_ros.cli", "up", "--namespace", "tug_7"],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=repository,
            env={**os.environ, "ROS_DOMAIN_ID": str(ros_domain_id)},
        )
    try:
        end = time.monotonic() + 150.0
        names = ("camera_front", "fusion", "tracker", "monitor")
        while not all(re.search(rf"\[tug_7\.{name}\]", log.read_text()) for name in names):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        assert process.wait(30.0) == 0, log.read_text()
    finally:
        process.kill()
        process.wait()
    pids = [int(pid) for pid in re.findall(r"started, process (\d+)", log.read_text())]
    assert len(pids) == len(names)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
