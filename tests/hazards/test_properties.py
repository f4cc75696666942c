"""What holds for every scene and every policy that the schema allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

import numpy as np
import pytest
from detections import START_NS, detection
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import track

from s2m_ros import config
from s2m_ros.hazards.policy import HazardPolicy
from s2m_ros.hazards.rulebook import Rulebook, load_rulebook
from s2m_ros.hazards.zones import Zone
from s2m_ros.types import (
    EgoPose,
    Evidence,
    Hazard,
    Level,
    Object3D,
    Role,
    State,
    Track,
    Tracks,
    TrackState,
)

NAMES = [level.name.lower() for level in Level]
SETTINGS, DEFAULT = config.Hazards(), load_rulebook()
SPEED = DEFAULT.no_odometry.speed_m_s
VALUABLE = [Role.AIRCRAFT, Role.PERSON, Role.VEHICLE]

# Drawing each number by itself would cost more than judging: hypothesis draws the generator.
seeds = st.builds(Random, st.integers(0, 2**32))


def a_policy(rng: Random) -> Rulebook:
    tree = DEFAULT.model_dump()
    limits = {"distance_m": 60, "reach_s": 12, "size_m": 3}
    tree["rules"] = {
        name: {
            "level": rng.choice(NAMES), "text": "words",
            "on_path": rng.random() < 0.5, "moving": rng.random() < 0.3,
            **{key: rng.uniform(0, most) for key, most in limits.items() if rng.random() < 0.5},
        }
        for name in "abcde"[: rng.randint(0, 5)]
    }  # fmt: skip
    tree["at_once"] |= {"near_m": rng.uniform(0, 60), "at_least": rng.choice(NAMES)}
    tree["degraded"]["levels_up"] = rng.randint(1, 3)
    return Rulebook.model_validate(tree)


def a_zone(rng: Random) -> Zone:
    kind = rng.choice(sorted(DEFAULT.zones))
    x, y, w, h = rng.uniform(-10, 40), rng.uniform(-20, 20), rng.uniform(1, 30), rng.uniform(1, 30)
    ring = np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]])
    return Zone("", kind, rng.choice(["map", "vehicle"]), DEFAULT.zones[kind], (ring,))


def a_track(rng: Random, number: int) -> Track:
    moves = rng.random() < 0.5
    return track(
        rng.uniform(-30, 60), rng.uniform(-25, 25),
        size=tuple(rng.uniform(0.01, 2.5) for _ in range(3)), sigma=rng.uniform(0.03, 2),
        id=number, velocity=moves * np.array([rng.uniform(-4, 4), rng.uniform(-4, 4), 0.0]),
        evidence=Evidence(rng.randint(1, 15)), state=rng.choice(list(TrackState)),
    )  # fmt: skip


def a_known_one(rng: Random) -> Object3D:
    place = rng.uniform(-20, 50), rng.uniform(-20, 20)
    return detection(*place, role=rng.choice(VALUABLE))


def a_scene(rng: Random) -> tuple[HazardPolicy, Tracks]:
    zones = [a_zone(rng) for _ in range(rng.randint(0, 3))]
    turn = np.array([0, 0, rng.uniform(-0.5, 0.5)])
    ego = EgoPose(START_NS, np.eye(4), np.array([rng.uniform(-SPEED, SPEED), 0, 0]), turn)
    tracks = tuple(a_track(rng, number) for number in range(8))
    known = tuple(a_known_one(rng) for _ in range(2))
    state = rng.choice([State.OK, State.DEGRADED])
    policy = HazardPolicy(SETTINGS, a_policy(rng), zones)
    return policy, Tracks(START_NS, "odom", tracks, ego, known, state)


def judged(policy: HazardPolicy, scene: Tracks, mapped: bool = True) -> dict[int, Hazard]:
    found = policy.assess(scene, np.eye(4) if mapped else None)
    return {hazard.track.id: hazard for hazard in found.items}


def each(scene: Tracks, change: Callable[[Track], Track]) -> Tracks:
    return replace(scene, items=tuple(change(item) for item in scene.items))


def without_lidar(item: Track) -> Track:
    return replace(
        item, evidence=item.evidence & ~(Evidence.LIDAR | Evidence.FLAT) | Evidence.GROUND
    )


def out_of_sight(item: Track) -> Track:
    if item.state == TrackState.TENTATIVE:
        return item
    return replace(item, state=TrackState.HELD, existence=item.existence / 2)


WORSE: dict[str, Callable[[Tracks, Random], Tracks]] = {
    "state": lambda scene, rng: replace(
        scene, state=rng.choice([state for state in State if state > scene.state])
    ),
    "noise": lambda scene, rng: each(
        scene, lambda item: replace(item, covariance=item.covariance * rng.uniform(1, 100))
    ),
    "lidar": lambda scene, rng: replace(each(scene, without_lidar), state=State.DEGRADED),
    "sight": lambda scene, rng: each(scene, out_of_sight),
    "map": lambda scene, rng: scene,
    "odometry": lambda scene, rng: replace(scene, ego=None, state=State.DEGRADED),
}


@pytest.mark.parametrize("lost", WORSE)
@settings(deadline=None, max_examples=12)
@given(rng=seeds)
def test_worse_knowledge_never_lowers_a_level(lost: str, rng: Random) -> None:
    policy, scene = a_scene(rng)
    before = judged(policy, scene)
    after = judged(policy, WORSE[lost](scene, rng), mapped=lost != "map")
    assert before.keys() <= after.keys()
    for number, hazard in before.items():
        assert after[number].level >= hazard.level, (hazard.text, after[number].text)


@settings(deadline=None, max_examples=15)
@given(rng=seeds)
def test_one_object_more_never_lowers_anothers_level(rng: Random) -> None:
    policy, scene = a_scene(rng)
    before = judged(policy, scene)
    another = replace(scene, items=(*scene.items, a_track(rng, 99)))
    known = replace(scene, known=(*scene.known, a_known_one(rng)))
    for after in (judged(policy, another), judged(policy, known)):
        for number, hazard in before.items():
            assert after[number].level >= hazard.level


@settings(deadline=None, max_examples=15)
@given(rng=seeds)
def test_order_does_not_matter(rng: Random) -> None:
    policy, scene = a_scene(rng)
    before = judged(policy, scene)
    items, known = list(scene.items), list(scene.known)
    rules, zones = list(policy.rules.rules.items()), list(policy.all_zones)
    for one in (items, known, rules, zones):
        rng.shuffle(one)
    turned = HazardPolicy(SETTINGS, policy.rules.model_copy(update={"rules": dict(rules)}), zones)
    after = judged(turned, replace(scene, items=tuple(items), known=tuple(known)))
    assert before.keys() == after.keys()
    for number, hazard in before.items():
        assert after[number].level == hazard.level
        assert set(after[number].reasons) == set(hazard.reasons)
        assert after[number].distance_m == hazard.distance_m


@settings(deadline=None, max_examples=15)
@given(rng=seeds)
def test_every_level_has_its_words_and_nothing_confirmed_is_left_out(rng: Random) -> None:
    policy, scene = a_scene(rng)
    found = judged(policy, scene)
    for item in scene.items:
        assert item.state == TrackState.TENTATIVE or item.id in found
    for hazard in found.values():
        assert set(hazard.reasons) <= set(policy.rules.words())
        assert f"; {hazard.level.name.lower()}: " in hazard.text
        assert hazard.level == Level.INFO or hazard.reasons
