"""Masks to objects with exact masks and beams: position, size, honesty, and what fools a lift."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from raycast import GRID, MODEL, SIZE, Box, Slope, mask_of, masks, rig, sweep

from s2m_ros.config import Fusion as Settings
from s2m_ros.fusion.pipeline import Fusion
from s2m_ros.types import EgoPose, Evidence, Object3D, Objects3D, RangeSource, Role

SLOPE = Slope(a=0.015, b=-0.01, c=0.03)
SECTOR = 0.7


def fuse(*boxes: Box, grid: tuple[int, int] = GRID, lidar: bool = True) -> Objects3D:
    made = Fusion(Settings(), rig())
    made.set_camera("front", MODEL, "camera_optical_frame")
    beams = sweep(SLOPE, boxes, columns=450, sector=SECTOR) if lidar else None
    return made.fuse([masks(SLOPE, boxes, grid)], beams, None, None)


def error(item: Object3D, box: Box) -> float:
    return float(np.linalg.norm(item.position[:2] - (box.x, box.y)))


@pytest.mark.parametrize(
    ("box", "within_m"),
    [
        (Box(7, 0.5, (0.08, 0.06, 0.06)), 0.1),
        (Box(9, -2, (0.35, 0.15, 0.15), 0.6), 0.1),
        (Box(18, 3, (0.5, 0.3, 0.65), 1.1), 0.15),
        (Box(12, -3, (1.0, 1.0, 1.0), 0.8), 0.2),
        (Box(28, 2, (0.6, 0.5, 0.4), 0.3), 0.3),
    ],
    ids=["fod", "chock", "suitcase", "crate seen at its corner", "box far away"],
)
def test_position_size_and_height(box: Box, within_m: float) -> None:
    (item,) = (i for i in fuse(box).items if i.mask_id == 0)
    assert error(item, box) < within_m
    assert Evidence.FLAT not in item.evidence
    assert item.height == pytest.approx(box.size[2], abs=0.1)
    assert item.size[:2].max() == pytest.approx(max(box.size[:2]), rel=0.5, abs=0.06)
    distance = np.array([item.position[0] - box.x, item.position[1] - box.y])
    squared = distance @ np.linalg.solve(item.covariance[:2, :2], distance)
    assert squared < 16, "the stated covariance covers the error"


def test_a_centimetre_thing_with_lidar_points_on_it_is_not_called_flat() -> None:
    box = Box(5.5, 0.3, (0.12, 0.1, 0.045))
    (item,) = fuse(box, grid=SIZE).items
    assert item.range_source is RangeSource.LIDAR
    assert Evidence.FLAT not in item.evidence
    assert 0.02 < item.height < 0.1
    assert error(item, box) < 0.1


def test_paint_is_flat_and_as_large_as_its_mask() -> None:
    paint = Box(9, 0, (1.6, 1.0, 0.002))
    made = Fusion(Settings(), rig())
    made.set_camera("front", MODEL, "camera_optical_frame")
    bare = sweep(SLOPE, [], columns=450, sector=SECTOR)
    (item,) = made.fuse([masks(SLOPE, [paint])], bare, None, None).items
    assert Evidence.FLAT in item.evidence
    assert item.height <= 0.02
    assert error(item, paint) < 0.3
    assert 1.0 < item.size[:2].max() < 1.8


def test_a_far_box_that_beams_pass_over_is_not_called_flat() -> None:
    (item,) = (i for i in fuse(Box(24, 1, (0.3, 0.3, 0.1))).items if i.mask_id == 0)
    assert Evidence.FLAT not in item.evidence


def test_a_shadow_with_the_edge_of_its_caster_stays_on_the_ground() -> None:
    """The mask of a shadow catches the lowest centimetres of the car behind it."""
    car = Box(12, 0, (4.2, 1.8, 1.5), masked=False, role=Role.VEHICLE)
    made = Fusion(Settings(), rig())
    made.set_camera("front", MODEL, "camera_optical_frame")
    base = masks(SLOPE, [car])
    bits = np.zeros(GRID[::-1], np.bool_)
    bits[178:205, 215:265] = True
    shadow = replace(base, items=(mask_of(0, bits),))
    item = made.fuse([shadow], sweep(SLOPE, [car], columns=450, sector=SECTOR), None, None).items[0]
    assert item.mask_id == 0
    assert Evidence.FLAT in item.evidence
    assert item.range_m < 9.8


def test_a_wall_behind_does_not_win_over_the_object_before_it() -> None:
    pole = Box(10, 0, (0.1, 0.1, 1.2))
    wall = Box(25, 0, (0.5, 30, 4), masked=False, role=Role.STRUCTURE)
    made = Fusion(Settings(), rig())
    made.set_camera("front", MODEL, "camera_optical_frame")
    exact = masks(SLOPE, [pole, wall])
    loose = np.zeros(GRID[::-1], np.bool_)
    patch = exact.items[0]
    h, w = patch.bits.shape
    loose[patch.y : patch.y + h, patch.x - 5 : patch.x + w + 5] = True
    item = made.fuse(
        [replace(exact, items=(mask_of(0, loose),))],
        sweep(SLOPE, [pole, wall], columns=450, sector=SECTOR),
        None,
        None,
    ).items[0]
    assert item.range_m == pytest.approx(10, abs=0.3)


def test_a_wall_far_behind_a_mask_does_not_say_where_it_stands() -> None:
    """All beams pass through what a scorer made up: it is flat, and lies before the wall."""
    made_up = Box(10, 0, (0.3, 1.5, 1.2))
    wall = Box(25, 0, (0.5, 30, 4), masked=False, role=Role.STRUCTURE)
    made = Fusion(Settings(), rig())
    made.set_camera("front", MODEL, "camera_optical_frame")
    seen = masks(SLOPE, [made_up], GRID)
    item = made.fuse([seen], sweep(SLOPE, [wall], columns=450, sector=SECTOR), None, None).items[0]
    assert Evidence.FLAT in item.evidence
    assert 9 < item.range_m < 20


def test_points_a_little_behind_the_foot_of_a_mask_leave_its_place_open() -> None:
    """Too far behind for the foot's own error, too near to be seen through: it may be at either."""
    shown = Box(10, 0, (0.3, 1.5, 1.2))

    def seen_with(*solid: Box) -> Object3D:
        made = Fusion(Settings(), rig())
        made.set_camera("front", MODEL, "camera_optical_frame")
        beams = sweep(SLOPE, solid, columns=450, sector=SECTOR)
        return made.fuse([masks(SLOPE, [shown], GRID)], beams, None, None).items[0]

    agrees = seen_with(shown)
    behind = seen_with(Box(11.3, 0, (0.3, 30, 4), masked=False, role=Role.STRUCTURE))
    assert behind.range_source is agrees.range_source is RangeSource.LIDAR
    assert behind.range_m > agrees.range_m + 1.0
    assert np.sqrt(behind.covariance[0, 0]) > np.sqrt(agrees.covariance[0, 0]) + 0.1


