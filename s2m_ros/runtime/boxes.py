"""Graphs that take a row for each box, also where they are fixed to a number of boxes."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ..types import InputError
from .graph import Array
from .session import Session


def by_box(
    session: Session, feed: dict[str, Array], shared: Collection[str], outputs: Sequence[str]
) -> list[Array]:
    """Outputs with a row for each box: of one call, or of calls of as many boxes as the graph is
    fixed to, the last of them filled up with its last box.

    shared: the inputs that are the same for all boxes. InputError when the graph is fixed to
    something else than what it is given.
    """
    fixed = session.input_shapes
    rows = [name for name in feed if name not in shared]
    count = len(feed[rows[0]])
    at_once = next((n for name in rows if isinstance(n := fixed[name][0], int)), count)
    if "points" in feed and isinstance(most := fixed["points"][1], int):
        feed = feed | _with_points(feed["points"], feed["point_labels"], most)
    if at_once == count:
        _require_fit(session, feed)
        return session.run(feed, outputs)
    parts = []
    for start in range(0, count, at_once):
        chosen = np.minimum(np.arange(start, start + at_once), count - 1)
        call = {name: a[chosen] if name in rows else a for name, a in feed.items()}
        _require_fit(session, call)
        parts.append([array[: count - start] for array in session.run(call, outputs)])
    return [np.concatenate(arrays) for arrays in zip(*parts, strict=True)]


def _require_fit(session: Session, feed: dict[str, Array]) -> None:
    for name, array in feed.items():
        fixed = session.input_shapes[name]
        if any(isinstance(n, int) and n != m for n, m in zip(fixed, array.shape, strict=True)):
            raise InputError(
                str(session.path),
                f"input '{name}' is fixed to {list(fixed)}, got {array.shape}",
                "build engines of all graphs alike: `s2m models build`",
            )


def _with_points(points: Array, labels: Array, count: int) -> dict[str, Array]:
    """Points (N, count, 2) and labels, filled up with unused ones. InputError for more of them."""
    spare = count - points.shape[1]
    if spare < 0:
        raise InputError(
            "perception.model.tensorrt.points",
            f"is {count}, prompts have {points.shape[1]} points",
            "set it to perception.prompting.points and build the engines again",
        )
    return {
        "points": np.pad(points, ((0, 0), (0, spare), (0, 0))),
        "point_labels": np.pad(labels, ((0, 0), (0, spare)), constant_values=-1),
    }
