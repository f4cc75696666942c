"""CLEAR MOT: which track stands for which object, kept from instant to instant.

K. Bernardin, R. Stiefelhagen, "Evaluating multiple object tracking performance: the CLEAR MOT
metrics", EURASIP Journal on Image and Video Processing, 2008: a pair of before holds as long as it
is possible; what is left is paired one to one, as many pairs as can be with the least sum of
distances; an object whose track is another than its last one is a switch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from s2m_ros.types import Float64

_IMPOSSIBLE = 1e6


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of one instant: {object: track}, and the objects that changed their track."""

    track_of: Mapping[int, int]
    switched: frozenset[int]


class Correspondence:
    """Remembers the last track of each object."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def match(self, objects: Sequence[int], tracks: Sequence[int], distance: Float64) -> Pairs:
        """Pair ids of objects with ids of tracks; distance: (objects, tracks), infinite where no
        pair is possible."""
        pairs: dict[int, int] = {}
        column = {track: j for j, track in enumerate(tracks)}
        for i, item in enumerate(objects):
            j = column.get(self._last.get(item, -1))
            if j is not None and np.isfinite(distance[i, j]) and tracks[j] not in pairs.values():
                pairs[item] = tracks[j]
        rows = [i for i, item in enumerate(objects) if item not in pairs]
        columns = [j for j, track in enumerate(tracks) if track not in pairs.values()]
        rest = distance[np.ix_(rows, columns)] if rows and columns else np.zeros((0, 0))
        cost = np.where(np.isfinite(rest), rest, _IMPOSSIBLE)
        for a, b in zip(*linear_sum_assignment(cost), strict=True):
            if np.isfinite(rest[a, b]):
                pairs[objects[rows[a]]] = tracks[columns[b]]
        switched = frozenset(
            item for item, track in pairs.items() if self._last.get(item, track) != track
        )
        self._last.update(pairs)
        return Pairs(pairs, switched)


@dataclass(frozen=True, slots=True)
class MotCounts:
    """Over all instants: objects that were there, and the three kinds of error."""

    objects: int
    misses: int
    false: int
    switches: int

    @property
    def mota(self) -> float:
        """1 - (misses + false + switches) / objects; NaN without objects."""
        if not self.objects:
            return float("nan")
        return 1 - (self.misses + self.false + self.switches) / self.objects
