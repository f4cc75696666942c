"""Prompts from a detector's boxes: duplicates go, what is in a box is measured on the map."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.config import Prompting
from s2m_ros.perception.boxes import (
    SUPPRESSION_IOU,
    BoxPrompter,
    JointPrompter,
    suppress,
)
from s2m_ros.perception.calibration import unrarity
from s2m_ros.perception.prompts import TopologyPrompter
from s2m_ros.types import Float32, Prompts, Role, RoleMap, ScoreMap

H, W, STRIDE = 60, 100, 4
SMALL, LARGE = (10, 10, 16, 14), (40, 20, 70, 50)


def field(*objects: tuple[int, int, int, int], peak: float = 5.0) -> ScoreMap:
    """Quiet ground with a plateau in each box (x0, y0, x1, y1 in cells)."""
    values = np.full((H, W), 0.5, np.float32)
    for x0, y0, x1, y1 in objects:
        values[y0:y1, x0:x1] = peak
    return ScoreMap(unrarity(values), (STRIDE * W, STRIDE * H), "test")


class Sees:
    """A detector that always answers the same."""

    def __init__(self, *boxes: tuple[float, ...], confidence: tuple[float, ...] = ()) -> None:
        self.boxes = np.float32(boxes).reshape(-1, 4)
        self.confidence = np.float32(confidence or np.linspace(0.9, 0.5, len(boxes)))

    def __call__(self, rarity: Float32) -> tuple[Float32, Float32]:
        assert rarity.shape == (H, W)
        assert rarity.max() > 1, "expected rarities, not quantiles"
        return self.boxes, self.confidence


def prompts_of(sees: Sees, score: ScoreMap, least: float = 0.0, **chosen: object) -> Prompts:
    return BoxPrompter(sees, Prompting(**chosen), least)(score)


coordinate = st.floats(0, 50, width=32)
box = st.tuples(coordinate, coordinate, st.floats(1, 30), st.floats(1, 30)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@given(st.lists(box, min_size=1, max_size=20), st.randoms())
@settings(max_examples=60, deadline=None)
def test_duplicates_go_as_in_opencv(boxes: list, random) -> None:
    """Whole coordinates and distinct ranks, so that both libraries see the same numbers."""
    whole = np.unique(np.round(boxes), axis=0).astype(np.float32)
    rank = np.float32(random.sample(range(1, len(whole) + 1), len(whole))) / (len(whole) + 1)
    rects = np.concatenate([whole[:, :2], whole[:, 2:] - whole[:, :2]], 1)
    expected = cv2.dnn.NMSBoxes(rects.tolist(), rank.tolist(), 0.0, SUPPRESSION_IOU - 1e-6)
    assert suppress(whole, rank, SUPPRESSION_IOU) == [int(row) for row in expected]


def test_a_prompt_says_what_its_box_holds() -> None:
    prompts = prompts_of(Sees(LARGE, SMALL), field(SMALL, LARGE))
    assert len(prompts) == 2
    np.testing.assert_allclose(prompts.boxes, STRIDE * np.float32([LARGE, SMALL]))
    np.testing.assert_allclose(prompts.peak, 5.0, atol=0.02)
    np.testing.assert_allclose(prompts.contrast, 4.5, atol=0.02)
    assert (prompts.point_labels[0] == 1).all()  # a large object gets all its points
    assert (prompts.point_labels[1] == [1, -1, -1]).all()
    for row, (x0, y0, x1, y1) in enumerate((LARGE, SMALL)):
        for x, y in prompts[row].points / STRIDE:
            assert x0 < x < x1
            assert y0 < y < y1


def test_a_slack_box_points_at_the_object_not_at_the_ground() -> None:
    prompts = prompts_of(Sees((5, 5, 30, 25)), field(SMALL))
    x, y = prompts[0].points[0] / STRIDE
    assert SMALL[0] < x < SMALL[2]
    assert SMALL[1] < y < SMALL[3]
    assert prompts.contrast[0] == pytest.approx(4.5, abs=0.02)


def test_of_near_equal_boxes_the_most_confident_stays() -> None:
    near = (41, 21, 70, 50)
    prompts = prompts_of(Sees(near, LARGE, confidence=(0.3, 0.8)), field(LARGE))
    np.testing.assert_allclose(prompts.boxes, [STRIDE * np.float32(LARGE)])


def test_doubtful_and_empty_boxes_are_no_prompts() -> None:
    outside, empty = (120, 10, 140, 20), (30, 30, 30, 40)
    sees = Sees(SMALL, outside, empty, LARGE, confidence=(0.9, 0.9, 0.9, 0.01))
    prompts = prompts_of(sees, field(SMALL, LARGE))
    np.testing.assert_allclose(prompts.boxes, [STRIDE * np.float32(SMALL)])


def test_boxes_end_where_the_image_ends() -> None:
    prompts = prompts_of(Sees((-8, -5, 20, 20), (90, 50, 130, 90)), field((0, 0, 18, 18)))
    assert (prompts.boxes >= 0).all()
    assert (prompts.boxes <= [STRIDE * W, STRIDE * H] * 2).all()


def test_a_box_smaller_than_a_cell_is_a_prompt_too() -> None:
    score = field((50, 30, 51, 31))
    prompts = prompts_of(Sees((50.2, 30.2, 50.6, 30.6)), score)
    assert len(prompts) == 1
    assert prompts.peak[0] == pytest.approx(5.0, abs=0.02)


def test_what_exceeds_the_budget_or_cannot_matter_is_counted() -> None:
    score = field(SMALL, LARGE)
    assert prompts_of(Sees(LARGE, SMALL), score, max_prompts=1).omitted == 1
    none = prompts_of(Sees(LARGE, SMALL, (80, 5, 90, 15)), field(SMALL, LARGE), least=0.9)
    assert len(none) == 2
    assert none.omitted == 1  # quiet ground cannot give a mask of evidence


def test_nothing_seen_nothing_asked() -> None:
    assert len(prompts_of(Sees(), field(SMALL))) == 0


# --- two kinds as one ---------------------------------------------------------------------------


def joint(sees: Sees, score: ScoreMap, roles: RoleMap | None = None, **chosen: object) -> Prompts:
    config = Prompting(**chosen)
    return JointPrompter((TopologyPrompter(config), BoxPrompter(sees, config)), config)(
        score, roles
    )


def test_what_both_ask_for_is_asked_once() -> None:
    prompts = joint(Sees(SMALL), field(SMALL, LARGE))
    assert len(prompts) == 2
    assert sorted(map(tuple, prompts.boxes / STRIDE)) == [SMALL, LARGE]


def test_what_one_alone_sees_is_asked_too() -> None:
    whole = (36, 16, 74, 54)  # a box that no level of the map has
    prompts = joint(Sees(whole), field(SMALL, LARGE))
    assert len(prompts) == 3
    assert tuple(whole) in set(map(tuple, prompts.boxes / STRIDE))


def test_the_last_of_each_go_first() -> None:
    score = field(SMALL, LARGE)
    values = score.scores.copy()
    values[5:9, 80:90] = unrarity(np.float32(2.2))
    faint = (80, 5, 90, 9)
    prompts = joint(Sees(SMALL, faint), ScoreMap(values, score.image_size, "test"), max_prompts=2)
    assert sorted(map(tuple, prompts.boxes / STRIDE)) == [SMALL, LARGE]
    assert prompts.omitted == 2  # each kind asked for it, as its last


def test_what_stands_on_the_ground_comes_first() -> None:
    roles = np.full((H, W), Role.VEGETATION, np.uint8)
    roles[:, 30:] = Role.SURFACE
    grass, ground = (10, 20, 18, 28), (60, 20, 68, 28)
    prompts = joint(
        Sees(grass, ground), field(grass, ground), RoleMap(roles, (STRIDE * W, STRIDE * H))
    )
    assert [tuple(row) for row in prompts.boxes / STRIDE] == [ground, grass]


def test_two_empty_lists_are_an_empty_list() -> None:
    quiet = ScoreMap(unrarity(np.full((H, W), 1.2, np.float32)), (STRIDE * W, STRIDE * H), "t")
    assert len(joint(Sees(), quiet)) == 0
