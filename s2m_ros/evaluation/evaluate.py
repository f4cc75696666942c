"""Second pass of an evaluation: compare what was found with the labels.

Three answers stand side by side: the score map, the score map cut at the threshold that is best
for the set, and the masks. Masks are counted at the operating point and, with a sweep, also cut at
the evidence that is best for the set, as the score map is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from ..perception.images import at_image_size
from ..types import Float32, InputError, ObjectMasks
from .component import ComponentMetrics, FrameComponents, LabelComponents, component_metrics
from .found import Found
from .layouts import Label, Sample, read_label
from .pixel import PixelMetrics, PixelPool
from .s2m import FrameCurves, S2MMetrics, cut_curves, frame_curves, s2m_metrics

SWEEP = tuple(round(0.2 + 0.05 * i, 2) for i in range(14))
"""Operating points, least evidence of a mask, that are tried to find what is best for a set."""

TOUCHED = 0.25
"""sIoU from which an object counts as found, and PPV under which a mask counts as false."""


@dataclass(frozen=True, slots=True)
class Options:
    """How labels are read and which components count (pixels).

    categories: names by label value; these values are anomalies too. cuts: further thresholds of
    the raw score, by name. rate_hz: frames a second, for rates a minute.
    """

    anomaly_values: tuple[int, ...] = (1, 2)
    ignore_values: tuple[int, ...] = (255,)
    min_pred_px: int = 0
    min_gt_px: int = 0
    categories: Mapping[int, str] = field(default_factory=dict)
    cuts: Mapping[str, float] = field(default_factory=dict)
    rate_hz: float = 10.0

    def with_cuts(self, cuts: Mapping[str, float]) -> Options:
        return replace(self, cuts=cuts)


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """One way to tell objects from the rest, on one frame."""

    components: FrameComponents
    curves: FrameCurves | None


@dataclass(frozen=True, slots=True, eq=False)
class FrameResult:
    """One frame and how the cut score map and the masks compare with its label.

    clean: nothing unknown is in it, and that is known. weak: the masks at the lowest point of the
    sweep; swept: at each point;
    false, swept_false: how many masks lie on ground that is not ignored, if the frame is clean.
    """

    found: Found
    clean: bool
    threshold: Compared
    cuts: tuple[Compared, ...]
    masks: Compared | None
    weak: Compared | None
    swept: tuple[FrameComponents, ...]
    false: int
    swept_false: tuple[int, ...]

    @property
    def sample(self) -> Sample:
        return self.found.sample

    @property
    def answer(self) -> Compared:
        """The masks, or the cut score map where there are none."""
        return self.threshold if self.masks is None else self.masks

    @property
    def false_regions(self) -> int:
        """False masks of a clean frame, else predicted components with next to nothing true."""
        if self.clean and self.masks is not None:
            return self.false
        return int((self.answer.components.ppv < TOUCHED).sum())

    @property
    def quality(self) -> float:
        """Mean sIoU of the labelled objects, less a tenth for each false mask; ranks the frames."""
        siou = self.answer.components.siou
        return (float(siou.mean()) if len(siou) else 1.0) - 0.1 * self.false_regions


@dataclass(frozen=True, slots=True)
class Swept:
    """The masks of a set at one operating point."""

    min_evidence: float
    component: ComponentMetrics
    false_masks: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One way to tell objects from the rest, over a set, in both families."""

    component: ComponentMetrics
    s2m: S2MMetrics


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """The figures of one set.

    masks: at the operating point, None where scores alone were asked for. weak: masks whatever
    their evidence, whose S2M family needs no operating point; sweep and it need a sweep.
    """

    frames: tuple[FrameResult, ...]
    options: Options
    pixel: PixelMetrics
    threshold: Measured
    cuts: Mapping[str, Measured]
    masks: Measured | None
    weak: S2MMetrics | None
    sweep: tuple[Swept, ...]
    clean_frames: int
    false_masks: int

    @property
    def best(self) -> Swept | None:
        """The point of the sweep with the highest component F1; the highest evidence of equals."""
        defined = [row for row in self.sweep if np.isfinite(row.component.f1)]
        return max(defined, key=lambda row: (row.component.f1, row.min_evidence), default=None)


