"""Colours and lettering that the report, the video and the 3D recording share."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from s2m_ros.types import Level, State, UInt8

Colour = tuple[int, int, int]

LEVELS: dict[Level, Colour] = {
    Level.INFO: (86, 156, 226),
    Level.CAUTION: (240, 200, 60),
    Level.WARNING: (245, 140, 40),
    Level.CRITICAL: (232, 52, 60),
}
STATES: dict[State, Colour] = {
    State.OK: (62, 160, 104),
    State.BUILDING: (110, 130, 160),
    State.DEGRADED: (222, 165, 40),
    State.UNKNOWN: (150, 90, 190),
    State.FAULT: (200, 40, 48),
}
INK: Colour = (236, 240, 245)
MUTED: Colour = (150, 160, 174)
PANEL: Colour = (20, 25, 33)
GRID: Colour = (52, 61, 76)
UNCONFIRMED: Colour = (190, 200, 214)


def hexed(colour: Colour) -> str:
    """'#rrggbb'."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def readable_on(colour: Colour) -> Colour:
    """Dark or light ink, whichever stands out."""
    luminance = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
    return (16, 18, 22) if luminance > 140 else (255, 255, 255)


class Lettering:
    """Text on a picture. Collect with ``text`` and ``pill``; ``done`` returns the picture."""

    def __init__(self, picture: UInt8) -> None:
        self._image = Image.fromarray(picture)
        self._draw = ImageDraw.Draw(self._image)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        colour: Colour = INK,
        size: int = 14,
        anchor: str = "la",
    ) -> None:
        """anchor as in Pillow: 'la' is left and top, 'mm' the middle, 'ra' right and top."""
        self._draw.text((x, y), text, fill=colour, font=_font(size), anchor=anchor)

    def size(self, text: str, size: int) -> tuple[int, int]:
        """Width and height of a pill with this text."""
        return round(_font(size).getlength(text)) + size, round(1.5 * size)

    def pill(self, x: float, y: float, text: str, colour: Colour, size: int = 14) -> None:
        """Text on a rounded plate whose top left corner is (x, y)."""
        width, height = self.size(text, size)
        self._draw.rounded_rectangle(
            (x, y, x + width, y + height), radius=round(0.35 * size), fill=colour
        )
        ink = readable_on(colour)
        at = (x + width / 2, y + height / 2)
        self._draw.text(at, text, fill=ink, font=_font(size), anchor="mm")

    def done(self) -> UInt8:
        return np.array(self._image, np.uint8)


@lru_cache(maxsize=16)
def _font(size: int) -> Any:
    return ImageFont.load_default(size=size)
