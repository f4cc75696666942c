"""Inputs and outputs of a run in one bag."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from s2m_ros.bags import BagReader, BagWriter, Message


def merge(
    inputs: BagReader,
    outputs: BagReader | None,
    out: Path,
    *,
    about: Mapping[str, str],
    skip: Iterable[str] = (),
    overwrite: bool = False,
    advance: Callable[[int], None] = lambda done: None,
) -> dict[str, int]:
    """Write both as the bag ``out``, in order of time; returns the messages of each topic.

    Topics of ``inputs`` that ``outputs`` has too (an earlier run's results) or that ``skip`` names
    are left out. advance(n) is called now and then with the messages written so far.
    """
    results = outputs.topics if outputs is not None else ()
    left_out = {t.name for t in results} | set(skip)
    kept = [t for t in inputs.topics if t.name not in left_out]
    with BagWriter(out, about=about, overwrite=overwrite) as bag:
        for t in (*kept, *results):
            bag.add(t.name, t.type, latched=t.latched, definition=t.definition, digest=t.digest)
        streams = [inputs.messages([t.name for t in kept])]
        if outputs is not None:
            streams.append(outputs.messages())
        for done, message in enumerate(heapq.merge(*streams, key=_time)):
            bag.write(message.topic, message.data, message.stamp_ns)
            if done % 50 == 0:
                advance(done)
        return dict(bag.counts)


def _time(message: Message) -> int:
    return message.stamp_ns
