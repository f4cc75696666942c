"""Conditions add up to one state with all reasons."""

from __future__ import annotations

from s2m_ros.pipeline.conditions import Condition, Conditions, heard, worst
from s2m_ros.types import InputError, State


def test_the_worst_state_with_each_reason_once_worst_first() -> None:
    found = [
        Condition(State.DEGRADED, "no LiDAR"),
        Condition(State.OK, ""),
        Condition(State.UNKNOWN, "no image"),
        Condition(State.UNKNOWN, "no LiDAR"),
    ]
    assert worst(found) == Condition(State.UNKNOWN, "no image; no LiDAR")
    assert worst([]) == Condition(State.OK, "")


def test_a_cause_holds_until_cleared() -> None:
    conditions = Conditions()
    conditions.set("points", State.DEGRADED, "empty")
    conditions.set("points", State.DEGRADED, "no z")
    assert conditions.worst() == Condition(State.DEGRADED, "no z")
    conditions.clear("points")
    assert conditions.worst().state == State.OK
    conditions.replace("output", [Condition(State.OK, "")])
    assert conditions.get("output") is None


def test_a_refused_input_keeps_its_error() -> None:
    conditions = Conditions()
    error = InputError("points", "empty", "check it")
    conditions.refuse("points", error)
    assert conditions.error("points") is error
    assert conditions.worst() == Condition(State.DEGRADED, "points: empty: check it")
    conditions.clear("points")
    assert conditions.error("points") is None


def test_a_fault_stays_latched_with_its_first_reason() -> None:
    conditions = Conditions()
    conditions.latch("fault", State.FAULT, "first")
    conditions.latch("fault", State.FAULT, "second")
    conditions.clear("fault")
    assert conditions.worst() == Condition(State.FAULT, "first")
    assert conditions.latched
    conditions.clear_latched()
    assert conditions.worst().state == State.OK
    assert not conditions.latched


def test_a_state_without_a_reason_names_the_topic_that_kept_it_back() -> None:
    assert heard(State.DEGRADED, "dusk", "/masks") == Condition(State.DEGRADED, "dusk")
    assert heard(State.UNKNOWN, "", "/masks") == Condition(State.UNKNOWN, "/masks: says no reason")
    assert heard(State.OK, "", "/masks") == Condition(State.OK, "")


def test_a_reason_without_end_is_cut() -> None:
    reason = heard(State.UNKNOWN, 9000 * "x", "/masks").reason
    assert len(reason) == 1003
    assert reason.endswith("x...")
