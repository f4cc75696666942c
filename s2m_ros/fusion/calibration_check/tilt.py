"""Whether the LiDAR is tilted: the ground of its sweeps against the plane of base_link."""

from __future__ import annotations

from collections import deque

import numpy as np

from s2m_ros.types import Float64

TILT_DEG = 2.0
"""Ground that leans so much for a while is not under the wheels: the LiDAR is tilted."""
_WINDOW_S = 0.5
_LEAST_SWEEPS = 3
_OLDEST_S = 2.0


class TiltCheck:
    """The lean of the ground, as the sweeps show it, over the last 0.5 s; over three sweeps where
    fewer are worked off in that time."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float, float]] = deque()

    def add(self, stamp_ns: int, plane: Float64) -> str:
        """plane: float64 (3,), z = a x + b y + c in base_link. What is wrong, or an empty string.

        A ramp leans too, but only while the wheels are not on it yet: the median over the window
        must be beyond ``TILT_DEG``.
        """
        if self._seen and stamp_ns < self._seen[-1][0]:
            self._seen.clear()
        self._seen.append((stamp_ns, float(plane[0]), float(plane[1])))
        while (age_ns := stamp_ns - self._seen[0][0]) > _OLDEST_S * 1e9 or (
            age_ns > _WINDOW_S * 1e9 and len(self._seen) > _LEAST_SWEEPS
        ):
            self._seen.popleft()
        if len(self._seen) < _LEAST_SWEEPS:
            return ""
        along, across = np.median([(a, b) for _, a, b in self._seen], axis=0)
        lean_deg = float(np.degrees(np.arctan(np.hypot(along, across))))
        if lean_deg <= TILT_DEG:
            return ""
        return (
            f"the ground leans {lean_deg:.1f} degrees against base_link ({np.degrees(along):+.1f} "
            f"ahead, {np.degrees(across):+.1f} to the left)"
        )
