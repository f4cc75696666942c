"""How a cost grows: slopes on logarithmic axes, by least squares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

WORSE = 1.15
"""A slope over n log n beyond this is called worse: what the noise of a shared machine makes of
steps that take as long as they should."""


@dataclass(frozen=True)
class Growth:
    """power: slope of log t over log n; loglinear: over log (n log n); tail: the same of the larger
    half of the sizes, where what every call costs weighs less."""

    power: float
    loglinear: float
    tail: float

    @property
    def worse(self) -> bool:
        return self.tail > WORSE

    @property
    def verdict(self) -> str:
        return "WORSE than n log n" if self.worse else "not worse than n log n"


def fit(sizes: Sequence[float], seconds: Sequence[float]) -> Growth:
    """Of times over sizes; a size of 0 is left out, for it has no logarithm."""
    n, t = np.array(sizes, float), np.array(seconds, float)
    n, t = n[n > 0], t[n > 0]
    larger = n >= np.median(n)
    return Growth(_slope(n, t), _slope(_loglinear(n), t), _slope(_loglinear(n[larger]), t[larger]))


def _loglinear(n: np.ndarray) -> np.ndarray:
    return np.asarray(n * np.log(np.maximum(n, 1) + 1))


def _slope(n: np.ndarray, t: np.ndarray) -> float:
    return float(np.polyfit(np.log(n), np.log(np.maximum(t, 1e-9)), 1)[0])
