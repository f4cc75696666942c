"""Anomaly scores from class logits or from the learned head, and what wraps any of them.

Each raw score grows with abnormality. Logits are float32 (C, h, w), scores float32 (h, w).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..types import Float32, ScoreMap
from .calibration import Quantiles
from .interfaces import Encoding


def msp(logits: Float32) -> Float32:
    """1 - max softmax (Hendrycks and Gimpel, 2017)."""
    shifted = logits - logits.max(axis=0, keepdims=True)
    total = np.exp(shifted).sum(axis=0)
    return np.asarray(1.0 - 1.0 / total, np.float32)


def max_logit(logits: Float32) -> Float32:
    """-max logit (Hendrycks et al., 2022)."""
    return np.asarray(-logits.max(axis=0), np.float32)


def entropy(logits: Float32) -> Float32:
    """Entropy of the softmax, over log C, in [0, 1]."""
    shifted = logits - logits.max(axis=0, keepdims=True)
    exponent = np.exp(shifted)
    total = exponent.sum(axis=0)
    nats = np.log(total) - (exponent * shifted).sum(axis=0) / total
    return np.asarray(nats / np.log(len(logits)), np.float32)


def energy(logits: Float32, temperature: float = 1.0) -> Float32:
    """-T logsumexp(logits / T) (Liu et al., 2020)."""
    scaled = logits / np.float32(temperature)
    top = scaled.max(axis=0)
    return np.asarray(-temperature * (top + np.log(np.exp(scaled - top).sum(axis=0))), np.float32)


def rejection(logits: Float32) -> Float32:
    """-sum tanh(logit): rejected by all (RbA, Nayal et al., 2023), for a per-pixel head."""
    return np.asarray(-np.tanh(logits).sum(axis=0), np.float32)


LOGIT_SCORES: dict[str, Callable[[Float32], Float32]] = {
    "msp": msp,
    "max_logit": max_logit,
    "entropy": entropy,
    "energy": energy,
    "rejection": rejection,
}


@dataclass(frozen=True, slots=True, eq=False)
class CalibratedScorer:
    """A raw score, as a function of the encoding, and its quantiles on normal pixels."""

    name: str
    function: Callable[[Encoding], Float32]
    quantiles: Quantiles

    def raw(self, encoding: Encoding) -> Float32:
        return self.function(encoding)

    def calibrate(self, raw: Float32, image_size: tuple[int, int]) -> ScoreMap:
        return ScoreMap(self.quantiles(raw), image_size, self.name)


def of_logits(name: str) -> Callable[[Encoding], Float32]:
    """The score of that name in ``LOGIT_SCORES``, as a function of the encoding."""
    function = LOGIT_SCORES[name]

    def score(encoding: Encoding) -> Float32:
        if encoding.logits is None:
            raise ValueError(f"scorer '{name}' needs class logits, the model gives none")
        return function(encoding.logits)

    return score


def learned(encoding: Encoding) -> Float32:
    """The anomaly head of the model, trained with pasted objects (outlier exposure)."""
    if encoding.anomaly is None:
        raise ValueError("scorer 'learned' needs an anomaly head, the model has none")
    return encoding.anomaly
