"""Vectors of objects, to compare what they look like.

The default model gives them: the features of its encoder, pooled under the mask, in the whole
picture and once more in a close-up, where a small object covers enough cells to show its texture.
A user's own model (CLIP, DINO, ...) is a folder with ``model.yaml``:

    name: my_clip
    files: {image: {path: image.onnx, ...}, text: {path: text.onnx, ...},
            tokenizer: {path: tokenizer.json, ...}, vocabulary: {path: names.yaml, ...}}
    input: {width: 224, height: 224, dtype: float32, layout: nchw, scale: 0.00392157,
            mean: [0.48145466, 0.4578275, 0.40821073], std: [0.26862954, 0.26130258, 0.27577711]}
    embedding: {output: image_embeds, text_output: text_embeds, tokens: 77, pad_token: 49407}

``text``, ``tokenizer`` (of the library ``tokenizers``) and ``vocabulary`` are for queries by text
and for names; an image encoder alone will do to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from ..config import Model
from ..perception.interfaces import Encoder, Encoding
from ..types import Float32, InputError, ObjectMask, ObjectMasks, UInt8
from .external import network_input
from .manifest import EmbeddingPart, Manifest, find, read
from .session import Session
from .trunk import TrunkEncoder

GREY = 114
CLASSES = 0.5
"""Weight of the known classes beside the features."""
CLOSE_PX = 256
"""Side of a close-up as the encoder sees it."""
CLOSE = 1.0
"""What a close-up shows beside the object, on each side, as a share of its longer side."""
CLOSE_LEAST = 48
"""Pixels of the picture that a close-up shows at least: fewer hold nothing to enlarge."""


class Embedder(Protocol):
    @property
    def name(self) -> str:
        """Model and version: vectors of one name can be compared."""
        ...

    def __call__(self, image: UInt8, masks: ObjectMasks, items: Sequence[ObjectMask]) -> Float32:
        """Vectors of length 1, float32 (N, D), of these masks of uint8 (H, W, 3) RGB.

        The image may be smaller than the one that the masks were found in.
        """
        ...


def build_embedder(model: str, config: Model) -> Embedder:
    """The embedder of a model folder: a user's, or the default model's own features."""
    manifest = read(find(model or config.path))
    if "image" in manifest.files:
        return ImageEmbedder(manifest, config)
    near = config.model_copy(update={"width": CLOSE_PX, "height": CLOSE_PX, "least_scale": 0.0})
    return TrunkEmbedder(
        TrunkEncoder(manifest, config),
        TrunkEncoder(manifest, near),
        f"{manifest.name} {manifest.version}",
    )


class TrunkEmbedder:
    """The encoder's features and known classes under each mask, and the features of a close-up.

    near: the encoder of the close-ups.
    """

    def __init__(self, encoder: Encoder, near: Encoder, name: str) -> None:
        self._encoder, self._near = encoder, near
        self.name = f"{name} features, with close-ups"

    def __call__(self, image: UInt8, masks: ObjectMasks, items: Sequence[ObjectMask]) -> Float32:
        encoding = self._encoder.encode(image)
        far = unit(np.stack([pooled(encoding, masks, item) for item in items]))
        near = unit(np.stack([self._close_up(image, masks, item) for item in items]))
        return unit(np.concatenate([far, near], axis=1))

    def _close_up(self, image: UInt8, masks: ObjectMasks, item: ObjectMask) -> Float32:
        scale = image.shape[1] / masks.image_size[0]
        square = _square(item.box * scale, CLOSE, CLOSE_LEAST)
        dense = masks.dense(item).astype(np.uint8)
        bits = cv2.resize(dense, image.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        encoding = self._near.encode(_cut(image, square, GREY))
        shown = _cut(np.asarray(bits, np.uint8), square, 0)

        def weights(shape: tuple[int, ...]) -> Float32:
            shares = _shares(shown, shape)
            if not shares.any():  # thinner than a pixel of the picture
                shares[shape[0] // 2, shape[1] // 2] = 1.0
            return shares

        return _features(encoding, weights)


class ImageEmbedder:
    """A user's own graph on a square crop around each object."""

    def __init__(self, manifest: Manifest, config: Model) -> None:
        self._input, self._part = manifest.input, manifest.embedding
        self._session = Session(manifest.file("image"), config)
        self._output = _output(self._session, self._part.output, "embedding.output")
        self.name = f"{manifest.name} {manifest.version}"

    def __call__(self, image: UInt8, masks: ObjectMasks, items: Sequence[ObjectMask]) -> Float32:
        return self.pictures([crop(image, masks, item, self._part) for item in items])

    def pictures(self, images: Sequence[UInt8]) -> Float32:
        """Vectors of whole pictures, uint8 (H, W, 3) RGB each."""
        return unit(np.stack([self._one(image) for image in images]))

    def _one(self, image: UInt8) -> Float32:
        feed = {self._session.inputs[0]: network_input(image, self._input)}
        (result,) = self._session.run(feed, (self._output,))
        return vector(result, self._session.path)


