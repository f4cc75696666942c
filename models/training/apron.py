"""Frames of the apron simulator as training scenes, rendered once into a folder."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from s2m_ros.sim import render_random

from .classes import IGNORE
from .sources import Image, Scene

WIDTH, HEIGHT = 768, 448
HELD_OUT_EVERY = 8


def render(folder: Path, count: int, done: Callable[[int], None]) -> None:
    """Write frames 0..count-1 that are not there yet: NNNN.jpg, and NNNN.png with the labels."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        labels_path = folder / f"{seed:04}.png"
        if not labels_path.exists():
            image, labels, _ = render_random(seed, WIDTH, HEIGHT)
            cv2.imwrite(
                str(folder / f"{seed:04}.jpg"), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 96]
            )
            cv2.imwrite(str(labels_path), labels)
        done(seed + 1)


def names(folder: Path, held_out: bool) -> list[str]:
    every = sorted(path.stem for path in folder.glob("*.png"))
    return [
        name for name in every if (int(name) % HELD_OUT_EVERY == HELD_OUT_EVERY - 1) == held_out
    ]


def read(folder: Path, name: str) -> Scene:
    """The simulator labels a foreign object with IGNORE's value: here it is an unknown object."""
    image: Image = cv2.cvtColor(cv2.imread(str(folder / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
    labels = cv2.imread(str(folder / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
    unknown = (labels == IGNORE).astype(np.uint8)
    _, instances = cv2.connectedComponents(unknown)
    return Scene(image, labels, unknown, instances.astype(np.int16))
