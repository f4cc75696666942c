"""Where the frames of a data set lie: plain folders and the official layouts.

A label is one channel: by default 1 (and 2, as the first RoadAnomaly writes it) is anomaly,
255 ignored, everything else normal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray

from ..perception.images import SUFFIXES
from ..types import Bool, InputError


@dataclass(frozen=True, slots=True)
class Sample:
    """One frame. label is None for a frame that is known to be clean and has no file for it."""

    name: str
    image: Path
    label: Path | None


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """anomaly, ignore: bool (H, W); values: uint16 (H, W), what the file holds."""

    anomaly: Bool
    ignore: Bool
    values: NDArray[np.uint16]


def read_label(
    path: Path, anomaly_values: Sequence[int] = (1, 2), ignore_values: Sequence[int] = (255,)
) -> Label:
    """Read an 8- or 16-bit label image; of a colour image the first channel (RGB) counts."""
    data = np.frombuffer(path.read_bytes(), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
    if pixels is None:
        raise InputError(str(path), "not a label image that OpenCV decodes", "give PNG labels")
    values = pixels if pixels.ndim == 2 else pixels[..., 2 if pixels.shape[2] >= 3 else 0]
    return Label(
        np.isin(values, list(anomaly_values)),
        np.isin(values, list(ignore_values)),
        np.asarray(values, np.uint16),
    )


def read_categories(path: Path) -> dict[int, str]:
    """Names of object categories by label value, from YAML: ``11: cone``. InputError otherwise."""
    try:
        tree = yaml.safe_load(path.read_text())
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error.strerror}", "check the path") from None
    except yaml.YAMLError as error:
        raise InputError(str(path), f"not readable as YAML: {error}", "mend the file") from error
    if not isinstance(tree, dict) or not tree:
        raise InputError(str(path), "expected label values with names", "write lines as 11: cone")
    for value, name in tree.items():
        if not isinstance(value, int) or not 0 < value < 1 << 16 or not isinstance(name, str):
            raise InputError(
                str(path), f"entry '{value}: {name}': no label value with a name", "as 11: cone"
            )
    return dict(tree)


def plain(images: Path, labels: Path) -> list[Sample]:
    """``images/NAME.*`` with ``labels/NAME*.png``; both searched in depth.

    Raises InputError when a folder has no image, or an image has no label or several.
    """
    found = _images(images)
    by_stem: dict[str, list[Path]] = {}
    for path in sorted(labels.rglob("*")):
        if path.suffix.lower() in SUFFIXES and not path.stem.endswith("_color"):
            by_stem.setdefault(_stem(path), []).append(path)
    samples = []
    for image in found:
        matches = by_stem.get(_stem(image), [])
        if len(matches) > 1:  # the same name in several folders: take the one in the same place
            place = image.relative_to(images).parent
            matches = [m for m in matches if m.relative_to(labels).parent == place] or matches
        if len(matches) != 1:
            count = "no label" if not matches else f"{len(matches)} labels"
            raise InputError(
                str(image), f"{count} of this name under {labels}", "give each image one label"
            )
        samples.append(Sample(image.stem, image, matches[0]))
    return samples


def clean(images: Path) -> list[Sample]:
    """A folder of frames that hold nothing unknown: every mask on them is false."""
    return [Sample(path.stem, path, None) for path in _images(images)]


def _images(folder: Path) -> list[Path]:
    found = sorted(
        path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()
    )
    if not found:
        raise InputError(str(folder), "no image in this folder", "check the path")
    return found


def _stem(path: Path) -> str:
    """A name without the endings that the official layouts add to images and labels."""
    stem = path.stem
    for ending in (
        "_labels_semantic",
        "_labelTrainIds",
        "_labels",
        "_leftImg8bit",
        "_label",
        "_gtCoarse",
        "_rgb",
        "_mask",
        "_seg",
    ):
        stem = stem.removesuffix(ending)
    return stem


def road_anomaly(root: Path) -> list[Sample]:
    """RoadAnomaly (Lis et al., 2019): in frames, NAME.jpg and NAME.labels/labels_semantic.png."""
    frames = root / "frames"
    images = [p for p in sorted(frames.glob("*")) if p.suffix.lower() in SUFFIXES]
    return _checked(
        root,
        [Sample(p.stem, p, frames / f"{p.stem}.labels" / "labels_semantic.png") for p in images],
    )


def smiyc(root: Path) -> list[Sample]:
    """SegmentMeIfYouCan: ``images/NAME.*`` and ``labels_masks/NAME_labels_semantic.png``.

    Test frames, whose labels are not public, are left out.
    """
    labels = root / "labels_masks"
    images = [p for p in sorted((root / "images").glob("*")) if p.suffix.lower() in SUFFIXES]
    pairs = [Sample(p.stem, p, labels / f"{p.stem}_labels_semantic.png") for p in images]
    return _checked(root, [s for s in pairs if s.label is not None and s.label.is_file()])


def fishyscapes(root: Path) -> list[Sample]:
    """Fishyscapes: labels ``NNNN_NAME_labels.png``; the image is Lost & Found's
    ``leftImg8bit/**/NAME_leftImg8bit.png``, or ``NNNN_NAME_rgb.*`` beside the label (Static)."""
    pictures = {p.name: p for p in root.rglob("*_leftImg8bit.*")}
    samples = []
    for label in sorted(root.rglob("[0-9]*_labels.png")):
        name = label.name.removesuffix("_labels.png")
        city = f"{name.partition('_')[2]}_leftImg8bit.png"
        beside = sorted(label.parent.glob(f"{name}_rgb.*"))
        image = pictures.get(city) or (beside[0] if beside else None)
        if image is None:
            raise InputError(
                str(label),
                f"no image {city} or {name}_rgb.* under {root}",
                "put the Lost & Found images (leftImg8bit) under the same folder",
            )
        samples.append(Sample(name, image, label))
    return _checked(root, samples)


def ade_ood(root: Path) -> list[Sample]:
    """ADE-OoD (Galesso et al., 2024): ``images/NAME.jpg`` and ``annotations/NAME.png``."""
    return plain(root / "images", root / "annotations")


LAYOUTS: dict[str, Callable[[Path], list[Sample]]] = {
    "road_anomaly": road_anomaly,
    "smiyc": smiyc,
    "fishyscapes": fishyscapes,
    "ade_ood": ade_ood,
}


def _checked(root: Path, samples: list[Sample]) -> list[Sample]:
    if not samples:
        raise InputError(str(root), "no labelled frame of this layout", "check the folder's layout")
    for sample in samples:
        if sample.label is not None and not sample.label.is_file():
            raise InputError(str(sample.label), "label is missing", "complete the data set")
    return samples
