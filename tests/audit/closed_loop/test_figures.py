"""Figures of tables made by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import poisson

from s2m_ros.audit.closed_loop.figures import (
    DUE_FRAMES,
    Spread,
    breakdown,
    delays_s,
    figures,
    finite,
    misses,
    mot,
    range_name,
    range_names,
    recall,
    size_name,
    size_names,
    upper_rate,
    verdicts,
)
from s2m_ros.audit.closed_loop.goals import Goal, goals
from s2m_ros.audit.closed_loop.rows import Claim, Haunting, Journey, Rows, Rule, Sighting

STEP_NS = 100_000_000


def sighting(number: int, frame: int, track: int = 0, **changes: Any) -> Sighting:
    lost = "" if track else "score"
    row = Sighting(
        "a", frame * STEP_NS, number, "cone 3", "cone", 0.4, 10.0, True, track, lost=lost
    )
    return replace(row, **changes)


def claim(track: int, frame: int, verdict: str = "object", **changes: Any) -> Claim:
    return replace(Claim("a", frame * STEP_NS, track, True, verdict, 0.5, 10.0), **changes)


def journey(scenario: str = "a", objects: int = 1, **changes: Any) -> Journey:
    row = Journey(scenario, "", 60.0, 500.0, 10, 0, {"OK": 10}, {}, objects, {})
    return replace(row, **changes)


def goal(found: list[Goal], start: str) -> Goal:
    return next(g for g in found if g.name.startswith(start))


def test_recall_counts_objects_that_were_due_and_all_visible_frames() -> None:
    rows = [
        *(sighting(1, i, track=7 if i == 5 else 0) for i in range(6)),  # found, once
        *(sighting(2, i) for i in range(DUE_FRAMES)),  # missed
        *(sighting(3, i, track=8) for i in range(DUE_FRAMES - 1)),  # never due
        *(sighting(4, i, track=9, visible=False) for i in range(9)),  # never seen
        *(sighting(1, i, scenario="b") for i in range(5)),  # the same id in another drive
    ]
    there = recall(rows)
    assert (there.objects, there.found) == (3, 1)
    assert (there.frames, there.found_frames) == (6 + 5 + 4 + 5, 1 + 4)
    assert (there.per_object, there.per_frame) == (pytest.approx(1 / 3), 0.25)
    assert math.isnan(recall([]).per_object)


def test_a_track_is_what_it_is_on_most_frames_and_only_when_confirmed() -> None:
    rows = [
        *(claim(1, i, "false") for i in range(3)),
        *(claim(1, i, "object") for i in range(3, 5)),
        *(claim(2, i, "false", confirmed=False) for i in range(9)),
        claim(3, 0, "person"),
        claim(3, 1, "double"),  # of equals the first by name
    ]
    assert verdicts(rows) == {("a", 1): "false", ("a", 3): "double"}


def test_mota_counts_what_is_visible_and_near() -> None:
    sightings = [
        *(sighting(1, i, track=7) for i in range(6)),
        sighting(1, 6, track=8, switched=True),
        *(sighting(2, i) for i in range(3)),
        sighting(3, 0, visible=False),
        sighting(4, 0, range_m=31.0),
    ]
    claims = [claim(9, 0, "false"), claim(9, 1, "double"), claim(9, 2, "vehicle"),
              claim(9, 3, "false", confirmed=False)]  # fmt: skip
    counts = mot(sightings, claims)
    assert (counts.objects, counts.misses, counts.false, counts.switches) == (10, 3, 2, 1)
    assert counts.mota == pytest.approx(0.4)


def test_the_delay_runs_from_the_first_visible_frame_to_the_first_confirmed_hazard() -> None:
    sightings = [
        sighting(1, 0, visible=False),
        sighting(1, 2),
        sighting(1, 3),
        sighting(1, 6, track=7),
        sighting(1, 7, track=7),
        sighting(2, 0, track=8, visible=False),  # known before it can be seen: no delay
        sighting(2, 4, track=8),
        *(sighting(3, i) for i in range(DUE_FRAMES)),  # never
        *(sighting(4, i, range_m=40.0) for i in range(DUE_FRAMES)),  # too far to ask for
    ]
    delays, never = delays_s(sightings)
    assert delays == pytest.approx([0.4, 0.0])
    assert never == 1


def test_false_objects_by_time_and_way() -> None:
    rows = Rows(
        [journey(), journey("b", seconds=120.0, way_m=1500.0)],
        [],
        [claim(1, 0, "false"), claim(1, 1, "false"), claim(1, 0, "false", scenario="b"),
         claim(2, 0, "double"), claim(3, 0, "aircraft"), claim(4, 0, "false", confirmed=False)],
    )  # fmt: skip
    found = figures(rows)
    assert found["false_objects"] == 2
    assert found["false_per_minute"] == pytest.approx(2 / 3)
    assert found["false_per_km"] == pytest.approx(1.0)
    assert (found["doubles"], found["false_unconfirmed"]) == (1, 1)
    assert found["tracks_by_verdict"] == {"aircraft": 1, "double": 1, "false": 2}
    assert found["states"] == {"OK": 20}


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_upper_limit_of_a_rate_is_where_so_few_are_unlikely(count: int) -> None:
    limit = upper_rate(count, 5.0)
    assert poisson.cdf(count, limit * 5.0) == pytest.approx(0.05)


def test_spread_is_of_the_finite_values() -> None:
    values = [0.1, float("nan"), 0.3, 0.2]
    assert Spread.of(values) == Spread(3, pytest.approx(0.2), np.percentile([0.1, 0.2, 0.3], 95))
    assert Spread.of([]).count == 0


def test_breakdown_by_size_and_range() -> None:
    rows = Rows(
        [journey()],
        [
            *(sighting(1, i, track=7, range_m=12.0, position_error_m=0.1) for i in range(5)),
            *(sighting(1, i, range_m=25.0) for i in range(5)),
            *(sighting(2, i, size_m=0.04, range_m=5.0) for i in range(5)),
        ],
        [claim(9, 0, "false", range_m=5.5, size_m=3.0)],
    )
    by_range = breakdown(rows, range_name, range_names())
    assert list(by_range) == ["0-6 m", "6-10 m", "10-15 m", "15-20 m", "20-30 m", "30-50 m"]
    assert [by_range[n]["recall"] for n in ("10-15 m", "20-30 m", "0-6 m")] == [1.0, 0.0, 0.0]
    assert by_range["10-15 m"]["position_error_m"]["median"] == pytest.approx(0.1)
    assert by_range["0-6 m"]["false_objects"] == 1
    by_size = breakdown(rows, size_name, size_names())
    assert list(by_size) == ["0-5 cm", "5-10 cm", "10-25 cm", "25-50 cm", "50-100 cm",
                             "over 100 cm"]  # fmt: skip
    assert (by_size["0-5 cm"]["objects"], by_size["25-50 cm"]["recall"]) == (1, 1.0)


def test_a_missed_object_has_the_reason_of_most_of_its_frames() -> None:
    rows = [
        *(sighting(1, i, lost="score", detail="low") for i in range(2)),
        *(sighting(1, i, lost="mask", detail="low_evidence", range_m=8.0) for i in range(2, 5)),
        *(sighting(2, i, track=3) for i in range(5)),
    ]
    (missed,) = misses(rows)
    assert (missed["object"], missed["stage"], missed["detail"]) == (1, "mask", "low_evidence")
    assert missed["stages"] == {"mask": 3, "score": 2}
    assert (missed["frames"], missed["nearest_m"]) == (5, 8.0)


def test_goals_over_objects_and_errors() -> None:
    near = {"size_m": 0.12, "range_m": 14.0, "position_error_m": 0.1, "velocity_error_mps": 0.2}
    fod = {"size_m": 0.04, "range_m": 5.0, "position_error_m": 0.4}
    rows = Rows(
        [journey()],
        [
            *(sighting(1, i, track=1, **near) for i in range(5)),
            *(sighting(2, i, size_m=0.3, range_m=29.0) for i in range(5)),
            *(sighting(3, i, track=3, **fod) for i in range(5)),
        ],
    )
    found = goals(rows)
    assert (goal(found, "Found, from 10 cm").value, goal(found, "Found, from 10 cm").met) == (
        1,
        True,
    )
    assert (goal(found, "Found, from 25 cm").value, goal(found, "Found, from 25 cm").met) == (
        0.0,
        False,
    )
    assert goal(found, "Found, debris").met
    assert goal(found, "Place of such debris").met is False
    assert goal(found, "Position error within 30 m, median").value == pytest.approx(0.25)
    assert goal(found, "Velocity").met


def test_false_hazards_are_counted_where_nothing_unknown_lies() -> None:
    rows = Rows(
        [journey(objects=3), journey("b", objects=0, seconds=600.0)],
        [],
        [
            claim(1, 0, "false"),
            claim(1, 0, "false", scenario="b"),
            claim(2, 0, "false", scenario="b"),
        ],
    )
    found = goal(goals(rows), "False hazards")
    assert (found.value, found.met) == (2.0, False)
    none = goal(goals(Rows([journey(objects=3)])), "False hazards")
    assert none.met is None
    brief, longer = (
        goal(goals(Rows([journey(objects=0, seconds=s)])), "False hazards") for s in (5.0, 60.0)
    )
    assert (brief.value, brief.met, longer.met) == (0.0, None, True)


def test_artifacts_and_rules() -> None:
    haunting = Haunting("a", 0, 0.5, 9.0, False, True, True, False, False, False)
    rows = Rows(hauntings=[haunting, replace(haunting, confirmed=True)],
                rules=[Rule("a", 0, "object", True), Rule("a", 0, "phantom", False)])  # fmt: skip
    found = goals(rows)
    assert (goal(found, "One-frame").value, goal(found, "One-frame").met) == (1.0, False)
    assert (goal(found, "Large masks").value, goal(found, "Large masks").met) == (0.5, False)
    assert goal(goals(Rows(hauntings=[haunting])), "One-frame").met


def test_a_sense_that_is_off_has_its_own_goals() -> None:
    far = {"range_m": 20.0, "range_error_m": 1.0}
    rows = Rows(
        [journey(states={"DEGRADED": 9, "OK": 1})],
        [sighting(1, i, track=1, **far) for i in range(5)],
    )
    assert goal(goals(rows, frozenset({"scorer"})), "Found by LiDAR").met
    blind = goals(rows, frozenset({"lidar"}))
    assert goal(blind, "Range error").value == pytest.approx(0.05)
    assert goal(blind, "Answers in state DEGRADED").met is False


@pytest.mark.parametrize("without", [frozenset(), frozenset({"scorer"}), frozenset({"lidar"})])
def test_nothing_at_all_is_finite_and_meets_nothing(without: frozenset[str]) -> None:
    rows = Rows()
    assert not any(g.met for g in goals(rows, without))
    text = json.dumps(finite([figures(rows), breakdown(rows, size_name, size_names())]),
                      allow_nan=False)  # fmt: skip
    assert "null" in text
