"""Where false masks are put: on the ground in view, away from all that is real."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drives import OBJECTS, OPTICAL, RIG, ego_at

from s2m_ros.audit.closed_loop.phantoms import FIRST_ID, LARGE_M, Stage, haunt, plan
from s2m_ros.audit.truth import gap_m
from s2m_ros.fusion.ego import EgoMotion
from s2m_ros.fusion.transforms import apply
from s2m_ros.perception.interfaces import Frame, empty_prompts
from s2m_ros.types import ObjectMasks, Role, ScoreMap
from s2m_ros.wire.truth import LEAST_SPAN_PX, TruthFrame, TruthView

COUNT = 6


@pytest.fixture(scope="module")
def stage() -> Stage:
    view = {"front": TruthView(100, (10, 10, 20, 20), 1.0)}
    items = tuple(replace(item, views=view) for item in OBJECTS)
    poses = [ego_at(i) for i in range(20)]
    ego = EgoMotion(keep_s=1e9)
    for pose in poses:
        ego.add(pose)
    stamps = [pose.stamp_ns for pose in poses]
    return Stage({ns: TruthFrame(ns, "odom", items) for ns in stamps}, {"front": stamps}, ego, RIG)


def test_phantoms_are_seen_and_far_from_what_is_real(stage: Stage) -> None:
    planned = plan(stage, COUNT, 1)
    phantoms = [p for some in planned.values() for p in some]
    assert [p.mask_id for p in sorted(phantoms, key=lambda p: p.mask_id)] == list(
        range(FIRST_ID, FIRST_ID + COUNT)
    )
    camera = RIG.cameras["front"]
    for (name, stamp), some in planned.items():
        pose = stage.ego.at(stamp)
        assert pose is not None
        for phantom in some:
            assert (phantom.camera, phantom.stamp_ns) == (name, stamp)
            low, high = phantom.box[:2], phantom.box[2:]
            assert (low >= 0).all()
            assert (high <= camera.size).all()
            assert (high - low).max() >= LEAST_SPAN_PX
            # The middle of the lower edge, cast to the ground, is where it stands.
            foot = camera.ray(np.array([[(low[0] + high[0]) / 2, high[1]]]))[0] @ OPTICAL[:3, :3].T
            place = OPTICAL[:3, 3] + foot * (-OPTICAL[2, 3] / foot[2])
            assert np.hypot(*place[:2]) == pytest.approx(phantom.range_m, rel=0.1)
            odom = apply(pose.odom_from_base, place[None])[:, :2]
            for item in OBJECTS:
                if item.role == Role.UNKNOWN:
                    assert gap_m(odom, item) > 1.5


def test_phantoms_that_are_near_in_time_are_far_apart(stage: Stage) -> None:
    phantoms = [p for some in plan(stage, 60, 1).values() for p in some]
    assert COUNT <= len(phantoms) < 60  # there is no place for so many
    for i, one in enumerate(phantoms):
        for other in phantoms[:i]:
            if abs(one.stamp_ns - other.stamp_ns) < 1_500_000_000:
                assert np.hypot(*(one.place - other.place)) >= 8.0


def test_some_are_large_and_beside_a_person(stage: Stage) -> None:
    beside = [p for some in plan(stage, 60, 1).values() for p in some if p.beside]
    assert beside
    assert all(max(p.width_m, p.height_m) >= LARGE_M for p in beside)


def test_the_same_seed_gives_the_same_phantoms(stage: Stage) -> None:
    assert repr(plan(stage, 5, 1)) == repr(plan(stage, 5, 1))
    assert repr(plan(stage, 5, 1)) != repr(plan(stage, 5, 2))


def test_no_image_no_phantom(stage: Stage) -> None:
    assert plan(Stage({}, {"front": []}, stage.ego, stage.rig), 5, 1) == {}
    assert plan(stage, 0, 1) == {}


def test_the_mask_is_an_ellipse_in_its_box(stage: Stage) -> None:
    (_, some), *_ = plan(stage, 1, 3).items()
    scores = ScoreMap(np.zeros((48, 80), np.float32), (320, 192), "none")
    masks = ObjectMasks(0, "front", "optical", (320, 192), (80, 48), (), None, "none")
    frame = haunt(Frame(masks, scores, scores.scores, empty_prompts(), (), {}), some)
    (mask,) = frame.masks.items
    assert mask.bits.any()
    cell = 4.0
    rows, columns = np.nonzero(frame.masks.dense(mask))
    assert (columns.min() + 1) * cell >= some[0].box[0] - cell
    assert columns.max() * cell <= some[0].box[2] + cell
    assert (rows.min() + 1) * cell >= some[0].box[1] - cell
    assert rows.max() * cell <= some[0].box[3] + cell
