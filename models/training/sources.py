"""The data sets as scenes: image, closed-set labels, anomaly labels and object instances.

Normal scenes come from roads, a campus, motorways, a runway and bare surfaces, because false alarms
come from what the model has never seen. COCO and DAVIS photographs also serve as they are: a cow on
its meadow is a real unknown object without any trace of cut and paste.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from .classes import IGNORE, INDEX

Image = NDArray[np.uint8]
SPLIT_FILE = Path(__file__).with_name("split.json")

# COCO categories that the closed set knows; None: street furniture and worn things, neither
# normal nor unknown.
COCO_KNOWN: dict[str, str | None] = {
    "person": "Pedestrian", "bicycle": "Bicyclist", "motorcycle": "Bicyclist", "car": "Car",
    "bus": "Car", "truck": "Car", "airplane": "Aircraft", "train": None,
    "traffic light": "SignSymbol", "stop sign": "SignSymbol", "fire hydrant": None,
    "parking meter": None, "bench": None, "backpack": None, "handbag": None, "tie": None,
    "umbrella": None, "clock": None, "potted plant": None, "dining table": None, "bed": None,
}  # fmt: skip
COCO_INDOOR = {"furniture", "kitchen", "electronic", "appliance", "food", "indoor"}
COCO_OUTDOOR = {
    "car", "bus", "truck", "traffic light", "stop sign", "airplane", "fire hydrant",
    "parking meter", "motorcycle", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe",
}  # fmt: skip
DAVIS_ANIMALS = {"blackswan", "camel", "cows", "dog", "goat", "libby", "horsejump-high", "soapbox"}
DAVIS_PEOPLE = {"breakdance", "dance-twirl", "parkour"}
DAVIS_CARS = {"car-roundabout", "car-shadow", "drift-chicane", "drift-straight"}


@dataclass(frozen=True)
class Scene:
    """One picture with what is known of it; all maps (H,W)."""

    image: Image  # (H,W,3) RGB
    labels: Image  # closed-set class index or IGNORE
    anomaly: Image  # 0 normal, 1 unknown object, IGNORE
    instances: NDArray[np.int16]  # object number from 1, 0 elsewhere


@dataclass(frozen=True)
class Cutout:
    """An object to paste: tight crop, mask, and its class."""

    image: Image  # (h,w,3) RGB
    mask: Image  # (h,w) 0..255
    label: int  # closed-set class, or IGNORE for an unknown object


def read_rgb(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(f"expected an image at {path}: check the --data folder")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def read_gray(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if image is None:
        raise FileNotFoundError(f"expected a label image at {path}: check the --data folder")
    return image


def normal_scene(image: Image, labels: Image | None = None, unsure: Image | None = None) -> Scene:
    """A scene without unknown objects; `unsure` pixels teach neither head."""
    height, width = image.shape[:2]
    anomaly = np.zeros((height, width), np.uint8)
    if unsure is not None:
        anomaly[unsure.astype(bool)] = IGNORE
    if labels is None:
        labels = np.full((height, width), IGNORE, np.uint8)
    return Scene(image, labels, anomaly, np.zeros((height, width), np.int16))


class Corpus:
    """All sources under one data folder, decoded once and kept in memory (about 2 GB)."""

    def __init__(
        self,
        data: Path,
        part: str,
        apron_frames: Path | None = None,
        reviewed_sets: Sequence[Path] = (),
    ) -> None:
        """`part` is 'train' or 'held_out', as split.json names them; apron_frames: see apron.py,
        reviewed_sets: see reviewed.py."""
        split = json.loads(SPLIT_FILE.read_text())
        if part not in split:
            raise ValueError(f"expected part to be one of {sorted(split)}, got {part!r}")
        self.data, self.names = data, split[part]
        self._cache: dict[tuple[str, str], Scene] = {}
        self._readers: dict[str, Callable[[str], Scene]] = {
            "camvid": self._camvid,
            "campus": self._campus,
            "coco": self._coco,
            "davis": self._davis,
            "asphalt": self._asphalt,
            **dict.fromkeys(("kitti", "nuscenes", "mixed", "runway"), self._unlabelled),
        }
        if apron_frames is not None:
            from . import apron  # needs the simulator, and this module

            self.names["apron"] = apron.names(apron_frames, part == "held_out")
            self._readers["apron"] = partial(apron.read, apron_frames)
        if reviewed_sets:
            from . import reviewed  # which needs this module

            self.names["reviewed"] = reviewed.names(reviewed_sets, part == "held_out")
            self._readers["reviewed"] = partial(reviewed.read, reviewed_sets)

    def scene(self, source: str, name: str) -> Scene:
        key = (source, name)
        if key not in self._cache:
            self._cache[key] = self._readers[source](name)
        return self._cache[key]

    def relabel(self, source: str, name: str, labels: Image) -> None:
        """Give a scene other class labels (H,W), for all who ask from now on."""
        self._cache[source, name] = replace(self.scene(source, name), labels=labels)

    def scenes(self, source: str) -> Iterator[Scene]:
        return (self.scene(source, name) for name in self.names[source])

    def _unlabelled(self, name: str) -> Scene:
        image = read_rgb(self.data / name)
        if max(image.shape) > 1300:  # of 1600 px and more, a crop may be nothing but sky
            image = cv2.resize(image, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
        return normal_scene(image)

    def _asphalt(self, name: str) -> Scene:
        image = read_rgb(self.data / name)
        image = cv2.resize(
            image, (640, round(640 * image.shape[0] / image.shape[1])), interpolation=cv2.INTER_AREA
        )
        return normal_scene(image, np.full(image.shape[:2], INDEX["Road"], np.uint8))

    def _camvid(self, name: str) -> Scene:
        folder, file = name.split("/")
        labels = read_gray((self.data / "camvid" / f"{folder}annot" / file).with_suffix(".png"))
        image = read_rgb(next((self.data / "camvid" / folder).glob(Path(file).stem + ".*")))
        unlabelled = labels >= 11
        return normal_scene(
            image, np.where(unlabelled, IGNORE, labels).astype(np.uint8), unlabelled
        )

    def _campus(self, name: str) -> Scene:
        image = read_rgb(self.data / "roads/campus/images" / name)
        raw = read_gray(next((self.data / "roads/campus/labels").glob(Path(name).stem + ".*")))
        labels = np.full(raw.shape, IGNORE, np.uint8)
        labels[(raw == 2) | (raw == 4)] = INDEX["Road"]
        labels[raw == 3] = INDEX["Pavement"]
        return normal_scene(image, labels)

    def _davis(self, name: str) -> Scene:
        sequence = name.split("/")[0]
        image = read_rgb(self.data / "davis/images" / f"{name}.jpg")
        mask = read_gray(self.data / "davis/masks" / f"{name}.png") > 127
        labels = np.full(mask.shape, IGNORE, np.uint8)
        anomaly = np.zeros(mask.shape, np.uint8)
        if sequence in DAVIS_ANIMALS:
            anomaly[mask] = 1
        elif sequence in DAVIS_PEOPLE:
            labels[mask] = INDEX["Pedestrian"]
        elif sequence in DAVIS_CARS:
            labels[mask] = INDEX["Car"]
        else:
            anomaly[mask] = IGNORE
        return Scene(image, labels, anomaly, mask.astype(np.int16))

    @cached_property
    def _coco_index(self) -> dict[str, tuple[bool, list[tuple[str, list[list[float]]]]]]:
        """File name -> (is an outdoor scene, objects as (category, polygons), largest first)."""
        content = json.loads((self.data / "coco_instances/instances.json").read_text())
        category = {c["id"]: c for c in content["categories"]}
        objects: dict[int, list[dict]] = {image["id"]: [] for image in content["images"]}
        for annotation in content["annotations"]:
            if not annotation["iscrowd"] and isinstance(annotation["segmentation"], list):
                objects[annotation["image_id"]].append(annotation)
        index = {}
        for image in content["images"]:
            found = sorted(objects[image["id"]], key=lambda a: -a["area"])
            names = {category[a["category_id"]]["name"] for a in found}
            groups = {category[a["category_id"]].get("supercategory", "") for a in found}
            outdoor = bool(names & COCO_OUTDOOR) and not groups & COCO_INDOOR
            entries = [(category[a["category_id"]]["name"], a["segmentation"]) for a in found]
            index[image["file_name"]] = (outdoor, entries)
        return index

    def _coco(self, name: str) -> Scene:
        folder = self.data / "coco_instances"
        path = folder / name if (folder / name).exists() else next(folder.rglob(name))
        image = read_rgb(path)
        outdoor, objects = self._coco_index[name]
        shape = image.shape[:2]
        labels = np.full(shape, IGNORE, np.uint8)
        anomaly = np.full(shape, 0 if outdoor else IGNORE, np.uint8)
        instances = np.zeros(shape, np.int16)
        for number, (category, polygons) in enumerate(objects, start=1):
            mask = polygon_mask(polygons, shape)
            instances[mask] = number
            known = COCO_KNOWN.get(category, "")
            anomaly[mask] = 1 if known == "" else IGNORE if known is None else 0
            labels[mask] = INDEX[known] if known else IGNORE
        return Scene(image, labels, anomaly, instances)

    @cached_property
    def unknown_cutouts(self) -> list[Cutout]:
        """Objects of COCO and DAVIS that no road scene should contain."""
        cutouts = []
        for source in ("coco", "davis"):
            for name in self.names[source][:: 1 if source == "coco" else 3]:
                scene = self.scene(source, name)
                cutouts += [c for c in cut(scene, least_px=28) if c.label == IGNORE]
        return cutouts

    @cached_property
    def known_cutouts(self) -> list[Cutout]:
        """Cars, people and signs, pasted as normal: a pasted edge alone must mean nothing."""
        cutouts = []
        for name in self.names["coco"]:
            cutouts += [c for c in cut(self.scene("coco", name), least_px=28) if c.label != IGNORE]
        for name in self.names["camvid"][::6]:
            scene = self.scene("camvid", name)
            for label in ("Car", "Pedestrian", "Bicyclist", "SignSymbol"):
                count, numbers = cv2.connectedComponents(
                    (scene.labels == INDEX[label]).astype(np.uint8)
                )
                if count > 1:
                    part = Scene(scene.image, scene.labels, scene.anomaly, numbers.astype(np.int16))
                    cutouts += cut(part, least_px=28)
        return cutouts

    @cached_property
    def photographs(self) -> list[Image]:
        """Pictures of anything, to cut nameless things from."""
        return [self.scene("coco", name).image for name in self.names["coco"]]

    @cached_property
    def textures(self) -> list[Image]:
        """Ground materials: normal wherever they lie."""
        paths = [self.data / name for name in self.names["surfaces"]]
        return [read_rgb(path) for path in paths]


def polygon_mask(polygons: list[list[float]], shape: tuple[int, int]) -> NDArray[np.bool_]:
    canvas = np.zeros(shape, np.uint8)
    for polygon in polygons:
        cv2.fillPoly(canvas, [np.round(np.asarray(polygon).reshape(-1, 1, 2)).astype(np.int32)], 1)
    return canvas.astype(bool)


def cut(scene: Scene, least_px: int) -> list[Cutout]:
    """Objects of a scene with both sides of at least `least_px`, whole inside the picture."""
    cutouts = []
    height, width = scene.instances.shape
    for number in range(1, int(scene.instances.max()) + 1):
        mask = (scene.instances == number).astype(np.uint8)
        x, y, w, h = cv2.boundingRect(mask)
        if (
            min(w, h) < least_px
            or mask.sum() < 0.25 * w * h
            or x == 0
            or y == 0
            or x + w >= width
            or y + h >= height
        ):
            continue
        crop = np.s_[y : y + h, x : x + w]
        inside = mask[crop].astype(bool)
        verdicts = scene.anomaly[crop][inside]
        label = int(np.median(scene.labels[crop][inside]))
        if (verdicts == IGNORE).mean() > 0.5 or (label == IGNORE) != bool(
            (verdicts == 1).mean() > 0.5
        ):
            continue  # neither clearly unknown nor clearly of a known class
        cutouts.append(Cutout(scene.image[crop].copy(), mask[crop] * 255, label))
    return cutouts
