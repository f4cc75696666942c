"""A user's own ONNX scorer: image in, score map or class logits out, described by a manifest.

``model.yaml`` has ``kind: scorer``, one file ``scorer``, and says how the graph wants its input:

    input: {width: 1024, height: 512, color: rgb, dtype: float32, layout: nchw,
            scale: 0.00392157, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225]}
    scorer: {output: logits, kind: logits, score: energy}    # or kind: score

A float input is ``(pixel * scale - mean) / std``. A score map is (h, w) with any leading 1s, and
grows with abnormality; logits are (C, h, w).
"""

from __future__ import annotations

import cv2
import numpy as np

from ..config import Model
from ..perception.interfaces import Encoding
from ..perception.scorers import LOGIT_SCORES
from ..types import Float32, InputError, UInt8
from .graph import Array
from .manifest import Input, Manifest
from .session import Session


def network_input(image: UInt8, wanted: Input) -> Array:
    """uint8 (H, W, 3) RGB as a graph wants it, with a leading 1."""
    size = (wanted.width, wanted.height)
    how = cv2.INTER_AREA if size[0] < image.shape[1] else cv2.INTER_LINEAR
    pixels = np.asarray(cv2.resize(image, size, interpolation=how))
    if wanted.color == "bgr":
        pixels = pixels[..., ::-1]
    if wanted.dtype != "uint8":
        mean, std = np.asarray(wanted.mean), np.asarray(wanted.std)
        pixels = np.asarray((pixels * wanted.scale - mean) / std, np.float32)
    if wanted.layout == "nchw":
        pixels = pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(pixels[None])


class ExternalScore:
    """The raw score of such a model, as a function of the encoding (it takes its image)."""

    def __init__(self, manifest: Manifest, config: Model) -> None:
        source = str(manifest.folder / "model.yaml")
        if manifest.scorer is None:
            raise InputError(source, "no section 'scorer'", "describe the graph's output there")
        self._part = manifest.scorer
        self._input = manifest.input
        self._session = Session(manifest.file("scorer"), config)
        if self._part.kind == "logits" and self._part.score not in LOGIT_SCORES:
            raise InputError(
                source,
                f"scorer.score is '{self._part.score}'",
                f"choose one of {', '.join(LOGIT_SCORES)}",
            )
        self._output = self._part.output or self._session.outputs[0]
        if self._output not in self._session.outputs:
            raise InputError(
                source,
                f"scorer.output '{self._output}' is none of {list(self._session.outputs)}",
                "name one of them",
            )

    def prepare(self, encoding: Encoding) -> Array:
        """The image as the graph wants it."""
        return network_input(encoding.image, self._input)

    def __call__(self, encoding: Encoding) -> Float32:
        (result,) = self._session.run(
            {self._session.inputs[0]: self.prepare(encoding)}, (self._output,)
        )
        if self._part.kind == "logits":
            return LOGIT_SCORES[self._part.score](np.asarray(result[0], np.float32))
        values = np.asarray(result, np.float32)
        if values.ndim < 2 or values.size != values.shape[-1] * values.shape[-2]:
            raise InputError(
                str(self._session.path),
                f"score map of shape {values.shape}, expected (h, w) with leading 1s",
                "set scorer.kind to logits if these are class logits",
            )
        return values.reshape(values.shape[-2:])
