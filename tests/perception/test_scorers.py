"""Scores of logits against their definitions, computed another way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import logsumexp, softmax
from scipy.stats import entropy as shannon

from s2m_ros.perception.scorers import LOGIT_SCORES, energy

REFERENCE = {
    "msp": lambda f: 1 - softmax(f, axis=0).max(axis=0),
    "max_logit": lambda f: -f.max(axis=0),
    "entropy": lambda f: shannon(softmax(f, axis=0), axis=0) / np.log(len(f)),
    "energy": lambda f: -logsumexp(f, axis=0),
    "rejection": lambda f: -np.tanh(f).sum(axis=0),
}


@pytest.mark.parametrize("name", sorted(REFERENCE))
def test_is_its_definition(name: str) -> None:
    logits = (np.random.default_rng(3).normal(size=(13, 20, 30)) * 6).astype(np.float32)
    score = LOGIT_SCORES[name](logits)
    assert score.dtype == np.float32
    assert score.shape == (20, 30)
    np.testing.assert_allclose(score, REFERENCE[name](logits.astype(np.float64)), atol=2e-5)


def test_every_score_is_tested() -> None:
    assert set(REFERENCE) == set(LOGIT_SCORES)


@pytest.mark.parametrize("name", sorted(LOGIT_SCORES))
def test_does_not_overflow(name: str) -> None:
    logits = np.zeros((3, 1, 2), np.float32)
    logits[0] = 1000
    logits[1] = -1000
    assert np.isfinite(LOGIT_SCORES[name](logits)).all()


@pytest.mark.parametrize("name", ["msp", "max_logit", "entropy", "energy"])
def test_grows_with_abnormality(name: str) -> None:
    certain, doubtful = np.float32([9, 0, 0]), np.float32([1, 1, 1])
    score = LOGIT_SCORES[name](np.stack([certain, doubtful], axis=1)[:, None])
    assert score[0, 1] > score[0, 0]


def test_energy_tends_to_max_logit_when_cold() -> None:
    logits = np.random.default_rng(0).normal(size=(5, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(energy(logits, 0.01), -logits.max(axis=0), atol=0.05)
