"""The known objects of the last moments.

Which parts of an aircraft the LiDAR meets, and what a class head says of them, changes from frame
to frame. What stood there a moment ago still has to be kept clear of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from s2m_ros.types import Float64, Object3D

_SAME_M = 1.0
_GROWN = 1.3
"""A part that was seen larger by more than this is not replaced by what is seen of it now."""


class KnownObjects:
    """Keeps known objects for a time, unless something like them is seen in the same place."""

    def __init__(self, keep_s: float) -> None:
        self._keep_ns = round(keep_s * 1e9)
        self._items: list[tuple[int, Object3D]] = []

    def reset(self) -> None:
        self._items = []

    def update(self, stamp_ns: int, seen: Sequence[Object3D]) -> tuple[Object3D, ...]:
        """The objects that are seen now, then those that are remembered."""
        fresh = [(at, item) for at, item in self._items if stamp_ns - at <= self._keep_ns]
        if fresh and seen:
            (here, size, role), (place, was, of) = (
                _columns(i) for i in (seen, [o for _, o in fresh])
            )
            apart = here - place[:, None]
            again = np.hypot(apart[..., 0], apart[..., 1]) < _SAME_M
            again &= (role == of[:, None]) & (_GROWN * size >= was[:, None])
            fresh = [fresh[i] for i in np.flatnonzero(~again.any(axis=1))]
        self._items = [(stamp_ns, item) for item in seen] + fresh
        return tuple(item for _, item in self._items)


def _columns(items: Sequence[Object3D]) -> tuple[Float64, Float64, NDArray[np.intp]]:
    """Places (N, 2), larger sides (N,) and roles (N,)."""
    place = np.concatenate([item.position for item in items]).reshape(-1, 3)[:, :2]
    size = np.concatenate([item.size for item in items]).reshape(-1, 3)[:, :2].max(axis=1)
    return place, size, np.array([item.role for item in items], np.intp)
