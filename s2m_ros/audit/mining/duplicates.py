"""Each instance once: tracks of one source that follow the same object are joined.

Two tracks are one object when they are near each other in the odometry frame, look alike, and were
not seen side by side in the same images (two things are). Where the mask of one lies in that of the
other one thing was seen twice: as a whole, and a part of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from s2m_ros.audit.mining.specimen import Specimen
from s2m_ros.perception.naming import Name
from s2m_ros.runtime.embedding import unit

REACH_M = 0.8
"""How far a track that is found again may lie from where it was, beside half of its size."""
ALIKE = 0.8
"""Least cosine of the embeddings."""
TOGETHER = 0.2
"""Seen side by side in so large a share of the images, they are two."""


def joined(specimens: Iterable[Specimen], alike: float = ALIKE) -> list[Specimen]:
    """The specimens with duplicates joined, by source and first sight."""
    by_source: dict[str, list[Specimen]] = defaultdict(list)
    for one in specimens:
        by_source[one.source].append(one)
    result: list[Specimen] = []
    for members in by_source.values():
        groups: list[list[Specimen]] = []
        for one in sorted(members, key=lambda s: (s.first_ns, s.tracks)):
            fitting = [
                group
                for group in groups
                if any(same(other, one, alike) for other in group)
                and not any(beside(other, one) for other in group)
            ]
            if fitting:
                max(fitting, key=lambda g: float(g[-1].embedding @ one.embedding)).append(one)
            else:
                groups.append([one])
        result += [together(group) for group in groups]
    return result


def same(a: Specimen, b: Specimen, alike: float = ALIKE) -> bool:
    """Whether two specimens of one source end and begin near each other, and look alike."""
    first, second = (a, b) if a.first_ns <= b.first_ns else (b, a)
    ends = ((first.position, second.first_position), (first.position, second.position))
    gap = min(float(np.linalg.norm((p - q)[:2])) for p, q in ends)
    reach = REACH_M + float(max(a.size[:2].max(), b.size[:2].max())) / 2
    return gap <= reach and float(a.embedding @ b.embedding) >= alike


def beside(a: Specimen, b: Specimen) -> bool:
    """Whether two tracks of one source were seen side by side, and not rather one in the other."""
    nested = a.nested.get(b.tracks[0], 0)
    aside = len(set(a.looks) & set(b.looks)) - nested
    return aside > max(nested, TOGETHER * min(len(a.looks), len(b.looks)))


def together(group: Sequence[Specimen]) -> Specimen:
    """One specimen of several that are the same."""
    if len(group) == 1:
        return group[0]
    worst = max(group, key=lambda s: s.level)
    views = sorted((view for s in group for view in s.views), key=lambda view: -view.span_px)
    weights = np.array([len(s.looks) for s in group], np.float32)
    vectors = np.stack([s.embedding for s in group])
    named = max((s.name for s in group), key=lambda n: (bool(n.label), n.confidence))
    most = max(group, key=lambda s: len(s.looks))
    return replace(
        most,
        tracks=tuple(sorted(track for s in group for track in s.tracks)),
        first_ns=min(s.first_ns for s in group),
        last_ns=max(s.last_ns for s in group),
        first_position=group[0].first_position,
        position=group[-1].position,
        level=worst.level,
        text=worst.text,
        reasons=tuple(dict.fromkeys(reason for s in group for reason in s.reasons)),
        looks=tuple(dict.fromkeys(look for s in group for look in s.looks)),
        views=tuple(views),
        embedding=unit((weights @ vectors)[None])[0],
        name=Name(named.label, named.confidence, named.why),
    )
