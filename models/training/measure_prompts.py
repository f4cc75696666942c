"""Measure prompts on held-out scenes: which objects get a good box, and what is asked in vain.

    python -m models.training.measure_prompts --data DIR [--model models/apron_lite0]

Objects are pasted on held-out frames (``Frames``), and held-out frames stay as they are. Each kind
of prompts has the same budget and sees the same score maps.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from s2m_ros.config import Config, Perception
from s2m_ros.perception.interfaces import Prompter
from s2m_ros.perception.overlap import pairwise_iou
from s2m_ros.runtime.build import build_prompter
from s2m_ros.runtime.manifest import Manifest, read
from s2m_ros.runtime.scorers import build_scorer
from s2m_ros.runtime.trunk import TrunkEncoder
from s2m_ros.types import Prompts

from .score_maps import FRAME_PX, STRIDE, Frames, boxes_of, objects_of
from .sources import Corpus, Image

KINDS = ("topology", "learned", "both")
SIZES = ((0, 16), (16, 32), (32, 96), (96, 10_000))  # square root of the box's area, px
CLEAN = ("camvid", "campus", "kitti", "runway", "asphalt", "mixed")
STRAY = 0.1  # a prompt that covers less of objects than this share of its box is asked in vain


@dataclass
class Tally:
    """What one kind of prompts did. By size: objects, those with a box, those hit at the centre."""

    objects: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    boxed: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    hit: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    stray: list[int] = field(default_factory=list)
    clean: list[int] = field(default_factory=list)

    def add(self, prompts: Prompts, objects: Image) -> None:
        """Prompts in pixels of the network's input; objects as ``objects_of`` gives them."""
        asked, wanted = prompts.boxes, STRIDE * boxes_of(objects)
        iou = pairwise_iou(wanted, asked).max(axis=1, initial=0)
        middle = (asked[:, :2] + asked[:, 2:]) / 2
        for box, best in zip(wanted, iou, strict=True):
            side = float(np.prod(box[2:] - box[:2])) ** 0.5
            size = next(i for i, (_, high) in enumerate(SIZES) if side < high)
            self.objects[size] += 1
            self.boxed[size] += int(best >= 0.5)
            self.hit[size] += int(((middle >= box[:2]) & (middle <= box[2:])).all(axis=1).any())
        self.stray.append(sum(share(objects, box) < STRAY for box in asked))

    def recall(self, found: dict[int, int], size: int | None = None) -> float:
        sizes = range(len(SIZES)) if size is None else (size,)
        return 100 * sum(found[i] for i in sizes) / max(1, sum(self.objects[i] for i in sizes))


def share(objects: Image, box: NDArray[np.float32]) -> float:
    """How much of a box (4,) in pixels is on objects, or on what may be one."""
    x0, y0, x1, y1 = np.round(box * 2 / STRIDE).astype(int)
    return float((objects[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)] > 0).mean())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("models/apron_lite0"))
    parser.add_argument("--apron", type=Path, default=Path("out/model/apron"), help="its frames")
    parser.add_argument("--scorer", default="learned")
    parser.add_argument("--frames", type=int, default=80)
    parser.add_argument("--clean-frames", type=int, default=40)
    parser.add_argument("--prompts", type=int, default=24, help="budget of each kind")
    options = parser.parse_args()
    manifest = read(options.model)
    settings = Config().perception
    encoder = TrunkEncoder(manifest, settings.model)
    scorer = build_scorer(options.scorer, manifest, settings.model, None)
    prompters = {kind: prompter(settings, manifest, kind, options.prompts) for kind in KINDS}
    tallies = {kind: Tally() for kind in KINDS}

    def asked(image: Image) -> dict[str, Prompts]:
        encoding = encoder.encode(image)
        score = scorer.calibrate(scorer.raw(encoding), encoding.image_size)
        return {kind: ask(score, encoder.roles(encoding)) for kind, ask in prompters.items()}

    corpus = Corpus(options.data, "held_out", options.apron if options.apron.is_dir() else None)
    frames = Frames(corpus, 99)
    for number in track(range(options.frames), "pasted", transient=True):
        scene = frames[number]
        for kind, prompts in asked(scene.image).items():
            tallies[kind].add(prompts, objects_of(scene))
    for image in track(list(clean_frames(corpus, options.clean_frames)), "clean", transient=True):
        for kind, prompts in asked(image).items():
            tallies[kind].clean.append(len(prompts))
    Console().print(table(tallies))


def prompter(settings: Perception, manifest: Manifest, kind: str, budget: int) -> Prompter:
    prompting = settings.prompting.model_copy(update={"kind": kind, "max_prompts": budget})
    return build_prompter(settings.model_copy(update={"prompting": prompting}), manifest)


def clean_frames(corpus: Corpus, count: int) -> Iterator[Image]:
    """Held-out frames as they are, of each source in turn, at about the default input's size."""
    sources = [name for name in CLEAN if corpus.names.get(name)]
    for number in range(count):
        names = corpus.names[sources[number % len(sources)]]
        image = corpus.scene(sources[number % len(sources)], names[7 * number % len(names)]).image
        h, w = image.shape[:2]
        scale = (FRAME_PX / (h * w)) ** 0.5
        size = tuple(max(1, round(side * scale / 32)) * 32 for side in (w, h))
        yield cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)


def table(tallies: dict[str, Tally]) -> Table:
    """Recall by size as box IoU >= 0.5 / centre hit, and prompts in vain a frame."""
    objects = next(iter(tallies.values())).objects
    heads = [
        f"{low}-{high} px ({objects[i]})" if high < 1000 else f"> {low} px ({objects[i]})"
        for i, (low, high) in enumerate(SIZES)
    ]
    shown = Table("prompts", *heads, f"all ({sum(objects.values())})", "stray", "clean frame")
    for kind, tally in tallies.items():
        columns = [
            f"{tally.recall(tally.boxed, size):.0f} / {tally.recall(tally.hit, size):.0f}"
            for size in (*range(len(SIZES)), None)
        ]
        shown.add_row(kind, *columns, f"{np.mean(tally.stray):.1f}", f"{np.mean(tally.clean):.1f}")
    return shown


if __name__ == "__main__":
    main()
