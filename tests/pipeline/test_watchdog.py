"""Which nodes are alive, judged at times that the tests choose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.config import load
from s2m_ros.hazards.markers import Action
from s2m_ros.pipeline.watchdog import StandIn, Watchdog, overall
from s2m_ros.types import Health, State
from s2m_ros.wire.factory import RosbagsFactory, load_typestore
from s2m_ros.wire.hazards import decode_hazards
from s2m_ros.wire.markers import MARKERS

SETTINGS = load().monitor
NAMES = ["/fusion", "/tracker"]
HANG_S = SETTINGS.hang_ms * 1e-3
TICK_S = 0.1


def health(node: str, state: State = State.OK, sequence: int = 1, reason: str = "") -> Health:
    return Health(node, state, reason, 0, sequence)


class Running:
    """A watchdog whose clock the test advances; nodes speak at each step unless they are mute."""

    def __init__(self, state: State = State.OK) -> None:
        self.now_s = 100.0
        self.dog = Watchdog(NAMES, SETTINGS, self.now_s)
        self.mute: set[str] = set()
        self.state = state
        self.sequence = 0

    def run(self, seconds: float) -> State:
        for _ in range(round(seconds / TICK_S)):
            self.now_s += TICK_S
            self.sequence += 1
            for name in NAMES:
                if name not in self.mute:
                    self.dog.heard(health(name, self.state, self.sequence), self.now_s)
            verdict = overall(self.dog.judge(self.now_s))
        return verdict.state


def test_the_vehicle_is_as_well_as_its_worst_node() -> None:
    dog = Watchdog(NAMES, SETTINGS, 0.0)
    assert overall(dog.judge(0.1)).state == State.BUILDING, "nobody has spoken yet"
    dog.heard(health("/fusion"), 0.2)
    dog.heard(health("/tracker", State.DEGRADED, reason="no odometry"), 0.2)
    verdict = overall(dog.judge(0.2))
    assert (verdict.state, verdict.reason) == (State.DEGRADED, "/tracker: no odometry")
    dog.heard(health("/tracker"), 0.3)
    assert overall(dog.judge(0.3)) == overall({})


@pytest.mark.parametrize("name", NAMES)
def test_a_node_that_falls_silent_is_unknown_within_a_second_until_it_speaks(name: str) -> None:
    running = Running()
    assert running.run(2.0) == State.OK
    running.mute = {name}
    assert running.run(1.0) == State.UNKNOWN
    verdict = overall(running.dog.judge(running.now_s))
    assert verdict.reason.startswith(f"{name}: no sign of life for 1.0 s")
    running.mute = set()
    assert running.run(TICK_S) == State.OK


def test_one_that_loads_a_model_has_longer_and_is_not_ok_meanwhile() -> None:
    running = Running(State.BUILDING)
    running.run(1.0)
    running.mute = {"/fusion"}
    assert running.run(SETTINGS.loading_ms * 1e-3 - 0.5) == State.BUILDING
    assert running.run(1.0) == State.UNKNOWN


def test_one_that_never_speaks_is_unknown_after_the_time_to_start() -> None:
    running = Running()
    running.mute = {"/fusion"}
    assert running.run(SETTINGS.start_ms * 1e-3 - 0.5) == State.BUILDING
    assert running.run(1.0) == State.UNKNOWN


@given(st.floats(1.0, 3600.0))
def test_a_monitor_that_overslept_blames_nobody(slept_s: float) -> None:
    running = Running()
    running.run(1.0)
    running.now_s += slept_s
    assert overall(running.dog.judge(running.now_s)).state == State.OK
    running.mute = set(NAMES)
    assert running.run(1.0) == State.UNKNOWN, "but it goes on watching"


def test_a_new_beginning_is_counted() -> None:
    dog = Watchdog(NAMES, SETTINGS, 0.0)
    for sequence in (7, 8, 1, 2):
        dog.heard(health("/fusion", sequence=sequence), 0.0)
    dog.heard(health("/stranger"), 0.0)
    assert dog.restarts == {"/fusion": 1, "/tracker": 0}


def test_the_stand_in_never_looks_clear_and_deletes_all_markers_once_a_silence() -> None:
    stand_in = StandIn(RosbagsFactory(), "base_link")
    for _ in range(2):
        deletions = []
        for i in range(3):
            hazards, said = stand_in.speak(10**9 * i, "the tracker has died")
            markers = load_typestore().deserialize_cdr(said, MARKERS)
            decoded = decode_hazards(hazards, "test")
            assert (decoded.state, decoded.reason) == (State.UNKNOWN, "the tracker has died")
            assert not decoded.items
            deletions.append([m.action for m in markers.markers].count(Action.DELETE_ALL))
            assert any("UNKNOWN" in m.text for m in markers.markers)
        assert deletions == [1, 0, 0]
        stand_in.hush()
