"""From a ground-truth box to a mask: how good is the mask decoder alone?

Each object's own box prompts the decoder, exact and jittered; the ellipse inscribed in the same
box is the floor that a decoder must beat.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ..perception.images import read_rgb
from ..perception.interfaces import Candidates, Encoder, Segmenter
from ..types import Bool, Float32, InputError, Prompts, UInt8
from .tables import Grid, number

JITTER = 0.08
FINER = 8
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}
COLUMNS = ("exact", "jittered", "ellipse", "ellipse_jittered")
MIN_PX = 16
"""Objects under this many pixels are left out: their own outline is not known to a pixel."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledImage:
    """An image file and the masks of its objects: list of bool (H, W)."""

    path: Path
    objects: list[Bool]


@dataclass(frozen=True, slots=True)
class ObjectResult:
    area: int
    exact: float
    jittered: float
    ellipse: float
    ellipse_jittered: float


def davis(root: Path, names: Sequence[str] | None = None) -> Iterator[LabelledImage]:
    """DAVIS: ``images/SEQUENCE/N.jpg``, ``masks/SEQUENCE/N.png`` (255: the object).

    names: "SEQUENCE/N" to use; all by default. Also reads ``JPEGImages/480p`` and such.
    """
    images, masks = root / "images", root / "masks"
    if not images.is_dir():
        images, masks = root / "JPEGImages" / "480p", root / "Annotations" / "480p"
    found = names if names is not None else _stems(masks)
    if not found:
        raise InputError(str(root), "no DAVIS masks here", "give the folder with images and masks")
    for name in found:
        mask = cv2.imread(str(masks / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
        if mask is None:
            raise InputError(str(masks / f"{name}.png"), "cannot be read", "complete the data set")
        yield LabelledImage(images / f"{name}.jpg", [np.asarray(mask > 127)])


def _stems(folder: Path) -> list[str]:
    return [p.relative_to(folder).with_suffix("").as_posix() for p in sorted(folder.rglob("*.png"))]


def coco(root: Path, names: Sequence[str] | None = None) -> Iterator[LabelledImage]:
    """COCO instances: ``instances.json`` and ``images/``; crowds are left out."""
    source = root / "instances.json"
    try:
        tree = json.loads(source.read_text())
    except OSError as error:
        raise InputError(str(source), f"cannot be read: {error.strerror}", "check --root") from None
    annotations: dict[int, list[Mapping[str, Any]]] = {}
    for item in tree["annotations"]:
        if not item.get("iscrowd") and isinstance(item["segmentation"], list):
            annotations.setdefault(item["image_id"], []).append(item)
    wanted = None if names is None else set(names)
    for image in sorted(tree["images"], key=lambda entry: str(entry["file_name"])):
        if wanted is not None and image["file_name"] not in wanted:
            continue
        shape = (int(image["height"]), int(image["width"]))
        objects = [polygons(a["segmentation"], shape) for a in annotations.get(image["id"], [])]
        yield LabelledImage(root / "images" / image["file_name"], objects)


def polygons(parts: Sequence[Sequence[float]], shape: tuple[int, int]) -> Bool:
    """COCO polygons (x, y, x, y ...) as bool (H, W): pixels at least half covered by any of them.

    They are drawn finer than the image, since OpenCV fills every pixel that an edge touches.
    """
    h, w = shape
    corners = [np.reshape(np.asarray(part, np.float64), (-1, 2)) for part in parts]
    every = np.concatenate(corners)
    x0, y0 = np.clip(np.floor(every.min(axis=0)).astype(int), 0, (w - 1, h - 1))
    x1, y1 = np.clip(np.ceil(every.max(axis=0)).astype(int), (x0 + 1, y0 + 1), (w, h))
    fine = np.zeros(((y1 - y0) * FINER, (x1 - x0) * FINER), np.uint8)
    for part in corners:  # one by one: overlapping parts add up
        centred = (part - (x0, y0)) * FINER - 0.5
        cv2.fillPoly(fine, [np.rint(centred * 16).astype(np.int32)], 255, cv2.LINE_8, shift=4)
    cover = fine.reshape(y1 - y0, FINER, x1 - x0, FINER).mean(axis=(1, 3))
    canvas = np.zeros(shape, np.bool_)
    canvas[y0:y1, x0:x1] = cover >= 127.5
    return canvas


def box_of(mask: Bool) -> Float32:
    """Tight box (x0, y0, x1, y1) of a mask that is not empty, upper ends exclusive."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return np.asarray([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


def jittered(boxes: Float32, seed: int, size: tuple[int, int]) -> Float32:
    """Each side moved by up to 8 % of the box's width or height, uniform, within the image."""
    rng = np.random.default_rng(seed)
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    moved = boxes + rng.uniform(-JITTER, JITTER, boxes.shape) * sides
    moved[:, 0::2] = np.clip(moved[:, 0::2], 0, size[0])
    moved[:, 1::2] = np.clip(moved[:, 1::2], 0, size[1])
    return np.asarray(moved, np.float32)


def ellipse(box: Float32, shape: tuple[int, int]) -> Bool:
    """The ellipse inscribed in a box."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    cx, cy = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    rx, ry = max((box[2] - box[0]) / 2, 0.5), max((box[3] - box[1]) / 2, 0.5)
    inside = ((x + 0.5 - cx) / rx) ** 2 + ((y + 0.5 - cy) / ry) ** 2 <= 1
    return np.asarray(inside, np.bool_)


def box_prompts(boxes: Float32) -> Prompts:
    """Prompts of boxes alone."""
    n = len(boxes)
    return Prompts(
        boxes,
        np.zeros((n, 1, 2), np.float32),
        np.full((n, 1), -1, np.float32),
        np.zeros(n, np.float32),
        np.zeros(n, np.float32),
    )


def iou(a: Bool, b: Bool) -> float:
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 0.0


def measure(
    encoder: Encoder,
    segmenter: Segmenter,
    images: Iterable[LabelledImage],
    advance: Callable[[], None] = lambda: None,
    batch: int = 32,
) -> list[ObjectResult]:
    """IoU of every object's mask, at the resolution of its label."""
    results = []
    for seed, item in enumerate(images):
        objects = [mask for mask in item.objects if np.count_nonzero(mask) >= MIN_PX]
        if objects:
            results += _measure(encoder, segmenter, read_rgb(item.path), objects, seed, batch)
        advance()
    return results


def _measure(
    encoder: Encoder, segmenter: Segmenter, image: UInt8, objects: list[Bool], seed: int, batch: int
) -> list[ObjectResult]:
    encoding = encoder.encode(image)
    exact = np.stack([box_of(mask) for mask in objects])
    loose = jittered(exact, seed, encoding.image_size)
    shape = (image.shape[0], image.shape[1])
    found: list[Bool] = []
    for boxes in (exact, loose):
        for start in range(0, len(boxes), batch):
            part = segmenter(encoding, box_prompts(boxes[start : start + batch]))
            found += _masks(part, shape, len(boxes[start : start + batch]))
    n = len(objects)
    return [
        ObjectResult(
            int(np.count_nonzero(mask)),
            iou(found[i], mask),
            iou(found[n + i], mask),
            iou(ellipse(exact[i], shape), mask),
            iou(ellipse(loose[i], shape), mask),
        )
        for i, mask in enumerate(objects)
    ]


def _masks(candidates: Candidates, shape: tuple[int, int], count: int) -> list[Bool]:
    """Candidates at image size, in the order of their prompts."""
    size = (shape[1], shape[0])
    masks: list[Bool] = [np.zeros(shape, np.bool_) for _ in range(count)]
    for item in candidates.items:
        full = np.zeros((candidates.grid_size[1], candidates.grid_size[0]), np.float32)
        h, w = item.bits.shape
        full[item.y : item.y + h, item.x : item.x + w] = item.bits
        laid = cv2.resize(full, size, interpolation=cv2.INTER_LINEAR)
        masks[item.prompt] = np.asarray(laid > 0.5)
    return masks


Rows = dict[str, dict[str, float | int | None]]


def summary(results: Sequence[ObjectResult]) -> Rows:
    """Mean IoU of all objects and by size (area of the label in pixels)."""
    rows: Rows = {}
    for name, (low, high) in {"all": (0.0, np.inf), **SIZES}.items():
        part = [r for r in results if low <= r.area < high]
        rows[name] = {"objects": len(part)}
        for what in COLUMNS:
            values: NDArray[np.float64] = np.asarray([getattr(r, what) for r in part])
            rows[name][what] = round(float(values.mean()), 4) if len(values) else None
    return rows


def grid(title: str, rows: Rows) -> Grid:
    """The table of ``summary``."""
    names = {"all": "all", "small": "under 32x32", "medium": "to 96x96", "large": "larger"}
    cells = [
        (names[size], str(row["objects"]), *(number(row[name], 3) for name in COLUMNS))
        for size, row in rows.items()
        if row["objects"]
    ]
    head = ("size", "objects", "exact box", "sides off by 8 %", "ellipse", "ellipse, off by 8 %")
    note = "Mean IoU with the label; the ellipse inscribed in the same box is the floor."
    return Grid(title, head, cells, note)
