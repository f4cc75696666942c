"""Whether there is an object at all: probabilities of existence of many tracks.

Integrated probabilistic data association with one detection or none a track: Musicki, Evans,
Stankovic, "Integrated probabilistic data association", IEEE Trans. Automatic Control 39(6), 1994.
"""

from __future__ import annotations

import numpy as np

from s2m_ros.types import Bool, Float64

BIRTH = 0.5
CERTAINTY = 0.9999  # a few misses must still tell
MOST = 8.0
"""What one more detection can say, as a ratio of likelihoods. Clutter is taken to be independent
from frame to frame, but what deceives a scorer once is apt to deceive it again."""
MOST_FLAT = 2.0
"""The same of what has no height: most such detections are paint, stains and shadows."""
LASTS_S = 900.0
"""How long a thing lies on an apron before someone takes it away, on average."""


def survive(existence: Float64, seconds: float) -> Float64:
    """Prior of (N,) tracks after a time."""
    return np.asarray(existence * np.exp(-seconds / LASTS_S))


def detected(
    existence: Float64, chance: Float64, density: Float64, clutter: float, flat: Bool
) -> Float64:
    """After a detection. chance: (N,) of detection; density: (N,), 1/m^2, of the detection under
    the track's prediction; clutter: false detections a frame and square metre; flat: bool (N,)."""
    most = np.where(flat, MOST_FLAT, MOST)
    return _bayes(existence, np.minimum(1 - chance + chance * density / clutter, most))


def missed(existence: Float64, chance: Float64) -> Float64:
    """After a frame that should have shown the object with this chance (N,) and did not."""
    return _bayes(existence, 1 - chance)


def _bayes(prior: Float64, ratio: Float64) -> Float64:
    there = prior * ratio
    return np.asarray(np.clip(there / (there + 1 - prior), 1 - CERTAINTY, CERTAINTY))
