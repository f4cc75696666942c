"""From what was met in all sources to the files of an atlas."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2m_ros import __version__
from s2m_ros.audit.mining.atlas import write_atlas
from s2m_ros.audit.mining.clusters import Clusters, cluster
from s2m_ros.audit.mining.duplicates import joined
from s2m_ros.audit.mining.export import write_coco, write_parquet
from s2m_ros.audit.mining.figures import figures
from s2m_ros.audit.mining.specimen import Met, Specimen
from s2m_ros.types import InputError


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """files: by what they are; lines: what to say of it."""

    files: dict[str, Path]
    specimens: list[Specimen]
    clusters: Clusters
    lines: list[str]


def make(met: Sequence[Met], out: Path, *, least: int = 2, truth: bool = False) -> Made:
    """Write atlas.html, coco.json with images, and embeddings.parquet where pyarrow is there.

    least: members of the smallest cluster; truth: say how good it is. Raises InputError when the
    sources were mined with different embedders.
    """
    embedders = sorted({one.embedder for one in met})
    if len(embedders) > 1:
        raise InputError(
            str(out), f"mined with {' and '.join(embedders)}", "give each atlas a folder of its own"
        )
    tracks = [specimen for one in met for specimen in one.specimens]
    specimens = joined(tracks)
    vectors = (
        np.stack([one.embedding for one in specimens]) if specimens else np.zeros((0, 1), "f4")
    )
    sizes = np.array([one.size for one in specimens]).reshape(-1, 3)
    clusters = cluster(vectors, least, sizes)
    left_out: Counter[str] = Counter()
    for one in met:
        left_out.update(one.left_out)
    lines = [
        f"{len(specimens)} objects from {len(tracks)} tracks of {len(met)} sources, "
        f"{clusters.count} clusters"
    ]
    if left_out:
        lines.append("left out: " + "; ".join(f"{n} {why}" for why, n in left_out.most_common()))
    facts = {
        "Embeddings": embedders[0] if embedders else "none",
        "Names": _names(specimens),
        "Left out": "; ".join(f"{n} {why}" for why, n in left_out.most_common()) or "nothing",
        "Sources": str(len(met)),
        "Made by": f"s2m_ros {__version__}",
    }
    if truth:
        found = figures(specimens, clusters, tracks)
        lines += found.lines()
        lines += [f"mixed cluster {mixed}" for mixed in found.mixed]
    out.mkdir(parents=True, exist_ok=True)
    files = {
        "atlas": write_atlas(specimens, clusters, facts, out),
        "COCO": write_coco(specimens, clusters, out),
    }
    try:
        files["embeddings"] = write_parquet(specimens, clusters, out)
    except InputError as error:
        lines.append(f"no embeddings.parquet: {error}")
    return Made(files, specimens, clusters, lines)


def _names(specimens: Sequence[Specimen]) -> str:
    named = sum(bool(one.name.label) for one in specimens)
    if named or not specimens:
        return f"{named} of {len(specimens)} objects"
    whys = Counter(one.name.why for one in specimens)
    return "none: " + "; ".join(why for why, _ in whys.most_common(3))
