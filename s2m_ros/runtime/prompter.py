"""The learned detector of a model folder, ``prompter.onnx``: rarity map in, boxes out.

Input ``rarity`` float32 (1, 1, h, w); outputs ``boxes`` float32 (N, 4) in cells of the map and
``confidence`` float32 (N,) in [0, 1], not yet rid of duplicates.
"""

from __future__ import annotations

import numpy as np

from ..config import Model
from ..types import Float32, InputError
from .manifest import Manifest
from .session import Session

OUTPUTS = ("boxes", "confidence")


class LearnedBoxes:
    """What ``perception.boxes.BoxPrompter`` asks for boxes. InputError when the model has none."""

    def __init__(self, manifest: Manifest, config: Model) -> None:
        if "prompter" not in manifest.files:
            raise InputError(
                str(manifest.folder / "model.yaml"),
                "perception.prompting.kind asks for learned prompts, the model has no prompter",
                "set perception.prompting.kind to topology, or train one "
                "(python -m models.training.train --only prompter)",
            )
        self._session = Session(manifest.file("prompter"), config)
        self._session.expect("rarity", OUTPUTS, "export the prompter again")

    def __call__(self, rarity: Float32) -> tuple[Float32, Float32]:
        boxes, confidence = self._session.run({"rarity": rarity[None, None]}, OUTPUTS)
        return np.asarray(boxes, np.float32), np.asarray(confidence, np.float32)
