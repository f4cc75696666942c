"""Which specimens look alike, and which look like nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s2m_ros.types import Float32, Float64, InputError

ALONE = -1
NEIGHBOURS = 5
SIZE = 0.15
"""What a size that is e times as large counts beside vectors of length 1."""
LEAST_M = 0.03
"""Below it sizes are noise."""


@dataclass(frozen=True, slots=True, eq=False)
class Clusters:
    """labels: int (N,), clusters from the largest on, ALONE for what fits none; novelty: float32
    (N,), mean distance to the nearest neighbours, in [0, 2]; probability: float32 (N,), how much a
    specimen belongs to its cluster; vectors: float64 (N, D) of length 1, what was compared."""

    labels: NDArray[np.int64]
    novelty: Float32
    probability: Float32
    vectors: Float64

    @property
    def count(self) -> int:
        return int(self.labels.max(initial=-1)) + 1


def cluster(embeddings: Float32, least: int = 3, sizes: Float64 | None = None) -> Clusters:
    """HDBSCAN (Campello et al. 2013) on vectors (N, D) of length 1.

    least: members of the smallest cluster; sizes: (N, 3) length, width and height in m, where
    objects of another size are to be other ones.
    """
    count = len(embeddings)
    novelty = novelty_of(embeddings)
    vectors = _contrasted(embeddings if sizes is None else _sized(embeddings, sizes))
    if count < max(2, least):
        return Clusters(np.full(count, ALONE), novelty, np.zeros(count, np.float32), vectors)
    try:
        from sklearn.cluster import HDBSCAN
    except ImportError as error:
        raise InputError(
            "scikit-learn", f"not importable ({error})", "pip install 's2m_ros[mine]'"
        ) from error
    found = HDBSCAN(
        min_cluster_size=max(2, least), min_samples=1, cluster_selection_method="leaf", copy=True
    ).fit(vectors)
    labels = np.asarray(found.labels_, np.int64)
    probability = np.asarray(found.probabilities_, np.float32)
    return Clusters(_by_size(labels), novelty, probability, vectors)


def novelty_of(embeddings: Float32, others: Float32 | None = None) -> Float32:
    """Mean distance of each vector (N, D) to the nearest of the others, itself left out."""
    pool = embeddings if others is None else others
    near = min(NEIGHBOURS, len(pool) - (others is None))
    if near < 1:
        return np.full(len(embeddings), 2.0, np.float32)
    result = np.empty(len(embeddings), np.float32)
    for i, vector in enumerate(embeddings):
        distances = np.sqrt(np.maximum(2 - 2 * pool @ vector, 0))
        if others is None:
            distances[i] = np.inf
        result[i] = np.partition(distances, near - 1)[:near].mean()
    return result


def _sized(embeddings: Float32, sizes: Float64) -> Float32:
    """Vectors with the logarithm of the size beside them: longer side, shorter side, height."""
    ground = np.sort(sizes[:, :2], axis=1)[:, ::-1]
    logs = np.log(np.maximum(np.column_stack([ground, sizes[:, 2]]), LEAST_M))
    return np.asarray(np.column_stack([embeddings, SIZE * logs]), np.float32)


def _contrasted(embeddings: Float32) -> Float64:
    """What all vectors have in common taken out, of length 1 again."""
    if not len(embeddings):
        return np.zeros(embeddings.shape)
    centred = embeddings.astype(np.float64) - embeddings.mean(axis=0)
    return np.asarray(centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12))


def _by_size(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The same clusters, numbered from the largest on."""
    names, sizes = np.unique(labels[labels >= 0], return_counts=True)
    order = names[np.argsort(-sizes, kind="stable")]
    renamed = {int(name): i for i, name in enumerate(order)}
    return np.array([renamed.get(int(label), ALONE) for label in labels], np.int64)
