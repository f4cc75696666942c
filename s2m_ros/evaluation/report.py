"""What an evaluation found: metrics.json, report.md and report.html."""

from __future__ import annotations

import base64
import html
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..perception.images import read_rgb
from ..perception.overlay import draw
from ..types import UInt8
from .evaluate import SIZE_NAMES, SIZES, FrameResult, Options, Report
from .layouts import read_label

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 6


def document(report: Report, options: Options) -> dict[str, Any]:
    """The content of ``metrics.json``; fractions in [0, 1], NaN as null."""
    pixel = report.pixel
    tree = {
        "frames": len(report.frames),
        "scorer": report.scorer,
        "model": report.model,
        "score": {
            "pixel": {
                "ap": pixel.ap,
                "fpr95": pixel.fpr95,
                "auroc": pixel.auroc,
                "best_f1": pixel.best_f1,
                "best_threshold": pixel.threshold,
            }
        },
        "threshold": {
            "component": _component(report.threshold_component),
            "s2m": _s2m(report.threshold_s2m),
        },
        "masks": {
            "component": _component(report.masks_component),
            "s2m": _s2m(report.masks_s2m),
            "min_evidence": options.min_evidence,
        },
        "masks_at_best_evidence": None
        if report.best_component is None
        else {
            "component": _component(report.best_component),
            "min_evidence": report.best_evidence,
        },
        "by_size": by_size(report),
        "clean_frames": report.clean_frames,
        "false_masks_per_clean_frame": (
            report.false_masks / report.clean_frames if report.clean_frames else None
        ),
        "ms_per_frame": report.ms_per_frame,
        "options": {
            "anomaly_values": list(options.anomaly_values),
            "ignore_values": list(options.ignore_values),
            "min_pred_px": options.min_pred_px,
            "min_gt_px": options.min_gt_px,
        },
    }
    return {key: _finite(value) for key, value in tree.items()}


def _component(metrics: Any) -> dict[str, Any]:
    return {
        "siou": metrics.siou,
        "ppv": metrics.ppv,
        "f1": metrics.f1,
        "objects": metrics.objects,
        "predictions": metrics.predictions,
    }


def _s2m(metrics: Any) -> dict[str, Any]:
    return {
        "iou": metrics.iou,
        "mean_f1": metrics.mean_f1,
        "auiou": metrics.auiou,
        "threshold": metrics.threshold,
        "images": metrics.images,
    }


def by_size(report: Report) -> dict[str, dict[str, Any]]:
    """Mean sIoU, and the share of objects with sIoU over .25, by the area of the object."""
    rows: dict[str, dict[str, Any]] = {}
    for name, (low, high) in zip(SIZE_NAMES, SIZES, strict=True):
        row: dict[str, Any] = {}
        for what in ("threshold", "masks"):
            parts = [
                part.siou[(part.area >= low) & (part.area < high)]
                for frame in report.frames
                if (part := getattr(frame, f"{what}_components")) is not None
            ]
            siou = np.concatenate(parts) if parts else np.zeros(0)
            row["objects"] = len(siou)
            row[what] = {
                "siou": float(siou.mean()) if len(siou) else None,
                "found": float((siou >= 0.25).mean()) if len(siou) else None,
            }
        rows[name] = row
    return rows


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return round(value, 6) if isinstance(value, float) else value


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"


