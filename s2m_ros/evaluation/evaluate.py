"""Run perception over a data set and measure it: score map, score map cut, masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from ..perception.images import at_image_size, read_rgb
from ..perception.interfaces import Frame
from ..perception.pipeline import Perception
from ..types import Bool, Float32, InputError, ObjectMasks
from .component import ComponentMetrics, FrameComponents, component_metrics, frame_components
from .layouts import Label, Sample, read_label
from .pixel import PixelMetrics, PixelPool
from .s2m import FrameCurves, S2MMetrics, frame_curves, s2m_metrics

STEPS = {"score": ("encode", "score"), "prompt": ("prompt",), "mask": ("mask", "select")}
SIZES = ((0, 32**2), (32**2, 96**2), (96**2, 1 << 62))
SIZE_NAMES = ("under 32x32", "32x32 to 96x96", "over 96x96")


@dataclass(frozen=True, slots=True)
class Options:
    """How labels are read, which components count (pixels), and which masks.

    min_evidence: masks under it are found but not counted; sweep: also try these cuts, and report
    the one that is best for the set beside it.
    """

    anomaly_values: tuple[int, ...] = (1, 2)
    ignore_values: tuple[int, ...] = (255,)
    min_pred_px: int = 0
    min_gt_px: int = 0
    min_evidence: float = 0.0
    sweep: tuple[float, ...] = ()


SWEEP = tuple(round(0.2 + 0.05 * i, 2) for i in range(14))


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """One frame: what perception found and how its masks and its cut score map compare."""

    sample: Sample
    masks: ObjectMasks
    timings_ms: dict[str, float]
    clean: bool
    masks_components: FrameComponents
    masks_curves: FrameCurves | None
    sweep_components: tuple[FrameComponents, ...] = ()
    threshold_components: FrameComponents | None = None
    threshold_curves: FrameCurves | None = None

    @property
    def found(self) -> float:
        """Mean sIoU of the labelled objects, less the share of false masks; ranks the frames."""
        siou = float(self.masks_components.siou.mean()) if len(self.masks_components.siou) else 1.0
        false = float((self.masks_components.ppv < 0.25).sum())
        return siou - 0.1 * false


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """The figures of one set. The two families are named after who defined them.

    best_component, best_evidence: of the masks cut at the evidence that is best for this set, as
    the score map is cut at its best threshold; None without a sweep.
    """

    frames: tuple[FrameResult, ...]
    scorer: str
    model: str
    pixel: PixelMetrics
    threshold_component: ComponentMetrics
    threshold_s2m: S2MMetrics
    masks_component: ComponentMetrics
    masks_s2m: S2MMetrics
    clean_frames: int
    false_masks: int
    ms_per_frame: dict[str, float]
    best_component: ComponentMetrics | None = None
    best_evidence: float | None = None


def evaluate(
    perception: Perception,
    samples: Sequence[Sample],
    options: Options,
    advance: Callable[[], None] = lambda: None,
) -> Report:
    """Two passes: perceive every frame and pool its pixels, then cut all at the best threshold.

    ``advance`` is called once a frame and pass.
    """
    pool = PixelPool()
    first: list[tuple[FrameResult, Float32]] = []
    for sample in samples:
        frame = perception.perceive(read_rgb(sample.image), camera=sample.name)
        label = _label(sample, frame.masks, options)
        pool.add(at_label_size(frame.raw, label), label.anomaly, label.ignore)
        first.append((_measure(sample, frame, label, options), frame.raw))
        advance()
    pixel = pool.metrics()
    del pool
    results = []
    for result, raw in first:
        label = _label(result.sample, result.masks, options)
        cut = at_label_size(raw, label) > pixel.threshold
        results.append(_with_threshold(result, cut, label, options))
        advance()
    return _report(perception, results, pixel, options)


def _label(sample: Sample, masks: ObjectMasks, options: Options) -> Label:
    if sample.label is None:
        none = np.zeros(masks.image_size[::-1], np.bool_)
        return Label(none, none)
    label = read_label(sample.label, options.anomaly_values, options.ignore_values)
    h, w = label.anomaly.shape
    if abs(w / h - masks.image_size[0] / masks.image_size[1]) > 0.02:
        raise InputError(
            str(sample.label),
            f"aspect of the label ({w}x{h}) unlike the image's {masks.image_size}",
            "give the label that belongs to the image",
        )
    return label


def at_label_size(raw: Float32, label: Label) -> Float32:
    """A score map laid bilinearly on the pixels of its label."""
    h, w = label.anomaly.shape
    return np.asarray(cv2.resize(raw, (w, h), interpolation=cv2.INTER_LINEAR), np.float32)


def canvas_of(masks: ObjectMasks, shape: tuple[int, int]) -> Float32:
    """Evidence of the strongest mask at each pixel, 0 where there is none: float32 (H, W)."""
    canvas = np.zeros(masks.image_size[::-1], np.float32)
    for item in reversed(masks.items):
        canvas[at_image_size(masks, item)] = max(item.evidence, 1e-6)
    if canvas.shape == shape:
        return canvas
    how = cv2.INTER_NEAREST
    return np.asarray(cv2.resize(canvas, (shape[1], shape[0]), interpolation=how), np.float32)


def _measure(sample: Sample, frame: Frame, label: Label, options: Options) -> FrameResult:
    shape = (label.anomaly.shape[0], label.anomaly.shape[1])
    everything = canvas_of(frame.masks, shape)
    strong = tuple(m for m in frame.masks.items if m.evidence >= options.min_evidence)
    masks = replace(frame.masks, items=strong)
    canvas = np.where(everything >= options.min_evidence, everything, np.float32(0))
    times = {name: sum(frame.timings_ms[step] for step in steps) for name, steps in STEPS.items()}
    return FrameResult(
        sample=sample,
        masks=masks,
        timings_ms={**times, "total": frame.timings_ms["total"]},
        clean=not (label.anomaly & ~label.ignore).any() and not label.ignore.all(),
        masks_components=_components(canvas > 0, label, options),
        masks_curves=frame_curves(canvas, label.anomaly, label.ignore),
        sweep_components=tuple(
            _components(everything >= cut, label, options) for cut in options.sweep
        ),
    )


def _with_threshold(result: FrameResult, cut: Bool, label: Label, options: Options) -> FrameResult:
    return replace(
        result,
        threshold_components=_components(cut, label, options),
        threshold_curves=frame_curves(2 * cut.astype(np.float32), label.anomaly, label.ignore),
    )


def _components(predicted: Bool, label: Label, options: Options) -> FrameComponents:
    return frame_components(
        predicted, label.anomaly, label.ignore, options.min_pred_px, options.min_gt_px
    )


def _report(
    perception: Perception,
    results: Sequence[FrameResult],
    pixel: PixelMetrics,
    options: Options,
) -> Report:
    clean = [r for r in results if r.clean]
    names = (*STEPS, "total")
    swept = [
        component_metrics([r.sweep_components[i] for r in results])
        for i in range(len(options.sweep))
    ]
    best = max(range(len(swept)), key=lambda i: (swept[i].f1, -i)) if swept else None
    return Report(
        frames=tuple(results),
        scorer=perception.scorer.name,
        model=perception.info["model"],
        pixel=pixel,
        threshold_component=component_metrics(
            [r.threshold_components for r in results if r.threshold_components is not None]
        ),
        threshold_s2m=s2m_metrics([r.threshold_curves for r in results]),
        masks_component=component_metrics([r.masks_components for r in results]),
        masks_s2m=s2m_metrics([r.masks_curves for r in results]),
        clean_frames=len(clean),
        false_masks=sum(len(r.masks.items) for r in clean),
        ms_per_frame={
            name: float(np.median([r.timings_ms[name] for r in results])) for name in names
        },
        best_component=None if best is None else swept[best],
        best_evidence=None if best is None else options.sweep[best],
    )
