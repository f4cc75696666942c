from __future__ import annotations

from detections import STEP_NS, detection, frame

from s2m_ros.config import Tracking
from s2m_ros.tracking.known import KnownObjects
from s2m_ros.tracking.tracker import Tracker
from s2m_ros.types import Role

AIRCRAFT = detection(20, 5, role=Role.AIRCRAFT)


def test_what_is_not_seen_for_a_moment_stays() -> None:
    known = KnownObjects(1.0)
    assert known.update(0, [AIRCRAFT]) == (AIRCRAFT,)
    assert known.update(STEP_NS, []) == (AIRCRAFT,)
    assert known.update(10 * STEP_NS, []) == (AIRCRAFT,)
    assert known.update(11 * STEP_NS, []) == ()


def test_what_is_seen_again_takes_the_place_of_what_is_remembered() -> None:
    known = KnownObjects(1.0)
    known.update(0, [AIRCRAFT])
    again = detection(20.3, 5, role=Role.AIRCRAFT)
    assert known.update(STEP_NS, [again]) == (again,)
    other = detection(20.3, 5, role=Role.PERSON)
    assert known.update(2 * STEP_NS, [other]) == (other, again)


def test_a_fragment_does_not_take_the_place_of_the_whole() -> None:
    known = KnownObjects(1.0)
    whole = detection(20, 5, role=Role.AIRCRAFT, size=AIRCRAFT.size * 8)
    known.update(0, [whole])
    assert known.update(STEP_NS, [AIRCRAFT]) == (AIRCRAFT, whole)


def test_the_tracker_remembers_known_objects_until_the_clock_jumps() -> None:
    tracker = Tracker(Tracking())
    assert tracker.update(frame(0, AIRCRAFT)).known == (AIRCRAFT,)
    assert tracker.update(frame(3)).known == (AIRCRAFT,)
    assert tracker.update(frame(1)).known == ()
