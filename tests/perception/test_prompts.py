"""Prompts: each object its own, whatever its size, its strength and its neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from s2m_ros.config import Prompting
from s2m_ros.perception.calibration import unrarity
from s2m_ros.perception.overlap import box_iou
from s2m_ros.perception.prompts import (
    TopologyPrompter,
    Tree,
    component_tree,
    spread,
    stand_out,
)
from s2m_ros.types import Prompts, Role, RoleMap, ScoreMap


def quiet(h: int = 60, w: int = 100, level: float = 0.5) -> np.ndarray:
    noise = np.random.default_rng(0).normal(size=(h, w)) * 0.1
    return (level + ndimage.gaussian_filter(noise, 1)).astype(np.float32)


def prompts_of(rarity_map: np.ndarray, **settings_: object) -> Prompts:
    h, w = rarity_map.shape
    score = ScoreMap(unrarity(np.clip(rarity_map, 0, 6.5)), (4 * w, 4 * h), "test")
    return TopologyPrompter(Prompting(**settings_))(score)


def hits(prompts: Prompts, box: tuple[int, int, int, int], slack: float = 8) -> int:
    """Prompts whose box is this one (x0, y0, x1, y1 in cells) up to slack pixels a side."""
    return int((np.abs(prompts.boxes - 4 * np.float32(box)).max(axis=1) <= slack).sum())


def test_nothing_on_quiet_ground() -> None:
    assert len(prompts_of(quiet())) == 0


def test_faint_and_bright_objects_side_by_side() -> None:
    field = quiet()
    field[10:16, 10:20] = 2.3
    field[30:40, 60:80] = 6.0
    prompts = prompts_of(field)
    assert hits(prompts, (10, 10, 20, 16)) == 1
    assert hits(prompts, (60, 30, 80, 40)) == 1
    assert len(prompts) == 2
    assert prompts.peak[0] > prompts.peak[1]
    assert (prompts.contrast > 1).all()


def test_object_within_a_doubtful_area() -> None:
    field = quiet()
    field[10:50, 10:90] = 2.6
    field[24:30, 40:48] = 5.5
    prompts = prompts_of(field)
    assert hits(prompts, (40, 24, 48, 30)) == 1
    assert hits(prompts, (10, 10, 90, 50)) == 1


def test_two_that_touch_at_a_low_level() -> None:
    field = quiet()
    field[20:30, 20:50] = 2.4
    field[20:30, 20:33] = 5.0
    field[20:30, 37:50] = 5.0
    prompts = prompts_of(field)
    assert hits(prompts, (20, 20, 33, 30)) == 1
    assert hits(prompts, (37, 20, 50, 30)) == 1


def test_objects_of_two_cells_are_kept() -> None:
    field = quiet()
    field[20, 20:22] = 4.5
    assert hits(prompts_of(field), (20, 20, 22, 21)) == 1


def test_the_strongest_come_first_and_the_limit_holds() -> None:
    field = quiet()
    for i in range(8):
        field[5:10, 5 + 11 * i : 12 + 11 * i] = 2.5 + 0.4 * i
    prompts = prompts_of(field, max_prompts=3)
    assert len(prompts) == 3
    assert prompts.omitted >= 5
    assert (np.diff(prompts.contrast) <= 0).all()
    assert hits(prompts, (82, 5, 89, 10)) == 1


def test_points_lie_inside_and_far_apart_in_large_regions() -> None:
    field = quiet()
    field[10:40, 10:80] = 5
    field[50:53, 90:92] = 5
    prompts = prompts_of(field, points=4)
    for prompt in (prompts[i] for i in range(len(prompts))):
        x0, y0, x1, y1 = prompt.box
        assert ((prompt.points >= [x0, y0]) & (prompt.points <= [x1, y1])).all()
        assert (prompt.point_labels == 1).all()
    counts = sorted(len(prompts[i].points) for i in range(len(prompts)))
    assert counts == [1, 4]
    large = prompts[int(np.argmax(prompts.boxes[:, 2] - prompts.boxes[:, 0]))]
    gaps = np.linalg.norm(large.points[:, None] - large.points[None], axis=2)
    assert gaps[gaps > 0].min() > 60


def asked(field: np.ndarray, roles: RoleMap | None = None, least: float = 0.85) -> Prompts:
    h, w = field.shape
    score = ScoreMap(unrarity(np.clip(field, 0, 6.5)), (4 * w, 4 * h), "test")
    return TopologyPrompter(Prompting(), least)(score, roles)


def test_regions_that_cannot_reach_the_operating_point_are_not_asked() -> None:
    field = quiet()
    field[10:16, 10:20] = 2.3
    field[30:40, 60:80] = 6.0
    prompts = asked(field)
    assert len(prompts) == 1
    assert prompts.omitted == 1
    assert hits(prompts, (60, 30, 80, 40)) == 1


def test_the_weak_whole_around_a_strong_part_is_asked_too() -> None:
    field = quiet()
    field[20:40, 20:60] = 2.3
    field[20:26, 20:26] = 6.0
    prompts = asked(field)
    assert hits(prompts, (20, 20, 26, 26)) == 1
    assert hits(prompts, (20, 20, 60, 40)) == 1


def test_what_stands_on_the_ground_comes_first() -> None:
    field = quiet()
    field[10:20, 10:20] = 4.2
    field[10:20, 60:70] = 4.0
    roles = np.full((60, 100), int(Role.VEGETATION), np.uint8)
    roles[:, 50:] = int(Role.SURFACE)
    prompts = asked(field, RoleMap(roles, (400, 240)), 0.1)
    assert len(prompts) == 2
    assert prompts.boxes[0, 0] == 240
    assert asked(field, None, 0.1).boxes[0, 0] == 40


def test_tree_agrees_with_labelling_each_cut() -> None:
    values = (
        ndimage.gaussian_filter(np.random.default_rng(5).normal(size=(40, 50)), 3) * 30
    ).astype(np.float32)
    tree = component_tree(values, 0.5, 0.5)
    for k, level in enumerate(tree.levels):
        _, count = ndimage.label(values >= level, np.ones((3, 3)))
        nodes = np.flatnonzero(tree.level == k)
        assert len(nodes) == count
        for i in nodes:
            inside = tree.labels[k] == tree.label[i]
            ys, xs = np.nonzero(inside)
            assert tree.area[i] == inside.sum()
            assert tree.mean[i] == pytest.approx(values[inside].mean(), rel=1e-5)
            assert tuple(tree.box[i]) == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
            if k:
                p = tree.parent[i]
                assert tree.level[p] == k - 1
                assert (tree.labels[k - 1][inside] == tree.label[p]).all()
            else:
                assert tree.parent[i] == -1


def test_contrast_is_against_what_lies_under_the_cut_around() -> None:
    values = np.ones((30, 30), np.float32)
    values[10:18, 10:18] = 4
    tree = component_tree(values, 2.0, 0.5)
    np.testing.assert_allclose(tree.contrast, 3.0, atol=1e-6)


@given(st.integers(0, 2**16), st.floats(1, 4))
@settings(deadline=None, max_examples=25)
def test_any_map_gives_valid_prompts(seed: int, scale: float) -> None:
    noise = np.random.default_rng(seed).normal(size=(24, 32))
    field = ndimage.gaussian_filter(noise, 1.5) * 3 * scale + 1
    prompts = prompts_of(field.astype(np.float32), max_prompts=16, points=3)
    assert len(prompts) <= 16
    assert (prompts.boxes >= 0).all()
    assert (prompts.boxes <= [128, 96, 128, 96]).all()
    assert (prompts.boxes[:, :2] < prompts.boxes[:, 2:]).all()
    assert (prompts.point_labels[:, 0] == 1).all()
    assert np.isfinite(prompts.contrast).all()
    assert (prompts.contrast >= Prompting().contrast).all()


def line_of(tree: Tree, i: int) -> set[int]:
    """The regions that hold region i or lie in it."""
    outside = set()
    at = int(tree.parent[i])
    while at >= 0:
        outside.add(at)
        at = int(tree.parent[at])
    inside = {i}
    for k in range(i + 1, len(tree.parent)):  # parents come before what they hold
        if int(tree.parent[k]) in inside:
            inside.add(k)
    return outside | (inside - {i})


def test_kept_regions_have_none_better_next_to_them_or_none_kept_on_their_line() -> None:
    noise = np.random.default_rng(9).normal(size=(60, 80))
    tree = component_tree((ndimage.gaussian_filter(noise, 2) * 25 + 1).astype(np.float32), 1.0)
    usable = (tree.area >= 3) & (tree.contrast >= 0.1)
    kept = [int(i) for i in stand_out(tree, 3, 0.1)]
    assert len(kept) > 3
    for i in kept:
        inner = np.flatnonzero((tree.parent == i) & usable)
        beside = [*inner, *([tree.parent[i]] if tree.parent[i] >= 0 else [])]
        next_best = max((tree.contrast[k] for k in beside if usable[k]), default=-np.inf)
        inside = [k for k in line_of(tree, i) if k > i and usable[k]]
        best_inside = max((tree.contrast[k] for k in inside), default=-np.inf)
        assert tree.contrast[i] >= min(next_best, best_inside)


def test_no_usable_region_is_without_a_prompt_on_its_line() -> None:
    noise = np.random.default_rng(4).normal(size=(60, 80))
    tree = component_tree((ndimage.gaussian_filter(noise, 2) * 25 + 1).astype(np.float32), 1.0)
    kept = [int(i) for i in stand_out(tree, 3, 0.1)]
    for i in np.flatnonzero((tree.area >= 3) & (tree.contrast >= 0.1)):
        near = line_of(tree, int(i)) | {int(i)}
        assert near & set(kept) or box_iou(tree.box[i], tree.box[kept]).max() > 0.5


def test_the_strongest_of_touching_objects_does_not_hide_the_others() -> None:
    """Two objects and a stronger third touch at a low level; all three together stand out less than
    the third, and more than each of the others."""
    values = np.full((60, 80), 1.0, np.float32)
    values[20:40, 10:70] = 3.0
    values[22:38, 12:26] = values[22:38, 30:44] = 4.2
    values[22:38, 52:68] = 6.0
    prompts = prompts_of(values, max_prompts=16, points=1)
    centres = (prompts.boxes[:, :2] + prompts.boxes[:, 2:]) / 8  # cells
    widths = (prompts.boxes[:, 2] - prompts.boxes[:, 0]) / 4
    for x in (19, 37, 60):
        near = np.abs(centres - [x, 30]).max(axis=1) < 2
        assert (near & (widths < 20)).any(), x


def test_spread_uses_the_rim_only_when_there_is_nothing_else() -> None:
    inside = np.zeros((7, 7), np.bool_)
    inside[1:6, 1:6] = True
    cells = spread(np.ones((7, 7), np.float32), inside, 9)
    assert cells.min() >= 2
    assert cells.max() <= 4
    thin = np.zeros((3, 9), np.bool_)
    thin[1] = True
    assert len(spread(np.ones((3, 9), np.float32), thin, 3)) == 3
