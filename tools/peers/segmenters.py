"""Perception of one image: ours, against the reference S2M path and other promptable segmenters.

All peers have random weights: times do not depend on what was trained. The reference path is that
of S2M ("Segment Every Out-of-Distribution Object", CVPR 2024): a Faster R-CNN on the score map as
three equal channels gives boxes, Segment Anything turns them into masks. The score map is taken
from ours and not counted; as many boxes are decoded as ours decodes.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import cv2
import numpy as np
from measuring import Row, combined, run, skipped

from s2m_ros import config
from s2m_ros.runtime.build import build_perception
from s2m_ros.sim import drive, scenario

SIZE = (1280, 720)
WORK = f"perception of a {SIZE[0]}x{SIZE[1]} image"
GRID_POINTS, POINT_BATCH = 32 * 32, 64


def picture() -> np.ndarray:
    """A view of the simulator's apron, uint8 (720, 1280, 3) RGB."""
    frame = next(drive.drive(scenario.load("dense")))
    resized = cv2.resize(frame.views[0].image, SIZE, interpolation=cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8)


def rows(repeats: int) -> Iterator[Row]:
    image = picture()
    perception = build_perception(config.Config().perception)
    row, frame = run(
        WORK, "s2m_ros: default model, scoring included", lambda: perception.perceive(image),
        4 * repeats, True,
    )  # fmt: skip
    boxes = frame.prompts.boxes
    note = f"{len(boxes)} prompts, {len(frame.masks.items)} masks"
    yield Row(row.work, row.name, True, row.wall_s, row.processor_s, note)
    scores = np.asarray(cv2.resize(frame.score.scores, SIZE), np.float32)
    slow = max(repeats // 2, 2)
    peers: tuple[tuple[str, Callable[..., Iterator[Row]], int], ...] = (
        ("reference S2M: Faster R-CNN R50-FPN and SAM ViT-B", reference, slow),
        ("MobileSAM (TinyViT)", mobile_sam, repeats),
        ("EfficientSAM-Ti (ViT-Ti)", efficient_sam, repeats),
    )
    for name, peer, count in peers:
        try:
            import torch

            torch.set_num_threads(os.cpu_count() or 1)
            with torch.inference_mode():
                yield from peer(name, image, scores, boxes, count)
        except Exception as error:  # not installable here, or too new for one another
            yield skipped(WORK, name, error)


def reference(
    name: str, image: np.ndarray, scores: np.ndarray, boxes: np.ndarray, repeats: int
) -> Iterator[Row]:
    """The whole path, its two halves, and SAM's automatic mode with the same encoder."""
    import torch
    import torchvision_ops

    note = torchvision_ops.ready()
    from segment_anything import SamAutomaticMaskGenerator, SamPredictor, sam_model_registry
    from torchvision.models.detection import fasterrcnn_resnet50_fpn

    torch.manual_seed(0)
    head = fasterrcnn_resnet50_fpn(weights=None, weights_backbone=None, num_classes=2).eval()
    channels = torch.from_numpy(np.repeat(scores[None], 3, axis=0))
    box_row, _ = run(WORK, f"{name}: box head alone", lambda: head([channels]), repeats, note=note)
    sam = sam_model_registry["vit_b"]().eval()
    predictor = SamPredictor(sam)
    encode_row, _ = run(
        WORK, f"{name}: SAM's encoder alone", lambda: predictor.set_image(image), repeats,
        note="at 1024",
    )  # fmt: skip
    decode_row, _ = run(
        WORK, f"{name}: SAM's decoder alone", lambda: _decode(predictor, image, boxes), repeats,
        note=f"{len(boxes)} boxes at once, masks at the size of the image",
    )  # fmt: skip
    yield combined(
        WORK, name, "sum of the three below; the score map is given",
        (box_row, 1), (encode_row, 1), (decode_row, 1),
    )  # fmt: skip
    yield from (box_row, encode_row, decode_row)
    generator = SamAutomaticMaskGenerator(sam, points_per_side=32, points_per_batch=POINT_BATCH)
    generator.predictor = predictor  # which has the image encoded
    points = generator.point_grids[0][:POINT_BATCH] * np.array(SIZE)
    whole, size = [0, 0, *SIZE], SIZE[::-1]
    batch_row, _ = run(
        WORK, "batch", lambda: generator._process_batch(points, size, whole, size), repeats
    )
    batches = GRID_POINTS // POINT_BATCH
    yield combined(
        WORK,
        "SAM ViT-B, automatic mode (32x32 points)",
        f"estimated: its encoder and {batches} times one batch of {POINT_BATCH} points, without "
        "the suppression of duplicates",
        (encode_row, 1),
        (batch_row, batches),
    )


def mobile_sam(
    name: str, image: np.ndarray, scores: np.ndarray, boxes: np.ndarray, repeats: int
) -> Iterator[Row]:
    import torch
    import torchvision_ops

    torchvision_ops.ready()
    with warnings.catch_warnings():  # it registers models under names that timm has by now
        warnings.simplefilter("ignore")
        from mobile_sam import SamPredictor, sam_model_registry

    torch.manual_seed(0)
    predictor = SamPredictor(sam_model_registry["vit_t"]().eval())
    row, _ = run(
        WORK,
        name,
        lambda: _segment(predictor, image, boxes),
        repeats,
        note=f"given boxes: {len(boxes)}; who makes them, and scoring, not counted",
    )
    yield row


def efficient_sam(
    name: str, image: np.ndarray, scores: np.ndarray, boxes: np.ndarray, repeats: int
) -> Iterator[Row]:
    """Its own package is not on PyPI: its encoder is timm's ViT-Ti at 1024, its decoder SAM's."""
    import torch
    import torchvision_ops

    torchvision_ops.ready()
    import timm
    from segment_anything import SamPredictor, sam_model_registry

    torch.manual_seed(0)
    encoder = timm.create_model("vit_tiny_patch16_224", img_size=1024, num_classes=0)
    neck = torch.nn.Sequential(
        torch.nn.Conv2d(encoder.embed_dim, 256, 1, bias=False),
        torch.nn.Conv2d(256, 256, 3, padding=1, bias=False),
    )

    class Encoder(torch.nn.Module):
        img_size = 1024

        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.neck = encoder, neck

        def forward(self, pixels: Any) -> Any:
            tokens = self.encoder.forward_features(pixels)[:, 1:]
            return self.neck(tokens.transpose(1, 2).reshape(len(pixels), -1, 64, 64))

    sam = sam_model_registry["vit_b"]()
    sam.image_encoder = Encoder()
    predictor = SamPredictor(sam.eval())
    row, _ = run(
        WORK,
        name,
        lambda: _segment(predictor, image, boxes),
        repeats,
        note=f"rebuilt: timm's ViT-Ti at 1024, SAM's decoder; given boxes: {len(boxes)}",
    )
    yield row


def _segment(predictor: Any, image: np.ndarray, boxes: np.ndarray) -> Any:
    predictor.set_image(image)
    return _decode(predictor, image, boxes)


def _decode(predictor: Any, image: np.ndarray, boxes: np.ndarray) -> Any:
    import torch

    scaled = predictor.transform.apply_boxes_torch(torch.from_numpy(boxes), image.shape[:2])
    masks, _, _ = predictor.predict_torch(None, None, boxes=scaled, multimask_output=False)
    return masks.numpy()
