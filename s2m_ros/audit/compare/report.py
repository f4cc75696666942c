"""A comparison as JSON, Markdown and a page with pictures."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from s2m_ros.audit.compare.diff import Comparison, Difference, as_dict
from s2m_ros.audit.compare.rerun import rig_of
from s2m_ros.audit.page import template
from s2m_ros.audit.scene import camera_view, top_view
from s2m_ros.audit.style import LEVELS, hexed, readable_on
from s2m_ros.fusion.calibration import Rig
from s2m_ros.store.reader import Store
from s2m_ros.types import Level, UInt8

PICTURES = 12
WIDTH = 640
WORDS = {
    "lost": "hazards of A that B has not",
    "gained": "hazards of B that A has not",
    "level": "hazards of another level",
    "moved": "hazards at another place",
    "later": "hazards that B says later",
    "earlier": "hazards that B says earlier",
}


def write(a: Store, b: Store, result: Comparison, out: Path, note: str = "") -> Path:
    """Write compare.json, compare.md, compare.html and pictures; returns the page."""
    out.mkdir(parents=True, exist_ok=True)
    tree = as_dict(result)
    (out / "compare.json").write_text(json.dumps(tree, indent=1, allow_nan=False) + "\n")
    pictures: dict[int, str] = {}
    rigs = rig_of(a), rig_of(b)
    for number, item in enumerate(result.differences[:PICTURES]):
        pair = _pair(a, b, rigs, item)
        if pair is not None:
            name = f"{number + 1:02d}_{item.kind}.jpg"
            _, data = cv2.imencode(
                ".jpg", cv2.cvtColor(pair, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85]
            )
            (out / name).write_bytes(bytes(data))
            pictures[number] = name
    (out / "compare.md").write_text(markdown(a, b, result, pictures, note))
    page = template("compare/compare.html.j2").render(
        verdict=verdict(result),
        identical=result.identical,
        names=(str(a.path), str(b.path)),
        note=note,
        figures=[
            {"name": WORDS[kind], "value": count, "kind": "bad" if count else "good"}
            for kind, count in result.counts().items()
        ],
        equal=[
            {"topic": topic, "same": same, "count": count}
            for topic, (same, count) in result.equal.items()
        ],
        instants=result.instants,
        changed=result.changed,
        rows=[
            _row(item, a.span_ns[0], _embedded(out / pictures[i]) if i in pictures else "")
            for i, item in enumerate(result.differences)
        ],
    )
    path = out / "compare.html"
    path.write_text(page)
    return path


def verdict(result: Comparison) -> str:
    """The comparison in one line."""
    if result.identical:
        return f"identical: {result.instants[0]} instants, every message the same bytes"
    counts = [f"{count} {kind}" for kind, count in result.counts().items() if count]
    if counts:
        return f"different: {', '.join(counts)}"
    return "the same hazards, though not the same bytes"


def markdown(
    a: Store, b: Store, result: Comparison, pictures: dict[int, str], note: str = ""
) -> str:
    lines = [f"# {verdict(result)}", "", f"- A: `{a.path}`", f"- B: `{b.path}`"]
    lines += [f"- {note}"] if note else []
    both, only_a, only_b = result.instants
    lines += [f"- instants in both: {both}, in A alone: {only_a}, in B alone: {only_b}"]
    lines += [f"- `{topic}`: {s} of {n} messages equal" for topic, (s, n) in result.equal.items()]
    if result.changed:
        lines += ["", "## What was changed", "", *(f"- {_cell(line)}" for line in result.changed)]
    if result.differences:
        lines += [
            "",
            "## Differences",
            "",
            "| kind | A | B | at, s | what |",
            "|---|---|---|---|---|",
        ]
    for item in result.differences:
        at = (item.stamp_ns - a.span_ns[0]) * 1e-9
        lines.append(
            f"| {item.kind} | {_track(item.a, item.level_a)} | {_track(item.b, item.level_b)} "
            f"| {at:.1f} | {_cell(item.text)} |"
        )
    for number, name in pictures.items():
        item = result.differences[number]
        lines += ["", f"![{item.kind}]({name})", "", f"{item.kind}: A left, B right"]
    return "\n".join(lines) + "\n"


def _row(item: Difference, start_ns: int, picture: str) -> dict[str, Any]:
    level = Level(max(item.level_a, item.level_b))
    return {
        "kind": item.kind,
        "a": _track(item.a, item.level_a),
        "b": _track(item.b, item.level_b),
        "at": f"{(item.stamp_ns - start_ns) * 1e-9:.1f}",
        "text": item.text,
        "colour": hexed(LEVELS[level]),
        "ink": hexed(readable_on(LEVELS[level])),
        "picture": picture,
    }


def _track(number: int, level: int) -> str:
    return f"#{number} {Level(level).name}" if number >= 0 else "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def _pair(a: Store, b: Store, rigs: tuple[Rig, Rig], item: Difference) -> UInt8 | None:
    """A on the left, B on the right; the camera above, the ground below."""
    halves = [_half(store, rig, item.stamp_ns) for store, rig in zip((a, b), rigs, strict=True)]
    if any(half is None for half in halves):
        return None
    shown = [half for half in halves if half is not None]
    tall = max(half.shape[0] for half in shown)
    gap = np.full((tall, 6, 3), 255, np.uint8)
    filled = [np.pad(h, ((0, tall - h.shape[0]), (0, 0), (0, 0))) for h in shown]
    return np.concatenate([filled[0], gap, filled[1]], axis=1)


def _half(store: Store, rig: Rig, stamp_ns: int) -> UInt8 | None:
    instant = store.instant(stamp_ns)
    hazards = instant.hazards if instant is not None else None
    above = top_view((WIDTH, 260), hazards, sideways=True)
    for camera in store.cameras:
        nearest = store.nearest_frame(stamp_ns, camera)
        frame = store.frame(camera, nearest) if nearest is not None else None
        image = frame.picture() if frame is not None else None
        if frame is not None and image is not None:
            front = camera_view(image, frame.masks, hazards, rig, camera, WIDTH)
            return np.concatenate([front, above])
    return above


def _embedded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
