"""What a closed-loop run came to, for people: a table, report.md and report.html."""

from __future__ import annotations

import base64
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from markupsafe import Markup

from s2m_ros.audit.closed_loop import charts
from s2m_ros.audit.closed_loop.figures import counted, range_names, size_names
from s2m_ros.audit.closed_loop.loop import TOGETHER_NS
from s2m_ros.audit.closed_loop.losses import STAGES
from s2m_ros.audit.closed_loop.rows import Rows, Sighting
from s2m_ros.audit.drive import pictures
from s2m_ros.audit.page import template
from s2m_ros.audit.style import hexed
from s2m_ros.types import UInt8

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 18
"""Missed objects with a picture."""


def write(tree: Mapping[str, Any], rows: Rows, out: Path) -> None:
    """Write metrics.json, report.md and report.html to the folder, which is made."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(tree, indent=1, allow_nan=False)
    (out / "metrics.json").write_text(text + "\n")
    (out / "report.md").write_text(markdown(tree))
    (out / "report.html").write_text(page(tree, rows))


def headline(tree: Mapping[str, Any]) -> str:
    """One sentence: how many objects, how many found, what is wrong with the run."""
    overall = tree["overall"]
    drives = f"{len(tree['done'])} of {len(tree['scenarios'])} drives"
    text = (
        f"{overall['found']} of {overall['objects']} objects found, {overall['false_objects']} "
        f"false, in {drives} ({60 * overall['minutes']:.0f} s, {1000 * overall['km']:.0f} m)"
    )
    if tree["without"]:
        text += f" without {' and '.join(tree['without'])}"
    if tree["interrupted"]:
        text += "; stopped before the end"
    if tree["failed"]:
        text += f"; failed: {', '.join(tree['failed'])}"
    return text


def marked(met: bool | None) -> str:
    return {True: "met", False: "not met", None: ""}[met]


def table(tree: Mapping[str, Any]) -> Table:
    """The goals for the terminal."""
    from rich.table import Table
    from rich.text import Text

    result = Table(title=headline(tree), title_justify="left", title_style="bold")
    for name in ("Figure", "Reached", "Goal", "", "Rests on"):
        result.add_column(name, justify="right" if name in ("Reached", "Goal") else "left")
    styles = {True: "green", False: "red", None: "dim"}
    for goal in tree["goals"]:
        met = Text(marked(goal["met"]), style=styles[goal["met"]])
        result.add_row(goal["name"], goal["shown"], goal["goal"], met, goal["basis"])
    return result


def losses_line(tree: Mapping[str, Any]) -> str:
    """Where frames of objects were lost, as one line."""
    lost = tree["overall"]["lost_frames"]
    total = tree["overall"]["frames"]
    if not total:
        return "no object was visible"
    parts = [f"{stage} {lost[stage]} ({100 * lost[stage] / total:.0f} %)" for stage in lost]
    return f"lost frames of {total}: {', '.join(parts) or 'none'}"


def markdown(tree: Mapping[str, Any]) -> str:
    lines = [
        "# Closed loop against the simulator's truth",
        "",
        headline(tree) + ".",
        "",
        *_rows_md(("Figure", "Reached", "Goal", "", "Rests on"), [
            (g["name"], g["shown"], g["goal"], marked(g["met"]), g["basis"]) for g in tree["goals"]
        ]),
        "",
    ]  # fmt: skip
    for title, key in _SECTIONS:
        heading, cells = breakdown_table(tree[key])
        if cells:
            lines += [f"## {title}", "", *_rows_md(heading, cells), ""]
    if tree["misses"]:
        lines += ["## Missed objects", "", *_rows_md(_MISS_HEADING, miss_rows(tree)), ""]
    lines += [f"- {name}: {value}" for name, value in tree["about"].items()]
    return "\n".join(lines) + "\n"


_SECTIONS = (
    ("By scenario", "by_scenario"),
    ("By category", "by_category"),
    ("By size", "by_size"),
    ("By range", "by_range"),
)
_HEADING = ("", "Objects", "Found", "Frames", "Position, m", "p95", "Extent, m", "Delay, s",
            "Switches", "MOTA", "False", "Lost by")  # fmt: skip
_MISS_HEADING = ("Drive", "Object", "Size, m", "Frames", "Nearest, m", "Lost by", "All stages")


def breakdown_table(
    parts: Mapping[str, Mapping[str, Any]],
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Heading and rows of one breakdown, without parts in which nothing was and without columns
    that do not apply."""
    rows = [_HEADING]
    for name, part in parts.items():
        if not part["frames"] and not part.get("false_objects") and "minutes" not in part:
            continue
        lost = ", ".join(f"{stage} {n}" for stage, n in list(part["lost_frames"].items())[:3])
        rows.append(
            (
                name,
                str(part["objects"]),
                _percent(part["recall"]),
                _percent(part["frame_recall"]),
                _number(part["position_error_m"]["median"]),
                _number(part["position_error_m"]["p95"]),
                _number(part["extent_error_m"]["median"]),
                _number(part["delay_s"]["median"], 1),
                str(part["id_switches"]),
                _number(part["mota"]) if "mota" in part else "",
                str(part.get("false_objects", "")),
                lost or "-",
            )
        )
    used = [j for j in range(len(_HEADING)) if any(row[j] for row in rows[1:])]
    heading, *rest = [tuple(row[j] for j in used) for row in rows]
    return heading, rest


