"""Score maps of training scenes and the objects in them: what the prompter learns from.

The prompter sees rarity maps alone, so the encoder runs over the scenes once, and each step of
the training draws windows of the maps that it gave. Every calibrated score gives a map: a prompter
that has seen several of them does not depend on the character of one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from s2m_ros.perception.calibration import RARITY_LIMIT, Quantiles
from s2m_ros.perception.scorers import energy, max_logit, msp

from .network import MULTIPLE_OF, TwoScales
from .paste import log_uniform
from .samples import PASTED, Sampler, photometric
from .sources import Corpus, Image, Scene

STRIDE = 4  # pixels a cell
UNSURE = 255  # neither object nor ground
FRAME_PX = 960 * 544
LEAST_PX = 16  # an object of fewer pixels, or what another left of it, is not asked for
OBJECT_IN_VIEW = 0.75  # share of the views that are turned to an object
VISIBLE = 0.6  # decades of rarity by which an object must stand out to be asked for
Maps = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class MapScene:
    """rarity: by score, float16 (h,w); objects: uint8 (2h,2w), number of the object or UNSURE."""

    rarity: dict[str, NDArray[np.float16]]
    objects: Image


class Frames(Sampler):
    """Whole frames, where ``Sampler`` gives crops: many objects, at the size a camera shows."""

    def __init__(self, corpus: Corpus, seed: int) -> None:
        super().__init__(corpus, seed, {"coco": 0, "davis": 0})

    def __getitem__(self, number: int) -> Scene:
        rng = np.random.default_rng((self.seed, number))
        source = self.sources[rng.choice(len(self.sources), p=self.chances)]
        names = self.corpus.names[source]
        scene = self.corpus.scene(source, names[rng.integers(len(names))])
        rows, columns = scene.labels.shape
        scale = (FRAME_PX * rng.uniform(0.5, 1.1) / (rows * columns)) ** 0.5
        steps = [max(1, round(side * scale / MULTIPLE_OF)) for side in (columns, rows)]
        size = (steps[0] * MULTIPLE_OF, steps[1] * MULTIPLE_OF)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        image = cv2.resize(scene.image, size, interpolation=how)
        labels, anomaly, instances = (
            cv2.resize(part, size, interpolation=cv2.INTER_NEAREST)
            for part in (scene.labels, scene.anomaly, scene.instances)
        )
        scene = Scene(image, labels, anomaly, instances)
        assert source in PASTED
        for _ in range(int(rng.integers(1, 4))):
            self.paint(scene, rng)
        return replace(scene, image=photometric(scene.image, rng))


def raw_scores(encoder: TwoScales, image: Image) -> Maps:
    """Each score (h,w) of an image (H,W,3), by name; a higher one is stranger."""
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        anomaly, logits, _ = encoder(tensor.contiguous(memory_format=torch.channels_last))
    f = logits[0].numpy()
    return {
        "learned": anomaly[0, 0].numpy(),
        "max_logit": max_logit(f),
        "msp": msp(f),
        "energy": energy(f),
    }


def objects_of(scene: Scene) -> Image:
    """Unknown objects by number from 1 at half a cell a pixel; UNSURE what may be one or not."""
    found = np.where(scene.anomaly == 0, 0, UNSURE).astype(np.uint8)
    numbers = np.unique(scene.instances)
    kept = 0
    for number in numbers[numbers > 0]:
        mine = (scene.instances == number) & (scene.anomaly == 1)
        if kept < UNSURE - 1 and LEAST_PX <= mine.sum() > 0.5 * (scene.instances == number).sum():
            kept += 1
            found[mine] = kept
    h, w = found.shape
    return cv2.resize(found, (w * 2 // STRIDE, h * 2 // STRIDE), interpolation=cv2.INTER_NEAREST)


def map_scene(encoder: TwoScales, quantiles: Mapping[str, Quantiles], scene: Scene) -> MapScene:
    raw = raw_scores(encoder, scene.image)
    rarity = {name: table.rarity(raw[name]).astype(np.float16) for name, table in quantiles.items()}
    return MapScene(rarity, objects_of(scene))


class Cache:
    """Map scenes by number, each made once for an encoder and kept in a file."""

    def __init__(self, work: Path, encoder: TwoScales) -> None:
        weights = b"".join(value.numpy().tobytes() for value in encoder.state_dict().values())
        self.folder = work / f"score_maps_{hashlib.sha256(weights).hexdigest()[:8]}"
        self.folder.mkdir(parents=True, exist_ok=True)

    def __contains__(self, number: int) -> bool:
        return self._path(number).exists()

    def __setitem__(self, number: int, scene: MapScene) -> None:
        part = self._path(number).with_suffix(".part")
        with part.open("wb") as stream:
            np.savez(stream, objects=scene.objects, **scene.rarity)
        part.rename(self._path(number))

    def __getitem__(self, number: int) -> MapScene:
        with np.load(self._path(number)) as archive:
            maps = dict(archive)
        return MapScene(maps, maps.pop("objects"))

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:05}.npz"


@dataclass(frozen=True)
class Window:
    """rarity: float32 (h,w); boxes: float32 (N,4) cells; unsure: bool (h,w), teaches nothing."""

    rarity: NDArray[np.float32]
    boxes: NDArray[np.float32]
    unsure: NDArray[np.bool_]


def window(scene: MapScene, rng: Generator, width: int, height: int) -> Window:
    """A random view of a scene through one of its scores: mirrored, magnified, made fainter."""
    names = list(scene.rarity)
    learned = names[0] if rng.random() < 0.6 else names[rng.integers(len(names))]
    source = scene.rarity[learned].astype(np.float32)
    h, w = source.shape
    scale = log_uniform(rng, 0.35, 1.6)
    stretch = float(np.exp(rng.normal(0, 0.08)))
    sx, sy = scale * stretch, scale / stretch
    targets = boxes_of(scene.objects)
    if len(targets) and rng.random() < OBJECT_IN_VIEW:
        x0, y0, x1, y1 = targets[rng.integers(len(targets))] * [sx, sy, sx, sy]
        x = corner(rng, (x0 + x1) / 2, width, w * sx)
        y = corner(rng, (y0 + y1) / 2, height, h * sy)
    else:
        x = corner(rng, rng.uniform(0, w * sx), width, w * sx)
        y = corner(rng, rng.uniform(0, h * sy), height, h * sy)
    view = np.array([[sx, 0, -x], [0, sy, -y]])
    if rng.random() < 0.5:
        view[0] = -view[0] + [0, 0, width]
    values = warp(source, view, width, height, cv2.INTER_LINEAR)
    half = view @ np.diag([0.5, 0.5, 1]) * 2
    objects = warp(scene.objects, half, 2 * width, 2 * height, cv2.INTER_NEAREST)
    boxes = boxes_of(objects)
    values = altered(values, boxes, rng)
    unsure = objects[::2, ::2] == UNSURE
    shown = [stands_out(values, box) for box in boxes]
    for box in boxes[~np.asarray(shown, bool)]:  # no one can tell from the map that it is there
        x0, y0, x1, y1 = np.round(box).astype(int)
        unsure[y0 : y1 + 1, x0 : x1 + 1] = True
    return Window(values, boxes[np.asarray(shown, bool)], unsure)


def corner(rng: Generator, target: float, view: int, extent: float) -> float:
    """Where a view along one axis starts that shows `target`, within the map if that is larger."""
    start = target - rng.uniform(0.1, 0.9) * view
    return float(np.clip(start, min(0, extent - view), max(0, extent - view)))


def stands_out(values: NDArray[np.float32], box: NDArray[np.float32]) -> bool:
    """Whether the map is higher in a box (4,) than around it."""
    x0, y0, x1, y1 = np.round(box).astype(int)
    margin = max(2, max(x1 - x0, y1 - y0) // 4)
    around = values[max(y0 - margin, 0) : y1 + margin, max(x0 - margin, 0) : x1 + margin]
    inside = values[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    return bool(np.quantile(inside, 0.8) > np.quantile(around, 0.25) + VISIBLE)


def warp(source: NDArray, view: NDArray[np.float64], width: int, height: int, how: int) -> NDArray:
    """An affine view of a map; corners of cells, not their centres, lie on whole numbers."""
    centre = view.copy()
    centre[:, 2] += view[:, :2] @ [0.5, 0.5] - 0.5
    return cv2.warpAffine(source, centre, (width, height), flags=how, borderValue=0)


def boxes_of(objects: Image) -> NDArray[np.float32]:
    """Boxes (N,4) in cells of the objects in view, from their numbers at half cells."""
    boxes = []
    for number in np.unique(objects):
        if 0 < number < UNSURE:
            x, y, w, h = cv2.boundingRect((objects == number).view(np.uint8))
            if w >= 2 and h >= 2:
                boxes.append((x, y, x + w, y + h))
    return np.asarray(boxes, np.float32).reshape(-1, 4) / 2


def altered(
    values: NDArray[np.float32], boxes: NDArray[np.float32], rng: Generator
) -> NDArray[np.float32]:
    """As a worse scorer would see it: all of it or one object fainter, parts missing, noisy."""
    h, w = values.shape
    out = values * np.float32(rng.uniform(0.6, 1.1))
    for box in boxes:
        x0, y0, x1, y1 = np.floor(box).astype(int)
        place = np.s_[max(y0 - 1, 0) : y1 + 2, max(x0 - 1, 0) : x1 + 2]
        if rng.random() < 0.3:
            out[place] *= np.float32(rng.uniform(0.35, 1.0))
        if rng.random() < 0.25 and min(x1 - x0, y1 - y0) > 6:  # a part that looks normal
            part = np.ones(out[place].shape, np.float32)
            ph, pw = part.shape
            cy, cx = int(rng.integers(0, ph)), int(rng.integers(0, pw))
            ry, rx = int(rng.integers(1, ph // 3 + 2)), int(rng.integers(1, pw // 3 + 2))
            part[max(cy - ry, 0) : cy + ry, max(cx - rx, 0) : cx + rx] = rng.uniform(0.1, 0.7)
            out[place] *= cv2.blur(part, (3, 3))
    if rng.random() < 0.4:
        coarse = rng.normal(0, 0.15, (-(-h // 4), -(-w // 4))).astype(np.float32)
        grain = cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
        out += grain + rng.normal(0, 0.06, (h, w)).astype(np.float32)
    if rng.random() < 0.3:
        out = cv2.GaussianBlur(out, (0, 0), rng.uniform(0.4, 1.2))
    return np.clip(out, 0, RARITY_LIMIT).astype(np.float32)