def test_range_stays_near_the_median_of_the_points_inside_the_mask() -> None:
    for x in (8.0, 14.0, 25.0):
        (item,) = (i for i in fuse(Box(x, -1, (1.2, 0.8, 0.9), 0.4)).items if i.mask_id == 0)
        assert abs(np.hypot(*item.position[:2]) - item.range_m) < 1.0


def test_camera_and_ground_alone_find_the_same_objects_with_honest_doubt() -> None:
    boxes = [Box(8, 1, (0.5, 0.3, 0.65)), Box(15, -3, (0.6, 0.5, 0.4)), Box(20, 4, (0.5, 0.5, 0.5))]
    made = Fusion(Settings(), rig())
    made.set_camera("front", MODEL, "camera_optical_frame")
    flat = masks(Slope(), boxes, SIZE)
    items = made.fuse([flat], None, None, None).items
    assert [i.range_source for i in items] == [RangeSource.GROUND] * 3
    for item, box in zip(items, boxes, strict=True):
        assert error(item, box) < 0.1 * np.hypot(box.x, box.y)
        assert error(item, box) < 3 * np.sqrt(np.linalg.eigvalsh(item.covariance[:2, :2])[-1])
        assert item.height == pytest.approx(box.size[2], rel=0.3)


def test_a_wall_is_no_lidar_object_but_a_crate_on_the_surface_is() -> None:
    crate = Box(14, 2, (0.6, 0.6, 0.6), masked=False)
    wall = Box(25, 0, (0.5, 30, 4), masked=False, role=Role.STRUCTURE)
    found = fuse(crate, wall)
    assert [(i.evidence, i.mask_id) for i in found.items] == [(Evidence.LIDAR, -1)]
    assert error(found.items[0], crate) < 0.3
    assert found.drops["cluster_explained"] >= 1


