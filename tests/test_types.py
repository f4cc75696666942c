"""What values that flow from stage to stage answer of themselves."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from s2m_ros.types import UNSEEN, Visibility

SEEN = np.zeros((8, 4), np.bool_)
SEEN[1, 2] = True  # 45 to 90 degrees to the left, 4 to 6 m away


def test_a_place_was_seen_in_its_sector_and_ring() -> None:
    view = Visibility(SEEN, 2.0)
    places = np.array([[2.0, 4.0], [4.0, 2.0], [2.0, -4.0], [1.0, 2.0], [3.0, 6.0]])
    assert view.at(places).tolist() == [True, False, False, False, False]
    assert not UNSEEN.at(places).any()


@given(
    arrays.arrays(np.float64, (5, 2), elements=st.floats(allow_nan=True, allow_infinity=True)),
    st.floats(1e-300, 1e300),
)
def test_any_numbers_are_a_place_and_far_ones_were_not_seen(
    places: np.ndarray, ring_m: float
) -> None:
    everything = Visibility(np.ones((3, 2), np.bool_), ring_m)
    with np.errstate(all="ignore"):
        near = np.hypot(places[:, 0], places[:, 1]) < 2 * ring_m
        assert everything.at(places).tolist() == near.tolist()
