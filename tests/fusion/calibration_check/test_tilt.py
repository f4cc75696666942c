"""Ground that leans means a tilted LiDAR; a bump or a gentle ramp does not."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.fusion.calibration_check.tilt import TiltCheck

MS = 1_000_000


def test_ground_that_leans_means_a_tilted_lidar() -> None:
    check = TiltCheck()
    lean = np.tan(np.radians(3.0))
    told = [check.add(i * 100 * MS, np.array([0.0, lean, 0.0])) for i in range(8)]
    assert told[:2] == ["", ""]
    assert "leans 3.0 degrees" in told[-1]


@pytest.mark.parametrize("period_ms", [50, 100, 200, 400])
def test_a_lidar_that_slips_is_told_within_a_second_at_any_rate(period_ms: int) -> None:
    check, lean = TiltCheck(), np.tan(np.radians(3.0))
    for i in range(20):
        assert check.add(i * period_ms * MS, np.zeros(3)) == ""
    slipped = 20 * period_ms
    for at_ms in range(slipped, slipped + 1000, period_ms):
        if check.add(at_ms * MS, np.array([lean, 0.0, 0.0])):
            break
    else:
        pytest.fail("never told")


def test_sweeps_of_long_ago_do_not_count() -> None:
    check, lean = TiltCheck(), np.array([np.tan(np.radians(3.0)), 0.0, 0.0])
    assert [check.add(at_s * 1000 * MS, lean) for at_s in (0, 5, 10)] == [""] * 3


def test_a_bump_and_a_gentle_ramp_are_no_tilt() -> None:
    check = TiltCheck()
    for i in range(20):
        slope = 0.08 if i in (9, 10) else 0.02
        assert check.add(i * 100 * MS, np.array([slope, 0.0, 0.0])) == ""
