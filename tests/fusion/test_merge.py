from __future__ import annotations

import numpy as np
from detections import detection
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.fusion.merge import merge_views
from s2m_ros.types import Object3D, RangeSource


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


def _apart(a: Object3D, b: Object3D) -> float:
    """Of two objects, by the definition."""
    away = b.position[:2] - a.position[:2]
    for item, offset in ((a, away), (b, -away)):
        axes = np.array(
            [[np.cos(item.yaw), np.sin(item.yaw)], [-np.sin(item.yaw), np.cos(item.yaw)]]
        )
        if (np.abs(axes @ offset) < item.size[:2] / 2 + 0.3).all():
            return 0.0
    return float(np.hypot(*away)) - (a.size[:2].min() + b.size[:2].min()) / 2


@given(seed=st.integers(0, 10_000), count=st.integers(0, 40), distance_m=st.floats(0.05, 1.5))
@settings(max_examples=60, deadline=None)
def test_two_cameras_agree_with_a_loop_over_pairs(seed: int, count: int, distance_m: float) -> None:
    rng = np.random.default_rng(seed)
    items = [
        detection(
            *rng.uniform(0, 12, 2), camera=rng.choice(["left", "right"]), id=i,
            size=np.exp(rng.uniform(-2, 1.5, 3)), yaw=rng.uniform(-2, 2), point_count=count - i,
        )
        for i in range(count)
    ]  # fmt: skip
    near = sorted(
        (_apart(a, b), i, i + 1 + k)
        for i, a in enumerate(items)
        for k, b in enumerate(items[i + 1 :])
        if a.camera != b.camera and _apart(a, b) < distance_m
    )
    gone: set[int] = set()
    taken: set[int] = set()
    for _, i, k in near:  # of two cameras each object has one partner at most
        if not {i, k} & taken:
            taken |= {i, k}
            gone.add(k)
    kept, merged = merge_views(items, distance_m)
    assert [item.id for item in kept] == [i for i in range(count) if i not in gone]
    assert merged == len(gone)