def rows(tree: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Name of the figure, then: score map alone, score map cut, masks."""
    pixel, cut, masks = tree["score"]["pixel"], tree["threshold"], tree["masks"]
    lines = [
        ("pixel AP", percent(pixel["ap"]), "", ""),
        ("pixel FPR95", percent(pixel["fpr95"]), "", ""),
        ("pixel AUROC", percent(pixel["auroc"]), "", ""),
    ]
    for key, name in (("siou", "sIoU"), ("ppv", "PPV"), ("f1", "F1")):
        lines.append(
            (
                f"component {name}",
                "",
                percent(cut["component"][key]),
                percent(masks["component"][key]),
            )
        )
    best = tree["masks_at_best_evidence"]
    if best is not None:
        cut_at = f"component F1, masks cut at their best evidence ({best['min_evidence']:.2f})"
        lines.append((cut_at, "", "", percent(best["component"]["f1"])))
    for key, name in (("iou", "IoU"), ("mean_f1", "mean F1")):
        lines.append((f"S2M {name}", "", percent(cut["s2m"][key]), percent(masks["s2m"][key])))
    for size, row in tree["by_size"].items():
        if row["objects"]:
            lines.append(
                (
                    f"found, {size} px ({row['objects']})",
                    "",
                    percent(row["threshold"]["found"]),
                    percent(row["masks"]["found"]),
                )
            )
    false = tree["false_masks_per_clean_frame"]
    shown = "-" if false is None else f"{false:.3f}"
    lines.append((f"false masks a clean frame ({tree['clean_frames']} frames)", "", "", shown))
    return lines


HEADINGS = ("%", "score map", "cut at its best threshold", "masks")


def table(tree: dict[str, Any]) -> Table:
    """The figures for the terminal."""
    from rich.table import Table

    title = f"{tree['model']}, scorer {tree['scorer']}, {tree['frames']} frames"
    result = Table(title=title, title_justify="left", caption=_timing(tree))
    for i, heading in enumerate(HEADINGS):
        result.add_column(heading, justify="right" if i else "left")
    for row in rows(tree):
        result.add_row(*row)
    return result


def _timing(tree: dict[str, Any]) -> str:
    steps = tree["ms_per_frame"]
    parts = ", ".join(f"{name} {steps[name]:.0f}" for name in ("score", "prompt", "mask"))
    return f"median ms a frame: {steps['total']:.0f} ({parts})"


def write(report: Report, options: Options, out: Path) -> None:
    """Write the three files to the folder, which is made."""
    out.mkdir(parents=True, exist_ok=True)
    tree = document(report, options)
    (out / "metrics.json").write_text(json.dumps(tree, indent=2) + "\n")
    (out / "report.md").write_text(markdown(tree))
    (out / "report.html").write_text(page(report, options, tree))


def markdown(tree: dict[str, Any]) -> str:
    lines = [
        f"# {tree['model']}, scorer {tree['scorer']}, {tree['frames']} frames",
        "",
        "| " + " | ".join(HEADINGS) + " |",
        "|---|---:|---:|---:|",
        *("| " + " | ".join(row) + " |" for row in rows(tree)),
        "",
        _timing(tree),
        "",
    ]
    return "\n".join(lines)


STYLE = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:1180px;padding:0 1rem;
color:#1c2430;background:#fafbfc}
h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .6rem}
p.note{color:#5b6675;margin:.2rem 0 1.2rem}
table{border-collapse:collapse;background:#fff;border:1px solid #dfe4ea}
th,td{padding:.35rem .9rem;border-bottom:1px solid #eceff3;text-align:right}
th:first-child,td:first-child{text-align:left}th{background:#f1f4f8;font-weight:600}
.frames{display:grid;grid-template-columns:repeat(auto-fill,minmax(360px,1fr));gap:1rem}
figure{margin:0;background:#fff;border:1px solid #dfe4ea}img{width:100%;display:block}
figcaption{padding:.4rem .7rem;font-size:.85rem;color:#48525f}
"""


def page(report: Report, options: Options, tree: dict[str, Any]) -> str:
    """One self-contained HTML page: the table, the worst and the best frames."""
    ranked = sorted(report.frames, key=lambda f: (f.found, f.sample.name))
    worst = ranked[:SHOWN]
    rest = [frame for frame in reversed(ranked) if frame not in worst]
    best = [frame for frame in rest if not frame.clean][:SHOWN]
    head = "".join(f"<th>{html.escape(text)}</th>" for text in HEADINGS)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
        for row in rows(tree)
    )
    title = f"{tree['model']}, scorer {tree['scorer']}"
    note = (
        f"{tree['frames']} frames. {_timing(tree)}. An object is found when its sIoU is over .25. "
    )
    note += "Labels are outlined in white."
    sections = "".join(
        f"<h2>{name}</h2><div class=frames>{''.join(_figure(f, options) for f in frames)}</div>"
        for name, frames in (("Worst frames", worst), ("Best frames", best))
        if frames
    )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{html.escape(title)}</title>"
        f"<style>{STYLE}</style><h1>{html.escape(title)}</h1><p class=note>{html.escape(note)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{sections}</html>\n"
    )


def _figure(frame: FrameResult, options: Options) -> str:
    picture = base64.b64encode(_picture(frame, options)).decode()
    siou = frame.masks_components.siou
    false = int((frame.masks_components.ppv < 0.25).sum())
    mean = f"mean sIoU {100 * siou.mean():.0f} of {len(siou)} objects" if len(siou) else "clean"
    caption = html.escape(f"{frame.sample.name}: {mean}, {false} false")
    return (
        f'<figure><img alt="{caption}" src="data:image/jpeg;base64,{picture}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _picture(frame: FrameResult, options: Options, width: int = 720) -> bytes:
    image = read_rgb(frame.sample.image)
    size = (width, round(width * image.shape[0] / image.shape[1]))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    canvas: UInt8 = draw(small, frame.masks)
    if frame.sample.label is not None:
        label = read_label(frame.sample.label, options.anomaly_values, options.ignore_values)
        truth = cv2.resize(label.anomaly.view(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        outlines, _ = cv2.findContours(truth, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(canvas, outlines, -1, (255, 255, 255), 1, cv2.LINE_AA)
    _, data = cv2.imencode(".jpg", canvas[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])
    return bytes(data.tobytes())
