"""The default model: one encoder pass a frame, one decoder call for all its prompts."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..config import Model
from ..perception.interfaces import Candidates, Encoding
from ..perception.paste import paste
from ..perception.windows import crops, windows_of
from ..types import Float32, InputError, Prompts, Role, RoleMap, UInt8
from .boxes import by_box
from .graph import Array
from .manifest import Manifest
from .session import Session
from .tensorrt.shapes import plan, reducible


def input_size(
    image_size: tuple[int, int], budget: tuple[int, int], multiple_of: int, least: float = 0.0
) -> tuple[int, int]:
    """Size (width, height) that keeps the image's aspect within the budget's number of pixels, or
    is ``least`` of the image's own where that is more.

    Images are never enlarged beyond the next multiple.
    """
    width, height = image_size
    scale = min(1.0, max(least, ((budget[0] * budget[1]) / (width * height)) ** 0.5))

    def fit(length: int) -> int:
        steps: int = round(length * scale / multiple_of)
        return max(1, steps) * multiple_of

    return fit(width), fit(height)


def resized(image: UInt8, size: tuple[int, int]) -> UInt8:
    """An image (H, W, 3) at a size (width, height), averaged where it shrinks."""
    if size == (image.shape[1], image.shape[0]):
        return np.ascontiguousarray(image)
    shrinks = size[0] < image.shape[1] or size[1] < image.shape[0]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)


def session_of(manifest: Manifest, part: str, config: Model) -> Session:
    """A session of one of the model's graphs, with what TensorRT needs to know of it."""
    return Session(
        manifest.file(part),
        config,
        reduced_precision=reducible(manifest, part),
        plan=lambda: plan(manifest, part, config),
    )


MOST_ASPECT = 16
"""Of the sides of an image. The network's input has at least ``multiple_of`` pixels a side, so that
narrower ones would take memory without bound."""


