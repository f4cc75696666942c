"""Which masks show parts of what others show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import stores
import values
from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.audit.mining.looks import INSIDE, follow, nested
from s2m_ros.config import Audit, Config
from s2m_ros.store.layout import about
from s2m_ros.store.reader import Store
from s2m_ros.store.writer import StoreWriter
from s2m_ros.types import ObjectMask

PLACES = st.tuples(
    st.integers(0, 9), st.integers(0, 7), st.integers(1, 7), st.integers(1, 5), st.integers(0, 99)
)


def patch(number: int, x: int, y: int, width: int, height: int, seed: int = 0) -> ObjectMask:
    bits = np.random.default_rng(seed).random((height, width)) < (0.7 if seed else 2)
    return values.mask(number, bits, x, y)


@given(st.lists(PLACES, max_size=4))
def test_one_lies_in_another_as_the_whole_masks_say(places: list[tuple[int, ...]]) -> None:
    items = tuple(patch(i + 1, *place) for i, place in enumerate(places))
    masks = values.masks(stores.stamp(0), items)
    whole = {item.id: masks.dense(item) for item in items}
    expected = [
        (a, b)
        for a in whole
        for b in whole
        if a < b
        and (common := (whole[a] & whole[b]).sum())
        and common >= INSIDE * min(whole[a].sum(), whole[b].sum())
    ]
    assert nested(masks) == expected


def test_how_often_one_lay_in_another_is_known_of_both_tracks(tmp_path: Path) -> None:
    settings = Audit(keep="all")
    apart = (patch(1, 2, 3, 4, 2), patch(2, 6, 3, 4, 2), patch(3, 12, 3, 2, 2))
    inside = (patch(1, 2, 3, 4, 2), patch(2, 3, 3, 2, 1), patch(3, 12, 3, 2, 2))
    with StoreWriter(tmp_path, settings, about(Config(audit=settings)), wait=True) as writer:
        recorder = stores.Recorder(writer, settings)
        for i, items in enumerate([inside, apart, inside]):
            hazards = stores.judged(stores.stamp(i))
            (one,) = hazards.items
            seen = tuple(
                replace(one, track=replace(one.track, id=10 * item.id, mask_id=item.id))
                for item in items
            )
            recorder.add(stores.stamp(i), replace(hazards, items=seen), i, items)
    with Store(tmp_path) as store:
        tracks, broken = follow(store)
    assert not broken
    assert {track: len(one.looks) for track, one in tracks.items()} == {10: 3, 20: 3, 30: 3}
    assert {track: dict(one.nested) for track, one in tracks.items()} == {
        10: {20: 2}, 20: {10: 2}, 30: {}
    }  # fmt: skip
