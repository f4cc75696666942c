"""One scale for the scores of all scorers: how rare a raw score is among normal pixels.

F_ID is the empirical distribution of raw scores on normal footage, given by its quantiles
(``calibrated = F_ID(score)``). What matters lies in its last per mille, where a CDF is
numerically flat, so the code computes with the *rarity* ``-log10(1 - F_ID)``: 2 means that one
normal pixel in a hundred scores as high, 4 one in ten thousand. Rarity is linear in the raw score
between two quantiles, and past the last one it goes on with the slope of the tail towards
``RARITY_LIMIT``, so the calibrated score stays strictly monotone in the raw one and still fits
into a float32 below 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..types import Float32, Float64

RARITY_LIMIT = 6.5
_LN10 = float(np.log(10.0))


def rarity(scores: ArrayLike) -> Float32:
    """-log10(1 - F) of calibrated scores in [0, 1], at most ``RARITY_LIMIT``."""
    rest = np.maximum(1.0 - np.asarray(scores, np.float32), np.float32(10.0**-RARITY_LIMIT))
    return np.asarray(-np.log10(rest), np.float32)


def unrarity(values: ArrayLike) -> Float32:
    """The calibrated score F of a rarity: the inverse of ``rarity``."""
    return np.asarray(-np.expm1(-_LN10 * np.asarray(values, np.float32)), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Quantiles:
    """F_ID by its quantiles: values[i] is not exceeded by a share probabilities[i] of ID pixels."""

    values: Float64
    rarities: Float64

    @classmethod
    def of(cls, probabilities: Sequence[float], values: Sequence[float]) -> Quantiles:
        """Raises ValueError unless both rise and there are at least two different values."""
        p = np.asarray(probabilities, np.float64)
        v = np.asarray(values, np.float64)
        if p.shape != v.shape or p.ndim != 1:
            raise ValueError(f"quantiles: {p.shape} probabilities but {v.shape} values")
        if not (np.isfinite(p).all() and np.isfinite(v).all()):
            raise ValueError("quantiles: probabilities and values must be finite")
        if (np.diff(p) < 0).any() or (np.diff(v) < 0).any() or p.min() < 0 or p.max() > 1:
            raise ValueError("quantiles: probabilities in [0, 1] and values must both rise")
        inner = p < 1 - 1e-9  # the largest value ever seen says nothing of its probability
        p, v = p[inner], v[inner]
        last = np.append(np.diff(v) > 0, True)  # of equal values the highest probability counts
        p, v = p[last], v[last]
        if len(v) < 2:
            raise ValueError("quantiles: at least two different values are needed")
        rarities = np.clip(-np.log10(1.0 - p), 1e-3, RARITY_LIMIT - 0.5)
        rises = np.append(True, np.diff(np.maximum.accumulate(rarities)) > 0)
        return cls(v[rises], rarities[rises])

    @classmethod
    def from_manifest(cls, table: Mapping[str, Sequence[float]]) -> Quantiles:
        return cls.of(table["probabilities"], table["values"])

    @classmethod
    def fit(cls, raw: Float32, top: int = 10) -> Quantiles:
        """Quantiles of raw scores of normal pixels, up to the ``top`` highest samples."""
        sample = np.asarray(raw, np.float64).ravel()
        finest = np.log10(max(len(sample) / top, 10.0))
        tail = 1.0 - 10.0 ** -np.arange(1.0, finest + 1e-9, 0.25)
        p = np.concatenate([np.arange(0.0, 0.9, 0.05), tail])
        return cls.of(p.tolist(), np.quantile(sample, p).tolist())

    def manifest(self) -> dict[str, list[float]]:
        p = 1.0 - 10.0**-self.rarities
        return {
            "probabilities": [float(x) for x in p],
            "values": [float(x) for x in self.values],
        }

    def rarity(self, raw: Float32) -> Float32:
        """-log10(1 - F_ID(raw)), strictly increasing in raw up to float32 resolution."""
        v, r = self.values, self.rarities
        out = np.interp(raw, v, r)
        above = raw > v[-1]
        if above.any():
            start = max(0, len(v) - 5)  # a few steps: the last one alone is noise
            slope = (r[-1] - r[start]) / (v[-1] - v[start])
            room = RARITY_LIMIT - r[-1]
            out[above] = r[-1] - room * np.expm1(-slope * (raw[above] - v[-1]) / room)
        below = raw < v[0]
        if below.any():
            scale = (v[-1] - v[0]) / 4.0
            out[below] = r[0] * np.exp((raw[below] - v[0]) / scale)
        return out.astype(np.float32)

    def value(self, rarity: float) -> float:
        """The raw score of a rarity, within the table."""
        return float(np.interp(rarity, self.rarities, self.values))

    def __call__(self, raw: Float32) -> Float32:
        """F_ID(raw) in [0, 1)."""
        return unrarity(self.rarity(raw))