class TextEmbedder:
    """The text encoder of a pair: phrases become vectors to compare with those of images."""

    def __init__(self, manifest: Manifest, config: Model) -> None:
        self._part = manifest.embedding
        self._session = Session(manifest.file("text"), config)
        self._output = _output(self._session, self._part.text_output, "embedding.text_output")
        self._tokenizer = _tokenizer(manifest.file("tokenizer"), self._part)

    def __call__(self, phrases: Sequence[str]) -> Float32:
        """Vectors of length 1, float32 (N, D)."""
        return unit(np.stack([self._one(phrase) for phrase in phrases]))

    def _one(self, phrase: str) -> Float32:
        tokens = self._tokenizer.encode(phrase)
        given = {"input_ids": tokens.ids, "attention_mask": tokens.attention_mask}
        names = self._session.inputs
        if len(names) == 1:
            given = {names[0]: tokens.ids}
        lacking = sorted(set(names) - set(given))
        if lacking:
            raise InputError(
                str(self._session.path),
                f"needs {lacking}, text gives {sorted(given)}",
                "export the text encoder with the inputs input_ids and attention_mask",
            )
        feed = {
            name: np.array(
                [given[name]], "i4" if "int32" in self._session.input_types[name] else "i8"
            )
            for name in names
        }
        (result,) = self._session.run(feed, (self._output,))
        return vector(result, self._session.path)


def pooled(encoding: Encoding, masks: ObjectMasks, item: ObjectMask) -> Float32:
    """The encoder's features under a mask: mean, of length 1, and mean share of each class: (D,).

    Raises InputError when the encoder puts out no features.
    """

    def weights(shape: tuple[int, ...]) -> Float32:
        return covered(masks, item, shape)

    parts = [_features(encoding, weights)]
    if encoding.logits is not None:
        shares = np.exp(encoding.logits - encoding.logits.max(axis=0))
        known = shares / shares.sum(axis=0)
        parts.append(CLASSES * _under(known, weights(known.shape[1:])))
    return np.asarray(np.concatenate(parts), np.float32)


def _features(encoding: Encoding, weights: Callable[[tuple[int, ...]], Float32]) -> Float32:
    """Means of all features with the weights of each grid, of length 1 each."""
    if not encoding.features:
        raise InputError(
            "model", "its encoder has no output of features", "give --model one that has"
        )
    arrays = (array[0] for _, array in sorted(encoding.features.items()))
    means = [unit(_under(array, weights(array.shape[1:]))[None])[0] for array in arrays]
    return np.asarray(np.concatenate(means), np.float32)


def _under(planes: Float32, weights: Float32) -> Float32:
    """Mean of (C, h, w) with the weights of its cells (h, w): (C,)."""
    rows, columns = np.nonzero(weights)
    share = weights[rows, columns]
    return np.asarray(planes[:, rows, columns] @ share / share.sum(), np.float32)


