"""How good the mining is, where a simulator says what is there."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from s2m_ros.audit.mining.clusters import ALONE, Clusters
from s2m_ros.audit.mining.specimen import Specimen
from s2m_ros.types import Float64

LEAST_PX = 32


@dataclass(frozen=True, slots=True)
class Figures:
    """Of specimens that show an object of at least ``LEAST_PX``.

    purity: share of those in a cluster that are of the cluster's commonest category; clustered:
    share of them that are in a cluster; instances: different objects; specimens: what they gave,
    as many when each is there once; merged: specimens, of any size, whose tracks show different
    objects; mixed: clusters with more than one category; false: specimens that show no object;
    neighbour: share of which the nearest other is of the same category, where there is one.
    """

    purity: float
    clustered: float
    clusters: int
    instances: int
    specimens: int
    merged: int
    false: int
    neighbour: float
    mixed: tuple[str, ...]

    def lines(self) -> list[str]:
        return [
            f"cluster purity by category: {self.purity:.2f} over {self.clusters} clusters, objects "
            f"of {LEAST_PX} px and more",
            f"in a cluster: {self.clustered:.0%}; nearest other of the same category: "
            f"{self.neighbour:.0%}",
            f"each instance once: {self.instances} instances gave {self.specimens} specimens; "
            f"{self.merged} hold different objects, {self.false} show none",
        ]


def figures(
    specimens: Sequence[Specimen], clusters: Clusters, tracks: Iterable[Specimen] = ()
) -> Figures:
    """Against the truth that the specimens carry (``mining.real``). tracks: those of one track
    each that were joined to them."""
    large = [
        i
        for i, one in enumerate(specimens)
        if one.truth is not None and one.truth.id >= 0 and one.truth.span_px >= LEAST_PX
    ]
    category = {i: one.truth.category for i, one in enumerate(specimens) if one.truth is not None}
    members: dict[int, Counter[str]] = defaultdict(Counter)
    for i in large:
        if clusters.labels[i] != ALONE:
            members[int(clusters.labels[i])][category[i]] += 1
    inside = sum(sum(found.values()) for found in members.values())
    pure = sum(max(found.values()) for found in members.values())
    real = [specimens[i] for i in large]
    instances = {(one.source, one.truth.id) for one in real if one.truth is not None}
    shown = {(one.source, one.tracks[0]): one.truth.id for one in tracks if one.truth is not None}
    held = [{shown.get((one.source, track), -1) for track in one.tracks} for one in specimens]
    return Figures(
        purity=pure / inside if inside else 0.0,
        clustered=inside / len(large) if large else 0.0,
        clusters=len(members),
        instances=len(instances),
        specimens=len(real),
        merged=sum(len(objects - {-1}) > 1 for objects in held),
        false=sum(one.truth is not None and one.truth.id < 0 for one in specimens),
        neighbour=_neighbour([category[i] for i in large], clusters.vectors[large]),
        mixed=tuple(
            f"{label}: " + ", ".join(f"{n} {name}" for name, n in found.most_common())
            for label, found in sorted(members.items())
            if len(found) > 1
        ),
    )


def _neighbour(names: Sequence[str], vectors: Float64) -> float:
    """Leave-one-out nearest neighbour, among categories that have more than one member."""
    counted = Counter(names)
    hits = []
    for i, name in enumerate(names):
        if counted[name] < 2:
            continue
        likeness = vectors @ vectors[i]
        likeness[i] = -np.inf
        hits.append(names[int(np.argmax(likeness))] == name)
    return sum(hits) / len(hits) if hits else 0.0
