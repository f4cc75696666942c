"""Promptable segmenters that users already have: SAM and its relatives as ONNX pairs.

The family is known by the names of the decoder's inputs and outputs, so a folder with
``*encoder*.onnx`` and ``*decoder*.onnx`` is enough (a ``model.yaml`` with files ``encoder`` and
``decoder`` adds hashes). A box is two points with labels 2 (top left) and 3 (bottom right), a mask
is where the logit is over 0. The image is encoded once a frame.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..config import Model
from ..perception.interfaces import Candidate, Candidates, Encoding
from ..perception.paste import paste
from ..types import Float32, InputError, Prompts, UInt8
from .graph import Array
from .manifest import read
from .session import Session

SAM_MEAN = (123.675, 116.28, 103.53)
SAM_STD = (58.395, 57.12, 57.375)
LOW_RES = 256


@dataclass(frozen=True, slots=True)
class Family:
    """How one family wants its image and its boxes, and what it puts out.

    keep_aspect: the longest side is scaled to ``side`` and the rest padded; else the image is
    stretched to a square. unit: RGB in [0, 1] of the image as it is, resized inside the graph;
    else normalised as SAM is. coordinates: of box corners, 'side' (pixels of the padded square),
    'square' (of the stretched square) or 'image'. masks, quality: output names, in order of
    preference ('' is a third output without a name).
    """

    name: str
    masks: tuple[str, ...]
    quality: str
    keep_aspect: bool = True
    unit: bool = False
    coordinates: str = "side"
    batch: bool = False
    side: int = 1024
    by_stability: bool = False


EFFICIENT_SAM = Family(
    "EfficientSAM",
    ("", "output_masks"),
    "iou_predictions",
    keep_aspect=False,
    unit=True,
    coordinates="image",
)
SAM = Family("SAM", ("low_res_masks", "masks"), "iou_predictions")
NANO_SAM = Family("NanoSAM", ("low_res_masks",), "iou_predictions")
EDGE_SAM = Family("EdgeSAM", ("masks",), "scores", by_stability=True)
EFFICIENT_VIT_SAM = Family("EfficientViT-SAM", ("masks",), "iou_predictions", batch=True)
SAM_2 = Family(
    "SAM 2", ("masks",), "iou_predictions", keep_aspect=False, coordinates="square", batch=True
)


def family_of(inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Family | None:
    """The family of a decoder with these names, or None."""
    names = set(inputs)
    if "batched_point_coords" in names:
        return EFFICIENT_SAM
    if not {"point_coords", "point_labels"} <= names:
        return None
    if "high_res_feats_0" in names:
        return SAM_2
    if "mask_input" in names:
        return SAM if "orig_im_size" in names else NANO_SAM
    return EDGE_SAM if "scores" in outputs else EFFICIENT_VIT_SAM


class PromptableSegmenter:
    """An encoder and a decoder of one of the families, as a ``Segmenter``."""

    def __init__(self, folder: Path, config: Model) -> None:
        encoder, decoder = _files(folder)
        self._encoder = Session(encoder, config)
        self._decoder = Session(decoder, config)
        family = family_of(self._decoder.inputs, self._decoder.outputs)
        if family is None:
            raise InputError(
                str(decoder),
                f"no known decoder: inputs {list(self._decoder.inputs)}",
                "give a decoder of EfficientSAM, SAM, MobileSAM, NanoSAM, EdgeSAM, "
                "EfficientViT-SAM or SAM 2",
            )
        self.family = family
        self._masks = self._pick(family.masks)
        self._pick((family.quality,))

    @property
    def info(self) -> Mapping[str, str]:
        return {"segmenter": self.family.name, "provider": self._decoder.provider}

    def __call__(self, encoding: Encoding, prompts: Prompts) -> Candidates:
        grid = encoding.input_size
        if not len(prompts):
            return Candidates(grid, ())
        size = encoding.image_size
        embedding = self._embed(encoding.image)
        corners = self._scale(prompts.boxes, size)
        step = len(corners) if self.family.batch else 1
        items: list[Candidate] = []
        for start in range(0, len(corners), step):
            feed = {**embedding, **self._question(corners[start : start + step], size)}
            logits, quality = self._decoder.run(feed, (self._masks, self.family.quality))
            count = min(step, len(corners) - start)
            logits = logits.reshape(count, -1, *logits.shape[-2:])
            quality = quality.reshape(count, -1)
            for i in range(count):
                items.append(self._best(logits[i], quality[i], start + i, size, grid))
        return Candidates(grid, tuple(items))

    def _pick(self, names: tuple[str, ...]) -> str:
        """The first of the names that the decoder puts out."""
        for name in names:
            if name and name in self._decoder.outputs:
                return name
            if not name and len(self._decoder.outputs) > 2:
                known = ("output_masks", "iou_predictions")
                return next(n for n in self._decoder.outputs if n not in known)
        raise InputError(
            str(self._decoder.path),
            f"expected one of the outputs {list(filter(None, names))}, got "
            f"{list(self._decoder.outputs)}",
            f"export the decoder as {self.family.name} does",
        )

    def _side(self) -> int:
        """Side of the encoder's square, as its graph states it."""
        shape = self._encoder.input_shapes[self._encoder.inputs[0]]
        return shape[-1] if len(shape) == 4 and isinstance(shape[-1], int) else self.family.side

    def _embed(self, image: UInt8) -> dict[str, Array]:
        """Run the encoder; its outputs under the names that the decoder asks for."""
        name = self._encoder.inputs[0]
        pixels = self._prepare(image, len(self._encoder.input_shapes[name]))
        if "uint8" in self._encoder.input_types[name]:
            pixels = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
        outputs = dict(zip(self._encoder.outputs, self._encoder.run({name: pixels}), strict=True))
        prompts = {"point_coords", "point_labels", "mask_input", "has_mask_input", "orig_im_size"}
        wanted = [n for n in self._decoder.inputs if n.removeprefix("batched_") not in prompts]
        if len(wanted) == len(outputs) == 1:  # one embedding, whatever its name
            return {wanted[0]: next(iter(outputs.values()))}
        lacking = [n for n in wanted if n not in outputs]
        if lacking:
            raise InputError(
                str(self._decoder.path),
                f"needs {lacking}, the encoder gives {list(outputs)}",
                "give the encoder and the decoder of one model",
            )
        return {n: outputs[n] for n in wanted}

    def _prepare(self, image: UInt8, rank: int) -> Float32:
        """The image as the encoder wants it: (1, 3, H, W), or (H, W, 3) when it has three axes."""
        h, w = image.shape[:2]
        if self.family.unit:
            return np.asarray(image.transpose(2, 0, 1)[None] / 255, np.float32)
        side = self._side()
        scale = side / max(h, w)
        size = (round(w * scale), round(h * scale)) if self.family.keep_aspect else (side, side)
        resized = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        if rank == 3:  # such graphs normalise and pad inside
            return np.asarray(resized, np.float32)
        mean, std = np.asarray(SAM_MEAN), np.asarray(SAM_STD)
        square = np.zeros((1, 3, side, side), np.float32)
        square[0, :, : size[1], : size[0]] = ((resized - mean) / std).transpose(2, 0, 1)
        return square

    def _scale(self, boxes: Float32, size: tuple[int, int]) -> Float32:
        """Boxes (N, 4) in image pixels as corners (N, 2, 2) in the family's coordinates."""
        corners = boxes.reshape(-1, 2, 2)
        if self.family.coordinates == "side":
            return np.asarray(corners * (self.family.side / max(size)), np.float32)
        if self.family.coordinates == "square":
            return np.asarray(corners * np.divide(self.family.side, size), np.float32)
        return np.asarray(corners, np.float32)

    def _question(self, corners: Float32, size: tuple[int, int]) -> dict[str, Array]:
        """The decoder's inputs for boxes (N, 2, 2)."""
        n = len(corners)
        labels = np.tile(np.asarray([[2, 3]], np.float32), (n, 1))
        low_res = self._decoder.input_shapes.get("mask_input", ())
        side = low_res[-1] if low_res and isinstance(low_res[-1], int) else LOW_RES
        possible: dict[str, Any] = {
            "batched_point_coords": corners[None],
            "batched_point_labels": labels[None],
            "point_coords": corners,
            "point_labels": labels,
            "mask_input": np.zeros((n, 1, side, side), np.float32),
            "has_mask_input": np.zeros(n, np.float32),
            "orig_im_size": np.asarray([size[1], size[0]]),
        }
        types = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
        return {
            name: np.asarray(possible[name], types.get(self._decoder.input_types[name], np.float32))
            for name in self._decoder.inputs
            if name in possible
        }

    def _best(
        self,
        logits: Float32,
        quality: Float32,
        prompt: int,
        size: tuple[int, int],
        grid: tuple[int, int],
    ) -> Candidate:
        """The best of the masks of one box, laid on the grid."""
        if self.family.by_stability:  # EdgeSAM's own estimate of IoU is not to be relied on
            strict = (logits > 1).sum(axis=(1, 2))
            best = int(np.argmax(strict / np.maximum((logits > -1).sum(axis=(1, 2)), 1)))
        else:
            best = int(np.argmax(quality))
        whole = np.asarray(size, np.float32)
        # at the image's own size the padding has been cut off already
        padded = self.family.keep_aspect and logits.shape[-2:] != (size[1], size[0])
        covered = np.full(2, max(size), np.float32) if padded else whole
        window = np.asarray([0, 0, *(covered * np.divide(grid, size))], np.float32)
        value = float(np.clip(quality[best], 0, 1))
        return paste(np.asarray(logits[best], np.float32), window, grid, prompt, value)


def _files(folder: Path) -> tuple[Path, Path]:
    """The encoder and the decoder in a folder."""
    if (folder / "model.yaml").is_file():
        manifest = read(folder)
        return manifest.file("encoder"), manifest.file("decoder")
    found = []
    for part in ("encoder", "decoder"):
        matches = sorted(p for p in folder.glob("*.onnx") if part in p.name.lower())
        if len(matches) != 1:
            raise InputError(
                str(folder),
                f"expected one *{part}*.onnx, found {[p.name for p in matches]}",
                "give a folder with the encoder and the decoder of one model",
            )
        found.append(matches[0])
    return found[0], found[1]
