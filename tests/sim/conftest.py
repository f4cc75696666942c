"""A small stage that several tests look at: setting one up takes seconds."""

from __future__ import annotations

import pytest

pytest.importorskip("embreex", reason="the simulator needs embreex (x86-64 Linux or macOS)")

from s2m_ros.sim.drive import SimFrame, Stage
from s2m_ros.sim.scenario import Scenario

SMALL = {
    "name": "small",
    "duration_s": 1.0,
    "seed": 3,
    "light": {"preset": "afternoon", "sun_azimuth_deg": 130},
    "ego": {"points": [[0, 0], [10, 0.3], [24, 1.2]], "speed_mps": 4.0},
    "camera": {
        "width": 320,
        "height": 192,
        "distortion": [-0.08, 0.01, 0.001, -0.001, 0.0],
        "pitch_deg": 9,
    },
    "lidar": {"beams": 48, "columns": 900, "range_sigma_m": 0.0, "dropout": 0.0},
    "actors": [
        {"kind": "pickup", "name": "pickup", "at": [22, -5], "yaw_deg": 150},
        {"kind": "barrier", "name": "barrier", "at": [9, 2.2], "yaw_deg": 20},
        {"kind": "box", "name": "box", "at": [8, -1.5], "yaw_deg": 35},
        {
            "kind": "person",
            "name": "walker",
            "path": {"points": [[14, 5], [14, -5]], "speed_mps": 2.0},
        },
        {"kind": "cone", "name": "stand_cone", "at": [11, -3.2], "known": True},
    ],
}


@pytest.fixture(scope="session")
def small() -> Scenario:
    return Scenario.model_validate(SMALL)


@pytest.fixture(scope="session")
def stage(small: Scenario) -> Stage:
    return Stage(small, small.seed)


@pytest.fixture(scope="session")
def frame(stage: Stage) -> SimFrame:
    return stage.frame(5)
