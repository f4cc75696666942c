"""The torch back-end on a tiny random Segment Anything of the true architecture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import toy_model

from s2m_ros.perception.interfaces import Encoding
from s2m_ros.runtime import torch_sam
from s2m_ros.types import InputError, Prompts


def test_a_missing_checkpoint_is_named(tmp_path: Path) -> None:
    assert torch_sam.is_checkpoint("vit_b:/x.pth")
    assert not torch_sam.is_checkpoint("trunk")
    with pytest.raises(InputError, match=r"no file .*none\.pth"):
        torch_sam.load(f"vit_b:{tmp_path}/none.pth")


def tiny_sam():
    from segment_anything import modeling

    side, patch, width = 1024, 16, 16
    return modeling.Sam(
        modeling.ImageEncoderViT(
            depth=1,
            embed_dim=8,
            img_size=side,
            num_heads=1,
            patch_size=patch,
            out_chans=width,
            window_size=14,
        ),
        modeling.PromptEncoder(width, (side // patch, side // patch), (side, side), 4),
        modeling.MaskDecoder(
            transformer_dim=width,
            transformer=modeling.TwoWayTransformer(
                depth=1, embedding_dim=width, num_heads=2, mlp_dim=16
            ),
            iou_head_depth=2,
            iou_head_hidden_dim=16,
        ),
    ).eval()


def test_low_resolution_masks_lie_where_the_full_ones_do() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("segment_anything")
    torch.manual_seed(1)
    sam = tiny_sam()
    image = toy_model.scene([(40, 100, 88, 140)])
    boxes = np.float32([[40, 100, 88, 140], [200, 20, 300, 170]])
    n = len(boxes)
    none = np.zeros(n, np.float32)
    prompts = Prompts(
        boxes, np.zeros((n, 1, 2), np.float32), np.full((n, 1), -1, np.float32), none, none
    )
    segmenter = torch_sam.TorchSamSegmenter(sam)
    encoding = Encoding(image, np.zeros((1, 192, 320, 3), np.uint8), None, None)
    found = segmenter(encoding, prompts)
    predictor = segmenter._predictor
    for item in found.items:
        full, quality, _ = predictor.predict(box=boxes[item.prompt], multimask_output=False)
        dense = np.zeros((192, 320), np.bool_)
        h, w = item.bits.shape
        dense[item.y : item.y + h, item.x : item.x + w] = item.bits
        assert (dense == full[0]).mean() > 0.97
        assert item.predicted_iou == pytest.approx(float(np.clip(quality[0], 0, 1)), abs=1e-4)
    assert (
        segmenter(
            encoding,
            Prompts(
                boxes[:0], *(a[:0] for a in (prompts.points, prompts.point_labels, none, none))
            ),
        ).items
        == ()
    )
