"""What an evaluation of one set found, for people: tables, ``report.md``, ``report.html``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .document import About, Tree, document, frames, ranked, write_json
from .evaluate import Report
from .page import Picture, write_page
from .pictures import picture_of, scale_of
from .tables import Grid, markdown, number, percent

SHOWN = 6
"""Worst frames on the page, and best ones."""

HEAD = ("%", "score map", "cut at its best threshold", "masks")


def write(report: Report, about: About, out: Path, made_from: str = "") -> Tree:
    """Write metrics.json, frames.json, report.md and report.html to the folder, which is made.

    made_from: digest of all that the figures depend on. Returns the content of metrics.json.
    """
    tree = document(report, about)
    if made_from:
        tree["made_from"] = made_from
    write_json(tree, out / "metrics.json")
    write_json(frames(report), out / "frames.json")
    tables = grids(tree)
    (out / "report.md").write_text("\n".join([f"# {title(tree)}", "", *map(markdown, tables)]))
    write_page(
        out / "report.html",
        title(tree),
        subtitle(tree),
        tables,
        {name: pictures for name, pictures in gallery(report).items() if pictures},
    )
    return tree


def title(tree: Tree) -> str:
    return f"{tree['model']}, scorer {tree['scorer']}, {tree['frames']} frames"


def subtitle(tree: Tree) -> str:
    seen = ", ".join(tree["input"]["used"])
    parts = [f"network input {seen}", *([tree["segmenter"]] if tree["segmenter"] else [])]
    if tree["masks"] is not None and tree["masks"]["min_evidence"] is not None:
        parts.append(f"masks from evidence {tree['masks']['min_evidence']:.2f} on")
    return ", ".join(parts)


def grids(tree: Tree) -> list[Grid]:
    """Every table of a set; those that would be empty are left out."""
    tables = [
        figures(tree),
        objects("By size of the object", tree["by_size"]),
        objects("By category", tree["by_category"]),
        sweep(tree),
        timing(tree),
    ]
    return [table for table in tables if table.rows]


def figures(tree: Tree) -> Grid:
    """Score map alone, score map cut, masks."""
    pixel = tree["score"]["pixel"]
    rows = [
        (f"pixel {name}", percent(pixel[key]), "", "")
        for key, name in (("ap", "AP"), ("fpr95", "FPR95"), ("auroc", "AUROC"))
    ]
    for family, keys in (
        ("component", {"siou": "sIoU", "ppv": "PPV", "f1": "F1"}),
        ("s2m", {"iou": "IoU", "mean_f1": "mean F1"}),
    ):
        label = "S2M" if family == "s2m" else family
        for key, name in keys.items():
            cut, masks = (
                "" if tree[what] is None else percent(tree[what][family][key])
                for what in ("threshold", "masks")
            )
            rows.append((f"{label} {name}", "", cut, masks))
    for name, cut in tree["threshold_at"].items():
        rows.append((f"component F1, cut at {name}", "", percent(cut["component"]["f1"]), ""))
    best = tree["masks_at_best_evidence"]
    if best is not None:
        at = f"masks cut at evidence {best['min_evidence']:.2f}, the best for this set"
        rows.append((f"component F1, {at}", "", "", percent(best["component"]["f1"])))
        rows.append(("S2M IoU, all masks", "", "", percent(best["s2m"]["iou"])))
    note = ""
    if tree["clean_frames"] and tree["false_masks"] is not None:
        note = (
            f"{tree['false_masks']} false masks on {tree['clean_frames']} clean frames: "
            f"{tree['false_masks_per_clean_frame']:.4f} a frame, "
            f"{tree['false_masks_per_minute']:.2f} a minute at {tree['frame_rate_hz']:g} frames/s."
        )
    return Grid("Figures", HEAD, rows, note)


def objects(name: str, groups: Tree) -> Grid:
    """Share of objects found and their sIoU, by group."""
    rows = []
    for group, row in groups.items():
        if row["objects"]:
            cells = [percent(row[what][key]) for what in ("threshold", "masks")
                     for key in ("found", "siou")]  # fmt: skip
            rows.append((group, str(row["objects"]), *cells))
    head = ("%", "objects", "cut: found", "cut: sIoU", "masks: found", "masks: sIoU")
    return Grid(name, head, rows, "Found: sIoU of at least .25. Size: labelled pixels.")


def sweep(tree: Tree) -> Grid:
    rows = [
        (
            f"{row['min_evidence']:.2f}",
            percent(row["f1"]),
            percent(row["siou"]),
            percent(row["ppv"]),
            number(row["false_masks_per_clean_frame"], 3),
        )
        for row in tree["evidence_sweep"]
    ]
    head = ("masks from evidence", "component F1", "sIoU", "PPV", "false a clean frame")
    return Grid("Masks by their evidence, %", head, rows)


def timing(tree: Tree) -> Grid:
    rows = [
        (name, number(row["p50"], 1), number(row["p95"], 1))
        for name, row in tree["ms_per_stage"].items()
    ]
    return Grid("Milliseconds a frame", ("stage", "p50", "p95"), rows)


def gallery(report: Report) -> dict[str, Sequence[Picture]]:
    """Pictures of the worst frames and of the best ones with objects in them."""
    order = ranked(report)
    worst = order[:SHOWN]
    best = [frame for frame in reversed(order) if not frame.clean and frame not in worst][:SHOWN]
    scale = scale_of(report)
    return {
        "Worst frames": [picture_of(frame, report, scale) for frame in worst],
        "Best frames": [picture_of(frame, report, scale) for frame in best],
    }
