"""What /proc says of this very process, against what the system tells it itself."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from s2m_ros.audit.vitals import Lives, vitals


def test_processor_time_is_that_of_the_process() -> None:
    before, cpu_s = vitals(os.getpid()), time.process_time()
    while time.process_time() - cpu_s < 0.3:
        sum(range(10_000))
    spent = vitals(os.getpid()).processor_s - before.processor_s
    assert spent == pytest.approx(time.process_time() - cpu_s, abs=0.05)


def test_own_memory_counts_what_is_allocated_and_not_files() -> None:
    before = vitals(os.getpid())
    block = np.ones(50_000_000, np.uint8)
    after = vitals(os.getpid())
    assert after.own_mb - before.own_mb == pytest.approx(50, abs=5)
    assert after.share_mb - before.share_mb == pytest.approx(50, abs=10)
    del block
    assert vitals(os.getpid()).own_mb == pytest.approx(before.own_mb, abs=5)


def test_handles_are_counted(tmp_path: Path) -> None:
    before = vitals(os.getpid()).handles
    with (tmp_path / "a").open("w"), (tmp_path / "b").open("w"):
        assert vitals(os.getpid()).handles == before + 2
    assert vitals(os.getpid()).handles == before


def test_one_that_has_ended_is_an_oserror() -> None:
    with pytest.raises(OSError, match="No such file"):
        vitals(2**22 + 1)


def test_lives_are_sampled_once_a_second_and_what_has_ended_is_left_out() -> None:
    lives, pids = Lives(), {"me": os.getpid(), "gone": 2**22 + 1}
    for now_s in (0.0, 0.4, 0.9, 1.0, 1.5, 2.1):
        lives.take(pids, now_s)
    assert [sample.at_s for sample in lives.samples["me"]] == [0.0, 1.0, 2.1]
    assert lives.samples["gone"] == []
