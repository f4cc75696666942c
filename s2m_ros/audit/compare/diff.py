"""Where two stores say different things of the same drive."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from s2m_ros.config import leaves
from s2m_ros.store.layout import POLICY, SETTINGS, settings_of
from s2m_ros.store.reader import Store, TrackSpan, spans_of
from s2m_ros.store.told import Entry
from s2m_ros.types import Level
from s2m_ros.wire import topics

GATE_M = 1.0
"""Two hazards of one instant can be the same object when their middles are at most so far apart,
or as far as the larger one's half length."""
MOVED_M = 0.3
TIMING_S = 0.5
GAINED, LOST, LEVEL, MOVED, EARLIER, LATER = "gained", "lost", "level", "moved", "earlier", "later"
KINDS = (LOST, GAINED, LEVEL, MOVED, LATER, EARLIER)


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is not as it was. a, b: tracks, -1 where there is none; levels: highest, -1
    likewise; stamp_ns: where to look at it."""

    kind: str
    a: int
    b: int
    level_a: int
    level_b: int
    stamp_ns: int
    text: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """instants: stamps in both, in A alone, in B alone; equal: of each topic, how many messages of
    the common stamps have the same bytes, and how many there are; paired: tracks of both."""

    instants: tuple[int, int, int]
    equal: Mapping[str, tuple[int, int]]
    paired: int
    differences: tuple[Difference, ...]
    changed: tuple[str, ...]

    @property
    def identical(self) -> bool:
        return (
            self.instants[1:] == (0, 0)
            and all(same == count for same, count in self.equal.values())
            and not self.differences
        )

    def counts(self) -> dict[str, int]:
        return {kind: sum(d.kind == kind for d in self.differences) for kind in KINDS}


def compare(a: Store, b: Store) -> Comparison:
    """Hazards are paired by place at the stamps that both have, tracks by most of their hazards."""
    stamps_a = {m.stamp_ns for m in a.moments()}
    stamps_b = {m.stamp_ns for m in b.moments()}
    both = stamps_a & stamps_b
    entries_a = [e for e in a.hazards() if e.stamp_ns in both]
    entries_b = [e for e in b.hazards() if e.stamp_ns in both]
    votes = _votes(entries_a, entries_b)
    return Comparison(
        instants=(len(both), len(stamps_a - both), len(stamps_b - both)),
        equal=_equal(a, b),
        paired=len(votes),
        differences=tuple(_differences(entries_a, entries_b, votes, a.span_ns[0])),
        changed=tuple(_changed(a.about, b.about)),
    )


@dataclass(frozen=True, slots=True)
class _Pair:
    a: int
    b: int
    apart_m: float
    worst_ns: int


def _votes(entries_a: list[Entry], entries_b: list[Entry]) -> list[_Pair]:
    """Tracks of A and of B that are one object, one to one, most common stamps first."""
    at_a, at_b = _by_stamp(entries_a), _by_stamp(entries_b)
    apart: dict[tuple[int, int], list[tuple[float, int]]] = defaultdict(list)
    for ns, ours in at_a.items():
        theirs = at_b.get(ns)
        if not theirs:
            continue
        place_a = np.array([(e.x, e.y) for e in ours])
        place_b = np.array([(e.x, e.y) for e in theirs])
        away = np.linalg.norm(place_a[:, None] - place_b, axis=2)
        size = np.maximum(
            np.array([e.size_m for e in ours])[:, None], np.array([e.size_m for e in theirs])
        )
        gate = np.maximum(GATE_M, size / 2)
        for i, j in zip(*linear_sum_assignment(np.where(away <= gate, away, 1e6)), strict=True):
            if away[i, j] <= gate[i, j]:
                apart[ours[i].track, theirs[j].track].append((float(away[i, j]), ns))
    pairs, used_a, used_b = [], set(), set()
    for (one, other), found in sorted(apart.items(), key=lambda item: (-len(item[1]), item[0])):
        if one in used_a or other in used_b:
            continue
        used_a.add(one)
        used_b.add(other)
        middle = float(np.median([away for away, _ in found]))
        pairs.append(_Pair(one, other, middle, max(found)[1]))
    return pairs


def _by_stamp(entries: list[Entry]) -> dict[int, list[Entry]]:
    found: dict[int, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.stamp_ns].append(entry)
    return found


def _differences(
    entries_a: list[Entry], entries_b: list[Entry], pairs: list[_Pair], start_ns: int
) -> list[Difference]:
    spans_a = {span.track: span for span in spans_of(entries_a)}
    spans_b = {span.track: span for span in spans_of(entries_b)}
    found: list[Difference] = []
    for pair in pairs:
        found += _of_pair(pair, spans_a[pair.a], spans_b[pair.b])
    paired_a, paired_b = {p.a for p in pairs}, {p.b for p in pairs}
    for kind, spans, paired in ((LOST, spans_a, paired_a), (GAINED, spans_b, paired_b)):
        for span in spans.values():
            if span.track not in paired:
                numbers = (span.track, -1) if kind == LOST else (-1, span.track)
                levels = (span.level, -1) if kind == LOST else (-1, span.level)
                seconds = (span.last_ns - span.first_ns) * 1e-9
                text = f"{span.text} ({seconds:.1f} s from {_at(span.first_ns, start_ns)})"
                found.append(Difference(kind, *numbers, *levels, span.nearest_ns, text))
    worst = {kind: i for i, kind in enumerate(KINDS)}
    return sorted(found, key=lambda d: (worst[d.kind], -max(d.level_a, d.level_b), d.stamp_ns))


def _of_pair(pair: _Pair, a: TrackSpan, b: TrackSpan) -> list[Difference]:
    found = []

    def add(kind: str, stamp_ns: int, text: str) -> None:
        found.append(Difference(kind, pair.a, pair.b, a.level, b.level, stamp_ns, text))

    if a.level != b.level:
        add(
            LEVEL, (a if a.level > b.level else b).nearest_ns,
            f"{Level(a.level).name} became {Level(b.level).name}: {b.text}",
        )  # fmt: skip
    if pair.apart_m > MOVED_M:
        add(MOVED, pair.worst_ns, f"its place differs by {pair.apart_m:.2f} m: {b.text}")
    sooner = (a.first_ns - b.first_ns) * 1e-9
    if abs(sooner) > TIMING_S:
        kind = EARLIER if sooner > 0 else LATER
        add(kind, min(a.first_ns, b.first_ns), f"first said {abs(sooner):.1f} s {kind}: {b.text}")
    return found


def _equal(a: Store, b: Store) -> dict[str, tuple[int, int]]:
    """Of masks, objects, tracks and hazards: how many of the messages are the same bytes."""
    names = [topics.OBJECTS, topics.TRACKS, topics.HAZARDS]
    names += [topics.masks(camera) for camera in sorted({*a.cameras, *b.cameras})]
    prints_a, prints_b = _prints(a, names), _prints(b, names)
    equal: dict[str, tuple[int, int]] = {}
    for name in names:
        keys = {k for k in prints_a if k[0] == name} | {k for k in prints_b if k[0] == name}
        same = sum(prints_a.get(key) == prints_b.get(key) for key in keys)
        equal[name] = same, len(keys)
    return equal


def _prints(store: Store, names: list[str]) -> dict[tuple[str, int, int], bytes]:
    """A short hash of each message, by topic, stamp and which of that stamp it is."""
    seen: Counter[tuple[str, int]] = Counter()
    found = {}
    for message in store.messages(names):
        key = message.topic.strip("/"), message.stamp_ns
        which = key[0], key[1], seen[key]
        found[which] = hashlib.blake2b(message.data, digest_size=12).digest()
        seen[key] += 1
    return found


def _changed(a: Mapping[str, str], b: Mapping[str, str]) -> list[str]:
    """What differs in how the two were made."""
    told = [
        f"{key}: {_short(a.get(key, 'none'))} became {_short(b.get(key, 'none'))}"
        for key in sorted(a.keys() | b.keys())
        if a.get(key) != b.get(key) and key not in (SETTINGS, POLICY, "mode", "source")
    ]
    if a.get(POLICY) != b.get(POLICY):
        told.append("the policy of hazards")
    values_b = {name: value for name, value, _ in leaves(settings_of(b))}
    for name, value, _ in leaves(settings_of(a)):
        if value != values_b[name] and not name.startswith("audit."):
            told.append(f"{name}: {value!r} became {values_b[name]!r}")
    return told


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:12]}…"


def _at(ns: int, start_ns: int) -> str:
    return f"{(ns - start_ns) * 1e-9:.1f} s"


def as_dict(result: Comparison) -> dict[str, Any]:
    """Plain values for JSON."""
    return {
        "identical": result.identical,
        "instants": dict(zip(("both", "only_a", "only_b"), result.instants, strict=True)),
        "equal_messages": {k: {"equal": s, "of": n} for k, (s, n) in result.equal.items()},
        "paired_tracks": result.paired,
        "counts": result.counts(),
        "changed": list(result.changed),
        "differences": [
            {name: getattr(d, name) for name in Difference.__dataclass_fields__}
            for d in result.differences
        ],
    }
