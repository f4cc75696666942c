"""At which stage an object was lost: one case a stage, made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from detections import detection

from s2m_ros.audit.closed_loop.loop import Instant
from s2m_ros.audit.closed_loop.losses import Inquest, Loss, highest_score
from s2m_ros.audit.closed_loop.phantoms import FIRST_ID
from s2m_ros.perception.interfaces import Candidate, Frame, Verdict
from s2m_ros.types import (
    Evidence,
    Hazards,
    ObjectMask,
    ObjectMasks,
    Objects3D,
    Prompt,
    Prompts,
    RangeSource,
    Role,
    ScoreMap,
    Track,
    Tracks,
    TrackState,
)
from s2m_ros.wire.truth import TruthFrame, TruthObject, TruthView

SIZE = (320, 192)
BOX = (100, 80, 140, 110)
FLOOR = 0.98


def real(number: int = 1, x: float = 10.0, box: tuple[int, int, int, int] = BOX) -> TruthObject:
    return TruthObject(
        number, "cone", Role.UNKNOWN, np.array([x, 0.0, 0.3]), np.array([0.5, 0.4, 0.6]), 0.0,
        views={"front": TruthView(500, box, 1.0)},
    )  # fmt: skip


def mask(number: int, box: tuple[int, int, int, int] = BOX) -> ObjectMask:
    bits = np.ones(((box[3] - box[1]) // 4, (box[2] - box[0]) // 4), np.bool_)
    prompt = Prompt(np.array(box, np.float32), np.zeros((1, 2), np.float32),
                    np.ones(1, np.float32), 2.0, 1.0)  # fmt: skip
    return ObjectMask(number, box[0] // 4, box[1] // 4, bits, np.array(box, np.float32),
                      0.9, 0.99, 1.0, 0.8, 0.9, prompt)  # fmt: skip


def frame(
    score: float = 0.5,
    prompts: list[tuple[int, int, int, int]] | None = None,
    masks: tuple[ObjectMask, ...] = (),
    verdicts: tuple[Verdict, ...] = (),
) -> Frame:
    scores = np.full((48, 80), 0.2, np.float32)
    scores[22:26, 27:33] = score  # inside BOX
    boxes = np.array(prompts or [], np.float32).reshape(-1, 4)
    n = len(boxes)
    points = ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
    one = np.ones(n, np.float32)
    items = ObjectMasks(0, "front", "optical", SIZE, (80, 48), masks, None, "learned")
    return Frame(items, ScoreMap(scores, SIZE, "learned"), scores,
                 Prompts(boxes, points, one[:, None], one, one), verdicts, {})  # fmt: skip


def track(x: float, state: TrackState) -> Track:
    corners = np.array([[0.25, 0.2], [-0.25, 0.2], [-0.25, -0.2], [0.25, -0.2]])
    corners = corners + np.array([x, 0.0])
    return Track(
        5, state, np.array([x, 0.0, 0.3]), np.zeros(3), np.eye(6), np.array([0.5, 0.4, 0.6]), 0.0,
        corners, 0.6, 0.9, 3, 0, 0, Evidence.CAMERA, RangeSource.GROUND, 0, 0.9, 1.0, "front", 1,
    )  # fmt: skip


def instant(
    seen: Frame, objects: Any = (), tracks: Any = (), truth: tuple[TruthObject, ...] = (real(),)
) -> Instant:
    return Instant(
        0,
        TruthFrame(0, "odom", truth),
        {"front": seen},
        Objects3D(0, "odom", tuple(objects), None),
        Tracks(0, "odom", tuple(tracks), None),
        Hazards(0, "odom", (), None),
    )


def verdict(prompt: int, reason: str, evidence: float) -> Verdict:
    return Verdict(Candidate(prompt, 0, 0, np.ones((1, 1), np.bool_), 0.5, 0.5), evidence, reason)


THERE = detection(10.0, 0.0)
OF_MASK = replace(THERE, camera="front", mask_id=1)
ELSEWHERE = replace(detection(14.0, 0.0), camera="front", mask_id=1)
CLOSE_BOX = (102, 82, 138, 112)


@pytest.mark.parametrize(
    ("seen", "objects", "tracks", "expected"),
    [
        (frame(0.5), (), (), Loss("score", "none")),
        (frame(0.95), (), (), Loss("score", "low")),
        (frame(0.99), (), (), Loss("prompt")),
        (frame(0.99, [(0, 0, 30, 30)]), (), (), Loss("prompt")),
        (frame(0.99, [CLOSE_BOX]), (), (), Loss("mask", "no candidate")),
        (frame(0.99, [(112, 90, 124, 98)]), (), (), Loss("mask", "no candidate")),
        (
            frame(0.99, [(0, 0, 30, 30), CLOSE_BOX], verdicts=(
                verdict(1, "known_class", 0.2), verdict(1, "low_evidence", 0.4),
                verdict(0, "too_large", 0.9),
            )),
            (), (), Loss("mask", "low_evidence"),
        ),
        (
            frame(0.99, [CLOSE_BOX], verdicts=(
                verdict(0, "part_of_other", 0.5), verdict(0, "low_evidence", 0.4),
            )),
            (), (), Loss("mask", "low_evidence"),
        ),
        (
            frame(0.99, [CLOSE_BOX], verdicts=(verdict(0, "part_of_other", 0.5),)),
            (), (), Loss("mask", "part_of_other"),
        ),
        (frame(0.99, [CLOSE_BOX], (mask(1),)), (), (), Loss("lift", "dropped or merged")),
        (frame(0.99, [CLOSE_BOX], (mask(1),)), (ELSEWHERE,), (), Loss("lift", "in a wrong place")),
        (frame(0.99, [CLOSE_BOX], (mask(1),)), (OF_MASK,), (), Loss("track", "no track")),
        (frame(0.2), (THERE,), (), Loss("track", "no track")),  # LiDAR alone
        (
            frame(0.99, [CLOSE_BOX], (mask(1),)), (OF_MASK,), (track(10, TrackState.TENTATIVE),),
            Loss("track", "tentative"),
        ),
        (frame(), (), (track(10, TrackState.COASTING),), Loss("policy")),
        (frame(), (), (track(14, TrackState.CONFIRMED),), Loss("score", "none")),
        (frame(), (replace(THERE, role=Role.PERSON),), (), Loss("score", "none")),
    ],
)  # fmt: skip
def test_the_stage_after_the_last_that_had_it(
    seen: Frame, objects: Any, tracks: Any, expected: Loss
) -> None:
    assert Inquest(instant(seen, objects, tracks), FLOOR).loss(real()) == expected


def test_without_a_scorer_only_geometry_can_lose_it() -> None:
    assert Inquest(instant(frame(0.2)), FLOOR, scored=False).loss(real()).stage == "lift"
    seen = instant(frame(0.2), (THERE,))
    assert Inquest(seen, FLOOR, scored=False).loss(real()).stage == "track"


def test_one_mask_over_two_objects_counts_for_one() -> None:
    neighbour = real(2, 12.0, (104, 80, 146, 110))
    seen = frame(0.99, [CLOSE_BOX], (mask(1),))
    inquest = Inquest(instant(seen, (OF_MASK,), truth=(real(), neighbour)), FLOOR)
    assert inquest.loss(real()).stage == "track"
    assert inquest.loss(neighbour).stage == "mask"
    assert (inquest.shown(real()), inquest.shown(neighbour)) == (True, False)


def test_an_injected_mask_shows_nothing_real() -> None:
    seen = frame(0.99, [CLOSE_BOX], (mask(FIRST_ID),))
    assert not Inquest(instant(seen), FLOOR).shown(real())


def test_without_an_image_there_is_no_score() -> None:
    blind = replace(instant(frame()), frames={})
    assert Inquest(blind, FLOOR).loss(real()) == Loss("score", "no image")
    unseen = replace(real(), views={})
    assert Inquest(instant(frame(), truth=(unseen,)), FLOOR).loss(unseen).detail == "no image"


def test_the_best_of_several_cameras_decides() -> None:
    both = replace(real(), views={"front": real().views["front"], "left": real().views["front"]})
    two = replace(
        instant(frame(0.5), truth=(both,)),
        frames={"front": frame(0.5), "left": frame(0.99, [CLOSE_BOX])},
    )
    assert Inquest(two, FLOOR).loss(both).stage == "mask"


def test_the_highest_score_of_the_cells_a_box_touches() -> None:
    seen = frame(0.99)
    assert highest_score(seen, BOX) == pytest.approx(0.99)
    assert highest_score(seen, (0, 0, 5, 5)) == pytest.approx(0.2)
    assert highest_score(seen, (107, 87, 109, 89)) == pytest.approx(0.99)  # one corner of a cell
    assert highest_score(seen, (317, 189, 330, 200)) == pytest.approx(0.2)
