"""The box prompter: a small anchor-free detector that sees rarity maps alone.

FCOS (Tian et al., 2019) on a feature pyramid over the score map, with one output for class and
quality (generalised focal loss, Li et al., 2020): the confidence of a box estimates its IoU.
Strides of 2, 4 and 8 cells serve objects from a few cells to the whole map.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from s2m_ros.perception.calibration import RARITY_LIMIT

STRIDES = (2, 4, 8)
# Longer side, in cells, of the boxes that each stride answers for; neighbours share some.
RANGES = ((0.0, 14.0), (10.0, 40.0), (30.0, float("inf")))
CENTRE = 1.5  # how many strides from its centre a box is still asked for
COARSEST = 16
CHANNELS = (16, 24, 32, 40)  # at strides 2, 4, 8 and 16 cells
DEPTHS = (1, 1, 1, 2)


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        with torch.no_grad():
            self.second.weight.mul_(0.2)  # close to the identity: there is no normalisation

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(F.relu(self.first(x))))


class Prompter(nn.Module):
    """Rarity (B,1,h,w) -> boxes (B,L,4) in cells and the logits of their confidence (B,L).

    h and w may be anything: what lies beyond the map is padded as normal.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.enter = nn.Conv2d(1, CHANNELS[0], 6, 2, 2)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1) for a, b in pairwise(CHANNELS))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Residual(channels) for _ in range(depth)))
            for channels, depth in zip(CHANNELS, DEPTHS, strict=True)
        )
        self.lateral = nn.ModuleList(nn.Conv2d(channels, width, 1) for channels in CHANNELS)
        self.smooth = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in STRIDES)
        self.answer = nn.Conv2d(width, 5, 1)
        nn.init.constant_(self.answer.bias[:1], -4.0)  # objects are rare: start there

    def forward(self, rarity: Tensor) -> tuple[Tensor, Tensor]:
        h, w = rarity.shape[-2:]
        x = F.pad(rarity / RARITY_LIMIT, (0, -w % COARSEST, 0, -h % COARSEST))
        x = self.stages[0](F.relu(self.enter(x)))
        maps = [x]
        for down, stage in zip(self.down, self.stages[1:], strict=True):
            x = stage(F.relu(down(x)))
            maps.append(x)
        y = self.lateral[-1](maps[-1])
        boxes, logits = [], []
        for level in reversed(range(len(maps) - 1)):
            y = F.interpolate(y, scale_factor=2.0, mode="nearest") + self.lateral[level](
                maps[level]
            )
            if level < len(STRIDES):
                answer = self.answer(F.relu(self.smooth[level](y)))
                centres = locations(*answer.shape[-2:], STRIDES[level])
                reach = answer[:, 1:].clamp(max=4.0).exp().flatten(2).transpose(1, 2)
                reach = reach * STRIDES[level]
                boxes.append(torch.cat((centres - reach[..., :2], centres + reach[..., 2:]), dim=2))
                logits.append(answer[:, 0].flatten(1))
        return torch.cat(boxes, dim=1), torch.cat(logits, dim=1)


def locations(rows: int, columns: int, stride: int) -> Tensor:
    """Centres (rows*columns,2) x,y in cells of the places that answer."""
    y = (torch.arange(rows) + 0.5) * stride
    x = (torch.arange(columns) + 0.5) * stride
    return torch.stack((x.expand(rows, columns), y[:, None].expand(rows, columns)), 2).flatten(0, 1)


def places(h: int, w: int) -> tuple[Tensor, Tensor]:
    """All places (L,2) that answer for a map of h x w cells, as the network orders them, and the

    number (L,) of their stride in STRIDES.
    """
    rows, columns = h + -h % COARSEST, w + -w % COARSEST
    every = [
        (locations(rows // stride, columns // stride, stride), level)
        for level, stride in reversed(list(enumerate(STRIDES)))
    ]
    return (
        torch.cat([centres for centres, _ in every]),
        torch.cat([torch.full((len(centres),), level) for centres, level in every]),
    )


def assign(boxes: Tensor, centres: Tensor, level: Tensor) -> Tensor:
    """Which of boxes (N,4) each place (L,) answers for, or -1: the smallest that asks for it.

    A box asks the places near its centre, at the strides of its size, and always the nearest one.
    """
    if not len(boxes):
        return torch.full((len(centres),), -1)
    stride = torch.tensor(STRIDES)[level].float()
    low, high = torch.tensor(RANGES)[level].unbind(1)
    side = (boxes[:, 2:] - boxes[:, :2]).amax(1)
    fits = (side[:, None] >= low) & (side[:, None] < high)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    away = (centres - middle[:, None]).abs().amax(2) / stride
    within = ((centres > boxes[:, None, :2]) & (centres < boxes[:, None, 2:])).all(2) & (
        away < CENTRE
    )
    nearest = away.masked_fill(~fits, torch.inf)
    asks = fits & (within | (nearest <= nearest.amin(1, keepdim=True)))
    area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
    cost = torch.where(asks, area[:, None], torch.inf)
    found, which = cost.min(0)
    return which.masked_fill(found == torch.inf, -1)


def prompter_loss(boxes: Tensor, logits: Tensor, truth: list[Tensor], unsure: Tensor) -> Tensor:
    """boxes (B,L,4), logits (B,L); truth: boxes (N,4) of each map; unsure (B,h,w) teaches nothing.

    Generalised IoU of the boxes, and quality focal loss of their confidence.
    """
    h, w = unsure.shape[-2:]
    centres, level = places(h, w)
    x, y = centres.long().unbind(1)
    beyond = (x >= w) | (y >= h)
    doubt = unsure[:, y.clamp(max=h - 1), x.clamp(max=w - 1)] | beyond
    total_box, total_score, count = boxes.new_zeros(()), boxes.new_zeros(()), 0
    for i, wanted in enumerate(truth):
        which = assign(wanted, centres, level)
        asked = which >= 0
        target = torch.zeros_like(logits[i])
        if asked.any():
            iou, generalised = overlap(boxes[i][asked], wanted[which[asked]])
            target[asked] = iou.detach().clamp(min=0.05)
            total_box = total_box + (1 - generalised).sum()
            count += int(asked.sum())
        focus = (target - logits[i].detach().sigmoid()).square()
        each = focus * F.binary_cross_entropy_with_logits(logits[i], target, reduction="none")
        total_score = total_score + each[asked | ~doubt[i]].sum()
    return (total_box + 2 * total_score) / max(count, 1)


def overlap(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU (Rezatofighi et al., 2019) of boxes (N,4), row by row."""
    both = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp(min=0)
    hull = torch.maximum(a[:, 2:], b[:, 2:]) - torch.minimum(a[:, :2], b[:, :2])
    shared, hull_area = both.prod(1), hull.prod(1)
    union = (a[:, 2:] - a[:, :2]).prod(1) + (b[:, 2:] - b[:, :2]).prod(1) - shared
    iou = shared / union
    return iou, iou - (hull_area - union) / hull_area