@pytest.mark.parametrize("role", [Role.PERSON, Role.VEHICLE, Role.STRUCTURE, Role.SIGN])
def test_a_small_thing_alone_on_the_surface_is_one_whatever_its_class(role: Role) -> None:
    """A class map that does not know suitcases calls them something."""
    crate = Box(14, 2, (0.6, 0.6, 0.6), masked=False, role=role)
    tall = Box(14, -3, (0.6, 0.6, 1.7), masked=False, role=role)
    found = fuse(crate, tall)
    (alone,) = (item for item in found.items if item.role == Role.UNKNOWN)
    assert alone.evidence == Evidence.LIDAR
    assert error(alone, crate) < 0.3
    assert found.drops["cluster_explained"] == 1


def test_parts_of_an_aircraft_and_what_a_mask_covers_stay_explained() -> None:
    wheel = Box(14, 2, (0.6, 0.4, 0.8), masked=False, role=Role.AIRCRAFT)
    masked = Box(12, -3, (0.6, 0.6, 0.6))
    found = fuse(wheel, masked)
    assert [i.mask_id for i in found.items if i.role == Role.UNKNOWN] == [1]


def test_low_things_wait_until_their_ground_is_known() -> None:
    """Between the rings of the first sweep the ground is a guess."""
    low = Box(22, 1, (0.5, 0.5, 0.28), masked=False)
    tall = Box(17, -3, (0.5, 0.5, 0.7), masked=False)
    made = Fusion(Settings(), rig())
    made.set_camera("front", MODEL, "camera_optical_frame")
    seen, counted = [], []
    for k in range(6):
        moment = k * 100_000_000
        still = EgoPose(moment, np.eye(4), np.zeros(3), np.zeros(3))
        beams = replace(sweep(SLOPE, [low, tall], k, columns=260, sector=SECTOR), stamp_ns=moment)
        image = replace(masks(SLOPE, [low, tall]), stamp_ns=moment)
        found = made.fuse([image], beams, still, still)
        seen.append(sorted(round(item.position[0]) for item in found.items))
        counted.append(found.drops.get("cluster_ground_unknown", 0))
    assert (seen[0], counted[0]) == ([17], 1)
    assert (seen[-1], counted[-1]) == ([17, 22], 0)
    waits = sum(counted)
    assert counted == [1] * waits + [0] * (len(counted) - waits)
    assert 1 <= waits <= 4


def test_without_classes_the_lidar_alone_reports_nothing_and_counts_it() -> None:
    crate = Box(14, 2, (0.6, 0.6, 0.6), masked=False)
    made = Fusion(Settings(), rig())
    made.set_camera("front", MODEL, "camera_optical_frame")
    blind = replace(masks(SLOPE, [crate]), roles=None)
    found = made.fuse([blind], sweep(SLOPE, [crate], columns=450, sector=SECTOR), None, None)
    assert found.items == ()
    assert found.drops["cluster_unclassified"] == 1


def test_known_objects_carry_their_role_and_place() -> None:
    car = Box(15, 3, (4.2, 1.8, 1.5), 0.1, masked=False, role=Role.VEHICLE)
    (item,) = fuse(car).items
    assert item.role is Role.VEHICLE
    assert error(item, car) < 1.6
    assert item.height == pytest.approx(1.5, abs=0.1)
