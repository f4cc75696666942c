from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from detections import START_NS, STEP_NS, detection, frame

from s2m_ros.config import Tracking
from s2m_ros.tracking.tracker import Tracker
from s2m_ros.types import Evidence, Role, State, Tracks, TrackState

SETTINGS = Tracking()


def confirmed(tracks: Tracks) -> list[int]:
    return [track.id for track in tracks.items if track.state != TrackState.TENTATIVE]


def test_three_of_five_confirm() -> None:
    tracker = Tracker(SETTINGS)
    states = [tracker.update(frame(k, detection(8, 1))).items[0].state for k in range(3)]
    assert states == [TrackState.TENTATIVE, TrackState.TENTATIVE, TrackState.CONFIRMED]


@pytest.mark.parametrize("seed", range(20))
def test_no_artifact_of_one_frame_is_confirmed(seed: int) -> None:
    """Ten a run, anywhere on the apron, each for one frame."""
    rng = np.random.default_rng(seed)
    tracker = Tracker(SETTINGS)
    ended = 0
    for k in range(60):
        items = [detection(*rng.uniform((2, -15), (40, 15)))] if k % 5 == 0 and k < 50 else []
        tracks = tracker.update(frame(k, *items))
        assert confirmed(tracks) == []
        ended += tracks.deleted.get("unconfirmed", 0)
    assert ended == 10


def test_crossing_objects_keep_their_ids() -> None:
    rng = np.random.default_rng(2)
    tracker = Tracker(SETTINGS)
    for k in range(60):
        along = -3 + 0.15 * k
        noise = rng.normal(0, 0.05, (2, 2))
        a = detection(10 + noise[0, 0], along + noise[0, 1], 0.05)
        b = detection(10.2 + noise[1, 0], -along + noise[1, 1], 0.05)
        tracks = tracker.update(frame(k, *((a, b) if k % 2 else (b, a))))
        assert len(tracks.items) == 2
        if k == 5:
            first, second = sorted(tracks.items, key=lambda track: track.position[1])
    end = {track.id: track for track in tracks.items}
    assert set(end) == {first.id, second.id}
    np.testing.assert_allclose(end[first.id].velocity[:2], [0, 1.5], atol=0.35)
    np.testing.assert_allclose(end[second.id].velocity[:2], [0, -1.5], atol=0.35)


@pytest.mark.parametrize("sigma", [0.03, 0.1, 0.5])
def test_what_stands_does_not_crawl(sigma: float) -> None:
    rng = np.random.default_rng(3)
    tracker = Tracker(SETTINGS)
    for k in range(200):
        x, y = rng.normal((12, -2), sigma)
        tracks = tracker.update(frame(k, detection(x, y, sigma)))
        track = max(tracks.items, key=lambda track: track.hits)
        assert np.linalg.norm(track.velocity) < 0.05
        assert len(confirmed(tracks)) <= 1
    assert track.id == 1
    assert np.hypot(track.position[0] - 12, track.position[1] + 2) < sigma


@pytest.mark.parametrize("speed", [1.0, 3.0, 6.0])
def test_velocity_of_what_moves(speed: float) -> None:
    """After one second the median error is at most 0.3 m/s at 10 cm noise."""
    errors = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        tracker = Tracker(SETTINGS)
        for k in range(30):
            noise = rng.normal(0, 0.1, 2)
            item = detection(10 + noise[0], -9 + speed * 0.1 * k + noise[1])
            tracks = tracker.update(frame(k, item))
            if k >= 10:
                best = max(tracks.items, key=lambda track: track.hits)
                errors.append(np.linalg.norm(best.velocity[:2] - [0, speed]))
    assert np.median(errors) <= 0.3


def test_what_stops_stands_and_what_starts_moves() -> None:
    tracker = Tracker(SETTINGS)
    y, moving = 0.0, []
    for k in range(90):
        y += 0.15 if 30 <= k < 60 else 0.0
        (track,) = tracker.update(frame(k, detection(9, y, 0.05))).items
        moving.append(bool(np.any(track.velocity)))
    assert not any(moving[:30])
    assert all(moving[38:60])
    assert not any(moving[75:])
    assert track.id == 1


