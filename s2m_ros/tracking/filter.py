"""Motion of many objects at once: a static and a constant-velocity Kalman filter side by side.

What stands still is filtered as a point with next to no process noise, so that it does not crawl;
the likelihood ratio of the two filters, summed over time, decides when an object moves. Equations:
Bar-Shalom, Li, Kirubarajan, Estimation with Applications to Tracking and Navigation, 2001,
5.2 (filter), 6.3.2 (piecewise constant white acceleration).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from s2m_ros.config import Tracking
from s2m_ros.types import Bool, Float64

Rows = NDArray[np.intp]

INITIAL_SPEED_SIGMA = 3.0  # m/s: animals, people, things that roll or are blown
VERTICAL_SHARE = 0.05  # of the accelerations; objects stay on the ground
DRIFT = 0.03  # m per square root of a second: how the seen centre of a static object wanders
RATIO_FLOOR, RATIO_MOVES = -1.0, 5.0  # nats; the floor bounds how late motion is noticed
RATIO_STEP = 3.0  # nats that one detection can add: an outlier alone is no motion
SIGNIFICANT = 4.0  # squared Mahalanobis distance of a velocity from zero, two degrees of freedom
QUIET_UPDATES = 5  # updates at low speed after which an object stands again


def predict(x: Float64, p: Float64, dt: float, sigma: ArrayLike) -> tuple[Float64, Float64]:
    """States (N, 6) and covariances (N, 6, 6) after ``dt`` s; sigma (3,): acceleration, m/s^2."""
    moved = x.copy()
    moved[:, :3] += dt * x[:, 3:]
    # F P F' + Q, block by block: position (first) and velocity.
    new = p.copy()
    new[:, :3] += dt * p[:, 3:]
    new[:, :, :3] += dt * new[:, :, 3:]
    gain = np.array([[0.25 * dt**4, 0.5 * dt**3], [0.5 * dt**3, dt**2]])
    variance = np.square(np.asarray(sigma, float))
    return moved, new + np.kron(gain, np.diag(variance))


def update(x: Float64, p: Float64, z: Float64, r: Float64) -> tuple[Float64, Float64, Float64]:
    """States (N, n >= 3), covariances (N, n, n) after positions z (N, 3) with noise r (N, 3, 3).

    The third result is the log-likelihood (N,) of each position. Joseph form: the covariance
    stays symmetric and positive.
    """
    innovation = z - x[:, :3]
    inverse, determinant = _inverse(p[:, :3, :3] + r)
    gain = p[:, :, :3] @ inverse
    # (I - K H) P (I - K H)' + K R K', where H takes the first three: few and narrow products.
    left = p - gain @ p[:, :3]
    new_p = left + (gain @ r - left[:, :, :3]) @ gain.transpose(0, 2, 1)
    nis = np.einsum("ij,ijk,ik->i", innovation, inverse, innovation)
    likelihood = -0.5 * (nis + np.log(determinant) + 3 * np.log(2 * np.pi))
    return x + np.einsum("ijk,ik->ij", gain, innovation), new_p, likelihood


def _inverse(s: Float64) -> tuple[Float64, Float64]:
    """Inverses and determinants of symmetric matrices (N, 3, 3), by cofactors: LAPACK takes one
    matrix at a time and would be most of an update."""
    a, b, c = s[:, 0, 0], s[:, 0, 1], s[:, 0, 2]
    d, e, f = s[:, 1, 1], s[:, 1, 2], s[:, 2, 2]
    aa, ab, ac = d * f - e * e, c * e - b * f, b * e - c * d
    determinant = a * aa + b * ab + c * ac
    bc = b * c - a * e
    rows = [aa, ab, ac, ab, a * f - c * c, bc, ac, bc, a * d - b * b]
    return np.stack(rows, axis=1).reshape(-1, 3, 3) / determinant[:, None, None], determinant


class Motion:
    """The states of N objects; row i belongs to the i-th object added and still kept."""

    def __init__(self, settings: Tracking) -> None:
        self._settings = settings
        self._sigma = settings.acceleration_sigma * np.array([1.0, 1.0, VERTICAL_SHARE])
        self._x = np.zeros((0, 6))
        self._p = np.zeros((0, 6, 6))
        self._still = np.zeros((0, 3))
        self._still_p = np.zeros((0, 3, 3))
        self._ratio = np.zeros(0)
        self._quiet = np.zeros(0, int)
        self.moving: Bool = np.zeros(0, np.bool_)

    def __len__(self) -> int:
        return len(self._x)

    def predict(self, dt: float) -> None:
        self._x, self._p = predict(self._x, self._p, dt, self._sigma)
        self._still_p = self._still_p + dt * DRIFT**2 * np.eye(3)

    def hypotheses(self) -> tuple[Float64, Float64]:
        """Where the objects may be: means (2, N, 2) and covariances (2, N, 2, 2) of both filters.

        The static one of a moving object is the constant-velocity one again.
        """
        moving = self.moving[:, None]
        still = np.where(moving, self._x[:, :2], self._still[:, :2])
        still_p = np.where(moving[:, :, None], self._p[:, :2, :2], self._still_p[:, :2, :2])
        return np.stack([still, self._x[:, :2]]), np.stack([still_p, self._p[:, :2, :2]])

    def add(self, z: Float64, r: Float64) -> None:
        """Begin with positions z (N, 3) of noise r (N, 3, 3), at rest and of unknown speed."""
        n = len(z)
        p = np.zeros((n, 6, 6))
        p[:, :3, :3] = r
        p[:, 3:, 3:] = np.diag(np.square(INITIAL_SPEED_SIGMA * np.array([1, 1, VERTICAL_SHARE])))
        self._x = np.vstack([self._x, np.hstack([z, np.zeros((n, 3))])])
        self._p = np.concatenate([self._p, p])
        self._still = np.vstack([self._still, z])
        self._still_p = np.concatenate([self._still_p, r])
        self._ratio = np.append(self._ratio, np.full(n, RATIO_FLOOR))
        self._quiet = np.append(self._quiet, np.zeros(n, int))
        self.moving = np.append(self.moving, np.zeros(n, np.bool_))

    def update(self, rows: Rows, z: Float64, r: Float64) -> None:
        """Positions z (M, 3) of noise r (M, 3, 3) were seen of these rows."""
        if len(rows) == 0:
            return
        self._x[rows], self._p[rows], l_moving = update(self._x[rows], self._p[rows], z, r)
        self._still[rows], self._still_p[rows], l_still = update(
            self._still[rows], self._still_p[rows], z, r
        )
        speed = np.linalg.norm(self._x[rows, 3:5], axis=1)
        gain = np.minimum(l_moving - l_still, RATIO_STEP)
        ratio = np.maximum(self._ratio[rows] + gain, RATIO_FLOOR)
        slow = speed < self._settings.stationary_speed
        quiet = np.where(slow, self._quiet[rows] + 1, 0)
        was = self.moving[rows]
        v, p = self._x[rows, 3:5], self._p[rows, 3:5, 3:5]
        (xx, yy), xy = (p[:, 0, 0], p[:, 1, 1]), p[:, 0, 1]
        nis = (yy * v[:, 0] ** 2 - 2 * xy * v[:, 0] * v[:, 1] + xx * v[:, 1] ** 2) / (
            xx * yy - xy * xy
        )
        significant = nis > SIGNIFICANT
        begins = (ratio > RATIO_MOVES) & ~slow & significant
        moves = np.where(was, quiet < QUIET_UPDATES, begins)
        self.moving[rows], self._quiet[rows] = moves, quiet
        # A static filter that has been left behind starts anew where the object is now.
        again = rows[moves | was]
        self._still[again], self._still_p[again] = self._x[again, :3], self._p[again, :3, :3]
        self._ratio[rows] = np.where(moves | was, RATIO_FLOOR, np.minimum(ratio, RATIO_MOVES + 1))

    def keep(self, kept: Bool) -> None:
        """Forget all rows but these, bool (N,)."""
        for name in ("_x", "_p", "_still", "_still_p", "_ratio", "_quiet", "moving"):
            setattr(self, name, getattr(self, name)[kept])

    def deviations(self) -> Float64:
        """Standard deviation (N,) of the position along the axis that it is larger on."""
        axes = np.arange(2)
        variance = np.where(
            self.moving[:, None], self._p[:, axes, axes], self._still_p[:, axes, axes]
        )
        return np.asarray(np.sqrt(variance.max(axis=1)))

    def positions(self) -> Float64:
        """Positions (N, 3) of the model that holds."""
        return np.where(self.moving[:, None], self._x[:, :3], self._still)

    def estimates(self) -> tuple[Float64, Float64, Float64]:
        """Positions (N, 3), velocities (N, 3), covariances (N, 6, 6) of the model that holds.

        At rest the velocity is zero, and known to within ``stationary_speed`` (two sigma) unless
        the measurements say less.
        """
        moving = self.moving[:, None]
        position = np.where(moving, self._x[:, :3], self._still)
        velocity = np.where(moving, self._x[:, 3:], 0.0)
        rest = np.zeros_like(self._p)
        rest[:, :3, :3] = self._still_p
        bound = (self._settings.stationary_speed / 2) ** 2
        diagonal = np.arange(3, 6)
        rest[:, diagonal, diagonal] = np.minimum(self._p[:, diagonal, diagonal], max(bound, 1e-6))
        return position, velocity, np.where(moving[:, :, None], self._p, rest)
