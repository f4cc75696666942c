"""CLEAR MOT: cases by hand, and against py-motmetrics where that is installed."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.audit.clearmot import Correspondence, MotCounts

FAR = np.inf


def test_a_pair_holds_while_it_is_possible_though_another_is_nearer() -> None:
    pairs = Correspondence()
    assert pairs.match([1], [7], np.array([[0.1]])).track_of == {1: 7}
    kept = pairs.match([1], [7, 8], np.array([[0.9, 0.0]]))
    assert (kept.track_of, kept.switched) == ({1: 7}, frozenset())
    lost = pairs.match([1], [7, 8], np.array([[FAR, 0.0]]))
    assert (lost.track_of, lost.switched) == ({1: 8}, {1})


def test_a_switch_counts_across_a_gap_and_not_at_the_first_pair() -> None:
    pairs = Correspondence()
    assert not pairs.match([1], [7], np.zeros((1, 1))).switched
    assert pairs.match([1], [], np.zeros((1, 0))).track_of == {}
    assert pairs.match([1], [9], np.zeros((1, 1))).switched == {1}


def test_as_many_pairs_as_can_be_come_before_short_ones() -> None:
    pairs = Correspondence().match([1, 2], [7, 8], np.array([[0.0, 0.5], [0.6, FAR]]))
    assert pairs.track_of == {1: 8, 2: 7}


def test_two_objects_that_had_the_same_track_do_not_share_it() -> None:
    pairs = Correspondence()
    pairs.match([1], [7], np.zeros((1, 1)))
    pairs.match([2], [7], np.zeros((1, 1)))
    both = pairs.match([1, 2], [7], np.zeros((2, 1)))
    assert len(both.track_of) == 1


def test_mota_by_hand() -> None:
    assert MotCounts(10, 2, 1, 1).mota == pytest.approx(0.6)
    assert np.isnan(MotCounts(0, 0, 3, 0).mota)


@pytest.mark.parametrize("seed", range(8))
def test_counts_agree_with_motmetrics(seed: int) -> None:
    mm = pytest.importorskip("motmetrics", reason="pip install motmetrics for this comparison")
    rng = np.random.default_rng(seed)
    theirs = mm.MOTAccumulator(auto_id=True)
    ours = Correspondence()
    objects = misses = false = switches = 0
    # Objects and tracks stand at fixed random places and come and go; tracks exchange places.
    places = rng.uniform(0, 4, (5, 2))
    order = np.arange(6)
    for _ in range(60):
        if rng.random() < 0.2:
            i, j = rng.choice(6, 2, replace=False)
            order[[i, j]] = order[[j, i]]
        there = np.flatnonzero(rng.random(5) < 0.85)
        tracks = np.flatnonzero(rng.random(6) < 0.8)
        at = np.vstack([places, [[9.0, 9.0]]])[order[tracks]] + rng.normal(0, 0.3, (len(tracks), 2))
        distance = np.linalg.norm(places[there][:, None] - at[None], axis=2)
        distance[distance > 1.5] = np.nan
        theirs.update((there + 1).tolist(), (tracks + 100).tolist(), distance)
        blocked = np.where(np.isnan(distance), np.inf, distance)
        pairs = ours.match((there + 1).tolist(), (tracks + 100).tolist(), blocked)
        objects += len(there)
        misses += len(there) - len(pairs.track_of)
        false += len(tracks) - len(pairs.track_of)
        switches += len(pairs.switched)
    names = ["num_objects", "num_misses", "num_false_positives", "num_switches", "mota"]
    summary = mm.metrics.create().compute(theirs, metrics=names, name="all").iloc[0]
    assert [objects, misses, false, switches] == [int(summary[name]) for name in names[:4]]
    assert MotCounts(objects, misses, false, switches).mota == pytest.approx(summary["mota"])
