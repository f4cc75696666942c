"""The chain as pictures: the same piece of the image once for each stage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from s2m_ros.audit.explain.chain import Chain
from s2m_ros.audit.rings import edges
from s2m_ros.audit.style import LEVELS, Colour
from s2m_ros.perception.interfaces import Candidate
from s2m_ros.perception.overlay import heat
from s2m_ros.store.reader import Frame
from s2m_ros.types import UInt8

WIDTH = 460
"""Of each panel, px."""
AROUND = 1.3
"""What is shown around the object, in its own size."""
LEAST = 96
"""Sides of the shown piece are at least so many image pixels."""
KEPT: Colour = (60, 220, 120)
DROPPED: Colour = (255, 120, 60)
SEEN: Colour = (120, 190, 255)


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """picture: uint8 (h, w, 3) RGB."""

    name: str
    title: str
    picture: UInt8


def panels(chain: Chain) -> list[Panel]:
    """One a stage; empty where no picture was stored."""
    frame = chain.frame
    image = frame.picture() if frame is not None else None
    if frame is None or image is None:
        return []
    return list(_panels(chain, frame, image))


def _panels(chain: Chain, frame: Frame, image: UInt8) -> Iterator[Panel]:
    box = chain.box
    scale = image.shape[1] / frame.masks.image_size[0]
    whole = image.copy()
    if box is not None:
        low, high = np.round(box[:2] * scale).astype(int), np.round(box[2:] * scale).astype(int)
        colour = _colour(chain)
        cv2.rectangle(whole, low.tolist(), high.tolist(), colour, 2, cv2.LINE_AA)
    yield Panel("image", "The image", whole)
    if box is None:
        return
    view = _View(image, box * scale, scale)
    if frame.score is not None:
        mapped = heat(image, frame.score)
        yield Panel("score", "Score: how rare each place looks", view.cut(mapped))
        if frame.weighed is not None:
            shown = view.cut(heat(image, frame.score, 0.45))
            for prompt in frame.weighed.prompts:
                own = chain.mask is not None and np.array_equal(prompt.box, chain.mask.prompt.box)
                view.box(shown, prompt.box, SEEN if own else (110, 120, 135), 2 if own else 1)
                if own:
                    view.points(shown, prompt.points, prompt.point_labels)
            yield Panel("prompt", "Prompts: where the decoder was told to look", shown)
    if chain.rivals:
        shown = view.cut(image)
        for rival in reversed(chain.rivals):
            verdict = rival.verdict
            view.outline(shown, frame, verdict.candidate, DROPPED if verdict.reason else KEPT)
        yield Panel("candidates", "Candidates: green kept, orange dropped", shown)
    if chain.mask is not None:
        mask = chain.mask
        chosen = Candidate(0, mask.x, mask.y, mask.bits, 0.0, 0.0)
        shown = view.cut(image)
        view.fill(shown, frame, chosen, _colour(chain))
        view.outline(shown, frame, chosen, _colour(chain))
        yield Panel("mask", "Mask, in the colour of its level", shown)


def _colour(chain: Chain) -> Colour:
    return LEVELS[chain.hazard.level] if chain.hazard is not None else SEEN


class _View:
    """A piece of a picture, enlarged. box: float32 (4,) in pixels of the picture; scale: pixels of
    the picture per pixel of the image."""

    def __init__(self, image: UInt8, box: np.ndarray[tuple[int], np.dtype[np.float32]],
                 scale: float) -> None:  # fmt: skip
        h, w = image.shape[:2]
        middle = (box[:2] + box[2:]) / 2
        side = max(float((box[2:] - box[:2]).max()) * (1 + 2 * AROUND), LEAST * scale)
        half = np.array([side, side * 0.75]) / 2
        half = np.minimum(half, np.array([w, h]) / 2)
        middle = np.clip(middle, half, np.array([w, h]) - half)
        self._low = np.floor(middle - half).astype(int)
        self._high = np.ceil(middle + half).astype(int)
        self._scale = scale
        self._zoom = WIDTH / max(int(self._high[0] - self._low[0]), 1)

    def cut(self, picture: UInt8) -> UInt8:
        (x0, y0), (x1, y1) = self._low, self._high
        piece = picture[y0:y1, x0:x1]
        size = (WIDTH, max(1, round(piece.shape[0] * self._zoom)))
        how = cv2.INTER_CUBIC if self._zoom > 1 else cv2.INTER_AREA
        return np.ascontiguousarray(cv2.resize(piece, size, interpolation=how), np.uint8)

    def _at(self, points: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> list[list[int]]:
        """Pixels of the panel at image pixels (N, 2)."""
        moved = (points * self._scale - self._low) * self._zoom
        return np.asarray(np.round(moved), int).tolist()  # type: ignore[no-any-return]

    def box(self, shown: UInt8, box: np.ndarray[tuple[int], np.dtype[np.float32]],
            colour: Colour, thick: int) -> None:  # fmt: skip
        low, high = self._at(box.reshape(2, 2))
        cv2.rectangle(shown, low, high, colour, thick, cv2.LINE_AA)

    def points(self, shown: UInt8, points: np.ndarray[tuple[int, int], np.dtype[np.float32]],
               labels: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:  # fmt: skip
        for place, label in zip(self._at(points), labels, strict=True):
            colour = KEPT if label > 0 else DROPPED
            cv2.circle(shown, place, 5, (16, 20, 27), -1, cv2.LINE_AA)
            cv2.circle(shown, place, 4, colour, -1, cv2.LINE_AA)

    def outline(self, shown: UInt8, frame: Frame, item: Candidate, colour: Colour) -> None:
        for ring in self._rings(frame, item):
            cv2.polylines(shown, [np.array(ring)], True, (16, 20, 27), 3, cv2.LINE_AA)
            cv2.polylines(shown, [np.array(ring)], True, colour, 2, cv2.LINE_AA)

    def fill(self, shown: UInt8, frame: Frame, item: Candidate, colour: Colour) -> None:
        painted = shown.copy()
        for ring in self._rings(frame, item):
            cv2.fillPoly(painted, [np.array(ring)], colour)
        shown[:] = cv2.addWeighted(painted, 0.4, shown, 0.6, 0)

    def _rings(self, frame: Frame, item: Candidate) -> Iterator[list[list[int]]]:
        """Outlines of a patch, around its cells."""
        corner = np.array([item.x, item.y])
        cell = np.divide(frame.masks.image_size, frame.masks.grid_size)
        for ring in edges(item.bits):
            yield self._at(((ring + corner) * cell).astype(np.float32))
