"""The ground under the vehicle, learned sweep by sweep. All in base_link.

What is remembered moves with the vehicle and is laid under the new sweep. The body tilts on its
springs, so that a plane between the two is found first (RANSAC over the lowest points of grid
cells), then the cells are measured anew, see ``relief``. What is not measured again is forgotten.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros import config
from s2m_ros.fusion.relief import (
    TRUST,
    Cells,
    Memory,
    low_points,
    measure,
    points_near,
    side_of,
    surface_of,
)
from s2m_ros.fusion.surface import GroundSurface, assumed_ground
from s2m_ros.fusion.transforms import invert
from s2m_ros.types import Float32, Float64

_NEAR_M = 40.0
_AGREES_M = 0.1
_HALF_LIFE_S = 1.0
"""Half of what is remembered of a cell is forgotten in this time."""
_MEMORY = 1.5
"""Most that memory weighs against a cell that is measured well now."""
_USUAL_SHARE = 0.5
"""A sweep that shows less than this share of the usual area of ground is in doubt."""
_LIFT_M, _TILT = 0.1, 0.03
"""The body does not rise or tilt (m/m) more than so from sweep to sweep."""
_NOTHING_M = np.float32(1e-9)
"""What is forgotten ends here, not in denormal numbers."""
_PATIENCE = 3
"""So many doubtful sweeps in a row are right."""


class Ground:
    """What is known of the ground: ``surface``; held: how many sweeps were refused so far.

    shown: float64 (3,), the plane that the newest sweep shows, z = a x + b y + c, whether or not
    it is believed; None when it shows none.
    """

    def __init__(self, settings: config.Ground) -> None:
        self._settings = settings
        self.surface: GroundSurface = assumed_ground(settings)
        self.held = 0
        self.shown: Float64 | None = None
        nothing = np.zeros((side_of(settings), side_of(settings)), np.float32)
        self._memory = Memory(self.surface.plane, nothing, nothing, nothing)
        self._doubts = 0
        self._usual = 0.0

    def update(
        self, points: Float32, moved: Float64 | None = None, seconds: float = 0.0
    ) -> GroundSurface:
        """The surface under a sweep (N, 3) in base_link.

        moved: float64 (4, 4), the base_link of the last call in that of this one, ``seconds``
        later; without it only the plane is remembered. Of a sweep that shows too little ground, or
        one that the body cannot have reached so quickly (spray, reflections in water, a sensor that
        slipped), nothing is learned, unless three in a row say so.
        """
        settings = self._settings
        before = _moved(self._memory, moved, seconds, settings)
        near = points_near(points, settings)
        cells = low_points(near, before, settings)
        tilt, agreeing = _tilt(cells, before.plane, settings)
        if not self.surface.measured and agreeing > 0:  # the cells' lowest points lie aslant
            before = Memory(before.plane + tilt, *(3 * [before.value]))
            cells = low_points(near, before, settings)
            tilt, agreeing = _tilt(cells, before.plane, settings)
        self.shown = before.plane + tilt if agreeing > 0 else None
        if agreeing == 0 or self._doubtful(tilt, agreeing):
            self.held += 1
            self._memory = before
            if self.surface.measured:
                self.surface = surface_of(
                    before, self.surface.noise_m, settings, self.surface.sweeps
                )
            return self.surface
        steady = 0.8 if self.surface.measured else 0.0
        self._usual = steady * self._usual + (1 - steady) * agreeing
        tilt = tilt + _settle(cells, tilt, before, settings)
        plane = before.plane + tilt
        before = Memory(plane, before.value, before.weight, before.smooth)
        self._memory, noise_m = measure(near, cells, tilt, before, settings)
        self.surface = surface_of(self._memory, noise_m, settings, self.surface.sweeps + 1)
        return self.surface

    def _doubtful(self, tilt: Float64, agreeing: float) -> bool:
        """Whether to leave a sweep out; the third doubtful one in a row is believed."""
        doubt = self.surface.measured and (
            agreeing < _USUAL_SHARE * self._usual
            or abs(tilt[2]) > _LIFT_M
            or np.hypot(tilt[0], tilt[1]) > _TILT
        )
        self._doubts = self._doubts + 1 if doubt else 0
        if self._doubts < _PATIENCE:
            return bool(doubt)
        self._doubts, self._usual = 0, agreeing
        return False


def _moved(
    memory: Memory, moved: Float64 | None, seconds: float, settings: config.Ground
) -> Memory:
    """What is remembered as the vehicle sees it now."""
    if moved is None:
        nothing = np.zeros_like(memory.value)
        return Memory(memory.plane, nothing, nothing, nothing)
    normal = moved[:3, :3] @ np.array([-memory.plane[0], -memory.plane[1], 1.0])
    through = moved[:3, :3] @ np.array([0.0, 0.0, memory.plane[2]]) + moved[:3, 3]
    slope = -normal[:2] / normal[2]
    plane = np.array([*slope, through[2] - slope @ through[:2]])
    before_from_now = invert(moved)
    side, cell_m = side_of(settings), settings.cell_m
    turn = before_from_now[:2, :2]
    middle = np.full(2, side / 2 - 0.5)
    shift = before_from_now[:2, 3] / cell_m + middle - turn @ middle
    weighted = np.dstack([memory.value * memory.weight, memory.weight, memory.smooth])
    weighted = cv2.warpAffine(
        weighted,
        np.column_stack([turn, shift]),
        (side, side),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
    )
    total, weight, smooth = (np.asarray(c, np.float32) for c in cv2.split(weighted))
    kept = np.float32(0.5 ** (abs(seconds) / _HALF_LIFE_S))
    value = total / np.maximum(weight, np.float32(1e-6))
    weight = np.minimum(weight, np.float32(_MEMORY)) * kept
    smooth = np.where(weight > TRUST, smooth, smooth * kept)
    smooth[np.abs(smooth) < _NOTHING_M] = 0
    return Memory(plane, value, weight, smooth)


def _tilt(cells: Cells, plane: Float64, settings: config.Ground) -> tuple[Float64, float]:
    """The plane (3,), over what was known, that most cells nearby lie on, none far below; and how
    much of the cells' trust it has: 0 when there is no plane.

    RANSAC, then least squares; no change at all is a candidate; the draws are the same each time.
    """
    near = np.flatnonzero(np.hypot(cells.centre[:, 0], cells.centre[:, 1]) < _NEAR_M)
    if len(near) < 8:
        return np.zeros(3), 0.0
    near = near[:: 1 + len(near) // 300]
    design = np.column_stack([cells.centre[near], np.ones(len(near))])
    value, weight = cells.low[near], cells.trust[near]
    draws = _draws(len(near))
    corners = design[draws]
    fine = np.abs(np.linalg.det(corners)) > 4.0
    tries = np.linalg.solve(corners[fine], value[draws][fine][:, :, None])[:, :, 0]
    tries = np.concatenate([np.zeros((1, 3)), tries])
    slope = np.hypot(*(tries[:, :2] + plane[:2]).T)
    offset = np.abs(tries[:, 2] + plane[2] - settings.height_m)
    tries = tries[(slope <= settings.max_slope) & (offset < 0.6)]
    if len(tries) == 0:
        return np.zeros(3), 0.0
    off = (value - tries @ design.T).astype(np.float32)
    # Cells far below a plane speak against it: nothing lies under the ground.
    vote = 1 / (1 + np.square(off / np.float32(_AGREES_M))) - 0.5 * (off < -0.3)
    best = tries[int((vote @ weight).argmax())]
    for scale in (0.15, 0.1, 0.08):
        w = weight / (1 + ((value - design @ best) / scale) ** 2) ** 2
        gram = design.T @ (design * w[:, None]) + 1e-6 * np.eye(3)
        best = np.linalg.solve(gram, design.T @ (w * value))
    agrees = np.abs(value - design @ best) < _AGREES_M
    return np.asarray(best), float(weight[agrees].sum()) * len(cells.low) / len(near)


@lru_cache(maxsize=512)
def _draws(count: int) -> NDArray[np.int64]:
    """Three of so many cells for each try: int (40, 3)."""
    return np.random.default_rng(0).integers(0, count, (40, 3))


def _settle(cells: Cells, tilt: Float64, before: Memory, settings: config.Ground) -> Float64:
    """What a tilt (3,) lacks for the means of known cells to lie where they lay: their lowest
    points lie below, and would draw the ground down sweep by sweep."""
    place, mean, count = cells.means(tilt, 2 * settings.tolerance_m)
    weight = count / (count + 4.0) * (before.weight.ravel()[cells.index] > TRUST)
    weight *= np.hypot(place[:, 0], place[:, 1]) < _NEAR_M
    design = np.column_stack([place, np.ones(len(place))])
    # The slope is known from the lowest points: little may be added to it.
    doubt = np.diag([100.0, 100.0, 1e-3])
    return np.linalg.solve(
        design.T @ (design * weight[:, None]) + doubt, design.T @ (weight * mean)
    )
