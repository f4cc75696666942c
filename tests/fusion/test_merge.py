from __future__ import annotations

from detections import detection

from s2m_ros.fusion.merge import merge_views
from s2m_ros.types import RangeSource


def test_nearby_objects_of_two_cameras_are_one_and_the_better_measured_stays() -> None:
    guessed = detection(10, 0, camera="left", range_source=RangeSource.GROUND, point_count=0)
    measured = detection(10.4, 0.2, camera="front")
    kept, merged = merge_views([guessed, measured], 0.8)
    assert kept == [measured]
    assert merged == 1


def test_objects_of_one_camera_stay_apart() -> None:
    both = [detection(10, 0, camera="front"), detection(10.3, 0, camera="front")]
    assert merge_views(both, 0.8) == (both, 0)


def test_neighbours_seen_by_both_cameras_stay_two() -> None:
    items = [
        detection(10, y, camera=camera, mask_id=i)
        for i, (y, camera) in enumerate(
            [(0.0, "front"), (0.9, "front"), (0.05, "left"), (0.95, "left")]
        )
    ]
    kept, merged = merge_views(items, 0.8)
    assert merged == 2
    assert sorted(round(i.position[1]) for i in kept) == [0, 1]


def test_the_end_of_a_long_thing_belongs_to_it() -> None:
    lorry = detection(20, 0, camera="front", size=detection(0, 0).size * (20, 6, 5), yaw=0.4)
    end = detection(20 + 4 * 0.92, 4 * 0.39, camera="left", point_count=3)
    kept, merged = merge_views([end, lorry], 0.8)
    assert kept == [lorry]
    assert merged == 1


def test_three_views_make_one() -> None:
    views = [detection(8, 0.1 * k, camera=c) for k, c in enumerate(("left", "front", "right"))]
    kept, merged = merge_views(views, 0.8)
    assert (len(kept), merged) == (1, 2)
