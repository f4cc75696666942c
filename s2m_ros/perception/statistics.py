"""What normal footage looks like to a model: class statistics, feature subspace, feature bank.

Fitted by ``s2m calibrate`` on cells sampled from normal frames; the scores that compare a frame
with normal footage (``feature_scores.py``) need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..types import Float32

SHRINKAGE = 0.1
"""Share of the average variance that every covariance gets, so that it can be inverted."""

EXPLAINED = 0.95
"""Share of the variance that the normal subspace keeps."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """C classes, D feature channels, M bank vectors.

    max_mean, max_std: float32 (C,), of the largest logit by predicted class.
    class_mean: float32 (C, D); whitening: float32 (C, D, D), W W^T the inverse covariance, by
    predicted class. mean: float32 (D,); basis: float32 (D, K), orthonormal normal subspace.
    bank: float32 (M, D), unit length. distance_max, energy_min, energy_max: ranges for kNN.
    """

    max_mean: Float32
    max_std: Float32
    class_mean: Float32
    whitening: Float32
    mean: Float32
    basis: Float32
    bank: Float32
    distance_max: float
    energy_min: float
    energy_max: float


def fit(logits: Float32, features: Float32, bank_size: int = 4096, seed: int = 0) -> Statistics:
    """From cells of normal frames: logits float32 (N, C), features float32 (N, D)."""
    if len(logits) != len(features) or len(logits) < 100:
        raise ValueError(
            f"statistics: expected the same number of cells, at least 100, got {len(logits)} "
            f"logits and {len(features)} features"
        )
    classes = logits.shape[1]
    predicted = logits.argmax(axis=1)
    highest = logits.max(axis=1)
    overall = _moments(features)
    max_mean = np.full(classes, highest.mean(), np.float32)
    max_std = np.full(classes, max(float(highest.std()), 1e-3), np.float32)
    class_mean = np.tile(overall[0], (classes, 1))
    whitening = np.tile(overall[1], (classes, 1, 1))
    for c in range(classes):
        mine = predicted == c
        if mine.sum() >= 2 * features.shape[1]:  # fewer say nothing of a covariance
            max_mean[c] = highest[mine].mean()
            max_std[c] = max(float(highest[mine].std()), 1e-3)
            class_mean[c], whitening[c] = _moments(features[mine])
    mean = features.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov((features - mean).T))
    order = np.argsort(variances)[::-1]
    kept = np.cumsum(variances[order]) / max(float(variances.sum()), 1e-12)
    count = int(np.searchsorted(kept, EXPLAINED)) + 1
    unit = unit_length(features)
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(unit))
    bank, rest = unit[chosen[:bank_size]], unit[chosen[bank_size : bank_size + 4096]]
    rest = rest if len(rest) >= 100 else bank
    energy = 1.0 - np.log(np.exp(logits - logits.max(axis=1, keepdims=True)).sum(axis=1))
    energy -= logits.max(axis=1)
    return Statistics(
        max_mean,
        max_std,
        class_mean.astype(np.float32),
        whitening.astype(np.float32),
        np.asarray(mean, np.float32),
        np.ascontiguousarray(axes[:, order[:count]], np.float32),
        np.ascontiguousarray(bank, np.float32),
        max(float(np.quantile(nearest(rest, bank), 0.999)), 1e-6),
        float(energy.min()),
        float(energy.max()),
    )


def _moments(features: Float32) -> tuple[Float32, Float32]:
    """Mean and a W with W W^T the inverse of the shrunk covariance."""
    covariance = np.cov(features.T)
    scale = max(float(np.trace(covariance)) / len(covariance), 1e-9)
    covariance = (1 - SHRINKAGE) * covariance + SHRINKAGE * scale * np.eye(len(covariance))
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    return features.mean(axis=0).astype(np.float32), whitening.astype(np.float32)


def unit_length(features: Float32) -> Float32:
    """Rows scaled to length 1."""
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.asarray(features / np.maximum(length, 1e-6), np.float32)


def nearest(queries: Float32, bank: Float32, count: int = 3) -> Float32:
    """Mean distance of unit vectors (N, D) to their ``count`` nearest of a bank (M, D)."""
    count = min(count, len(bank))
    out = np.empty(len(queries), np.float32)
    for start in range(0, len(queries), 2048):
        likeness = queries[start : start + 2048] @ bank.T
        best = np.partition(likeness, -count, axis=1)[:, -count:]
        out[start : start + 2048] = np.sqrt(np.maximum(2 - 2 * best, 0)).mean(axis=1)
    return out


def save_fields(statistics: Statistics) -> dict[str, NDArray[np.float32]]:
    """As arrays by name, to store in an npz file."""
    names = Statistics.__dataclass_fields__
    return {name: np.asarray(getattr(statistics, name), np.float32) for name in names}


def load_fields(fields: Mapping[str, NDArray[np.float32]]) -> Statistics:
    """The inverse of ``save_fields``; KeyError when one is missing."""
    values: dict[str, Any] = {}
    for name in Statistics.__dataclass_fields__:
        value = np.asarray(fields[name], np.float32)
        values[name] = value if value.ndim else float(value)
    return Statistics(**values)


def otsu(values: Float32, bins: int = 64) -> float:
    """The cut that best parts values into two classes (N. Otsu, 1979), on a histogram."""
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return low
    place = ((values.ravel() - low) * (bins / (high - low))).astype(np.intp)
    counts = np.bincount(np.minimum(place, bins - 1), minlength=bins).astype(np.float64)
    total = np.cumsum(counts * (np.arange(bins) + 0.5))[:-1]
    whole = float((counts * (np.arange(bins) + 0.5)).sum())
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    between = below * above * np.square(total / below - (whole - total) / np.maximum(above, 1e-9))
    return low + (1 + int(np.argmax(between))) * (high - low) / bins
