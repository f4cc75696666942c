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
        start = begins(key)
        return cls(index, key[start].astype(np.intp), start, lengths(start, len(index)))

    @classmethod
    def joined(cls, first: Groups, second: Groups) -> Groups:
        """The groups of both, those of the second with keys of their own."""
        key = second.key + (int(first.key[-1]) + 1 if len(first) else 0)
        return cls._packed(
            np.concatenate([first.index, second.index]),
            np.concatenate([first.key, key]),
            np.concatenate([first.count, second.count]),
        )

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
        count = self.sum(which.view(np.uint8).astype(np.intp))
        some = count > 0
        return Groups._packed(self.index[which], self.key[some], count[some])

    def keep(self, which: Bool) -> Groups:
        """Some of the groups (G,)."""
        if which.all():
            return self
        return Groups._packed(
            self.index[np.repeat(which, self.count)], self.key[which], self.count[which]
        )

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
            own = values[self.start[g] : self.start[g] + self.count[g]].copy()
            rank = len(own) - 1 - int(strays * len(own))
            own.partition(rank)
            top[g] = own[rank]
        return top

    def middle(self) -> Index:
        """The point of each group half way through its order; of an even number the earlier."""
        return np.asarray(self.index[self.start + (self.count - 1) // 2])

    @classmethod
    def _packed(cls, index: Index, key: Index, count: Index) -> Groups:
        """Groups one after another, of so many points each."""
        return cls(index, key, count.cumsum() - count, count)

    def _reduce(self, how: np.ufunc, values: NDArray[_Value]) -> NDArray[_Value]:
        if len(self.start) == 0:
            return values[:0]
        return np.asarray(how.reduceat(values, self.start, axis=0))


def begins(values: NDArray[np.integer]) -> Index:
    """Where the runs of equal values (P,) begin."""
    first = np.ones(len(values), np.bool_)
    np.not_equal(values[1:], values[:-1], out=first[1:])
    return first.nonzero()[0]


def lengths(start: Index, end: int) -> Index:
    """How long runs are that begin at these places (G,), the last up to ``end``."""
    length = np.empty_like(start)
    np.subtract(start[1:], start[:-1], out=length[:-1])
    length[-1:] = end - start[-1:]
    return length