def covered(masks: ObjectMasks, item: ObjectMask, shape: tuple[int, ...]) -> Float32:
    """The share of each cell of a grid (h, w) over the image that a mask covers; never all 0."""
    weights = _shares(masks.dense(item).astype(np.uint8), shape)
    if not weights.any():
        scale = np.array([shape[1] / masks.image_size[0], shape[0] / masks.image_size[1]])
        x, y = (((item.box[:2] + item.box[2:]) / 2) * scale).astype(int)
        weights[min(max(y, 0), shape[0] - 1), min(max(x, 0), shape[1] - 1)] = 1.0
    return weights


def _shares(bits: UInt8, shape: tuple[int, ...]) -> Float32:
    """The share of each cell of a grid (h, w) that bits of 0 and 1 (H, W) cover."""
    size = shape[::-1]
    return np.asarray(
        cv2.resize(bits.astype(np.float32), size, interpolation=cv2.INTER_AREA), np.float32
    )


def crop(image: UInt8, masks: ObjectMasks, item: ObjectMask, part: EmbeddingPart) -> UInt8:
    """A square around an object, uint8 (S, S, 3); what lies beyond the image is grey."""
    scale = image.shape[1] / masks.image_size[0]
    if part.background == "grey":
        bits = cv2.resize(masks.dense(item).astype(np.float32), image.shape[1::-1]) > 0.5
        image = np.where(bits[..., None], image, np.uint8(GREY))
    return _cut(image, _square(item.box * scale, part.margin, 1), GREY)


def _square(box: Float32, margin: float, least: int) -> tuple[int, int, int]:
    """Left, top and side of a square around a box with a margin beside its longer side, px."""
    side = max(least, int(np.ceil((box[2:] - box[:2]).max() * (1 + 2 * margin))))
    x, y = np.floor((box[:2] + box[2:] - side) / 2).astype(int).tolist()
    return x, y, side


def _cut(image: UInt8, square: tuple[int, int, int], beyond: int) -> UInt8:
    """That square of an image (H, W, ...); what lies beyond the image is of one value."""
    x, y, side = square
    cut = np.full((side, side, *image.shape[2:]), beyond, np.uint8)
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + side, image.shape[1]), min(y + side, image.shape[0])
    if x1 > x0 and y1 > y0:
        cut[y0 - y : y1 - y, x0 - x : x1 - x] = image[y0:y1, x0:x1]
    return cut


def vector(result: Any, path: Path) -> Float32:
    """(D,) of what a graph gave for one input; InputError when it is no vector."""
    values = np.asarray(result, np.float32)
    if values.ndim < 1 or values.size != values.shape[-1] or not np.isfinite(values).all():
        raise InputError(
            str(path),
            f"gave values of shape {values.shape}, expected one finite vector",
            "export it with pooling, or name another output in model.yaml (embedding)",
        )
    return values.reshape(-1)


def unit(vectors: Any) -> Float32:
    """Rows of length 1, float32 (N, D)."""
    values = np.asarray(vectors, np.float32)
    return np.asarray(values / np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12))


def _output(session: Session, wanted: str, entry: str) -> str:
    name = wanted or session.outputs[0]
    if name not in session.outputs:
        raise InputError(
            str(session.path), f"{entry} '{name}' is none of {list(session.outputs)}", "name one"
        )
    return name


def _tokenizer(path: Path, part: EmbeddingPart) -> Any:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise InputError(
            "tokenizers", f"not importable ({error})", "pip install 's2m_ros[mine]'"
        ) from error
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises the bare class
        raise InputError(str(path), f"no tokenizer.json ({error})", "export it again") from error
    tokenizer.enable_truncation(part.tokens)
    tokenizer.enable_padding(length=part.tokens, pad_id=part.pad_token)
    return tokenizer
