"""What the two networks are trained to do."""

import torch
import torch.nn.functional as F
from torch import Tensor

from .classes import IGNORE

HARD_SHARE = 0.05  # of the normal pixels, those with the highest loss count once more


def encoder_loss(anomaly: Tensor, logits: Tensor, labels: Tensor, unknown: Tensor) -> Tensor:
    """anomaly (B,1,h,w), logits (B,C,h,w); labels, unknown (B,H,W), the latter 0, 1 or IGNORE.

    Unknown objects and normal ground weigh the same, whatever their areas; the hardest normal
    pixels weigh again, because one false region on clean ground is what an operator notices.
    """
    anomaly = F.interpolate(anomaly, size=unknown.shape[-2:], mode="bilinear", align_corners=False)
    target = (unknown == 1).float()
    each = F.binary_cross_entropy_with_logits(anomaly[:, 0], target, reduction="none")
    object_loss, normal_loss = each[unknown == 1], each[unknown == 0]
    loss = 0.5 * each[unknown != IGNORE].mean()
    if object_loss.numel():
        loss = loss + 0.5 * object_loss.mean()
    if normal_loss.numel():
        hardest = normal_loss.topk(max(1, int(normal_loss.numel() * HARD_SHARE))).values
        loss = loss + 0.5 * (normal_loss.mean() + hardest.mean())
    half = labels[:, ::2, ::2].long()
    if (half != IGNORE).any():
        logits = F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)
        loss = loss + 0.5 * F.cross_entropy(logits, half, ignore_index=IGNORE)
    return loss


def decoder_loss(masks: Tensor, iou: Tensor, target: Tensor) -> Tensor:
    """masks (N,1,M,M) logits, iou (N,), target (N,1,M,M) in [0,1]: BCE, Dice, and the true IoU."""
    pixel = F.binary_cross_entropy_with_logits(masks, target)
    probability = masks.sigmoid().flatten(1)
    wanted = target.flatten(1)
    both = (probability * wanted).sum(1)
    dice = 1 - (2 * both + 1) / (probability.sum(1) + wanted.sum(1) + 1)
    with torch.no_grad():
        a, b = masks.flatten(1) > 0, wanted > 0.5
        true = (a & b).sum(1) / (a | b).sum(1).clamp(min=1)
    return pixel + dice.mean() + F.mse_loss(iou, true)
