"""The benchmark over the real middleware."""

from __future__ import annotations

from pathlib import Path

import pytest
import toy_model

pytest.importorskip("rclpy")

from drives import write_drive

from s2m_ros.audit.bench.runs import at_rate
from s2m_ros.audit.latency import STAGES
from s2m_ros.config import load


@pytest.mark.timeout(180)
def test_a_drive_at_a_rate_of_choice(tmp_path: Path) -> None:
    source = write_drive(tmp_path / "apron", results=False)
    settings = {"perception.model.path": str(toy_model.write(tmp_path / "toy"))}
    settings["intake.max_age_ms"] = "5000"
    run = at_rate(source, load(overrides=settings), 5.0, 5.0, tmp_path / "out", lambda *_: None)
    assert run.rate_hz == 5.0
    assert 20 <= run.sent <= 26, "five seconds after the warm-up"
    assert 0 < run.answered <= run.sent
    assert run.latencies.keys() == set(STAGES)
    assert 0 < run.latencies["camera to masks"].p50 < run.latencies["camera to marker"].p50
    assert run.usage.keys() == {"camera_front", "fusion", "tracker", "monitor", "nursery"}
    assert all(use.memory_mb > 5 for use in run.usage.values())
    assert run.inside["camera_front total"] > 0
