"""The filter, against filterpy as an independent reference."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.config import Tracking
from s2m_ros.tracking.filter import Motion, predict, update

filterpy = pytest.importorskip("filterpy.kalman", reason="filterpy is the reference here")


def test_batch_agrees_with_filterpy() -> None:
    from filterpy.common import Q_discrete_white_noise

    rng = np.random.default_rng(1)
    n, sigma = 4, np.array([1.5, 1.5, 0.1])
    a = rng.normal(size=(n, 6, 6))
    x, p = rng.normal(size=(n, 6)), a @ a.transpose(0, 2, 1) + np.eye(6)
    ours_x, ours_p = x, p
    references = []
    for i in range(n):
        kf = filterpy.KalmanFilter(dim_x=6, dim_z=3)
        kf.x, kf.P, kf.H = x[i].copy(), p[i].copy(), np.eye(3, 6)
        references.append(kf)
    for _ in range(12):
        dt = float(rng.uniform(0.02, 0.4))
        z = rng.normal(size=(n, 3)) * 3
        b = rng.normal(size=(n, 3, 3))
        r = b @ b.transpose(0, 2, 1) + 0.1 * np.eye(3)
        ours_x, ours_p = predict(ours_x, ours_p, dt, sigma)
        ours_x, ours_p, likelihood = update(ours_x, ours_p, z, r)
        for i, kf in enumerate(references):
            kf.F = np.eye(6)
            kf.F[:3, 3:] = dt * np.eye(3)
            kf.Q = np.zeros((6, 6))
            for axis in range(3):
                kf.Q[axis::3, axis::3] = Q_discrete_white_noise(2, dt, sigma[axis] ** 2)
            kf.predict()
            kf.update(z[i], R=r[i])
            np.testing.assert_allclose(ours_x[i], kf.x, atol=1e-9)
            np.testing.assert_allclose(ours_p[i], kf.P, atol=1e-9)
            np.testing.assert_allclose(likelihood[i], kf.log_likelihood, atol=1e-9)


def test_rows_stay_with_their_objects() -> None:
    motion = Motion(Tracking())
    z, r = np.arange(9.0).reshape(3, 3), np.tile(0.01 * np.eye(3), (3, 1, 1))
    motion.add(z, r)
    motion.keep(np.array([True, False, True]))
    motion.predict(0.1)
    motion.update(np.array([1]), z[2:] + 0.02, r[:1])
    position, velocity, covariance = motion.estimates()
    assert len(motion) == 2
    np.testing.assert_allclose(position, z[[0, 2]], atol=0.02)
    assert not velocity.any()
    assert (np.linalg.eigvalsh(covariance) > 0).all()
    assert covariance[1, 0, 0] < covariance[0, 0, 0]
