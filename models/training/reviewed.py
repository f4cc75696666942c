"""What the review page exports as training scenes: `images/NAME.jpg` with `labels/NAME.png`.

People said of each hazard whether it is a true unknown object. 0 is known, 1 a true unknown object,
255 what nobody looked at. The outlines are those of the masks that the model itself gave.
"""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from .classes import IGNORE
from .sources import Scene, read_gray, read_rgb

HELD_OUT_FROM = 7 / 8  # the end of each drive: frames side by side are alike


def names(folders: Sequence[Path], held_out: bool) -> list[str]:
    """'INDEX/NAME' of the images of all folders, in the order of their names."""
    found = []
    for index, folder in enumerate(folders):
        every = sorted(path.stem for path in (folder / "images").glob("*.jpg"))
        if not every:
            raise FileNotFoundError(
                f"expected images/*.jpg with labels/*.png in {folder}: export a training set in "
                "`s2m review`"
            )
        cut = round(len(every) * HELD_OUT_FROM)
        found += [f"{index}/{name}" for name in (every[cut:] if held_out else every[:cut])]
    return found


def read(folders: Sequence[Path], name: str) -> Scene:
    """Which class the known is nobody said."""
    index, stem = name.split("/")
    folder = folders[int(index)]
    image = read_rgb(folder / "images" / f"{stem}.jpg")
    label = read_gray(folder / "labels" / f"{stem}.png")
    if label.shape != image.shape[:2]:
        raise ValueError(
            f"{folder}: label {stem} is of {label.shape[::-1]} px, expected {image.shape[1::-1]}: "
            "export it again"
        )
    anomaly = np.where(label == 0, 0, np.where(label == 1, 1, IGNORE)).astype(np.uint8)
    _, instances = cv2.connectedComponents((label == 1).astype(np.uint8))
    return Scene(image, np.full(label.shape, IGNORE, np.uint8), anomaly, instances.astype(np.int16))
