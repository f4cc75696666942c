"""The demonstration: from nothing to a report, by one command."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_second_of_the_demo_in_lockstep(tmp_path: Path) -> None:
    """The default model on the default scenario: objects ahead are found, nothing false."""
    arguments = ["demo", "--lockstep", "--seconds", "1", "--out", str(tmp_path / "out")]
    result = subprocess.run(
        [sys.executable, "-m", "s2m_ros.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=570,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    for word in ("report.html", "recording.rrd", "bag", "found", "missed", "false", "10 of 10"):
        assert word in result.stdout
    score = json.loads((tmp_path / "out" / "summary.json").read_text())["score"]
    assert score["found"] >= 3
    assert score["false"] <= 1
