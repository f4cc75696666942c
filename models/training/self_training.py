"""Class labels for normal scenes that have none, from the network's own confident answers.

CamVid alone teaches the class head one town. KITTI, nuScenes, dash cameras and the runway add more
once the network can label what it is sure of (D.-H. Lee, "Pseudo-Label", 2013).
"""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from .classes import IGNORE
from .network import MULTIPLE_OF
from .sources import Corpus, Image

SOURCES = ("kitti", "nuscenes", "mixed", "runway")
CONFIDENCE = 0.9


def label_unlabelled(corpus: Corpus, encoder: nn.Module, store: Path) -> None:
    """Label the scenes of SOURCES in `corpus`, by the answers in `store` when it is there."""
    if not store.exists():
        encoder.eval()
        answers = {
            f"{source}:{name}": confident_classes(encoder, corpus.scene(source, name).image)
            for source in SOURCES
            for name in corpus.names.get(source, [])
        }
        np.savez_compressed(store, **answers)  # type: ignore[arg-type]
    with np.load(store, allow_pickle=False) as answers:
        for key in answers.files:
            source, name = key.split(":", 1)
            corpus.relabel(source, name, answers[key])


def confident_classes(encoder: nn.Module, image: Image) -> Image:
    """Class index (H,W) where the softmax of the class head is over CONFIDENCE, else IGNORE."""
    height, width = image.shape[:2]
    size = (round(width / MULTIPLE_OF) * MULTIPLE_OF, round(height / MULTIPLE_OF) * MULTIPLE_OF)
    tensor = torch.from_numpy(cv2.resize(image, size)).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        logits = encoder(tensor.contiguous(memory_format=torch.channels_last))[1]
    confidence, best = logits.softmax(1).max(1)
    best[confidence < CONFIDENCE] = IGNORE
    labels = best[0].numpy().astype(np.uint8)
    return cv2.resize(labels, (width, height), interpolation=cv2.INTER_NEAREST)
