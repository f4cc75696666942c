"""Hazards against ground truth: the gap, and each verdict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.audit.truth import gap_m, score
from s2m_ros.fusion.transforms import apply, from_yaw
from s2m_ros.types import (
    Evidence,
    Float64,
    Hazard,
    Hazards,
    Level,
    RangeSource,
    Role,
    Track,
    TrackState,
)
from s2m_ros.wire.truth import TruthFrame, TruthObject

FRAMES = 12


def real(
    number: int, x: float, y: float, role: Role = Role.UNKNOWN, pixels: int = 200
) -> TruthObject:
    size = np.array([1.0, 0.6, 0.5])
    return TruthObject(number, f"thing {number}", role, np.array([x, y, 0.25]), size, 0.0, pixels)


def hazard(
    number: int, x: float, y: float, state: TrackState = TrackState.CONFIRMED, size: float = 0.5
) -> Hazard:
    square = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * size / 2 + (x, y)
    track = Track(
        number, state, np.array([x, y, 0.25]), np.zeros(3), np.eye(6), np.full(3, size), 0.0,
        square, 0.5, 0.9, 5, 0, 0, Evidence.LIDAR, RangeSource.LIDAR, 9, 0.9, 0.3, "front", 1,
    )  # fmt: skip
    return Hazard(track, Level.CAUTION, (), "", x, 0.0, float("inf"), False)


def arrays(*items: Hazard, frames: int = FRAMES, frame_id: str = "odom") -> list[Hazards]:
    return [Hazards(i, frame_id, items, None) for i in range(frames)]


def truth(*items: TruthObject, frames: int = FRAMES) -> dict[int, TruthFrame]:
    return {i: TruthFrame(i, "odom", items) for i in range(frames)}


def test_found_missed_false_known_and_double_are_told_apart() -> None:
    found = score(
        arrays(
            hazard(1, 10, 0),
            hazard(2, 10.4, 0.9),  # beside the first object, which has its track
            hazard(3, 20, 5),  # at the person
            hazard(4, 15, -8),  # at nothing
        ),
        truth(real(1, 10, 0), real(2, 12, 4), real(3, 20, 5, Role.PERSON)),
    )
    assert found is not None
    assert (found.found, found.missed, found.false) == (1, 1, 1)
    assert found.on_known == {"person": 1}
    assert found.tracks == {1: "object", 2: "double", 3: "person", 4: "false"}
    first, second = found.objects
    assert (first.tracks, first.first_range_m, first.missed) == ((1,), 10.0, False)
    assert second.missed
    assert np.isnan(second.error_m)


def test_only_confirmed_tracks_count() -> None:
    result = score(
        arrays(hazard(1, 10, 0, TrackState.TENTATIVE), hazard(2, 15, 9, TrackState.TENTATIVE)),
        truth(real(1, 10, 0)),
    )
    assert result is not None
    assert (result.found, result.missed, result.false) == (0, 1, 0)


def test_a_coasting_track_still_finds() -> None:
    result = score(arrays(hazard(1, 10, 0, TrackState.COASTING)), truth(real(1, 10, 0)))
    assert result is not None
    assert result.found == 1


@pytest.mark.parametrize(
    "item",
    [
        real(1, 40, 0),  # too far
        real(1, -5, 0),  # behind
        real(1, 10, 0, pixels=3),  # too small to see
    ],
)
def test_what_nobody_could_see_is_not_missed(item: TruthObject) -> None:
    result = score(arrays(), truth(item))
    assert result is not None
    assert (result.missed, result.objects) == (0, ())


def test_a_track_is_judged_by_most_of_its_frames() -> None:
    drifting = [
        *arrays(hazard(1, 10, 0), frames=5),
        *(replace(a, stamp_ns=5 + i) for i, a in enumerate(arrays(hazard(1, 10, 6), frames=7))),
    ]
    result = score(drifting, truth(real(1, 10, 0)))
    assert result is not None
    assert (result.tracks, result.found) == ({1: "false"}, 1)


def test_one_hazard_does_not_find_two_objects() -> None:
    result = score(arrays(hazard(1, 10, 0.4)), truth(real(1, 10, 0), real(2, 10, 1.0)))
    assert result is not None
    assert (result.found, result.missed) == (1, 1)


def test_other_frames_and_other_stamps_are_not_compared() -> None:
    result = score(arrays(hazard(1, 10, 0), frame_id="base_link"), truth(real(1, 10, 0)))
    assert result is not None
    assert (result.found, result.false) == (0, 0)
    assert score(arrays(hazard(1, 10, 0)), {}) is None


coordinate = st.floats(-8, 8).map(lambda v: round(v, 2))
length = st.floats(0.2, 4).map(lambda v: round(v, 2))


@settings(max_examples=200, deadline=None)
@given(
    coordinate,
    coordinate,
    length,
    length,
    length,
    length,
    st.floats(-3.1, 3.1),
    coordinate,
    coordinate,
)
def test_the_gap_of_two_boxes(
    x: float, y: float, a: float, b: float, c: float, d: float, turn: float, dx: float, dy: float
) -> None:
    """Axis-parallel boxes have a closed form; turning and moving both changes nothing."""
    outline = np.array([[-a, -b], [a, -b], [a, b], [-a, b]]) / 2
    expected = float(np.hypot(max(0.0, abs(x) - (a + c) / 2), max(0.0, abs(y) - (b + d) / 2)))
    pose = from_yaw(turn, (3.0, -7.0, 0.0))

    def moved(points: Float64) -> Float64:
        return np.asarray(apply(pose, np.column_stack([points, np.zeros(len(points))]))[:, :2])

    position = np.append(moved(np.array([[x, y]]))[0], 0.0)
    item = TruthObject(1, "box", Role.UNKNOWN, position, np.array([c, d, 1.0]), turn)
    assert gap_m(moved(outline), item) == pytest.approx(expected, abs=2e-3)
    assert gap_m(moved(np.zeros((1, 2))), item) == pytest.approx(
        float(np.hypot(max(0.0, abs(x) - c / 2), max(0.0, abs(y) - d / 2))), abs=2e-3
    )
