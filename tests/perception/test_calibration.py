"""The one scale of all scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.perception.calibration import RARITY_LIMIT, Quantiles, rarity, unrarity

TABLE = ([0.0, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0], [-4.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0])


def test_agrees_with_the_empirical_distribution() -> None:
    sample = np.random.default_rng(1).normal(size=400_000).astype(np.float32)
    fitted = Quantiles.fit(sample)
    asked = np.float32([-1.0, 0.0, 1.0, 2.0, 3.0, 3.7])
    share = (sample[None] <= asked[:, None]).mean(axis=1)
    np.testing.assert_allclose(1 - fitted(asked), 1 - share, rtol=0.12)


def test_the_tail_stays_apart() -> None:
    q = Quantiles.of(*TABLE)
    np.testing.assert_allclose(q.rarity(np.float32([2.0, 3.0, 4.0])), [2, 3, 4], atol=1e-5)
    scores = q(np.float32([3.0, 4.0, 5.0, 6.0]))
    np.testing.assert_allclose(scores[:2], [0.999, 0.9999], atol=1e-6)
    assert (np.diff(scores) > 0).all()
    assert scores.max() < 1


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=200),
    st.integers(0, 2**16),
)
@settings(deadline=None, max_examples=60)
def test_never_turns_an_order_round(values: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    q = Quantiles.fit(rng.normal(size=500).astype(np.float32) * 3)
    raw = np.sort(np.float32(values))
    out = q.rarity(raw)
    assert (np.diff(out) >= 0).all()
    assert out.min() >= 0
    assert out.max() <= RARITY_LIMIT


def test_is_strictly_monotone_where_objects_score() -> None:
    raw = np.linspace(-3.9, 8.0, 3000).astype(np.float32)
    assert (np.diff(Quantiles.of(*TABLE).rarity(raw)) > 0).all()


@given(st.floats(0, 6.4))
@settings(deadline=None, max_examples=60)
def test_scores_carry_their_rarity(value: float) -> None:
    back = float(rarity(unrarity(np.float32([value])))[0])
    assert back == pytest.approx(value, abs=0.06)


@pytest.mark.parametrize(
    ("probabilities", "values"),
    [
        ([0.1], [1.0]),
        ([0.1, 0.2], [1.0]),
        ([0.2, 0.1], [1.0, 2.0]),
        ([0.1, 0.2], [2.0, 1.0]),
        ([0.1, 0.2], [1.0, 1.0]),
        ([0.1, 1.2], [1.0, 2.0]),
        ([0.1, 0.2], [1.0, float("nan")]),
    ],
)
def test_refuses_tables_that_are_none(probabilities: list[float], values: list[float]) -> None:
    with pytest.raises(ValueError, match="quantiles"):
        Quantiles.of(probabilities, values)


def test_manifest_round_trip() -> None:
    q = Quantiles.of(*TABLE)
    again = Quantiles.from_manifest(q.manifest())
    raw = np.linspace(-6, 8, 50).astype(np.float32)
    np.testing.assert_allclose(again.rarity(raw), q.rarity(raw), atol=1e-5)
