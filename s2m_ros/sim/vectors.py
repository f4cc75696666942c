"""Rows of vectors: what NumPy's reductions do slowly."""

from __future__ import annotations

import numpy as np

from s2m_ros.types import Float32


def dot(a: Float32, b: Float32) -> Float32:
    """Products of the rows of two arrays (N, K): float32 (N,)."""
    return np.asarray(np.einsum("ij,ij->i", a, b))


def length(a: Float32) -> Float32:
    """Of each row of (N, K): float32 (N,)."""
    return np.asarray(np.sqrt(dot(a, a)))


def unit(a: Float32) -> Float32:
    """Rows of (N, K) made one long, nothing where they are nothing: float32 (N, K)."""
    return np.asarray(a / np.maximum(length(a), np.float32(1e-6))[:, None])
