"""The executables: an interrupt while they import ends them without a word."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WAITING = """
import pathlib, sys, time
sys.argv = ["s2m_ros.nodes", {executable!r}]
class Slow:
    def find_spec(self, name, path=None, target=None):
        if name == "rclpy":
            pathlib.Path({mark!r}).touch()
            time.sleep(60.0)
sys.meta_path.insert(0, Slow())
import runpy
runpy.run_module("s2m_ros.nodes", run_name="__main__")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("executable", ["tracker_node", "monitor_node"])
def test_a_signal_during_the_imports_ends_it_quietly(
    tmp_path: Path, executable: str, number: signal.Signals
) -> None:
    mark = tmp_path / "importing"
    code = WAITING.format(executable=executable, mark=str(mark))
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=dict(os.environ),
    )  # fmt: skip
    try:
        end = time.monotonic() + 60.0
        while not mark.exists():
            assert time.monotonic() < end
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        output, _ = process.communicate(timeout=20.0)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, output) == (0, "")
