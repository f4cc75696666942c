"""Whether a picture shows anything: a camera that is blind must not look like an empty apron."""

from __future__ import annotations

import zlib

import cv2

from ..types import UInt8

_SAMPLE = 96
"""Longer side of the thumbnail that is measured, in pixels."""
DARK, BRIGHT = 10, 250
"""Grey levels below and above which a pixel says nothing."""
BLIND_SHARE = 0.95
"""Of the pixels that say nothing, from which the picture shows nothing."""
FLAT_LEVELS = 1.0
"""Standard deviation of grey below which there is no structure: a covered lens."""
_AGAIN = 3
"""So many frames must be the same before a camera is called frozen."""


def blindness(image: UInt8) -> str:
    """Why uint8 (H, W, 3) RGB shows nothing, or an empty string."""
    height, width = image.shape[:2]
    scale = min(1.0, _SAMPLE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # The nearest pixel: means would hide noise, and with it that the sensor still sees.
    grey = cv2.cvtColor(
        cv2.resize(image, size, interpolation=cv2.INTER_NEAREST), cv2.COLOR_RGB2GRAY
    )
    dark, bright = float((grey < DARK).mean()), float((grey > BRIGHT).mean())
    if dark > BLIND_SHARE:
        return f"black: {100 * dark:.0f} % of the picture is below grey level {DARK} of 255"
    if bright > BLIND_SHARE:
        return f"saturated: {100 * bright:.0f} % of the picture is above grey level {BRIGHT} of 255"
    if float(grey.std()) < FLAT_LEVELS:
        return "without structure: one grey all over, as of a covered lens"
    return ""


class FrozenWatch:
    """Notices a camera or driver that sends one picture again and again with new stamps.

    Noise changes some pixel of every true frame, so that pictures are compared bit by bit.
    """

    def __init__(self, limit_ms: float) -> None:
        self.limit_ms = limit_ms
        self._last: tuple[int, tuple[int, ...]] | None = None
        self._since_ns = 0
        self._count = 0

    def look(self, image: UInt8, stamp_ns: int) -> str:
        """Why the picture is old, or an empty string. A limit of 0 switches the watch off."""
        if self.limit_ms <= 0:
            return ""
        checksum = 0
        for row in image[::4]:  # one by one: together they would have to be copied
            checksum = zlib.crc32(row, checksum)
        seen = checksum, image.shape
        if seen != self._last or stamp_ns < self._since_ns:
            self._last, self._since_ns, self._count = seen, stamp_ns, 1
            return ""
        self._count += 1
        frozen_ms = (stamp_ns - self._since_ns) * 1e-6
        if self._count <= _AGAIN or frozen_ms < self.limit_ms:
            return ""
        return f"frozen: the same picture for {frozen_ms * 1e-3:.1f} s, bit by bit"

    def reset(self) -> None:
        """The clock jumped."""
        self._last = None