def test_a_short_loss_keeps_the_id_and_a_long_one_ends_it() -> None:
    tracker = Tracker(SETTINGS)
    for k in range(5):
        tracker.update(frame(k, detection(8, 0)))
    before = tracker.update(frame(5)).items[0]
    assert before.state == TrackState.COASTING
    assert before.mask_id == -1
    for k in range(6, 12):
        coasting = tracker.update(frame(k)).items[0]
    assert coasting.existence < before.existence
    assert [t.id for t in tracker.update(frame(12, detection(8, 0))).items] == [1]
    lost = [tracker.update(frame(k)).deleted for k in range(13, 40)]
    assert sum(d.get("place_free", 0) for d in lost) == 1
    assert [t.id for t in tracker.update(frame(40, detection(8, 0))).items] == [2]


def test_blindness_says_nothing_about_existence() -> None:
    tracker = Tracker(SETTINGS)
    for k in range(5):
        seen = tracker.update(frame(k, detection(8, 0))).items[0]
    for k in range(5, 60):
        blind = tracker.update(frame(k, state=State.UNKNOWN, reason="no camera"))
        assert (blind.state, blind.reason) == (State.UNKNOWN, "no camera")
        assert blind.items[0].state == TrackState.HELD
    assert blind.items[0].existence == pytest.approx(seen.existence, abs=0.01)


def test_a_vague_detection_gates_wider_than_a_sharp_one() -> None:
    for sigma, ids in ((0.05, [1, 2]), (1.5, [1])):
        tracker = Tracker(SETTINGS)
        for k in range(20):
            tracker.update(frame(k, detection(15, 0, sigma)))
        tracks = tracker.update(frame(20, detection(17, 0, sigma)))
        assert [track.id for track in tracks.items] == ids


def test_known_objects_pass_by() -> None:
    person = detection(5, 5, role=Role.PERSON)
    tracks = Tracker(SETTINGS).update(frame(0, person, detection(8, 0)))
    assert tracks.known == (person,)
    assert len(tracks.items) == 1


def test_without_ego_motion_it_is_degraded() -> None:
    objects = frame(0, detection(8, 0), ego=None, frame_id="base_link", state=State.DEGRADED,
                    reason="no odometry")  # fmt: skip
    tracks = Tracker(SETTINGS).update(objects)
    assert tracks.state == State.DEGRADED
    assert tracks.reason.startswith("no odometry; no ego motion")
    assert len(tracks.items) == 1


@pytest.mark.parametrize(
    ("then", "reason"),
    [
        (lambda: frame(2, detection(8, 0)), "time_jump"),
        (lambda: frame(6, detection(8, 0), frame_id="base_link"), "frame_change"),
    ],
)
def test_time_jump_and_frame_change_start_anew(then, reason: str) -> None:  # type: ignore[no-untyped-def]
    tracker = Tracker(SETTINGS)
    for k in range(5):
        tracker.update(frame(k, detection(8, 0)))
    tracks = tracker.update(then())
    assert tracks.deleted == {reason: 1}
    assert [(t.id, t.state) for t in tracks.items] == [(2, TrackState.TENTATIVE)]


def test_reset_forgets_and_ids_rise_on() -> None:
    tracker = Tracker(SETTINGS)
    for k in range(5):
        tracker.update(frame(k, detection(8, 0)))
    tracker.reset()
    tracks = tracker.update(frame(0, detection(8, 0)))
    assert tracks.deleted == {"time_jump": 1}
    assert [track.id for track in tracks.items] == [2]


def test_flat_is_what_most_detections_say() -> None:
    both = Evidence.CAMERA | Evidence.LIDAR
    tracker = Tracker(SETTINGS)
    for k, evidence in enumerate([both, both | Evidence.FLAT, both]):
        (track,) = tracker.update(frame(k, detection(8, 0, evidence=evidence))).items
    assert track.evidence == both
    for k in range(3, 8):
        objects = frame(k, detection(8, 0, evidence=Evidence.CAMERA | Evidence.FLAT))
        (track,) = tracker.update(objects).items
    assert track.evidence == Evidence.CAMERA | Evidence.FLAT


