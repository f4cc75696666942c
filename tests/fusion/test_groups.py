"""Groups of points against plain loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.fusion.groups import Groups

KEYS = st.lists(st.integers(0, 5), max_size=60)


@given(keys=KEYS, seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_agrees_with_loops(keys: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    key = np.array(keys, np.intp)
    index = rng.permutation(1000)[: len(key)]
    value = rng.normal(size=1000)
    groups = Groups.of(index, key).sorted_by(value[Groups.of(index, key).index])
    assert groups.key.tolist() == sorted(set(keys))
    assert groups.count.sum() == len(key)
    for g, k in enumerate(groups.key):
        own = index[key == k]
        assert groups.members(g).tolist() == own[np.argsort(value[own])].tolist()
    of = value[groups.index]
    loops = [value[index[key == k]] for k in groups.key]
    np.testing.assert_allclose(groups.mean(of), [v.mean() for v in loops])
    np.testing.assert_allclose(groups.least(of), [v.min() for v in loops])
    np.testing.assert_allclose(groups.most(of, 0.1), [np.sort(v)[-1 - len(v) // 10] for v in loops])
    np.testing.assert_allclose(
        value[groups.middle()], [np.sort(v)[(len(v) - 1) // 2] for v in loops]
    )
    kept = groups.keep_points(of > 0)
    assert kept.key.tolist() == [
        int(k) for k, v in zip(groups.key, loops, strict=True) if v.max() > 0
    ]
    assert groups.keep(groups.count > 2).key.tolist() == groups.key[groups.count > 2].tolist()
