"""torchvision without its compiled operators: a CPU build of torch refuses those of a CUDA build.

Its RoIAlign has a fallback in PyTorch operations; non-maximum suppression is defined here.
"""

from __future__ import annotations

import sys
from typing import Any

_kept: list[Any] = []  # a library of operators ends with its object


def ready() -> str:
    """Import torchvision; '' or what was put in the place of something compiled."""
    import torch

    try:
        import torchvision

        torch.ops.torchvision.nms  # noqa: B018
        return ""
    except (RuntimeError, AttributeError):
        for name in [n for n in sys.modules if n.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.impl("nms", _nms, "CPU")
    _kept.append(library)
    import torchvision.ops.boxes

    torchvision.ops.boxes._assert_has_ops = lambda: None
    return "torchvision's compiled operators do not load here: NMS and RoIAlign by PyTorch's"


def _nms(boxes: Any, scores: Any, threshold: float) -> Any:
    import torch

    order = scores.argsort(descending=True)
    boxes = boxes[order]
    area = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    left = torch.ones(len(boxes), dtype=torch.bool)
    kept = []
    for i in range(len(boxes)):
        if not left[i]:
            continue
        kept.append(i)
        low = torch.maximum(boxes[i, :2], boxes[i + 1 :, :2])
        high = torch.minimum(boxes[i, 2:], boxes[i + 1 :, 2:])
        shared = (high - low).clamp(min=0).prod(dim=1)
        left[i + 1 :] &= shared / (area[i] + area[i + 1 :] - shared) <= threshold
    return order[torch.tensor(kept, dtype=torch.long)]