def evaluate(
    found: Sequence[Found], options: Options, advance: Callable[[], None] = lambda: None
) -> Report:
    """Pool the pixels of all frames, then cut all at the best threshold and compare.

    ``advance`` is called once a frame. Raises InputError when a label is not the image's.
    """
    pool = PixelPool()
    for item in found:
        label = label_of(item, options)
        pool.add(at_label_size(item.raw, label), label.anomaly, label.ignore)
    pixel = pool.metrics()
    frames = []
    for item in found:
        frames.append(_frame(item, pixel.threshold, options))
        advance()
    return _report(frames, pixel, options)


def label_of(found: Found, options: Options) -> Label:
    """The label of a frame; a clean frame needs no file."""
    path = found.sample.label
    if path is None:
        shape = found.image_size[::-1]
        none = np.zeros(shape, np.bool_)
        return Label(none, none, np.zeros(shape, np.uint16))
    values = (*options.anomaly_values, *options.categories)
    label = read_label(path, values, options.ignore_values)
    h, w = label.anomaly.shape
    width, height = found.image_size
    if abs(w / h - width / height) > 0.02:
        raise InputError(
            str(path),
            f"aspect of the label ({w}x{h}) unlike the image's {width}x{height}",
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


def _frame(found: Found, threshold: float, options: Options) -> FrameResult:
    label = label_of(found, options)
    shape = (label.anomaly.shape[0], label.anomaly.shape[1])
    values = label.values if options.categories else None
    truth = LabelComponents(label.anomaly, label.ignore, options.min_gt_px, values)
    clean = not (label.anomaly & ~label.ignore).any() and not label.ignore.all()

    def cut(at: float) -> Compared:
        predicted = score > at
        return Compared(
            truth.compare(predicted, options.min_pred_px),
            cut_curves(predicted, label.anomaly, label.ignore),
        )

    def painted(canvas: Float32) -> Compared:
        return Compared(
            truth.compare(canvas > 0, options.min_pred_px),
            frame_curves(canvas, label.anomaly, label.ignore),
        )

    score = at_label_size(found.raw, label)
    masks = weak = None
    swept: tuple[FrameComponents, ...] = ()
    if found.masks is not None:
        canvas = canvas_of(found.masks, shape)
        masks = painted(canvas)
    if found.swept:
        weak = painted(canvas_of(found.swept[0], shape))
        seen: dict[tuple[float, ...], FrameComponents] = {}  # many points let the same through
        for part in found.swept:
            which = tuple(item.evidence for item in part.items)
            if which not in seen:
                seen[which] = truth.compare(canvas_of(part, shape) > 0, options.min_pred_px)
            swept += (seen[which],)
    return FrameResult(
        found,
        clean,
        cut(threshold),
        tuple(cut(at) for at in options.cuts.values()),
        masks,
        weak,
        swept,
        _false(found.masks, label) if clean else 0,
        tuple(_false(part, label) if clean else 0 for part in found.swept),
    )


def _false(masks: ObjectMasks | None, label: Label) -> int:
    """Masks of a clean frame, most of which is not ignored."""
    if masks is None:
        return 0
    if not label.ignore.any():
        return len(masks.items)
    size = masks.image_size
    ignore = cv2.resize(label.ignore.view(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0
    return sum(float(ignore[at_image_size(masks, item)].mean()) < 0.5 for item in masks.items)


def _report(frames: Sequence[FrameResult], pixel: PixelMetrics, options: Options) -> Report:
    clean = [f for f in frames if f.clean]
    whole = all(f.masks is not None for f in frames)
    sweep = all(f.weak is not None for f in frames)
    return Report(
        frames=tuple(frames),
        options=options,
        pixel=pixel,
        threshold=_pooled([f.threshold for f in frames]),
        cuts={name: _pooled([f.cuts[i] for f in frames]) for i, name in enumerate(options.cuts)},
        masks=_pooled([f.masks for f in frames if f.masks is not None]) if whole else None,
        weak=s2m_metrics([f.weak.curves for f in frames if f.weak is not None]) if sweep else None,
        sweep=tuple(
            Swept(
                least,
                component_metrics([f.swept[i] for f in frames]),
                sum(f.swept_false[i] for f in clean),
            )
            for i, least in enumerate(SWEEP)
        )
        if sweep
        else (),
        clean_frames=len(clean),
        false_masks=sum(f.false for f in clean),
    )


def _pooled(parts: Sequence[Compared]) -> Measured:
    return Measured(
        component_metrics([part.components for part in parts]),
        s2m_metrics([part.curves for part in parts]),
    )
