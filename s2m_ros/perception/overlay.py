"""The picture that shows what was found: tinted masks with outlines, labels, a score heat map."""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Float32, ObjectMask, ObjectMasks, ScoreMap, State, UInt8
from .calibration import RARITY_LIMIT, rarity

Colour = tuple[int, int, int]

PALETTE: tuple[Colour, ...] = (
    (255, 92, 53),
    (0, 196, 255),
    (255, 200, 0),
    (190, 90, 255),
    (60, 220, 120),
    (255, 90, 170),
    (90, 140, 255),
    (200, 230, 60),
)
"""RGB, one for each mask in turn."""

FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw(image: UInt8, masks: ObjectMasks, score: ScoreMap | None = None) -> UInt8:
    """Paint masks, and the score map under them, over a copy of uint8 (H, W, 3) RGB."""
    canvas = image.copy() if score is None else heat(image, score)
    h, w = canvas.shape[:2]
    thickness = max(1, round(min(h, w) / 400))
    for item in reversed(masks.items):
        _paint(canvas, masks, item, PALETTE[(item.id - 1) % len(PALETTE)], thickness)
    taken: list[tuple[int, int, int, int]] = []
    for item in masks.items:
        _label(canvas, masks, item, PALETTE[(item.id - 1) % len(PALETTE)], taken)
    if masks.state != State.OK:
        _banner(canvas, f"{masks.state.name}: {masks.reason}" if masks.reason else masks.state.name)
    return canvas


def heat(image: UInt8, score: ScoreMap, strength: float = 0.75) -> UInt8:
    """The image with the score map over it: clear where normal, red to yellow where rare."""
    level = np.clip((rarity(score.scores) - 1.0) / (RARITY_LIMIT - 1.5), 0, 1)
    size = (image.shape[1], image.shape[0])
    level = cv2.resize(level, size, interpolation=cv2.INTER_LINEAR)[..., None]
    colour = np.concatenate(
        [np.full_like(level, 255), 235 * np.square(level), np.full_like(level, 30)], axis=2
    )
    grey = image.mean(axis=2, keepdims=True, dtype=np.float32)
    muted = 0.55 * grey + 0.45 * image
    alpha = strength * level
    return np.asarray(muted * (1 - alpha) + colour * alpha, np.uint8)


def _paint(
    canvas: UInt8, masks: ObjectMasks, item: ObjectMask, colour: Colour, thickness: int
) -> None:
    h, w = canvas.shape[:2]
    sx, sy = w / masks.grid_size[0], h / masks.grid_size[1]
    rows, columns = item.bits.shape
    margin = 2  # room for the outline of a mask that ends at the patch
    patch = cv2.copyMakeBorder(
        item.bits.astype(np.float32), margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=0
    )
    x0, y0 = round((item.x - margin) * sx), round((item.y - margin) * sy)
    size = (max(1, round((columns + 2 * margin) * sx)), max(1, round((rows + 2 * margin) * sy)))
    soft = cv2.resize(patch, size, interpolation=cv2.INTER_LINEAR)
    left, top = max(0, -x0), max(0, -y0)
    right, bottom = min(size[0], w - x0), min(size[1], h - y0)
    if right <= left or bottom <= top:
        return
    region = canvas[y0 + top : y0 + bottom, x0 + left : x0 + right]
    alpha = (0.42 * (soft > 0.5))[top:bottom, left:right, None].astype(np.float32)
    region[:] = np.asarray(region * (1 - alpha) + np.asarray(colour, np.float32) * alpha, np.uint8)
    contours, _ = cv2.findContours(
        (soft > 0.5).view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    cv2.drawContours(canvas, contours, -1, colour, thickness, cv2.LINE_AA, offset=(x0, y0))


def _label(
    canvas: UInt8,
    masks: ObjectMasks,
    item: ObjectMask,
    colour: Colour,
    taken: list[tuple[int, int, int, int]],
) -> None:
    h, w = canvas.shape[:2]
    size = max(0.38, min(h, w) / 1400)
    text = f"{item.id}  {item.evidence:.2f}"
    (width, height), base = cv2.getTextSize(text, FONT, size, 1)
    pad = max(2, height // 3)
    sx, sy = w / masks.image_size[0], h / masks.image_size[1]
    tall = height + base + 2 * pad
    x = int(np.clip(round(float(item.box[0]) * sx), 0, max(0, w - width - 2 * pad)))
    above = round(float(item.box[1]) * sy) - tall - 2
    below = round(float(item.box[3]) * sy) + 2
    tops = [above, below, above - tall, below + tall, above - 2 * tall, below + 2 * tall]
    spots = [(x, y, x + width + 2 * pad, y + tall) for y in tops if y >= 0 and y + tall <= h]
    free = [spot for spot in spots if not any(_touch(spot, other) for other in taken)]
    top = max(0, min(above, h - tall))
    spot = free[0] if free else (x, top, x + width + 2 * pad, top + tall)
    taken.append(spot)
    cv2.rectangle(canvas, spot[:2], spot[2:], colour, -1)
    dark = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] > 120
    ink = (20, 20, 20) if dark else (255, 255, 255)
    cv2.putText(
        canvas, text, (spot[0] + pad, spot[1] + pad + height), FONT, size, ink, 1, cv2.LINE_AA
    )


def _touch(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _banner(canvas: UInt8, text: str) -> None:
    h, w = canvas.shape[:2]
    size = max(0.5, min(h, w) / 900)
    (_, height), base = cv2.getTextSize(text, FONT, size, 1)
    cv2.rectangle(canvas, (0, 0), (w, 2 * height + base), (190, 30, 30), -1)
    cv2.putText(
        canvas, text, (height, round(1.6 * height)), FONT, size, (255, 255, 255), 1, cv2.LINE_AA
    )


def score_image(score: ScoreMap) -> Float32:
    """Rarity over ``RARITY_LIMIT``, float32 (h, w) in [0, 1], to store or show."""
    return np.asarray(rarity(score.scores) / RARITY_LIMIT, np.float32)
