"""Points in groups, worked on all at once: what lies under each mask, what stands together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from s2m_ros.types import Bool, Float64

Index = NDArray[np.intp]
_Value = TypeVar("_Value", bound=np.generic)
_Float = TypeVar("_Float", bound=np.floating[Any])


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """Groups of points, none of them empty.

    index: int (P,), points of a cloud, group after group; key: int (G,), what each group belongs
    to, ascending; start, count: int (G,), where it lies in ``index``.
    """

    index: Index
    key: Index
    start: Index
    count: Index

    @classmethod
    def of(cls, index: Index, key: NDArray[np.integer]) -> Groups:
        """Points (P,) that share a key (P,) are a group, in their order."""
        order = np.argsort(key, kind="stable")
        return cls.in_order(index[order], key[order])

    @classmethod
    def in_order(cls, index: Index, key: NDArray[np.integer]) -> Groups:
        """As ``of``, where the keys (P,) ascend already."""
        start = np.flatnonzero(np.diff(key, prepend=-1)) if len(key) else np.zeros(0, np.intp)
        return cls(index, key[start].astype(np.intp), start, np.diff(start, append=len(index)))

    def __len__(self) -> int:
        return len(self.key)

    def members(self, group: int) -> Index:
        """Points of one group."""
        return self.index[self.start[group] : self.start[group] + self.count[group]]

    def spread(self, values: NDArray[_Value]) -> NDArray[_Value]:
        """A value of each group (G, ...) for each of its points (P, ...)."""
        return np.repeat(values, self.count, axis=0)

    def keep_points(self, which: Bool) -> Groups:
        """The groups of those points (P,) only; a group that loses all of them is gone."""
        return Groups.in_order(self.index[which], np.repeat(self.key, self.count)[which])

    def keep(self, which: Bool) -> Groups:
        """Some of the groups (G,)."""
        return self.keep_points(np.repeat(which, self.count))

    def sorted_by(self, values: NDArray[np.floating]) -> Groups:
        """The same groups, each in ascending order of a value of the points (P,)."""
        # One sort serves all: the values of a group lie between those of its neighbours.
        low, high = (values.min(), values.max()) if len(values) else (0.0, 0.0)
        rank = np.repeat(np.arange(len(self)) * (float(high - low) + 1.0), self.count)
        order = np.argsort(rank + values, kind="stable")
        return Groups(self.index[order], self.key, self.start, self.count)

    def sum(self, values: NDArray[_Value]) -> NDArray[_Value]:
        return self._reduce(np.add, values)

    def mean(self, values: NDArray[np.floating]) -> Float64:
        """Mean over each group: (G,) or (G, k) of (P,) or (P, k)."""
        total = self._reduce(np.add, np.asarray(values, np.float64))
        return np.asarray(total / self.count.reshape(-1, *[1] * (values.ndim - 1)))

    def least(self, values: NDArray[_Float], strays: float = 0.0) -> NDArray[_Float]:
        """Smallest value of each group (G,) of (P,), but for a share of strays."""
        return np.asarray(np.negative(self.most(np.negative(values), strays)))

    def most(self, values: NDArray[_Float], strays: float = 0.0) -> NDArray[_Float]:
        """Largest value of each group (G,) of (P,), but for a share of strays."""
        top = self._reduce(np.maximum, values)
        for g in np.flatnonzero(self.count * strays >= 1):
            own = values[self.start[g] : self.start[g] + self.count[g]]
            rank = len(own) - 1 - int(strays * len(own))
            top[g] = np.partition(own, rank)[rank]
        return top

    def middle(self) -> Index:
        """The point of each group half way through its order; of an even number the earlier."""
        return np.asarray(self.index[self.start + (self.count - 1) // 2])

    def _reduce(self, how: np.ufunc, values: NDArray[_Value]) -> NDArray[_Value]:
        if len(self.start) == 0:
            return values[:0]
        return np.asarray(how.reduceat(values, self.start, axis=0))
