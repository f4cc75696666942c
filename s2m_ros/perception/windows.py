"""The window of the picture in which a mask decoder sees each box.

Every object fills the same number of samples, whether it is 8 px or 800 px wide. Training and
inference cut the same windows here.
"""

from __future__ import annotations

import cv2
import numpy as np

from ..types import Float32, UInt8


def windows_of(boxes: Float32, margin: float, min_box_px: float) -> Float32:
    """Boxes (N, 4) x0, y0, x1, y1 px, grown on each side by ``margin`` of their size: (N, 4).

    A box narrower than min_box_px counts as that wide.
    """
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.maximum(boxes[:, 2:] - boxes[:, :2], min_box_px) * (0.5 + margin)
    return np.asarray(np.concatenate([centre - half, centre + half], axis=1), np.float32)


def crops(image: UInt8, windows: Float32, side: int) -> UInt8:
    """Each window (N, 4) px of image (H, W, 3), sampled at side x side cell centres.

    Exact to a fraction of a pixel; averaged where the window is larger than its samples; black
    outside of the image. uint8 (N, side, side, 3).
    """
    patches = np.zeros((len(windows), side, side, 3), np.uint8)
    smaller = [image]
    for i, window in enumerate(windows):
        extent = float(max(window[2] - window[0], window[3] - window[1]))
        level = int(np.log2(max(min(extent / (2 * side), *image.shape[:2]), 1.0)))
        while len(smaller) <= level:
            smaller.append(_halved(smaller[-1]))
        patches[i] = _crop(smaller[level], window / 2**level, side)
    return patches


def _halved(image: UInt8) -> UInt8:
    """2x2 means; unlike cv2.pyrDown this leaves every edge where it is."""
    height, width = image.shape[0] // 2, image.shape[1] // 2
    even = image[: 2 * height, : 2 * width]
    return np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _crop(image: UInt8, window: Float32, side: int) -> UInt8:
    x0, y0, x1, y1 = (float(v) for v in window)
    fine = 2 * side if max(x1 - x0, y1 - y0) > side else side
    sx, sy = (x1 - x0) / fine, (y1 - y0) / fine
    # Only the part that is needed: warpAffine's cost grows with the image's size otherwise.
    left, top = max(int(x0) - 1, 0), max(int(y0) - 1, 0)
    part = image[top : max(int(np.ceil(y1)) + 2, 0), left : max(int(np.ceil(x1)) + 2, 0)]
    if not part.size:
        return np.zeros((side, side, 3), np.uint8)
    matrix = np.asarray(
        [[sx, 0, x0 + 0.5 * sx - 0.5 - left], [0, sy, y0 + 0.5 * sy - 0.5 - top]], np.float64
    )
    laid = cv2.warpAffine(
        part,
        matrix,
        (fine, fine),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0, 0, 0),
    )
    if fine != side:
        laid = cv2.resize(laid, (side, side), interpolation=cv2.INTER_AREA)
    return np.asarray(laid, np.uint8)
