"""Scores that compare a frame's logits and features with normal footage, and one that needs none.

All grow with abnormality and are float32 (h, w) on the grid of the logits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from ..types import Bool, Float32
from .interfaces import Encoding
from .scorers import energy
from .statistics import Statistics, nearest, unit_length

BOUNDARY_RADII = (8, 6, 4, 2)
"""Passes of boundary suppression, in pixels of the network input (Jung et al., 2021)."""

POOL = 2
"""Feature scores that compare with many vectors see one cell in this many a side."""


def standardised_max_logit(encoding: Encoding, statistics: Statistics) -> Float32:
    """Standardised max logits (Jung et al., 2021) with boundary suppression and smoothing."""
    logits = _logits(encoding, "sml")
    predicted = logits.argmax(axis=0)
    score = -(logits.max(axis=0) - statistics.max_mean[predicted]) / statistics.max_std[predicted]
    stride = max(1, round(encoding.input_size[0] / logits.shape[2]))
    for radius in BOUNDARY_RADII:
        score = suppress(score, boundary(predicted.astype(np.uint8), max(1, radius // stride)))
    side = max(3, 7 // stride | 1)
    return np.asarray(cv2.GaussianBlur(score, (side, side), 1.0), np.float32)


def boundary(classes: np.typing.NDArray[np.uint8], radius: int) -> Bool:
    """Cells within ``radius`` of another class."""
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    return np.asarray(cv2.dilate(classes, kernel) != cv2.erode(classes, kernel))


def suppress(score: Float32, at: Bool) -> Float32:
    """Boundary cells take the 3x3 mean of the cells beside them that are no boundary."""
    valid = (~at).astype(np.float32)
    total = cv2.boxFilter(score * valid, -1, (3, 3), normalize=False)
    count = np.asarray(cv2.boxFilter(valid, -1, (3, 3), normalize=False))
    mean = total / np.maximum(count, 1)
    return np.asarray(np.where(at & (count > 0.5), mean, score), np.float32)


def mahalanobis(encoding: Encoding, statistics: Statistics) -> Float32:
    """Least squared Mahalanobis distance to a class (Lee et al., 2018)."""
    flat, shape = cells(encoding)
    return on_grid(class_distance(flat, statistics), shape, encoding)


def class_distance(features: Float32, statistics: Statistics) -> Float32:
    """Squared distance of each row, float32 (N, D), to the nearest class: float32 (N,)."""
    best = np.full(len(features), np.inf, np.float32)
    for mean, whitening in zip(statistics.class_mean, statistics.whitening, strict=True):
        np.minimum(best, np.square((features - mean) @ whitening).sum(axis=1), out=best)
    return best


def knn(encoding: Encoding, statistics: Statistics) -> Float32:
    """Distance to the 3 nearest normal features, with the energy (cDNP, Galesso et al., 2023)."""
    flat, shape = cells(encoding)
    distance = nearest(unit_length(flat), statistics.bank) / statistics.distance_max
    spread = max(statistics.energy_max - statistics.energy_min, 1e-6)
    u = (1 + energy(_logits(encoding, "knn")) - statistics.energy_min) / spread
    return np.asarray(u + on_grid(distance, shape, encoding), np.float32)


def reconstruction(encoding: Encoding, statistics: Statistics) -> Float32:
    """What the subspace of normal features cannot rebuild of a feature: the residual's length."""
    flat, shape = cells(encoding, pool=1)
    centred = flat - statistics.mean
    residual = centred - (centred @ statistics.basis) @ statistics.basis.T
    return on_grid(np.linalg.norm(residual, axis=1).astype(np.float32), shape, encoding)


def clustering(encoding: Encoding, k: int = 24, a: float = 0.7) -> Float32:
    """Training-free: mean max-logit of each feature cluster of the image, with the cell's own.

    ``-(a c_k + (1 - a) max f)``, c_k the mean max-logit of the cell's K-Means cluster on features
    of unit length. The seed paper leaves K, a and the upsampling open; this form is our own.
    """
    logits = _logits(encoding, "clustering")
    flat, shape = cells(encoding)
    labels = kmeans(unit_length(flat), k)
    size = (shape[1], shape[0])
    coarse = cv2.resize(logits.max(axis=0), size, interpolation=cv2.INTER_AREA).ravel()
    count = np.maximum(np.bincount(labels, minlength=k), 1)
    mean = np.bincount(labels, coarse, k) / count
    cluster = on_grid(mean[labels].astype(np.float32), shape, encoding)
    return np.asarray(-(a * cluster + (1 - a) * logits.max(axis=0)), np.float32)


def kmeans(points: Float32, k: int, rounds: int = 12) -> np.typing.NDArray[np.intp]:
    """Cluster of each row; deterministic: starts from farthest points, then Lloyd's rounds."""
    k = min(k, len(points))
    start = int(np.argmax(np.square(points - points.mean(axis=0)).sum(axis=1)))
    chosen = [start]
    distance = np.square(points - points[start]).sum(axis=1)
    for _ in range(k - 1):
        chosen.append(int(np.argmax(distance)))
        np.minimum(distance, np.square(points - points[chosen[-1]]).sum(axis=1), out=distance)
    centres = points[chosen].astype(np.float32)
    labels = np.zeros(len(points), np.intp)
    for _ in range(rounds):
        far = np.square(centres).sum(axis=1) - 2 * (points @ centres.T)
        new = far.argmin(axis=1)
        if np.array_equal(new, labels):
            break
        labels = new
        count = np.bincount(labels, minlength=k)
        member = np.zeros((k, len(points)), np.float32)
        member[labels, np.arange(len(points))] = 1
        total = member @ points
        filled = count > 0
        centres[filled] = total[filled] / count[filled, None]
    return labels


def cells(encoding: Encoding, pool: int = POOL) -> tuple[Float32, tuple[int, int]]:
    """Features as rows, float32 (h' w', D), averaged over pool x pool cells; and (h', w')."""
    if not encoding.features:
        raise ValueError("this scorer needs features, the model gives none")
    maps = next(iter(encoding.features.values()))[0]
    d, h, w = maps.shape
    if pool > 1:
        h, w = max(h // pool, 1), max(w // pool, 1)
        maps = maps[:, : h * pool, : w * pool].reshape(d, h, pool, w, pool).mean(axis=(2, 4))
    return np.ascontiguousarray(maps.reshape(d, -1).T, np.float32), (h, w)


def on_grid(values: Float32, shape: tuple[int, int], encoding: Encoding) -> Float32:
    """Rows of ``cells`` back as a map on the grid of the features."""
    maps = next(iter(encoding.features.values()))
    size = (maps.shape[3], maps.shape[2])
    return np.asarray(
        cv2.resize(values.reshape(shape), size, interpolation=cv2.INTER_LINEAR), np.float32
    )


def _logits(encoding: Encoding, name: str) -> Float32:
    if encoding.logits is None:
        raise ValueError(f"scorer '{name}' needs class logits, the model gives none")
    return encoding.logits


FEATURE_SCORES: dict[str, Callable[[Encoding, Statistics], Float32]] = {
    "sml": standardised_max_logit,
    "mahalanobis": mahalanobis,
    "knn": knn,
    "reconstruction": reconstruction,
}


@dataclass(frozen=True, slots=True, eq=False)
class WithStatistics:
    """A feature score bound to the statistics of normal footage."""

    name: str
    statistics: Statistics

    def __call__(self, encoding: Encoding) -> Float32:
        return FEATURE_SCORES[self.name](encoding, self.statistics)