class TrunkEncoder:
    """Image -> anomaly logit, class logits and features (``interfaces.Encoding``)."""

    def __init__(self, manifest: Manifest, config: Model) -> None:
        self._manifest = manifest
        self._session = session_of(manifest, "encoder", config)
        self._session.expect(
            "image",
            manifest.encoder.outputs,
            "export the model again, or correct encoder.outputs in model.yaml",
        )
        shape = self._session.input_shapes["image"]
        self._fixed = (
            (int(shape[2]), int(shape[1]))
            if isinstance(shape[1], int) and isinstance(shape[2], int)
            else None
        )
        self._budget = (
            config.width or manifest.input.width,
            config.height or manifest.input.height,
        )
        self._least_scale = config.least_scale
        self._exact = bool(config.width and config.height and not config.least_scale)
        self._roles = np.asarray(manifest.roles(), np.uint8)

    @property
    def info(self) -> Mapping[str, str]:
        manifest = self._manifest
        return {
            "model": manifest.name,
            "version": manifest.version,
            "sha256": manifest.files["encoder"].sha256[:12],
            "provider": self._session.provider,
            "warning": self._session.warning,
        }

    def size_for(self, image_size: tuple[int, int]) -> tuple[int, int]:
        if self._fixed is not None:
            return self._fixed
        step = self._manifest.input.multiple_of
        if self._exact:
            width, height = self._budget
            return max(step, width // step * step), max(step, height // step * step)
        return input_size(image_size, self._budget, step, self._least_scale)

    def encode(self, image: UInt8) -> Encoding:
        """uint8 (H, W, 3) RGB; InputError when it is not."""
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise InputError(
                "image", f"expected uint8 (H, W, 3), got {image.dtype} {image.shape}", "convert it"
            )
        if max(image.shape[:2]) > MOST_ASPECT * min(image.shape[:2]):
            raise InputError(
                "image",
                f"{image.shape[1]} x {image.shape[0]} pixels, one side may be at most "
                f"{MOST_ASPECT} times the other",
                "check the camera driver",
            )
        network_input = resized(image, self.size_for((image.shape[1], image.shape[0])))[None]
        names = self._manifest.encoder.outputs
        outputs = dict(zip(names, self._session.run({"image": network_input}, names), strict=True))
        anomaly = outputs.pop("anomaly", None)
        logits = outputs.pop("logits", None)
        return Encoding(
            image,
            network_input,
            None if anomaly is None else anomaly[0, 0],
            None if logits is None else logits[0],
            outputs,
        )

    def roles(self, encoding: Encoding) -> RoleMap | None:
        if encoding.logits is None or len(self._roles) != len(encoding.logits):
            return None
        if not (self._roles != Role.UNKNOWN).any():
            return None
        return RoleMap(self._roles[predicted(encoding.logits)], encoding.image_size)


def predicted(logits: Float32) -> UInt8:
    """The first class of the greatest logit: logits (C, h, w), C < 256 -> (h, w), as ``argmax``,
    in an eighth of its time."""
    highest, count = logits.max(axis=0), len(logits)
    places = np.ones(highest.shape, np.uint8)
    for index, one in enumerate(logits):
        hit = (one == highest).view(np.uint8)
        np.maximum(places, hit * np.uint8(count - index), out=places)
    return np.asarray(count - places, np.uint8)


class TrunkSegmenter:
    """Boxes and points on the encoder's features -> masks, all prompts of a frame in one call."""

    def __init__(self, manifest: Manifest, config: Model) -> None:
        self._manifest = manifest
        self._sampler: Session | None = None
        if "sampler" in manifest.files:
            self._sampler = session_of(manifest, "sampler", config)
        self._session = session_of(manifest, "decoder", config)
        missing = {"masks", "iou"} - set(self._session.outputs)
        if missing:
            raise InputError(
                str(self._session.path),
                f"expected outputs masks and iou, got {list(self._session.outputs)}",
                "export the decoder again",
            )

    @property
    def info(self) -> Mapping[str, str]:
        return {
            "segmenter": f"{self._manifest.name} decoder",
            "sha256": self._manifest.files["decoder"].sha256[:12],
            "provider": self._session.provider,
        }

    def __call__(self, encoding: Encoding, prompts: Prompts) -> Candidates:
        grid = encoding.input_size
        if not len(prompts):
            return Candidates(grid, ())
        scale = np.asarray(grid, np.float32) / np.asarray(encoding.image_size, np.float32)
        part = self._manifest.decoder
        boxes = np.asarray(prompts.boxes * np.tile(scale, 2), np.float32)
        windows = windows_of(boxes, part.margin, part.min_box_px)
        # The picture itself may be finer than the network's input: small objects gain by it.
        views = np.asarray(windows / np.tile(scale, 2), np.float32)
        given: dict[str, Array] = {
            "patches": crops(encoding.image, views, part.patch_px),
            **encoding.features,
            "windows": windows,
            "boxes": boxes,
            "points": np.asarray(prompts.points * scale, np.float32),
            "point_labels": np.asarray(prompts.point_labels, np.float32),
        }
        if encoding.anomaly is not None:
            given["anomaly"] = encoding.anomaly[None, None]
        if encoding.logits is not None:
            given["logits"] = encoding.logits[None]
        shared = {*encoding.features, "anomaly", "logits"}
        if self._sampler is not None:
            names = self._sampler.outputs
            sampled = by_box(self._sampler, _feed(self._sampler, given), shared, names)
            given |= dict(zip(names, sampled, strict=True))
        feed = _feed(self._session, given)
        masks, iou = by_box(self._session, feed, shared, ("masks", "iou"))
        items = tuple(
            paste(masks[i, 0], windows[i], grid, i, float(np.clip(iou[i], 0, 1)))
            for i in range(len(prompts))
        )
        return Candidates(grid, items)


def _feed(session: Session, given: Mapping[str, Array]) -> dict[str, Array]:
    """The inputs of a graph; InputError names those that nothing gives."""
    lacking = [name for name in session.inputs if name not in given]
    if lacking:
        raise InputError(
            str(session.path),
            f"needs {lacking}, the encoder gives {sorted(given)}",
            "list these outputs under encoder.outputs in model.yaml",
        )
    return {name: given[name] for name in session.inputs}
