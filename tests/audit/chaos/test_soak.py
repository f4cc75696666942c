"""Growth is judged over the longest life of a node, after warm-up; faults leave time to recover."""

from __future__ import annotations

from itertools import pairwise

import pytest

from s2m_ros.audit.chaos.bench import AFTER_S, LASTS_S
from s2m_ros.audit.chaos.soak import WARM_S, growth, random_spells
from s2m_ros.audit.vitals import Lives, Sample, Vitals


def lives(memory: list[tuple[int, float, int]]) -> Lives:
    """One sample a second of (pid, own memory, handles)."""
    return Lives(
        {
            "node": [
                Sample(float(i), pid, Vitals(0.0, 0.0, mb, handles))
                for i, (pid, mb, handles) in enumerate(memory)
            ]
        }
    )


def test_growth_is_from_the_first_to_the_last_tenth_after_warm_up() -> None:
    warm = [(1, 500.0, 90)] * int(WARM_S)
    (grown,) = growth(lives([*warm, *[(1, 100.0 + i, 20) for i in range(101)]]))
    assert grown.memory == pytest.approx(195.5 / 104.5 - 1)
    assert (grown.handles, grown.seconds, grown.flat) == (0, 100.0, False)


def test_a_restart_begins_a_new_life_and_the_longest_counts() -> None:
    short, long = [(1, 100.0 + 9 * i, 5) for i in range(40)], [(2, 80.0, 7)] * 60
    (grown,) = growth(lives([*short, *long]))
    assert (grown.memory, grown.handles, grown.flat) == (0.0, 0, True)


def test_more_handles_are_not_flat_and_a_short_life_says_nothing() -> None:
    (grown,) = growth(lives([(1, 100.0, i // 10) for i in range(80)]))
    assert grown.handles > 0
    assert not grown.flat
    assert growth(lives([(1, 100.0, 5)] * 25)) == []
    assert growth(Lives({"node": []})) == []


def test_random_faults_come_one_by_one_and_again_by_the_same_seed() -> None:
    spells = random_spells(5.0, seed=3)
    assert spells == random_spells(5.0, seed=3) != random_spells(5.0, seed=4)
    assert len({spell.fault.name for spell in spells}) > 10
    for before, after in pairwise(spells):
        assert after.begin_ns - before.end_ns >= AFTER_S * 1e9
        assert before.end_ns - before.begin_ns == LASTS_S * 1e9
    assert spells[-1].end_ns + AFTER_S * 1e9 <= 5 * 60e9
