"""One frame in four panels: the image with its label, score map, cut score map, masks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ..perception.images import read_rgb
from ..perception.overlay import draw
from ..types import Bool, Float32, UInt8
from .evaluate import FrameResult, Options, Report, label_of
from .page import Panel, Picture

WIDTH = 960
TRUTH, TRUE, FALSE = (255, 255, 255), (60, 200, 110), (235, 70, 60)
IGNORED = (40, 44, 52)


@dataclass(frozen=True, slots=True)
class Scale:
    """Raw scores that the heat map shows as black, as its middle, as its brightest."""

    low: float
    cut: float
    high: float

    def level(self, raw: Float32) -> Float32:
        """float32 in [0, 1], .5 at the cut."""
        points = np.maximum.accumulate([self.low, self.cut, self.high])
        points += np.arange(3) * 1e-6 * max(abs(points[0]), abs(points[2]), 1e-6)
        return np.asarray(np.interp(raw, points, [0.0, 0.5, 1.0]), np.float32)


def scale_of(report: Report) -> Scale:
    """From the median score over the best threshold to the highest per mille."""
    sample = np.concatenate([frame.found.raw.ravel()[::7] for frame in report.frames])
    low, late, high = (float(v) for v in np.quantile(sample, (0.5, 0.99, 0.999)))
    cut = report.pixel.threshold if np.isfinite(report.pixel.threshold) else late
    return Scale(low, cut, max(high, cut))


def picture_of(frame: FrameResult, report: Report, scale: Scale) -> Picture:
    """The panels of a frame, each at most WIDTH wide, and what to say of it."""
    image = read_rgb(frame.sample.image)
    width = min(WIDTH, image.shape[1])
    size = (width, round(width * image.shape[0] / image.shape[1]))
    small = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    anomaly, ignore = _label(frame, report.options, size)
    raw = np.asarray(cv2.resize(frame.found.raw, size, interpolation=cv2.INTER_LINEAR), np.float32)
    cut = raw > report.pixel.threshold
    shown = {
        "image and label": _shaded(small, ignore),
        "score map": _heat(scale.level(raw)),
        "cut at its best threshold": _judged(small, cut, anomaly, ignore),
    }
    if frame.found.masks is not None:
        shown["masks"] = draw(small, frame.found.masks)
    panels = [Panel(name, _jpeg(_outlined(part, anomaly))) for name, part in shown.items()]
    return Picture(frame.sample.name, _facts(frame), panels)


def _facts(frame: FrameResult) -> str:
    parts = ["clean"] if frame.clean else []
    for name, part in (("masks", frame.masks), ("cut", frame.threshold)):
        if part is None:
            continue
        siou = part.components.siou
        if len(siou):
            found = int((siou >= 0.25).sum())
            parts.append(f"{name}: {found} of {len(siou)} found, mean sIoU {100 * siou.mean():.0f}")
        false = int((part.components.ppv < 0.25).sum())
        if false:
            parts.append(f"{name}: {false} false")
    return ", ".join(parts)


def _label(frame: FrameResult, options: Options, size: tuple[int, int]) -> tuple[Bool, Bool]:
    label = label_of(frame.found, options)
    how = cv2.INTER_AREA  # so that no object of a few pixels is lost
    anomaly = cv2.resize(
        (label.anomaly & ~label.ignore).astype(np.float32), size, interpolation=how
    )
    ignore = cv2.resize(label.ignore.astype(np.float32), size, interpolation=how)
    return np.asarray(anomaly > 0.25), np.asarray(ignore > 0.5)


def _outlined(picture: UInt8, area: Bool) -> UInt8:
    """The outline of the labelled objects in white on black, a little outside of them."""
    canvas: UInt8 = picture.copy()
    margin = cv2.dilate(area.view(np.uint8), np.ones((7, 7), np.uint8))
    outlines, _ = cv2.findContours(margin, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(canvas, outlines, -1, (0, 0, 0), 2, cv2.LINE_AA)
    cv2.drawContours(canvas, outlines, -1, TRUTH, 1, cv2.LINE_AA)
    return canvas


def _shaded(picture: UInt8, ignore: Bool) -> UInt8:
    return _tinted(picture, ignore, IGNORED, 0.6)


def _heat(level: Float32) -> UInt8:
    coloured = cv2.applyColorMap((255 * level).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return np.asarray(coloured[..., ::-1], np.uint8)


def _judged(picture: UInt8, cut: Bool, anomaly: Bool, ignore: Bool) -> UInt8:
    muted = _shaded(np.asarray(0.6 * picture + 60, np.uint8), ignore)
    cut = cut & ~ignore
    return _tinted(_tinted(muted, cut & anomaly, TRUE, 0.7), cut & ~anomaly, FALSE, 0.7)


def _tinted(picture: UInt8, area: Bool, colour: tuple[int, int, int], alpha: float) -> UInt8:
    canvas: UInt8 = picture.copy()
    mixed = picture[area] * (1 - alpha) + np.asarray(colour, np.float32) * alpha
    canvas[area] = mixed.astype(np.uint8)
    return canvas


def _jpeg(picture: UInt8) -> bytes:
    _, data = cv2.imencode(
        ".jpg", np.ascontiguousarray(picture[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 82]
    )
    return bytes(data.tobytes())
