"""Training samples: a random crop of a random scene, with what a road may meet pasted on."""

from dataclasses import replace

import cv2
import numpy as np
from numpy.random import Generator

from .paste import (
    add_debris,
    add_known,
    add_marks,
    add_material,
    add_scenery,
    add_unknown,
    log_uniform,
)
from .sources import Corpus, Image, Scene

CROP_HEIGHT, CROP_WIDTH = 384, 512

# How often each source is drawn, and its range of magnification in the crop.
MIXTURE: dict[str, tuple[float, float, float]] = {
    "camvid": (0.30, 0.8, 2.4),
    "campus": (0.07, 0.8, 1.8),
    "coco": (0.22, 0.7, 1.8),
    "davis": (0.08, 0.5, 1.4),
    "asphalt": (0.04, 0.6, 1.6),
    "kitti": (0.09, 0.7, 1.6),
    "nuscenes": (0.05, 0.45, 1.4),
    "mixed": (0.08, 0.5, 1.4),
    "runway": (0.07, 0.4, 1.4),
    "apron": (0.20, 0.6, 1.6),
    "reviewed": (0.15, 0.6, 1.6),
}
SCENERY = ("camvid", "camvid", "kitti", "nuscenes", "mixed")  # without unknown objects
# Share of nameless things among the unknown. With 0.3, patches and manholes of a clean road scored.
DEBRIS = 0.08
PASTED = {
    "camvid",
    "campus",
    "asphalt",
    "kitti",
    "nuscenes",
    "mixed",
    "runway",
    "apron",
    "reviewed",
}


def crop(scene: Scene, rng: Generator, low: float, high: float) -> Scene:
    """A part of the scene that CROP_HEIGHT x CROP_WIDTH shows magnified low to high times."""
    rows, columns = scene.labels.shape
    scale = log_uniform(rng, low, high)
    scale = max(scale, CROP_HEIGHT / rows * 0.999, CROP_WIDTH / columns * 0.999)
    stretch = float(np.exp(rng.normal(0, 0.08)))
    h = min(round(CROP_HEIGHT / scale * stretch), rows)
    w = min(round(CROP_WIDTH / scale / stretch), columns)
    y, x = int(rng.integers(0, rows - h + 1)), int(rng.integers(0, columns - w + 1))
    view = np.s_[y : y + h, x : x + w]
    flip = np.s_[:, ::-1] if rng.random() < 0.5 else np.s_[:, :]
    return Scene(*(np.ascontiguousarray(part[view][flip]) for part in vars(scene).values()))


def enlarge(scene: Scene) -> Scene:
    size = (CROP_WIDTH, CROP_HEIGHT)
    method = cv2.INTER_AREA if scene.image.shape[0] > CROP_HEIGHT else cv2.INTER_LINEAR
    labels, anomaly, instances = (
        cv2.resize(part, size, interpolation=cv2.INTER_NEAREST)
        for part in (scene.labels, scene.anomaly, scene.instances)
    )
    return Scene(cv2.resize(scene.image, size, interpolation=method), labels, anomaly, instances)


def photometric(image: Image, rng: Generator) -> Image:
    """Exposure, colour cast, saturation, haze, blur, noise, JPEG: another camera and day."""
    x = image.astype(np.float32)
    if rng.random() < 0.8:
        x = (x - 128) * rng.uniform(0.65, 1.35) + 128 + rng.uniform(-35, 35)
        x *= np.exp(rng.normal(0, 0.06, 3)).astype(np.float32)
    if rng.random() < 0.5:
        gray = x.mean(2, keepdims=True)
        x = gray + (x - gray) * rng.uniform(0.1, 1.6)
    if rng.random() < 0.25:
        x = 255 * (np.clip(x, 0, 255) / 255) ** log_uniform(rng, 0.55, 1.8)
    if rng.random() < 0.25:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.35:
        x += rng.normal(0, rng.uniform(1, 9), x.shape).astype(np.float32)
    x = np.clip(x, 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        x = cv2.imdecode(
            cv2.imencode(".jpg", x, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 92))])[1], 1
        )
    return x


class Sampler:
    """Draws samples by number: the same seed and number give the same sample."""

    def __init__(self, corpus: Corpus, seed: int, weights: dict[str, float] | None = None) -> None:
        self.corpus, self.seed = corpus, seed
        wanted = {name: (weights or {}).get(name, row[0]) for name, row in MIXTURE.items()}
        self.sources = [
            name for name, weight in wanted.items() if weight > 0 and corpus.names.get(name)
        ]
        chances = np.array([wanted[name] for name in self.sources])
        self.chances = chances / chances.sum()

    def __getitem__(self, number: int) -> Scene:
        rng = np.random.default_rng((self.seed, number))
        source = self.sources[rng.choice(len(self.sources), p=self.chances)]
        names = self.corpus.names[source]
        scene = self.corpus.scene(source, names[rng.integers(len(names))])
        scene = crop(scene, rng, *MIXTURE[source][1:])
        # Half of the objects are pasted before magnification: as sharp as their surroundings.
        early = rng.random() < 0.5
        if not early:
            scene = enlarge(scene)
        if source in PASTED:
            self.paint(scene, rng)
        elif rng.random() < 0.3:
            add_marks(scene, rng)
        if early:
            scene = enlarge(scene)
        return replace(scene, image=photometric(scene.image, rng))

    def paint(self, scene: Scene, rng: Generator) -> None:
        zoom = scene.labels.shape[0] / CROP_HEIGHT
        if rng.random() < 0.35:
            add_scenery(scene, self.normal_scene(rng), rng)
        if rng.random() < 0.35:
            add_material(scene, self.corpus.textures, rng)
        if rng.random() < 0.45:
            add_marks(scene, rng)
        for _ in range(int(rng.choice(3, p=(0.65, 0.25, 0.1)))):
            add_known(scene, self.corpus.known_cutouts, rng, 200 * zoom)
        for _ in range(int(rng.choice(6, p=(0.2, 0.2, 0.2, 0.2, 0.1, 0.1)))):
            if rng.random() < DEBRIS:
                add_debris(scene, self.corpus.photographs, rng, 110 * zoom)
            else:
                largest = float(rng.choice((120, 340, 560), p=(0.65, 0.25, 0.1)))
                add_unknown(scene, self.corpus.unknown_cutouts, rng, largest * zoom)

    def normal_scene(self, rng: Generator) -> Scene:
        source = SCENERY[rng.integers(len(SCENERY))]
        names = self.corpus.names[source]
        return self.corpus.scene(source, names[rng.integers(len(names))])
