"""The known objects of the last moments.

Which parts of an aircraft the LiDAR meets, and what a class head says of them, changes from frame
to frame. What stood there a moment ago still has to be kept clear of.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from s2m_ros.types import Object3D

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
        places = np.array([item.position[:2] for item in seen]).reshape(-1, 2)
        sizes = np.array([item.size[:2].max() for item in seen])
        roles = np.array([item.role for item in seen], int)
        kept = []
        for at, old in fresh:
            near = np.linalg.norm(places - old.position[:2], axis=1) < _SAME_M
            like = (roles == old.role) & (_GROWN * sizes >= old.size[:2].max())
            if not (near & like).any():
                kept.append((at, old))
        self._items = [(stamp_ns, item) for item in seen] + kept
        return tuple(item for _, item in self._items)
