"""Labels as data sets: COCO for any tool, and folders that ``s2m calibrate`` and training take."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from s2m_ros.audit.review.labels import FALSE, TRUE, Label, Labels, track_key
from s2m_ros.audit.scene import hazards_of_masks
from s2m_ros.store.reader import Frame, Store
from s2m_ros.types import InputError, ObjectMask, UInt8

UNNAMED = "unknown object"
VOID = 255
OBJECT = 1


@dataclass(frozen=True, slots=True)
class Exported:
    path: Path
    images: int
    objects: int


@dataclass(frozen=True, slots=True, eq=False)
class _Labelled:
    """An image whose hazards were all looked at: the masks and what was said of each."""

    frame: Frame
    items: tuple[tuple[ObjectMask, int, Label], ...]
    open: tuple[ObjectMask, ...]


def write_coco(store: Store, labels: Labels, out: Path) -> Exported:
    """Images with what is true in them as COCO instances, masks run-length coded.

    A category for each name that was given; what was marked true without a name is an
    'unknown object'. What was marked false is listed under ``false`` of its image. Raises
    InputError when nothing was marked.
    """
    _begin(out, labels)
    names = sorted({item.name or UNNAMED for item in labels.items().values() if _is(item, TRUE)})
    number = {name: i for i, name in enumerate(names, start=1)}
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for made in _labelled(store, labels):
        frame = made.frame
        name = _write_image(frame, out / "images")
        width, height = _size(frame)
        scale = width / frame.masks.image_size[0]
        images.append(
            {
                "id": len(images) + 1,
                "file_name": f"images/{name}",
                "width": width,
                "height": height,
                "camera": frame.camera,
                "stamp_ns": frame.stamp_ns,
                "false": [_bbox(i, scale) for i, _, said in made.items if _is(said, FALSE)],
                "unlabelled": [_bbox(item, scale) for item in made.open],
            }
        )
        for item, track, said in made.items:
            if _is(said, TRUE):
                annotations.append(
                    {
                        "id": len(annotations) + 1,
                        "image_id": len(images),
                        "category_id": number[said.name or UNNAMED],
                        "track_id": track,
                        **_segmentation(frame, item, (width, height)),
                    }
                )
    tree = {
        "info": {"description": f"reviewed in s2m, store {store.path.name}"},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": i, "name": name} for name, i in number.items()],
    }
    (out / "instances.json").write_text(json.dumps(tree))
    return Exported(out / "instances.json", len(images), len(annotations))


def write_training(store: Store, labels: Labels, out: Path) -> Exported:
    """Images and label pictures side by side, and images on which nothing is left unknown.

    ``images/NAME.jpg`` with ``labels/NAME.png``: 0 is known, 1 an unknown object that was marked
    true, 255 what nobody marked. ``normal/NAME.jpg``: images without any true or open mask, for
    ``s2m calibrate``. Raises InputError when nothing was marked.
    """
    _begin(out, labels)
    for name in ("labels", "normal"):
        (out / name).mkdir(parents=True, exist_ok=True)
    images = objects = 0
    for made in _labelled(store, labels):
        frame = made.frame
        name = _write_image(frame, out / "images")
        true = [item for item, _, said in made.items if _is(said, TRUE)]
        picture = np.zeros(frame.masks.grid_size[::-1], np.uint8)
        for item in made.open:
            picture[frame.masks.dense(item)] = VOID
        for item in true:
            picture[frame.masks.dense(item)] = OBJECT
        how = cv2.INTER_NEAREST
        picture = np.asarray(cv2.resize(picture, _size(frame), interpolation=how), np.uint8)
        cv2.imwrite(str((out / "labels" / name).with_suffix(".png")), picture)
        if not true and not made.open:
            (out / "normal" / name).write_bytes(frame.jpeg)
        images, objects = images + 1, objects + len(true)
    return Exported(out, images, objects)


def _begin(out: Path, labels: Labels) -> None:
    if not any(item.verdict for item in labels.items().values()):
        raise InputError("export", "nothing was marked yet", "mark tracks true or false first")
    (out / "images").mkdir(parents=True, exist_ok=True)


def _labelled(store: Store, labels: Labels) -> Iterator[_Labelled]:
    """Images that show anything that was marked."""
    marked = {
        entry.stamp_ns
        for entry in store.hazards()
        if entry.camera and labels[track_key(entry.track)].verdict
    }
    for camera in store.cameras:
        for stamp in store.frames(camera):
            if stamp not in marked:
                continue
            frame, hazards = store.frame(camera, stamp), store.judged(stamp)
            if frame is None or hazards is None or not frame.jpeg:
                continue
            of_mask = hazards_of_masks(frame.masks, hazards)
            said, still_open = [], []
            for item in frame.masks.items:
                hazard = of_mask.get(item.id)
                label = labels[track_key(hazard.track.id)] if hazard is not None else Label()
                if hazard is not None and label.verdict:
                    said.append((item, hazard.track.id, label))
                else:
                    still_open.append(item)
            if said:
                yield _Labelled(frame, tuple(said), tuple(still_open))


def _is(label: Label, verdict: str) -> bool:
    return label.verdict == verdict


def _write_image(frame: Frame, folder: Path) -> str:
    name = f"{frame.camera}_{frame.stamp_ns}.jpg"
    (folder / name).write_bytes(frame.jpeg)
    return name


def _size(frame: Frame) -> tuple[int, int]:
    """Width and height of the stored picture, which may be smaller than the image was."""
    shown = frame.picture()
    assert shown is not None
    return shown.shape[1], shown.shape[0]


def _bbox(item: ObjectMask, scale: float) -> list[float]:
    """x, y, width, height in pixels of the stored picture."""
    x0, y0, x1, y1 = (item.box * scale).tolist()
    return [round(v, 1) for v in (x0, y0, x1 - x0, y1 - y0)]


def _segmentation(frame: Frame, item: ObjectMask, size: tuple[int, int]) -> dict[str, Any]:
    """The mask at a size (width, height), as COCO's uncompressed run lengths: column by column."""
    bits: UInt8 = frame.masks.dense(item).view(np.uint8)
    full = np.asarray(cv2.resize(bits, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    flat = full.T.ravel()
    cuts = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], cuts, [flat.size]])).tolist()
    ys, xs = np.nonzero(full)
    box = [0, 0, 0, 0]
    if len(xs):
        box = [int(xs.min()), int(ys.min()), int(np.ptp(xs)) + 1, int(np.ptp(ys)) + 1]
    return {
        "segmentation": {"size": [size[1], size[0]], "counts": [0, *runs] if flat[0] else runs},
        "area": len(xs),
        "bbox": box,
        "iscrowd": 0,
    }
