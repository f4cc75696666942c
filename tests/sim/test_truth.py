"""Ground truth: what hides what, how things move, since when they are seen."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.sim import lidar
from s2m_ros.sim.drive import SimFrame, Stage
from s2m_ros.sim.motion import Pose
from s2m_ros.sim.scenario import Scenario
from s2m_ros.sim.truth import FirstSight
from s2m_ros.types import Role
from s2m_ros.wire.truth import TruthFrame, TruthObject, TruthView

HIDING = {
    "name": "hiding",
    "ego": {"points": [[0, 0], [20, 0]], "speed_mps": 2.0},
    "camera": {"width": 320, "height": 192},
    "cameras": {"front": {}, "left": {"yaw_deg": 40, "phase_ms": 10}},
    "lidar": {"beams": 16, "columns": 360},
    "odometry": {"yaw_drift_deg_per_m": 1.0},
    "actors": [
        {"kind": "container", "name": "before", "at": [9, 0.9], "yaw_deg": 0, "seed": 1},
        {"kind": "container", "name": "behind", "at": [13, 0.0], "yaw_deg": 0, "seed": 1},
        {"kind": "cone", "name": "free", "at": [8, -2.5], "known": True},
        {"kind": "cone", "name": "aside", "at": [8, 5.5]},
        {
            "kind": "animal",
            "name": "runner",
            "path": {"points": [[16, -6], [16, 6]], "speed_mps": 3.0, "start_s": -1.5},
        },
    ],
}


@pytest.fixture(scope="module")
def hiding() -> Stage:
    scenario = Scenario.model_validate(HIDING)
    return Stage(scenario, 4)


@pytest.fixture(scope="module")
def seen(hiding: Stage) -> SimFrame:
    return hiding.frame(10)


def named(frame: TruthFrame) -> dict[str, TruthObject]:
    return {item.name: item for item in frame.items}


def test_shares_that_nothing_hides(seen: SimFrame) -> None:
    items = named(seen.truth[0])
    assert items["before"].visible == pytest.approx(1, abs=0.02)
    assert items["free"].visible == pytest.approx(1, abs=0.02)
    assert 0.1 < items["behind"].visible < 0.8
    box = items["behind"].views["front"].box
    ids = next(v for v in seen.views if v.name == "front").instances
    rows, columns = np.nonzero(ids == items["behind"].id)
    assert box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)


def test_each_stamp_has_its_own_truth(seen: SimFrame) -> None:
    first, second = seen.truth
    assert second.stamp_ns - first.stamp_ns == 10_000_000
    assert [v.stamp_ns for v in seen.views] == [first.stamp_ns, second.stamp_ns]
    assert {n for t in first.items for n in t.views} == {"front"}
    assert {n for t in second.items for n in t.views} == {"left"}
    assert "left" in named(second)["aside"].views
    assert "front" not in named(first)["aside"].views


def test_roles_and_categories(seen: SimFrame) -> None:
    items = named(seen.truth[0])
    assert (items["free"].role, items["free"].category) == (Role.SIGN, "cone")
    assert (items["aside"].role, items["aside"].category) == (Role.UNKNOWN, "cone")
    assert (items["behind"].role, items["behind"].category) == (Role.UNKNOWN, "equipment")
    assert items["runner"].category == "animal"


def test_the_truth_lies_in_the_frame_that_odometry_makes(hiding: Stage, seen: SimFrame) -> None:
    items, drift = named(seen.truth[0]), hiding.odometer.odom_from_world(1.0)
    assert np.rad2deg(np.arctan2(drift[1, 0], drift[0, 0])) == pytest.approx(2.0, abs=0.02)
    base = np.linalg.inv(seen.ego.odom_from_base) @ np.append(items["free"].position, 1)
    np.testing.assert_allclose(base[:2], (6.0, -2.5), atol=0.02)
    velocity = items["runner"].velocity
    assert np.linalg.norm(velocity) == pytest.approx(3.0, abs=1e-3)
    np.testing.assert_allclose(velocity[:2], 3 * np.array([-drift[1, 0], drift[0, 0]]), atol=0.01)


def test_the_beam_passes_each_thing_when_it_points_there() -> None:
    poses = [Pose(x, y, 0, 0, 0, 0) for x, y in ((5, 0), (0, 5), (0, -5), (-5, 0.01))]
    times = lidar.passing_times(poses, np.eye(4), 2.0)
    np.testing.assert_allclose(times, [2.0, 1.975, 2.025, 1.95], atol=1e-3)


def test_first_sight_is_kept() -> None:
    def frame(ns: int, span: int) -> TruthFrame:
        views = {"front": TruthView(span, (0, 0, span, 1), 1.0)} if span else {}
        return TruthFrame(
            ns, "odom",
            (TruthObject(1, "x", Role.UNKNOWN, np.zeros(3), np.ones(3), 0.0, views=views),),
        )  # fmt: skip

    first = FirstSight()
    marked = [first.mark(frame(ns, span)).items[0].first_ns
              for ns, span in ((10, 0), (20, 5), (30, 6), (40, 0), (50, 9))]  # fmt: skip
    assert marked == [-1, -1, 30, 30, 30]
