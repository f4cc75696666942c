"""The atlas as one page that opens anywhere: contact sheets of clusters, the novel ones first."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from markupsafe import Markup

from s2m_ros.audit.mining.clusters import ALONE, Clusters
from s2m_ros.audit.mining.export import label_of, mask_of
from s2m_ros.audit.mining.query import Hit
from s2m_ros.audit.mining.specimen import Specimen, View
from s2m_ros.audit.page import template
from s2m_ros.audit.style import LEVELS, hexed
from s2m_ros.types import Level, UInt8

SIDE = 132
MARGIN = 0.35
PER_SHEET = 48
NOVEL = 12
OUTLINE = (255, 214, 64)


def write_atlas(
    specimens: Sequence[Specimen], clusters: Clusters, facts: Mapping[str, str], out: Path
) -> Path:
    """atlas.html. facts: what is said at the foot, by heading."""
    groups: dict[int, list[int]] = {}
    for i, label in enumerate(clusters.labels):
        groups.setdefault(int(label), []).append(i)
    order = [label for label in sorted(groups) if label != ALONE]
    sheets = []
    for label in [*order, *([ALONE] if ALONE in groups else [])]:
        members = sorted(
            groups[label],
            key=lambda i: -clusters.novelty[i] if label == ALONE else -clusters.probability[i],
        )
        title = "Alike to none" if label == ALONE else f"Cluster {label:03d}"
        sheets.append(
            {
                "title": title,
                "names": _names([label_of(specimens[i], label) for i in members], label),
                "count": len(members),
                "cards": [_card(specimens[i], clusters.novelty[i]) for i in members[:PER_SHEET]],
                "more": max(0, len(members) - PER_SHEET),
            }
        )
    strangest = [int(i) for i in np.argsort(-clusters.novelty, kind="stable")[:NOVEL]]
    path = out / "atlas.html"
    path.write_text(
        _render(
            "Atlas of unknown objects",
            f"{len(specimens)} objects, {clusters.count} clusters",
            [
                {
                    "title": "Most novel",
                    "names": "farthest from everything else",
                    "count": len(strangest),
                    "cards": [_card(specimens[i], clusters.novelty[i]) for i in strangest],
                    "more": 0,
                },
                *sheets,
            ],
            _counts(specimens, clusters),
            facts,
        )
    )
    return path


def write_hits(asked: str, hits: Sequence[Hit], facts: Mapping[str, str], path: Path) -> Path:
    """A page of what was found, best first."""
    sheet = {
        "title": "Found",
        "names": "most alike first",
        "count": len(hits),
        "cards": [_card(hit.specimen, None, hit.similarity) for hit in hits],
        "more": 0,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_render("Alike", asked, [sheet], [], facts))
    return path


def thumbnail(view: View) -> UInt8:
    """A square around the object with its outline, uint8 (SIDE, SIDE, 3) RGB."""
    image = view.image()
    height, width = image.shape[:2]
    scale = width / view.image_size[0]
    box = view.box.astype(float) * scale
    side = max(24.0, float((box[2:] - box[:2]).max()) * (1 + 2 * MARGIN))
    corner = (box[:2] + box[2:] - side) / 2
    zoom = SIDE / side
    matrix = np.array([[zoom, 0, -corner[0] * zoom], [0, zoom, -corner[1] * zoom]])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
    square = cv2.warpAffine(image, matrix, (SIDE, SIDE), flags=how, borderMode=cv2.BORDER_REPLICATE)
    bits = mask_of(view, (width, height)).astype(np.uint8)
    shown = cv2.warpAffine(bits, matrix, (SIDE, SIDE), flags=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(shown, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(square, outlines, -1, OUTLINE, 1, cv2.LINE_AA)
    return np.asarray(square, np.uint8)


def _card(one: Specimen, novelty: float | None, similarity: float | None = None) -> dict[str, Any]:
    length, width, height = one.size
    level = Level(one.level)
    numbers = []
    if novelty is not None:
        numbers.append(f"novelty {novelty:.2f}")
    if similarity is not None:
        numbers.append(f"similarity {similarity:.2f}")
    return {
        "picture": _inline(thumbnail(one.views[0])),
        "colour": Markup(hexed(LEVELS[level])),
        "level": level.name.lower(),
        "name": str(one.name) if one.name.label else "",
        "size": f"{length:.1f} x {width:.1f} x {height:.1f} m",
        "numbers": ", ".join(numbers),
        "key": f"{Path(one.source).name}#{one.tracks[0]}",
        "tracks": len(one.tracks),
        "text": f"{one.text} [{one.source}]",
    }


def _counts(specimens: Sequence[Specimen], clusters: Clusters) -> list[dict[str, str]]:
    alone = int((clusters.labels == ALONE).sum())
    joined = sum(len(one.tracks) - 1 for one in specimens)
    return [
        {"value": str(len(specimens)), "what": "objects, each once"},
        {"value": str(len({one.source for one in specimens})), "what": "drives"},
        {"value": str(clusters.count), "what": "clusters"},
        {"value": str(alone), "what": "alike to none"},
        {"value": str(joined), "what": "tracks joined as duplicates"},
    ]


def _names(labels: Sequence[str], cluster: int) -> str:
    """What the members are called, commonest first; nothing where they have no names."""
    counts: dict[str, int] = {}
    for label in labels:
        counts[label] = counts.get(label, 0) + 1
    plain = {f"cluster_{cluster:03d}", "unclustered"}
    named = sorted((n for n in counts if n not in plain), key=lambda n: -counts[n])
    return ", ".join(f"{name} {counts[name]}" for name in named[:4])


def _inline(picture: UInt8) -> str:
    fine, data = cv2.imencode(
        ".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 82]
    )
    assert fine
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode()


def _render(
    title: str,
    verdict: str,
    sheets: Sequence[Mapping[str, Any]],
    figures: Sequence[Mapping[str, str]],
    facts: Mapping[str, str],
) -> str:
    page = template("mining/atlas.html.j2")
    return page.render(title=title, verdict=verdict, sheets=sheets, figures=figures, facts=facts)
