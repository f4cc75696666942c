"""The figures of a set as plain data: what ``metrics.json`` and ``frames.json`` hold.

Fractions lie in [0, 1]. What a set cannot tell (the AP of frames without objects, the false masks
of a set without clean frames) is null; nothing is ever NaN.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..types import Bool
from .component import FrameComponents
from .evaluate import TOUCHED, FrameResult, Measured, Report

Tree = dict[str, Any]
Chosen = Callable[[FrameComponents], Bool]

STEPS = {"score": ("encode", "score"), "prompt": ("prompt",), "mask": ("mask", "select")}
"""The steps of the report, made of the stages of perception."""

SIZES = {
    "under 16x16": (0, 16**2),
    "16x16 to 32x32": (16**2, 32**2),
    "32x32 to 96x96": (32**2, 96**2),
    "over 96x96": (96**2, 1 << 62),
}
"""By the area of the labelled component, px."""


@dataclass(frozen=True, slots=True)
class About:
    """What was measured: names, hashes, the input size that was asked for ('' for the model's own)
    and the operating point."""

    scorer: str
    model: str
    version: str = ""
    encoder: str = ""
    segmenter: str = ""
    provider: str = ""
    asked_input: str = ""
    min_evidence: float | None = None


def document(report: Report, about: About) -> Tree:
    """The content of ``metrics.json``."""
    pixel, options = report.pixel, report.options
    false = report.false_masks / report.clean_frames if report.clean_frames else None
    with_masks = report.masks is not None
    tree = {
        "frames": len(report.frames),
        "scorer": about.scorer,
        "model": about.model,
        "model_version": about.version,
        "encoder_sha256": about.encoder,
        "segmenter": about.segmenter if with_masks else None,
        "provider": about.provider,
        "input": {"asked": about.asked_input or None, "used": inputs(report)},
        "score": {
            "pixel": {
                "ap": pixel.ap,
                "fpr95": pixel.fpr95,
                "auroc": pixel.auroc,
                "best_f1": pixel.best_f1,
                "best_threshold": pixel.threshold,
                "anomalous_px": pixel.positives,
                "normal_px": pixel.negatives,
            }
        },
        "threshold": _measured(report.threshold),
        "masks": None
        if report.masks is None
        else {**_measured(report.masks), "min_evidence": about.min_evidence},
        "masks_at_best_evidence": _best(report),
        "evidence_sweep": _sweep(report),
        "threshold_at": {name: _measured(part) for name, part in report.cuts.items()},
        "by_size": by_size(report),
        "by_category": by_category(report),
        "clean_frames": report.clean_frames,
        "false_masks": report.false_masks if with_masks else None,
        "false_masks_per_clean_frame": false if with_masks else None,
        "false_masks_per_minute": None
        if false is None or not with_masks
        else false * options.rate_hz * 60,
        "frame_rate_hz": options.rate_hz,
        "ms_per_frame": _steps(report, 50),
        "ms_per_frame_p95": _steps(report, 95),
        "ms_per_stage": _stages(report),
        "options": {
            "anomaly_values": list(options.anomaly_values),
            "ignore_values": list(options.ignore_values),
            "min_pred_px": options.min_pred_px,
            "min_gt_px": options.min_gt_px,
            "categories": {str(value): name for value, name in options.categories.items()},
        },
    }
    return {key: finite(value) for key, value in tree.items()}


def inputs(report: Report) -> list[str]:
    """The sizes of the network's input that occurred, as '960x544'."""
    return sorted({"{}x{}".format(*frame.found.input_size) for frame in report.frames})


def _measured(part: Measured) -> Tree:
    return {"component": asdict(part.component), "s2m": asdict(part.s2m)}


def _best(report: Report) -> Tree | None:
    best = report.best
    if best is None or report.weak is None:
        return None
    return {
        "min_evidence": best.min_evidence,
        "component": asdict(best.component),
        "s2m": asdict(report.weak),
    }


def _sweep(report: Report) -> list[Tree]:
    return [
        {
            "min_evidence": row.min_evidence,
            **{name: getattr(row.component, name) for name in ("siou", "ppv", "f1")},
            "false_masks_per_clean_frame": row.false_masks / report.clean_frames
            if report.clean_frames
            else None,
        }
        for row in report.sweep
    ]


def by_size(report: Report) -> dict[str, Tree]:
    """Mean sIoU, and the share of objects with sIoU over .25, by the area of the object."""
    return {name: _objects(report, _within(*limits)) for name, limits in SIZES.items()}


def by_category(report: Report) -> dict[str, Tree]:
    """The same by the category of the object; empty where no categories are labelled."""
    values: dict[str, list[int]] = {}
    for value, name in report.options.categories.items():
        values.setdefault(name, []).append(value)
    return {name: _objects(report, _valued(those)) for name, those in values.items()}


def _within(low: int, high: int) -> Chosen:
    return lambda part: np.asarray((part.area >= low) & (part.area < high))


def _valued(values: Sequence[int]) -> Chosen:
    return lambda part: np.isin(part.value, values)


def _objects(report: Report, chosen: Chosen) -> Tree:
    row: Tree = {}
    for what in ("threshold", "masks"):
        parts = [
            part.components.siou[chosen(part.components)]
            for frame in report.frames
            if (part := getattr(frame, what)) is not None
        ]
        siou = np.concatenate(parts) if parts else np.zeros(0)
        row.setdefault("objects", len(siou))
        row[what] = {
            "siou": float(siou.mean()) if len(siou) else None,
            "found": float((siou >= TOUCHED).mean()) if len(siou) else None,
        }
    return row


def _times(report: Report, stages: Sequence[str]) -> list[float]:
    return [
        sum(frame.found.timings_ms.get(stage, 0.0) for stage in stages) for frame in report.frames
    ]


def _steps(report: Report, percentile: float) -> Tree:
    steps = {**STEPS, "total": ("total",)}
    if report.masks is None:
        steps = {name: steps[name] for name in ("score", "total")}
    return {
        name: float(np.percentile(_times(report, stages), percentile))
        for name, stages in steps.items()
    }


def _stages(report: Report) -> Tree:
    there = report.frames[0].found.timings_ms if report.frames else {}
    names = [*(name for name in there if name != "total"), *(["total"] if there else [])]
    return {
        name: {f"p{p}": float(np.percentile(_times(report, [name]), p)) for p in (50, 95)}
        for name in names
    }


def frames(report: Report) -> list[Tree]:
    """The content of ``frames.json``: each frame's figures, the worst frame first."""
    rows = [_frame(frame) for frame in ranked(report)]
    return [{key: finite(value) for key, value in row.items()} for row in rows]


def ranked(report: Report) -> list[FrameResult]:
    """The frames, the worst first."""
    return sorted(report.frames, key=lambda frame: (frame.quality, frame.sample.name))


def _frame(frame: FrameResult) -> Tree:
    row: Tree = {
        "name": frame.sample.name,
        "image": str(frame.sample.image),
        "clean": frame.clean,
        "objects": len(frame.threshold.components.siou),
        "quality": frame.quality,
        "false_masks": frame.false if frame.clean and frame.masks is not None else None,
    }
    for what in ("threshold", "masks"):
        part = getattr(frame, what)
        if part is None:
            continue
        siou, ppv = part.components.siou, part.components.ppv
        row[what] = {
            "siou": float(siou.mean()) if len(siou) else None,
            "found": int((siou >= TOUCHED).sum()),
            "regions": len(ppv),
            "false_regions": int((ppv < TOUCHED).sum()),
        }
    return row


def finite(value: Any) -> Any:
    """The value with each float rounded to six places, NaN and infinities as None."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def write_json(tree: Any, path: Path) -> None:
    """Write as strict JSON (ValueError for a NaN), whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(tree, indent=2, allow_nan=False) + "\n")
    partial.replace(path)
