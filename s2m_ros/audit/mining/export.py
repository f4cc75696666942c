"""An atlas for other tools: COCO and Parquet."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from s2m_ros import __version__
from s2m_ros.audit.mining.clusters import ALONE, Clusters
from s2m_ros.audit.mining.specimen import Specimen, View
from s2m_ros.perception.images import coco_counts
from s2m_ros.types import Bool, InputError, Level

IMAGES = "images"


def label_of(one: Specimen, cluster: int) -> str:
    """What a thing is called in exports: its name if it has one, else its cluster."""
    if one.name.label:
        return one.name.label
    return "unclustered" if cluster == ALONE else f"cluster_{cluster:03d}"


def write_coco(specimens: Sequence[Specimen], clusters: Clusters, out: Path) -> Path:
    """coco.json and the images it names: the best view of each object, with all of its masks.

    Categories are names, where a model gave them, else clusters.
    """
    folder = out / IMAGES
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jpg"):
        old.unlink()
    labels = [label_of(one, int(c)) for one, c in zip(specimens, clusters.labels, strict=True)]
    categories = {name: i + 1 for i, name in enumerate(sorted(set(labels)))}
    images: dict[tuple[str, str, int], dict[str, Any]] = {}
    annotations = []
    for i, one in enumerate(specimens):
        view = one.views[0]
        key = one.source, view.camera, view.stamp_ns
        if key not in images:
            name = f"{len(images):06d}_{_safe(Path(one.source).name)}_{_safe(view.camera)}.jpg"
            height, width = view.image().shape[:2]
            (folder / name).write_bytes(view.jpeg)
            images[key] = {
                "id": len(images) + 1,
                "file_name": f"{IMAGES}/{name}",
                "width": width,
                "height": height,
                "source": one.source,
                "camera": view.camera,
                "stamp_ns": view.stamp_ns,
            }
        image = images[key]
        bits = mask_of(view, (image["width"], image["height"]))
        rows, columns = np.nonzero(bits)
        x, y = int(columns.min()), int(rows.min())
        annotations.append(
            {
                "id": i + 1,
                "image_id": image["id"],
                "category_id": categories[labels[i]],
                "segmentation": {"size": list(bits.shape), "counts": coco_counts(bits)},
                "bbox": [x, y, int(columns.max()) + 1 - x, int(rows.max()) + 1 - y],
                "area": int(bits.sum()),
                "iscrowd": 0,
                "tracks": list(one.tracks),
                "cluster": int(clusters.labels[i]),
                "novelty": round(float(clusters.novelty[i]), 4),
                "level": Level(one.level).name,
            }
        )
    tree = {
        "info": {"description": "unknown objects", "version": f"s2m_ros {__version__}"},
        "images": list(images.values()),
        "categories": [{"id": number, "name": name} for name, number in categories.items()],
        "annotations": annotations,
    }
    path = out / "coco.json"
    path.write_text(json.dumps(tree) + "\n")
    return path


def mask_of(view: View, size: tuple[int, int]) -> Bool:
    """The mask at a size (width, height); never empty."""
    full = np.zeros(view.grid_size[::-1], np.float32)
    h, w = view.bits.shape
    full[view.y : view.y + h, view.x : view.x + w] = view.bits
    bits = np.asarray(cv2.resize(full, size, interpolation=cv2.INTER_LINEAR) > 0.5)
    if not bits.any():
        bits = np.asarray(cv2.resize(full, size, interpolation=cv2.INTER_AREA) > 0)
    if not bits.any():
        scale = size[0] / view.image_size[0]
        x, y = (view.box[:2] * scale).astype(int)
        bits[min(max(y, 0), size[1] - 1), min(max(x, 0), size[0] - 1)] = True
    return bits


def write_parquet(specimens: Sequence[Specimen], clusters: Clusters, out: Path) -> Path:
    """embeddings.parquet: a row for each object. Raises InputError without pyarrow."""
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise InputError(
            "pyarrow", f"not importable ({error})", "pip install 's2m_ros[mine]'"
        ) from error
    dimension = len(specimens[0].embedding) if specimens else 0
    vectors = np.stack([one.embedding for one in specimens]) if specimens else np.zeros((0, 0))
    columns = {
        "source": [one.source for one in specimens],
        "tracks": pyarrow.array(
            [list(one.tracks) for one in specimens], pyarrow.list_(pyarrow.int64())
        ),
        "first_ns": pyarrow.array([one.first_ns for one in specimens], pyarrow.int64()),
        "last_ns": pyarrow.array([one.last_ns for one in specimens], pyarrow.int64()),
        "level": [Level(one.level).name for one in specimens],
        "text": [one.text for one in specimens],
        "x": [float(one.position[0]) for one in specimens],
        "y": [float(one.position[1]) for one in specimens],
        "length": [float(one.size[0]) for one in specimens],
        "width": [float(one.size[1]) for one in specimens],
        "height": [float(one.size[2]) for one in specimens],
        "name": [one.name.label for one in specimens],
        "name_confidence": [one.name.confidence for one in specimens],
        "name_why": [one.name.why for one in specimens],
        "cluster": pyarrow.array(clusters.labels, pyarrow.int64()),
        "novelty": pyarrow.array(clusters.novelty, pyarrow.float32()),
        "embedding": pyarrow.FixedSizeListArray.from_arrays(
            pyarrow.array(vectors.ravel(), pyarrow.float32()), max(1, dimension)
        ),
    }
    path = out / "embeddings.parquet"
    parquet.write_table(pyarrow.table(columns), path)
    return path


def _safe(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:60]
