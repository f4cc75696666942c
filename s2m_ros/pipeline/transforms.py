"""Transforms between frames, from /tf and /tf_static messages."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterator
from typing import Protocol

import numpy as np

from s2m_ros.fusion.ego import interpolate
from s2m_ros.fusion.transforms import invert
from s2m_ros.pipeline.timeline import BACK_S
from s2m_ros.types import EgoPose, Float64, InputError
from s2m_ros.wire.tf import Transform

_BACK_NS = round(BACK_S * 1e9)


class Transforms(Protocol):
    """Answers where one frame is in another."""

    def lookup(self, target: str, source: str, stamp_ns: int) -> Float64:
        """target_from_source, float64 (4, 4), at a stamp.

        Raises InputError with both frames, the asked and the available times and a likely cause.
        """
        ...

    def clear_moving(self) -> None:
        """Forget all but the static transforms (a time jump)."""
        ...


class _Edge:
    """One parent_from_child: a single static one, or a history of moving ones."""

    def __init__(self, parent: str, keep: int) -> None:
        self.parent = parent
        self.static: Float64 | None = None
        self.history: deque[Transform] = deque(maxlen=keep)

    def at(self, stamp_ns: int, slack_ns: int) -> Float64 | None:
        if self.static is not None:
            return self.static
        stamps = [t.stamp_ns for t in self.history]
        i = bisect_left(stamps, stamp_ns)
        if 0 < i < len(stamps):
            return _between(self.history[i - 1], self.history[i], stamp_ns)
        nearest = self.history[min(i, len(stamps) - 1)]
        near = abs(nearest.stamp_ns - stamp_ns) <= slack_ns
        return nearest.parent_from_child if near else None


class TransformTree:
    """The tree of frames that the messages describe.

    A moving transform is interpolated between its neighbours, and held for slack_s beyond its
    newest and oldest.
    """

    def __init__(self, slack_s: float = 0.1, keep: int = 500) -> None:
        self._slack_ns = round(slack_s * 1e9)
        self._keep = keep
        self._edges: dict[str, _Edge] = {}

    def add(self, transform: Transform, static: bool) -> None:
        edge = self._edges.get(transform.child)
        if edge is None or edge.parent != transform.parent:
            edge = self._edges[transform.child] = _Edge(transform.parent, self._keep)
        if static:
            edge.static = transform.parent_from_child
            return
        edge.static = None
        late_ns = edge.history[-1].stamp_ns - transform.stamp_ns if edge.history else 0
        if late_ns > _BACK_NS:
            edge.history.clear()  # time went back
        if late_ns <= 0 or not edge.history:  # one that is a little late says nothing new
            edge.history.append(transform)

    def clear_moving(self) -> None:
        """Forget all but the static transforms (a time jump)."""
        self._edges = {c: e for c, e in self._edges.items() if e.static is not None}

    def lookup(self, target: str, source: str, stamp_ns: int) -> Float64:
        target_up = dict(self._up(target, stamp_ns))
        for frame, frame_from_source in self._up(source, stamp_ns):
            if frame in target_up:
                return np.asarray(invert(target_up[frame]) @ frame_from_source)
        raise self._explain(target, source, stamp_ns)

    def _up(self, frame: str, stamp_ns: int) -> Iterator[tuple[str, Float64]]:
        """(ancestor, ancestor_from_frame) from the frame itself upwards, as far as time allows."""
        matrix = np.eye(4)
        seen: set[str] = set()
        while frame not in seen:
            yield frame, matrix
            seen.add(frame)
            edge = self._edges.get(frame)
            step = edge.at(stamp_ns, self._slack_ns) if edge else None
            if edge is None or step is None:
                return
            matrix = step @ matrix
            frame = edge.parent

    def _explain(self, target: str, source: str, stamp_ns: int) -> InputError:
        known = {f for child, edge in self._edges.items() for f in (child, edge.parent)}
        absent = [frame for frame in (source, target) if frame not in known]
        where = f"tf '{target}' <- '{source}' at {stamp_ns * 1e-9:.3f} s"
        if absent:
            names = " and ".join(f"'{frame}'" for frame in absent)
            heard = ", ".join(sorted(known)) or "none"
            return InputError(
                where,
                f"no transform names {names}; frames heard of: {heard}",
                "publish the extrinsics on /tf_static, or set fusion.calibration_file",
            )
        spans = [
            f"'{child}' {edge.history[0].stamp_ns * 1e-9:.3f} to "
            f"{edge.history[-1].stamp_ns * 1e-9:.3f} s"
            for child, edge in sorted(self._edges.items())
            if edge.history
        ]
        if spans:
            return InputError(
                where,
                f"available: {'; '.join(spans)}",
                "synchronise the clocks, or set use_sim_time for a replay",
            )
        return InputError(
            where, "the frames are in separate trees", "publish the transform that joins them"
        )


def _between(before: Transform, after: Transform, stamp_ns: int) -> Float64:
    still = np.zeros(3)
    a = EgoPose(before.stamp_ns, before.parent_from_child, still, still)
    b = EgoPose(after.stamp_ns, after.parent_from_child, still, still)
    return interpolate(a, b, stamp_ns).odom_from_base
