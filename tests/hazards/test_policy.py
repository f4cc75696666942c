from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detections import START_NS, detection
from judging import only, scene, track

from s2m_ros import config
from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.hazards import reasons
from s2m_ros.hazards.policy import HazardPolicy
from s2m_ros.hazards.rulebook import load_rulebook
from s2m_ros.types import (
    Evidence,
    Level,
    Role,
    State,
    TrackState,
)

SETTINGS = config.Hazards()
POLICY = HazardPolicy(SETTINGS)
WORDS = load_rulebook().words()


@pytest.mark.parametrize(
    ("x", "y", "level", "code"),
    [
        (6, 0, Level.CRITICAL, "critical_distance"),
        (6, 5, Level.WARNING, "warning_distance"),
        (14, 0, Level.WARNING, "warning_distance"),
        (30, 8, Level.CAUTION, "caution_distance"),
        (60, 8, Level.INFO, None),
    ],
)
def test_levels_by_distance(x: float, y: float, level: Level, code: str | None) -> None:
    hazard = only(POLICY.assess(scene(track(x, y))))
    assert hazard.level == level
    assert code is None or code in hazard.reasons
    assert set(hazard.reasons) <= set(WORDS)


def test_distance_counts_from_the_outline() -> None:
    hazard = only(POLICY.assess(scene(track(8, 0))))
    assert hazard.distance_m == pytest.approx(8 - 0.25 - 3)
    assert hazard.closing_speed == 0
    assert hazard.time_to_reach_s == np.inf


def test_time_to_reach_and_the_line_for_the_operator() -> None:
    hazard = only(POLICY.assess(scene(track(11.45, 0), speed=4)))
    assert hazard.time_to_reach_s == pytest.approx(8.2 / 4, abs=0.01)
    assert hazard.closing_speed == pytest.approx(4)
    assert hazard.level == Level.CRITICAL
    assert "critical_time" in hazard.reasons
    assert hazard.text == (
        "unknown object 0.4 m high, 8.2 m ahead on the path, reached in 2.0 s; "
        "critical: reached within 2.5 s"
    )


def test_the_path_bends_with_the_vehicle() -> None:
    """On a circle of 10 m to the left, what is straight ahead is passed by."""
    on_circle = track(10 * np.sin(0.9), 10 - 10 * np.cos(0.9))
    straight = track(12, -1)
    inside, outside = (
        only(POLICY.assess(scene(t, speed=4, turn=0.4))) for t in (on_circle, straight)
    )
    assert "critical_time" in inside.reasons
    assert np.isinf(outside.time_to_reach_s)
    assert reasons.ON_PATH not in outside.reasons


def test_what_crosses_the_path_is_met() -> None:
    crossing = track(15, -6, velocity=np.array([0, 2.0, 0]))
    hazard = only(POLICY.assess(scene(crossing, speed=4)))
    assert hazard.time_to_reach_s == pytest.approx((15 - 0.25 - 3) / 4, abs=0.1)
    assert hazard.level == Level.WARNING
    assert "moving at 2.0 m/s" in hazard.text
    standing = only(POLICY.assess(scene(track(15, -6), speed=4)))
    assert np.isinf(standing.time_to_reach_s)


def test_the_frame_does_not_matter() -> None:
    """The same scene somewhere else in odom, turned, gives the same answer."""
    here = scene(track(11, 1, velocity=np.array([-0.5, 0.1, 0])), speed=3, turn=0.1)
    pose = from_yaw(2.1, [100, -40, 0.3])
    moved = replace(
        here.items[0],
        position=pose[:3, :3] @ here.items[0].position + pose[:3, 3],
        velocity=pose[:3, :3] @ here.items[0].velocity,
        footprint=here.items[0].footprint @ pose[:2, :2].T + pose[:2, 3],
    )
    a = only(POLICY.assess(here))
    b = only(POLICY.assess(scene(moved, speed=3, turn=0.1, pose=pose)))
    assert b.distance_m == pytest.approx(a.distance_m)
    assert b.time_to_reach_s == pytest.approx(a.time_to_reach_s)
    assert (b.level, b.reasons, b.text) == (a.level, a.reasons, a.text)


def test_without_ego_motion_velocities_are_relative() -> None:
    coming = track(20, 0, velocity=np.array([-4.0, 0, 0]))
    tracks = scene(coming, ego=None, frame_id="base_link", state=State.DEGRADED, reason="no ego")
    hazards = POLICY.assess(tracks)
    assert only(hazards).time_to_reach_s == pytest.approx(16.75 / 4, abs=0.01)
    assert (hazards.state, hazards.reason) == (State.DEGRADED, "no ego")
    assert reasons.NO_ODOMETRY in only(hazards).reasons
    assert "own motion unknown, up to 5 m/s assumed" in only(hazards).text


def test_large_on_the_path_is_a_warning_from_afar() -> None:
    small, large = track(30, 0), track(30, 0, size=(1.5, 0.4, 0.4))
    assert only(POLICY.assess(scene(small))).level == Level.CAUTION
    hazard = only(POLICY.assess(scene(large)))
    assert hazard.level == Level.WARNING
    assert "large" in hazard.reasons


def test_flat_and_low_are_one_level_down() -> None:
    both = Evidence.CAMERA | Evidence.LIDAR | Evidence.FLAT
    flat = only(POLICY.assess(scene(track(6, 0, evidence=both))))
    low = only(POLICY.assess(scene(track(6, 0, size=(0.3, 0.2, 0.01)))))
    guess = track(6, 0, size=(0.3, 0.2, 0.01), evidence=Evidence.CAMERA | Evidence.GROUND)
    assert (flat.level, low.level) == (Level.WARNING, Level.WARNING)
    assert only(POLICY.assess(scene(guess))).level == Level.CRITICAL
    assert reasons.FLAT in flat.reasons
    assert reasons.LOW in low.reasons
    assert "30 cm long" not in flat.text
    assert flat.text.startswith("unknown object 0.5 m long")


