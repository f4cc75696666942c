"""The mask decoder of the settings on a data set with masks: what ``s2m eval-masks`` measures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Perception as Settings
from ..runtime.build import build_perception
from ..types import InputError
from . import boxes
from .document import Tree, finite, write_json
from .tables import Grid, markdown

SPLIT = Path(__file__).resolve().parents[2] / "models" / "training" / "split.json"
"""Which images and sequences the default model was trained on, and which it has not seen."""


@dataclass(frozen=True, slots=True, eq=False)
class DecoderJob:
    """dataset: davis or coco; part: of the split that the images are from."""

    dataset: str
    part: str
    images: Sequence[boxes.LabelledImage]
    settings: Settings

    @classmethod
    def of(
        cls,
        dataset: str,
        folder: Path,
        settings: Settings,
        part: str = "held_out",
        split: Path | None = None,
        limit: int = 0,
    ) -> DecoderJob:
        """Find the images. Raises InputError for a missing folder or part of the split."""
        names = None if part == "all" else names_of(dataset, part, split or SPLIT)
        read = boxes.davis if dataset == "davis" else boxes.coco
        images: list[boxes.LabelledImage] = []
        for image in read(folder, names):
            if limit and len(images) == limit:
                break
            images.append(image)
        return cls(dataset, part, images, settings)

    def run(self, advance: Callable[[], None] = lambda: None) -> Tree:
        """The content of metrics.json. ``advance`` is called once an image."""
        perception = build_perception(self.settings)
        results = boxes.measure(perception.encoder, perception.segmenter, self.images, advance)
        info = perception.info
        return {
            "dataset": self.dataset,
            "part": self.part,
            "images": len(self.images),
            "objects": len(results),
            "model": info["model"],
            "model_version": info.get("version", ""),
            "segmenter": info["segmenter_segmenter"],
            "segmenter_sha256": info.get("segmenter_sha256", ""),
            "box_jitter": boxes.JITTER,
            "iou": finite(boxes.summary(results)),
        }


def names_of(dataset: str, part: str, split: Path) -> list[str]:
    """The names of a part of the split file."""
    try:
        tree = json.loads(split.read_text())
    except OSError as error:
        raise InputError(
            str(split), f"cannot be read: {error.strerror}", "give --split, or --part all"
        ) from None
    if part not in tree or dataset not in tree[part]:
        raise InputError(
            str(split), f"no part '{part}' of '{dataset}'", f"take one of {', '.join(tree)}, all"
        )
    return list(tree[part][dataset])


def grid(tree: Tree) -> Grid:
    title = f"Boxes to masks: {tree['dataset']}, {tree['part']}, {tree['segmenter']}"
    return boxes.grid(title, tree["iou"])


def write(tree: Tree, out: Path) -> Grid:
    """Write metrics.json and report.md to the folder, which is made; returns the table."""
    write_json(tree, out / "metrics.json")
    table = grid(tree)
    (out / "report.md").write_text(markdown(table))
    return table
