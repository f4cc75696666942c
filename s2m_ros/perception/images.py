"""Image files in, pictures out: RGB arrays, masks at the image's own size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ..types import Bool, InputError, ObjectMask, ObjectMasks, UInt8

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def read_rgb(path: Path) -> UInt8:
    """uint8 (H, W, 3) RGB. Raises InputError when the file is absent or no image."""
    try:
        data = np.frombuffer(Path(path).read_bytes(), np.uint8)
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}", "check the path") from None
    image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if image is None:
        raise InputError(
            str(path),
            f"not an image that OpenCV decodes ({data.size} bytes)",
            f"give one of {', '.join(SUFFIXES)}",
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8)


def write(path: Path, image: NDArray[np.uint8] | NDArray[np.uint16], quality: int = 92) -> None:
    """Write RGB or one-channel pixels by the path's suffix. Raises InputError when it fails."""
    pixels = cv2.cvtColor(image, cv2.COLOR_RGB2BGR) if image.ndim == 3 else image
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix in (".jpg", ".jpeg") else []
    fine, data = cv2.imencode(path.suffix, pixels, options)
    if not fine:
        raise InputError(str(path), "OpenCV cannot encode it", "use .png or .jpg")
    path.write_bytes(data.tobytes())


def expand(paths: Sequence[Path]) -> list[Path]:
    """Files as they are, folders as the images in them, sorted. InputError for an empty folder."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
            if not inside:
                raise InputError(str(path), "no image in this folder", "put images there")
            found += inside
        else:
            found.append(path)
    return found


def at_image_size(masks: ObjectMasks, item: ObjectMask) -> Bool:
    """One mask at the size of the image: bool (H, W)."""
    size = masks.image_size
    dense = masks.dense(item)
    if size == masks.grid_size:
        return dense
    smooth = cv2.resize(dense.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    bits = np.asarray(smooth > 0.5)
    if not bits.any():  # too small for the threshold: every pixel it touches
        bits = cv2.resize(dense.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    return bits


def instances(masks: ObjectMasks) -> NDArray[np.uint16]:
    """uint16 (H, W): the id of the mask at each pixel, 0 for none; the strongest wins."""
    canvas = np.zeros((masks.image_size[1], masks.image_size[0]), np.uint16)
    for item in reversed(masks.items):
        canvas[at_image_size(masks, item)] = item.id
    return canvas


def coco_counts(bits: Bool) -> list[int]:
    """Uncompressed COCO run lengths of bool (H, W): column-major, starting with zeros."""
    flat = bits.ravel(order="F")
    edges = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], edges, [flat.size]])
    runs = [int(n) for n in np.diff(bounds)]
    return [0, *runs] if flat.size and flat[0] else runs
