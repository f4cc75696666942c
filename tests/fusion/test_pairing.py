from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros import config
from s2m_ros.fusion.pairing import Pair, Pairing
from s2m_ros.types import ObjectMasks, Sweep

MS = 1_000_000


def masks(t_ms: float, camera: str = "front") -> ObjectMasks:
    return ObjectMasks(
        round(t_ms * MS), camera, f"{camera}_optical_frame", (640, 480), (160, 120), (), None, "t"
    )


def sweep(t_ms: float) -> Sweep:
    return Sweep(round(t_ms * MS), "lidar", np.zeros((1, 3), np.float32))


def stamps(pairs: list[Pair]) -> list[tuple[list[float], float | None]]:
    return [
        ([m.stamp_ns / MS for m in p.masks], p.sweep.stamp_ns / MS if p.sweep else None)
        for p in pairs
    ]


@pytest.fixture
def pairing() -> Pairing:
    return Pairing(config.Pairing())


def test_takes_the_nearest_sweep_once_a_later_one_is_there(pairing: Pairing) -> None:
    pairing.add_sweep(sweep(0))
    pairing.add_masks(masks(40))
    assert pairing.poll(40 * MS) == [], "a sweep at 50 ms may still come"
    pairing.add_sweep(sweep(100))
    assert stamps(pairing.poll(100 * MS)) == [([40], 0)]


def test_does_not_wait_once_the_sweep_period_is_known(pairing: Pairing) -> None:
    for t in (0, 100, 200):
        pairing.add_sweep(sweep(t))
    pairing.add_masks(masks(230))
    assert stamps(pairing.poll(230 * MS)) == [([230], 200)]


def test_goes_on_alone_after_the_timeout(pairing: Pairing) -> None:
    pairing.add_masks(masks(10))
    assert pairing.poll(100 * MS) == []
    (pair,) = pairing.poll(161 * MS)
    assert pair.sweep is None
    assert pair.reason == "no sweep arrived"
    assert pairing.drops["masks_without_sweep"] == 1


def test_a_sweep_too_far_away_is_refused_with_the_difference(pairing: Pairing) -> None:
    pairing.add_sweep(sweep(0))
    pairing.add_masks(masks(80))
    pairing.add_sweep(sweep(300))
    (pair,) = pairing.poll(300 * MS)
    assert pair.sweep is None
    assert "80 ms" in pair.reason
    assert pairing.worst_difference_ms == pytest.approx(80)
    assert pairing.drops["difference_too_large"] == 1


def test_the_offset_moves_the_sweep(pairing: Pairing) -> None:
    shifted = Pairing(config.Pairing(offset_ms=-50))
    for one in (pairing, shifted):
        for t in (0, 100, 200):
            one.add_sweep(sweep(t))
        one.add_masks(masks(150.5))
    assert stamps(pairing.poll(0)) == [([150.5], 200)]
    assert stamps(shifted.poll(0)) == [([150.5], 150)]


def test_a_fast_camera_shares_a_sweep_and_unused_sweeps_are_counted(pairing: Pairing) -> None:
    for t in (0, 100, 200):
        pairing.add_sweep(sweep(t))
    for t in (180, 190, 199):
        pairing.add_masks(masks(t))
    assert stamps(pairing.poll(200 * MS)) == [([180], 200), ([190], 200), ([199], 200)]
    assert pairing.drops["sweep_without_masks"] == 2


def test_several_cameras_make_one_group() -> None:
    pairing = Pairing(config.Pairing(), cameras=("front", "left"))
    for t in (0, 100, 200):
        pairing.add_sweep(sweep(t))
    pairing.add_masks(masks(110))
    assert pairing.poll(112 * MS) == []
    pairing.add_masks(masks(125, "left"))
    assert stamps(pairing.poll(125 * MS)) == [([110, 125], 100)]


def test_a_camera_that_does_not_answer_is_named() -> None:
    pairing = Pairing(config.Pairing(), cameras=("front", "left"))
    pairing.add_sweep(sweep(100))
    pairing.add_masks(masks(100))
    (pair,) = pairing.poll(251 * MS)
    assert pair.missing == ("left",)
    assert pairing.drops["camera_missing"] == 1
    pairing.add_masks(masks(300, "rear"))
    assert pairing.drops["unknown_camera"] == 1


def test_a_time_jump_flushes_and_says_so(pairing: Pairing) -> None:
    for t in (5000, 5100):
        assert not pairing.add_sweep(sweep(t))
    assert not pairing.add_masks(masks(5040))
    assert pairing.add_masks(masks(0))
    assert pairing.drops["time_jump"] == 3
    pairing.add_sweep(sweep(10))
    assert stamps(pairing.poll(20 * MS)) == [([0], 10)]


def test_draining_leaves_nothing(pairing: Pairing) -> None:
    pairing.add_sweep(sweep(0))
    pairing.add_masks(masks(30))
    assert pairing.poll(30 * MS) == []
    assert stamps(pairing.drain()) == [([30], 0)]
    assert pairing.drain() == []


@given(
    image_ms=st.lists(st.integers(0, 3000), min_size=1, max_size=12, unique=True),
    sweep_ms=st.lists(st.integers(0, 3000), max_size=12, unique=True),
)
@settings(max_examples=150, deadline=None)
def test_every_image_comes_out_once_in_order_with_its_nearest_sweep(
    image_ms: list[int], sweep_ms: list[int]
) -> None:
    pairing = Pairing(config.Pairing())
    for t in sorted(sweep_ms):
        pairing.add_sweep(sweep(t))
    for t in sorted(image_ms):
        pairing.add_masks(masks(t))
    pairs = pairing.poll(10_000 * MS)
    assert [p.stamp_ns // MS for p in pairs] == sorted(image_ms)
    for pair in pairs:
        apart = min((abs(pair.stamp_ns // MS - s) for s in sweep_ms), default=10**6)
        if pair.sweep is None:
            assert apart > 60
        else:
            assert abs(pair.sweep.stamp_ns - pair.stamp_ns) == apart * MS