def miss_rows(tree: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            m["scenario"],
            f"{m['name']} ({m['category']})",
            f"{m['size_m']:.2f}",
            str(m["frames"]),
            f"{m['nearest_m']:.1f}",
            f"{m['stage']}: {m['detail']}" if m["detail"] else m["stage"],
            ", ".join(f"{stage} {n}" for stage, n in m["stages"].items()),
        )
        for m in tree["misses"]
    ]


def page(tree: Mapping[str, Any], rows: Rows) -> str:
    """One self-contained page."""
    by_range = tree["by_range"]
    errors = {name: part["position_error_m"] for name, part in by_range.items()}
    context = {
        "tree": tree,
        "headline": headline(tree),
        "marked": marked,
        "heat": Markup(charts.heat(_cells(tree), range_names())),
        "errors": Markup(
            charts.spreads(
                {n: (_nan(e["median"]), _nan(e["p95"]), e["count"]) for n, e in errors.items()},
                (0.15, 0.5),
                "m",
            )
        ),
        "lost": Markup(
            charts.stacks(
                {name: tree["by_size"][name]["lost_frames"] for name in size_names()},
                {name: tree["by_size"][name]["frames"] for name in size_names()},
            )
        ),
        "stages": [(stage, hexed(charts.STAGE_COLOURS[stage])) for stage in STAGES],
        "details": list(tree["overall"]["lost_details"].items())[:14],
        "sections": [(title, *breakdown_table(tree[key])) for title, key in _SECTIONS],
        "miss_heading": _MISS_HEADING,
        "misses": miss_rows(tree),
        "gallery": _gallery(tree, rows),
        "drops": _drops(tree),
    }
    return template("closed_loop.html.j2").render(context)


def _cells(tree: Mapping[str, Any]) -> dict[str, dict[str, tuple[int, int]]]:
    return {
        category: {name: (cell["found_frames"], cell["frames"]) for name, cell in cells.items()}
        for category, cells in tree["by_category_and_range"].items()
        if any(cell["frames"] for cell in cells.values())
    }


def _drops(tree: Mapping[str, Any]) -> list[tuple[str, str, int]]:
    """What the stages discarded over all drives: stage, reason, count."""
    total: dict[tuple[str, str], int] = defaultdict(int)
    for part in tree["by_scenario"].values():
        for stage, reasons in part["drops"].items():
            for reason, count in reasons.items():
                total[stage, reason] += count
    return [(stage, reason, n) for (stage, reason), n in sorted(total.items()) if n]


def _gallery(tree: Mapping[str, Any], rows: Rows) -> list[dict[str, str]]:
    """A cut-out of each of the first missed objects where it is largest."""
    bags = {j.scenario: j.bag for j in rows.journeys}
    best: dict[tuple[str, int], Sighting] = {}
    for s in counted(rows.sightings):
        key = s.scenario, s.object_id
        if key not in best or _area(s.box) > _area(best[key].box):
            best[key] = s
    wanted = [m for m in tree["misses"] if (m["scenario"], m["object"]) in best][:SHOWN]
    best = {(m["scenario"], m["object"]): best[m["scenario"], m["object"]] for m in wanted}
    cuts: dict[tuple[str, int], str] = {}
    for scenario, camera in {(m["scenario"], best[m["scenario"], m["object"]].camera)
                             for m in wanted}:  # fmt: skip
        some = [s for k, s in best.items() if k[0] == scenario and s.camera == camera]
        for stamp, image in pictures(Path(bags[scenario]), camera, _Shortly(some)):
            for s in some:
                if 0 <= s.stamp_ns - stamp < TOGETHER_NS:
                    cuts[scenario, s.object_id] = _cut(image, s.box)
    result = []
    for m in wanted:
        key = m["scenario"], m["object"]
        caption = (
            f"{m['scenario']}: {m['name']}, {100 * m['size_m']:.0f} cm, here at "
            f"{best[key].range_m:.1f} m; lost by {m['stage']}"
        )
        if key in cuts:
            result.append({"caption": caption, "data": cuts[key]})
    return result


class _Shortly:
    """Stamps of images that belong to one of the sightings."""

    def __init__(self, sightings: Sequence[Sighting]) -> None:
        self._stamps = [s.stamp_ns for s in sightings]

    def __contains__(self, stamp: object) -> bool:
        return isinstance(stamp, int) and any(0 <= s - stamp < TOGETHER_NS for s in self._stamps)


def _cut(image: UInt8, box: Sequence[int], width: int = 340, height: int = 220) -> str:
    """The surroundings of a box, scaled to width by height, with the box drawn, as base64 JPEG."""
    w, h = box[2] - box[0], box[3] - box[1]
    scale = max(1.0, min(8.0, width / max(3 * w, 1), height / max(3 * h, 1)))
    scale = min(scale, width / 48)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    matrix = np.array([[scale, 0, width / 2 - scale * x], [0, scale, height / 2 - scale * y]])
    cut = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR)
    low = (matrix @ [box[0] - 2, box[1] - 2, 1]).round().astype(int).tolist()
    high = (matrix @ [box[2] + 2, box[3] + 2, 1]).round().astype(int).tolist()
    cv2.rectangle(cut, tuple(low), tuple(high), (255, 255, 255), 1, cv2.LINE_AA)
    _, data = cv2.imencode(".jpg", cut[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])
    return base64.b64encode(data.tobytes()).decode()


def _area(box: Sequence[int]) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])


def _rows_md(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        "| " + " | ".join(heading) + " |",
        "|" + "---|" * len(heading),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.0f} %"


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _nan(value: float | None) -> float:
    return float("nan") if value is None else value
