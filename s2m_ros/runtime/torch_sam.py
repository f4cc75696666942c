"""Segment Anything by its own package (torch), for checkpoints that were not exported to ONNX.

``perception.segmenter: vit_b:/path/to/sam_vit_b.pth`` (``vit_l:``, ``vit_h:``) uses it. Needs the
extra ``torch`` of this package: torch and segment-anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..perception.interfaces import Candidates, Encoding
from ..perception.paste import paste
from ..types import InputError, Prompts

TYPES = ("vit_b", "vit_l", "vit_h")


class TorchSamSegmenter:
    """All boxes of a frame in one call of a ``segment_anything`` model."""

    def __init__(self, sam: Any, name: str = "Segment Anything") -> None:
        from segment_anything import SamPredictor

        self._predictor = SamPredictor(sam)
        self._name = name

    @property
    def info(self) -> Mapping[str, str]:
        return {"segmenter": self._name, "provider": f"torch {self._predictor.device}"}

    def __call__(self, encoding: Encoding, prompts: Prompts) -> Candidates:
        import torch

        grid = encoding.input_size
        if not len(prompts):
            return Candidates(grid, ())
        predictor = self._predictor
        with torch.inference_mode():
            predictor.set_image(encoding.image)
            boxes = torch.as_tensor(prompts.boxes, device=predictor.device)
            scaled = predictor.transform.apply_boxes_torch(boxes, encoding.image.shape[:2])
            _, quality, low_res = predictor.predict_torch(
                None, None, boxes=scaled, multimask_output=False, return_logits=True
            )
            logits = low_res.float().cpu().numpy()
            values = quality.float().cpu().numpy()
        size = encoding.image_size
        covered = np.full(2, max(size)) * np.divide(grid, size)  # the padded square
        window = np.asarray([0, 0, *covered], np.float32)
        return Candidates(
            grid,
            tuple(
                paste(logits[i, 0], window, grid, i, float(np.clip(values[i, 0], 0, 1)))
                for i in range(len(prompts))
            ),
        )


def is_checkpoint(name: str) -> bool:
    """Whether a segmenter's name means a checkpoint of this package."""
    return name.partition(":")[0] in TYPES and ":" in name


def load(name: str) -> TorchSamSegmenter:
    """``vit_b:/path/to/checkpoint.pth``. InputError when a package or the file is missing."""
    kind, _, path = name.partition(":")
    source = f"segmenter '{name}'"
    if not Path(path).is_file():
        raise InputError(source, f"no file {path}", "give the path of a SAM checkpoint")
    try:
        import torch
        from segment_anything import sam_model_registry
    except ImportError as error:
        raise InputError(
            source, f"{error.name} is not installed", "pip install 's2m_ros[torch]'"
        ) from None
    try:
        sam = sam_model_registry[kind](checkpoint=path)
    except Exception as error:  # torch raises its own kinds for broken and for foreign files
        text = str(error).splitlines()[0]
        raise InputError(source, f"no checkpoint of {kind}: {text}", "check the file") from error
    return TorchSamSegmenter(
        sam.to("cuda" if torch.cuda.is_available() else "cpu").eval(), f"SAM {kind}"
    )