def test_lidar_only_is_flagged() -> None:
    hazard = only(POLICY.assess(scene(track(10, 0, evidence=Evidence.LIDAR))))
    assert reasons.LIDAR_ONLY in hazard.reasons
    assert "LiDAR only" in hazard.text


def test_tentative_tracks_stay_back() -> None:
    assert POLICY.assess(scene(track(6, 0, state=TrackState.TENTATIVE))).items == ()


@pytest.mark.parametrize("role", [Role.AIRCRAFT, Role.VEHICLE, Role.PERSON])
@pytest.mark.parametrize("why", ["large", "uncertain", "small"])
def test_large_or_uncertain_beside_what_matters_goes_out_at_once(role: Role, why: str) -> None:
    item = track(
        50, 0,
        size=(1.5, 1, 1) if why == "large" else (0.3, 0.3, 0.3),
        sigma=1.2 if why == "uncertain" else 0.1,
        state=TrackState.TENTATIVE,
    )  # fmt: skip
    known = detection(54, 2, role=role)
    hazards = POLICY.assess(scene(item, known=(known,)))
    if why == "small":
        assert hazards.items == ()
        return
    hazard = only(hazards)
    assert hazard.unconfirmed
    assert hazard.level >= Level.CAUTION
    assert {reasons.NEAR[role], reasons.UNCONFIRMED} <= set(hazard.reasons)
    assert "unconfirmed" in hazard.text
    assert POLICY.assess(scene(item, known=(detection(80, 2, role=role),))).items == ()


@pytest.mark.parametrize(("role", "told"), [(Role.AIRCRAFT, 1), (Role.VEHICLE, 0)])
def test_the_wings_of_an_aircraft_reach_beyond_what_the_lidar_shows(role: Role, told: int) -> None:
    item = track(50, 0, size=(1.5, 1, 1), state=TrackState.TENTATIVE)
    assert len(POLICY.assess(scene(item, known=(detection(63, 2, role=role),))).items) == told


@pytest.mark.parametrize(("sigma", "told"), [(0.1, 0), (3.0, 1)])
def test_what_may_be_beside_a_person_counts_as_beside(sigma: float, told: int) -> None:
    item = track(50, 0, size=(1.5, 1, 1), sigma=sigma, state=TrackState.TENTATIVE)
    person = detection(60, 0, role=Role.PERSON)
    assert len(POLICY.assess(scene(item, known=(person,))).items) == told


@pytest.mark.parametrize("state", [State.BUILDING, State.DEGRADED, State.UNKNOWN, State.FAULT])
def test_degraded_sensing_raises_and_never_lowers(state: State) -> None:
    rng = np.random.default_rng(7)
    items = []
    for k in range(40):
        evidence = Evidence(int(rng.integers(1, 16)))
        size = rng.uniform(0.01, 2, 3)
        velocity = rng.choice([0, 1], 1) * np.array([*rng.normal(0, 2, 2), 0])
        items.append(replace(
            track(*rng.uniform((-20, -20), (60, 20)), size=tuple(size)),
            id=k, evidence=evidence, velocity=velocity,
        ))  # fmt: skip
    well = {h.track.id: h for h in POLICY.assess(scene(*items, speed=4)).items}
    degraded = POLICY.assess(scene(*items, speed=4, state=state, reason="no LiDAR"))
    assert len(degraded.items) == len(well) == 40
    for hazard in degraded.items:
        before = well[hazard.track.id].level
        assert hazard.level == min(before + 1, Level.CRITICAL)
        assert reasons.DEGRADED_SENSING in hazard.reasons
    assert (degraded.state, degraded.reason) == (state, "no LiDAR")


def test_tracks_that_are_not_seen_stay_and_say_so() -> None:
    item = track(6, 0, state=TrackState.COASTING, last_ns=START_NS - 600_000_000)
    hazard = only(POLICY.assess(scene(item)))
    assert hazard.level == Level.CRITICAL
    assert "not seen for 0.6 s" in hazard.text
    held = replace(item, state=TrackState.HELD)
    remembered = only(POLICY.assess(scene(held)))
    assert (remembered.level, reasons.HELD in remembered.reasons) == (Level.CRITICAL, True)
    assert "out of view, remembered for 0.6 s" in remembered.text


def test_worst_and_nearest_first() -> None:
    items = [track(30, 8, id=1), track(6, 0, id=2), track(12, 4, id=3), track(10, 4, id=4)]
    hazards = POLICY.assess(scene(*items))
    assert [h.track.id for h in hazards.items] == [2, 4, 3, 1]


def test_under_the_vehicle_is_reached() -> None:
    hazard = only(POLICY.assess(scene(track(1, 0))))
    assert (hazard.distance_m, hazard.time_to_reach_s) == (0, 0)
    assert hazard.level == Level.CRITICAL


def test_nothing_is_nothing() -> None:
    assert POLICY.assess(scene()).items == ()


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [(20, 20, "ahead left"), (3, -20, "right"), (-20, 6, "behind"), (20, 0, "ahead on the path")],
)
def test_directions(x: float, y: float, words: str) -> None:
    text = only(POLICY.assess(scene(track(x, y)))).text
    assert f" m {words}" in text