def test_what_many_points_show_to_be_flat_is_not_confirmed() -> None:
    """Nor by what the camera alone says of it, once it is too near for the LiDAR."""
    tracker = Tracker(SETTINGS)
    standing, contact = Evidence.CAMERA | Evidence.LIDAR, Evidence.CAMERA | Evidence.GROUND
    paint = {"evidence": standing | Evidence.FLAT, "point_count": SETTINGS.flat_points}
    for k in range(30):
        assert not confirmed(tracker.update(frame(k, detection(8, 1, **paint))))
    for k in range(30, 40):
        seen = detection(8, 1, evidence=contact, point_count=0)
        assert not confirmed(tracker.update(frame(k, seen)))
    for k in range(40, 43):
        tracks = tracker.update(frame(k, detection(8, 1, evidence=standing)))
    assert confirmed(tracks), "what stands after all is believed at once"


def test_a_low_thing_that_stands_out_now_and_then_is_confirmed() -> None:
    """A strap on the ground: most of its points lie within the tolerance of the ground."""
    tracker = Tracker(SETTINGS)
    standing = Evidence.CAMERA | Evidence.LIDAR
    flat = {"evidence": standing | Evidence.FLAT, "point_count": 90}
    low = {"evidence": standing, "point_count": 9}
    for k in range(8):
        tracks = tracker.update(frame(k, detection(8, 1, **(flat if k % 2 else low))))
    assert confirmed(tracks)


def test_box_axes_may_swap_from_frame_to_frame() -> None:
    """Length 2, width 1 at yaw 0 is also length 1, width 2 at yaw 90 degrees."""
    tracker = Tracker(SETTINGS)
    for k in range(12):
        size, yaw = ([2.0, 1.0, 0.5], 0.0) if k % 2 else ([1.0, 2.0, 0.5], -np.pi / 2)
        corners = np.array([[9, 0.5], [7, 0.5], [7, -0.5], [9, -0.5]])
        item = detection(8, 0, size=np.array(size), yaw=yaw, footprint=corners)
        (track,) = tracker.update(frame(k, item)).items
    assert sorted(track.size[:2]) == pytest.approx([1, 2])
    low, high = track.footprint.min(axis=0), track.footprint.max(axis=0)
    np.testing.assert_allclose(high - low, [2, 1], atol=1e-6)


def test_same_input_same_output() -> None:
    def play() -> list[bytes]:
        rng = np.random.default_rng(5)
        tracker, lines = Tracker(SETTINGS), []
        for k in range(40):
            items = [detection(*rng.uniform((5, -5), (15, 5))) for _ in range(6)]
            for track in tracker.update(frame(k, *items)).items:
                lines.append(track.position.tobytes() + track.covariance.tobytes())
        return lines

    assert play() == play()


def test_stamps_are_kept() -> None:
    tracker = Tracker(SETTINGS)
    for k in range(4):
        tracks = tracker.update(replace(frame(k, detection(8, 0)), sequence=40 + k))
    assert tracks.stamp_ns == START_NS + 3 * STEP_NS
    assert tracks.sequence == 43
    assert tracks.items[0].first_ns == START_NS
    assert tracks.items[0].last_ns == tracks.stamp_ns
    assert tracks.items[0].hits == 4


def test_nothing_at_all() -> None:
    tracks = Tracker(SETTINGS).update(frame(0))
    assert tracks.items == ()
    assert tracks.state == State.OK


def test_what_has_no_height_must_be_seen_more_steadily() -> None:
    """Paint deceives a scorer now and then, from where the light suits it."""

    def first_confirmed(evidence: Evidence, seen: set[int]) -> int | None:
        tracker = Tracker(SETTINGS)
        for k in range(20):
            items = [detection(8, 1, evidence=evidence)] if k in seen else []
            if confirmed(tracker.update(frame(k, *items))):
                return k
        return None

    standing = Evidence.CAMERA | Evidence.LIDAR
    flat = standing | Evidence.FLAT
    steady, flickering = set(range(20)), {0, 1, 3, 5, 6, 8, 10, 11, 13, 15, 16, 18}
    assert first_confirmed(standing, steady) == 2
    assert first_confirmed(flat, steady) == 4
    assert first_confirmed(standing, flickering) is not None
    assert first_confirmed(flat, flickering) is None
