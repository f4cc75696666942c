"""What is out of sight is not forgotten, and what is seen to be gone is."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from detections import ALL_ROUND, STEP_NS, detection, frame

from s2m_ros.config import Tracking
from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.tracking.tracker import Tracker
from s2m_ros.types import EgoPose, Evidence, Objects3D, State, Tracks, TrackState, Visibility

SETTINGS = Tracking()
STAYS = EgoPose(0, np.eye(4), np.zeros(3), np.zeros(3))
SECTORS, RINGS, RING_M = 72, 100, 0.5


def view(nearest_m: float = 5.0, half_deg: float = 35.0) -> Visibility:
    """What a camera over the bumper sees: a sector ahead, from some distance on."""
    turn = (np.arange(SECTORS) + 0.5) * 2 * np.pi / SECTORS
    ahead = np.abs((turn + np.pi) % (2 * np.pi) - np.pi) < np.radians(half_deg)
    far = (np.arange(RINGS) + 0.5) * RING_M > nearest_m
    return Visibility(ahead[:, None] & far, RING_M)


def drive(
    k: int, x: float, *objects: tuple[float, float], seen: Visibility, **changes
) -> Objects3D:  # type: ignore[no-untyped-def]
    """Frame k with the vehicle at x: those of the objects in odom that it sees."""
    base = EgoPose(0, from_yaw(0.0, (x, 0.0, 0.0)), np.zeros(3), np.zeros(3))
    items = [
        detection(px, py)
        for px, py in objects
        if changes.get("state", State.OK) == State.OK and seen.at(np.array([px - x, py]))
    ]
    return frame(k, *items, ego=base, visibility=seen, **changes)


def test_a_chock_that_vanishes_under_the_bumper_is_held() -> None:
    """The vehicle drives up to it, stops for half a minute and drives over it."""
    tracker, seen = Tracker(SETTINGS), view()
    states: Counter[TrackState] = Counter()
    for k in range(400):
        x = min(0.1 * k, 8.0)
        (track,) = tracker.update(drive(k, x, (12.0, 0.0), seen=seen)).items
        states[track.state] += 1
        np.testing.assert_allclose(track.position[:2], [12, 0], atol=0.05)
    assert track.id == 1
    assert track.state == TrackState.HELD
    assert states[TrackState.HELD] > 300
    assert not track.velocity.any()
    assert track.existence > 0.9
    for k in range(400, 600):
        tracks = tracker.update(drive(k, 8.0 + 0.25 * (k - 400), (12.0, 0.0), seen=seen))
        if not tracks.items:
            break
    assert tracks.deleted == {"left_behind": 1}
    assert 8.0 + 0.25 * (k - 400) - 12.0 >= SETTINGS.hold_distance_m - 0.5


def test_it_is_the_same_one_when_the_vehicle_backs_up() -> None:
    tracker, seen = Tracker(SETTINGS), view()
    for k in range(200):
        x = 8.0 - abs(8.0 - 0.08 * k)
        tracks = tracker.update(drive(k, x, (12.0, 0.0), seen=seen))
    assert [(t.id, t.state) for t in tracks.items] == [(1, TrackState.CONFIRMED)]


def test_a_place_seen_free_ends_it_even_after_a_long_memory() -> None:
    tracker, seen = Tracker(SETTINGS), view()
    for k in range(100):
        tracker.update(drive(k, min(0.1 * k, 8.0), (12.0, 0.0), seen=seen))
    ended: Counter[str] = Counter()
    for k in range(100, 140):  # backs up, and somebody has taken it away
        ended.update(tracker.update(drive(k, 2.0, seen=seen)).deleted)
    assert ended == {"place_free": 1}


@pytest.mark.parametrize("flat", [True, False])
def test_of_what_has_no_height_only_what_was_not_seen_to_be_gone_is_remembered(flat: bool) -> None:
    """Paint that was taken for a thing for a second, and then no more."""
    tracker, hidden = Tracker(SETTINGS), Visibility(np.zeros((1, 1), np.bool_), 1.0)
    kind = Evidence.CAMERA | Evidence.FLAT if flat else Evidence.CAMERA | Evidence.LIDAR
    for k in range(12):
        tracker.update(frame(k, detection(12.0, 0.0, evidence=kind), visibility=view(), ego=STAYS))
    for k in range(12, 24):  # less than what a confirmed track is given
        (track,) = tracker.update(drive(k, 0.0, seen=view())).items
    assert track.state == TrackState.COASTING
    after = tracker.update(drive(24, 0.0, seen=hidden))
    assert len(after.items) == (0 if flat else 1)
    assert after.deleted == ({"place_free": 1} if flat else {})


def test_one_look_at_a_free_place_is_not_enough() -> None:
    tracker = Tracker(SETTINGS)
    hidden = Visibility(np.zeros((1, 1), np.bool_), 1.0)
    for k in range(10):
        tracker.update(drive(k, 0.0, (12.0, 0.0), seen=view()))
    for k in range(10, 200):
        seen = view() if k == 100 else hidden
        (track,) = tracker.update(drive(k, 0.0, seen=seen)).items
    assert track.id == 1


def test_behind_an_occluder() -> None:
    """A vehicle stands before it for ten seconds: its sector is dark from 8 m on."""
    tracker, seen = Tracker(SETTINGS), view()
    dark = seen.seen.copy()
    dark[:, int(8 / RING_M) :] = False
    behind = Visibility(dark, RING_M)
    for k in range(130):
        now = behind if 20 <= k < 120 else seen
        tracks = tracker.update(drive(k, 0.0, (14.0, 0.5), seen=now))
        assert [t.id for t in tracks.items] == [1]
        assert tracks.items[0].state == TrackState.HELD or not 20 <= k < 120 or k < 20
    assert tracks.items[0].state == TrackState.CONFIRMED


def test_memory_has_an_end() -> None:
    tracker, seen = Tracker(Tracking(hold_s=5.0)), view()
    ended: Counter[str] = Counter()
    for k in range(150):
        ended.update(tracker.update(drive(k, min(0.1 * k, 8.0), (12.0, 0.0), seen=seen)).deleted)
    assert ended == {"memory_expired": 1}


def test_sensors_that_fail_make_nothing_vanish() -> None:
    tracker = Tracker(SETTINGS)
    for k in range(10):
        tracker.update(drive(k, 0.0, (12.0, 0.0), seen=view()))
    for k in range(10, 200):
        (track,) = tracker.update(
            drive(k, 0.0, seen=ALL_ROUND, state=State.FAULT, reason="camera lost")
        ).items
    assert track.state == TrackState.HELD


def test_what_moves_is_not_held() -> None:
    """Nobody knows where a dog is that ran out of view."""
    tracker, seen = Tracker(SETTINGS), view()
    ended: Counter[str] = Counter()
    for k in range(60):
        y = -6.0 + 0.4 * k
        ended.update(tracker.update(drive(k, 0.0, (12.0, y), seen=seen)).deleted)
    assert ended == {"lost": 1}


def test_without_odometry_nothing_can_be_held() -> None:
    tracker, seen = Tracker(SETTINGS), view()
    none = {"ego": None, "frame_id": "base_link"}
    for k in range(10):
        tracker.update(frame(k, detection(12, 0), visibility=seen, **none))
    ended: Counter[str] = Counter()
    for k in range(10, 40):
        ended.update(
            tracker.update(frame(k, visibility=Visibility(~seen.seen, 0.5), **none)).deleted
        )
    assert ended == {"no_odometry": 1}


@pytest.mark.parametrize("rate", [2.0, 3.0, 10.0])
def test_it_confirms_on_slow_machines(rate: float) -> None:
    """The machine may look twice a second only; the object is missed every third time."""
    tracker = Tracker(SETTINGS)
    confirmed_after = None
    for k in range(12):
        items = [] if k % 3 == 2 else [detection(12.0, 1.0)]
        now = frame(round(k * 10 / rate), *items)
        tracks = tracker.update(now)
        if confirmed_after is None and any(_confirmed(tracks)):
            confirmed_after = k
    assert confirmed_after == 3
    assert _confirmed(tracks) == [1]


def _confirmed(tracks: Tracks) -> list[int]:
    return [t.id for t in tracks.items if t.state != TrackState.TENTATIVE]


@pytest.mark.parametrize("rate", [2.0, 10.0])
def test_200_artifacts_of_one_frame_are_never_confirmed(rate: float) -> None:
    """They come while two true objects are tracked, one a frame at most, anywhere in view."""
    rng = np.random.default_rng(0)
    tracker = Tracker(SETTINGS)
    injected, true = 0, [(10.0, 3.0), (25.0, -6.0)]
    confirmed: set[int] = set()
    ended: Counter[str] = Counter()
    for k in range(420):
        items = [detection(x + rng.normal(0, 0.05), y, 0.1) for x, y in true]
        if k % 2 and injected < 200:
            injected += 1
            x, y = rng.uniform((3, -15), (40, 15))
            items.append(detection(x, y, 0.1, size=rng.uniform(0.1, 1.5, 3)))
        tracks = tracker.update(frame(round(k * 10 / rate), *items))
        confirmed |= set(_confirmed(tracks))
        ended.update(tracks.deleted)
    assert injected == 200
    assert confirmed == {1, 2}
    assert set(ended) == {"unconfirmed"}


@pytest.mark.parametrize("seed", range(2))
def test_ids_hold_in_a_dense_crossing(seed: int) -> None:
    """Six objects from the left, six from the front, in files of 0.8 m; a tenth of looks missed."""
    rng = np.random.default_rng(seed)
    tracker = Tracker(SETTINGS)
    files = np.array([(-9.0 + 3 * i, 0.8 * lane) for lane in range(3) for i in range(2)])
    start = np.concatenate([files + np.array([20, -1.2]), files[:, ::-1] + np.array([19.2, 0])])
    velocity = np.array([(1.5, 0.0)] * 6 + [(0.0, 1.5)] * 6)
    owner: dict[int, int] = {}
    switches, unmatched = 0, 0
    for k in range(85):
        places = start + velocity * 0.1 * k
        looks = [i for i in range(12) if rng.random() > 0.1]
        noisy = places + rng.normal(0, 0.07, places.shape)
        rng.shuffle(looks)
        tracks = tracker.update(frame(k, *(detection(*noisy[i], 0.07) for i in looks)))
        if k < 20:
            continue
        for i, place in enumerate(places):
            near = min(
                (t for t in tracks.items if t.state != TrackState.TENTATIVE),
                key=lambda t: float(np.hypot(*(t.position[:2] - place))),
            )
            if np.hypot(*(near.position[:2] - place)) > 0.5:
                unmatched += 1
                continue
            switches += owner.get(i, near.id) != near.id
            owner[i] = near.id
    assert switches == 0
    assert unmatched < 12


def test_existence_rises_with_detections_and_falls_with_misses_in_view() -> None:
    tracker = Tracker(SETTINGS)
    seen = [tracker.update(frame(k, detection(9, 0))).items[0].existence for k in range(4)]
    assert seen[0] == 0.5
    assert np.all(np.diff(seen) > 0)
    missed = [tracker.update(frame(k)).items[0].existence for k in range(4, 12)]
    assert np.all(np.diff([seen[-1], *missed]) < 0)


def test_stamps_of_frames_count_not_their_number() -> None:
    """At 30 Hz a blink of 0.4 s is twelve misses; the track outlives it."""
    tracker = Tracker(SETTINGS)
    step = STEP_NS // 3
    for k in range(60):
        items = [] if 30 <= k < 42 else [detection(9, 0)]
        now = frame(0, *items, stamp_ns=10**18 + k * step)
        (track,) = tracker.update(now).items
    assert track.id == 1
