"""The mask decoder: a small U-Net on a fixed window around each box.

Every object fills the same 48x48 window whether it is 8 px or 800 px wide, so one set of weights
serves all ranges. The window sees the image itself (edges), the encoder's features (meaning) and
its anomaly score (a first rough mask of what is unknown).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

GRID = 48  # mask samples per window side
MARGIN = 0.25  # the window adds this fraction of the box on each side
MIN_BOX_PX = 6.0  # a smaller box gets a window as if it were this large
POINT_SIGMA = 0.06  # spread of a point prompt, as a fraction of the window


def sample(maps: Tensor, windows: Tensor, stride: float, size: int) -> Tensor:
    """Bilinear samples of maps (1,C,h,w) at size x size cell centres per window: (N,C,size,size).

    `windows` (N,4) are in image pixels, `stride` is image pixels per map pixel. The windows are
    stacked into one long grid, so that a single GridSample serves any number of them.
    """
    n = windows.shape[0]
    steps = (torch.arange(size, device=maps.device, dtype=torch.float32) + 0.5) / size
    span = windows[:, 2:] - windows[:, :2]
    x = windows[:, 0:1] + span[:, 0:1] * steps  # (N,size)
    y = windows[:, 1:2] + span[:, 1:2] * steps
    extent_x, extent_y = maps.shape[3] * stride, maps.shape[2] * stride
    x = (x * 2 / extent_x - 1)[:, None, :].expand(n, size, size)
    y = (y * 2 / extent_y - 1)[:, :, None].expand(n, size, size)
    grid = torch.stack((x, y), dim=-1).reshape(1, n * size, size, 2)
    sampled = F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return sampled.reshape(maps.shape[1], n, size, size).transpose(0, 1)


def conv(c_in: int, c_out: int, kernel: int = 3, stride: int = 1) -> nn.Module:
    return nn.Sequential(nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2), nn.ReLU())


class Join(nn.Module):
    """Add a coarse map, enlarged twice, to a finer one: what a 1x1 convolution of both would give.

    The coarse map is projected before it is enlarged, which gives the same for a quarter of the
    work.
    """

    def __init__(self, c_coarse: int, c_fine: int, c_out: int) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(c_coarse, c_out, 1)
        self.fine = nn.Conv2d(c_fine, c_out, 1, bias=False)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        enlarged = F.interpolate(
            self.coarse(coarse), scale_factor=2, mode="bilinear", align_corners=False
        )
        return F.relu(enlarged + self.fine(fine))


class Decoder(nn.Module):
    """Box and point prompts -> mask logits and predicted IoU."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.edges = conv(7, 16)
        self.down24 = nn.Conv2d(16, 48, 3, 2, 1)
        self.meaning = nn.Conv2d(width, 48, 1, bias=False)
        self.strange = nn.Conv2d(1, 48, 3, 1, 1, bias=False)
        self.fine24 = conv(48, 48)
        self.down12 = nn.Sequential(conv(48, 64, stride=2), conv(64, 64))
        self.down6 = nn.Sequential(conv(64, 96, stride=2), conv(96, 96), conv(96, 96))
        self.up12, self.fine12 = Join(96, 64, 64), conv(64, 64)
        self.up24, self.fine_up24 = Join(64, 48, 48), conv(48, 48)
        self.up48 = Join(48, 16, 16)
        self.mask = nn.Sequential(conv(16, 16), nn.Conv2d(16, 1, 3, padding=1))
        self.quality = nn.Sequential(nn.Linear(96 + 2, 64), nn.ReLU(), nn.Linear(64, 1))

    def forward(
        self,
        patches: Tensor,
        features: Tensor,
        anomaly: Tensor,
        windows: Tensor,
        boxes: Tensor,
        points: Tensor,
        point_labels: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Outline what each prompt means.

        patches (N,3,GRID,GRID) float 0..255: the picture in each window; features (1,D,H/4,W/4)
        and anomaly (1,1,H/4,W/4) of the encoder; windows, boxes (N,4) px of its input; points
        (N,P,2) px; point_labels (N,P): 1 foreground, 0 background, -1 unused -> mask logits
        (N,1,GRID,GRID) over the windows, predicted IoU (N,) in [0,1].
        """
        asked = self.sampled(patches, features, anomaly, windows, boxes, points, point_labels)
        return self.outlined(*asked)

    @staticmethod
    def sampled(
        patches: Tensor,
        features: Tensor,
        anomaly: Tensor,
        windows: Tensor,
        boxes: Tensor,
        points: Tensor,
        point_labels: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """What there is in each window, without weights: it computes with pixel coordinates, for
        which half precision is too coarse.

        -> pixels (N,7,GRID,GRID): picture and prompts; strangeness (N,1,GRID/2,GRID/2) in [0,4];
        meaning (N,D,GRID/2,GRID/2).
        """
        prompts = Decoder.prompt_maps(boxes, windows, points, point_labels)
        pixels = torch.cat((patches / 128.0 - 1.0, prompts), dim=1)
        strangeness = 4 * sample(anomaly, windows, 4.0, GRID // 2).sigmoid()
        return pixels, strangeness, sample(features, windows, 4.0, GRID // 2)

    def outlined(
        self, pixels: Tensor, strangeness: Tensor, meaning: Tensor
    ) -> tuple[Tensor, Tensor]:
        """The network itself, on what ``sampled`` gives."""
        edges = self.edges(pixels)
        inner = self.meaning(meaning) + self.strange(strangeness)
        x24 = self.fine24(F.relu(self.down24(edges) + inner))
        x12 = self.down12(x24)
        x6 = self.down6(x12)
        y = self.fine12(self.up12(x6, x12))
        y = self.fine_up24(self.up24(y, x24))
        masks = self.mask(self.up48(y, edges))
        # One row a mask: maps of one channel are slow where channels come last.
        probability = masks.detach().flatten(1).sigmoid()
        doubt = 4 * probability * (1 - probability)  # 1 where undecided
        means = [doubt.mean(1, keepdim=True), probability.mean(1, keepdim=True)]
        summary = torch.cat((x6.mean(dim=(2, 3)), *means), dim=1)
        return masks, self.quality(summary).sigmoid().flatten()

    @staticmethod
    def prompt_maps(boxes: Tensor, windows: Tensor, points: Tensor, point_labels: Tensor) -> Tensor:
        """(N,4,GRID,GRID): distance into the box in x and y, foreground and background points."""
        steps = (torch.arange(GRID, device=boxes.device, dtype=torch.float32) + 0.5) / GRID
        span = windows[:, 2:] - windows[:, :2]
        local = (boxes.reshape(-1, 2, 2) - windows[:, None, :2]) / span[
            :, None, :
        ]  # (N,2,2) in 0..1
        inside = torch.minimum(
            steps[None, :, None] - local[:, 0:1, :], local[:, 1:2, :] - steps[None, :, None]
        )
        inside_x = inside[:, None, :, 0].expand(-1, GRID, GRID)
        inside_y = inside[:, :, None, 1].expand(-1, GRID, GRID)
        at = (points - windows[:, None, :2]) / span[:, None, :]  # (N,P,2)
        spread = torch.exp(-((steps - at[..., None]) ** 2) / (2 * POINT_SIGMA**2))  # (N,P,2,GRID)
        blobs = spread[:, :, 1, :, None] * spread[:, :, 0, None, :]  # (N,P,GRID,GRID)
        used = point_labels[:, :, None, None]
        foreground = (blobs * (used == 1).float()).sum(dim=1)
        background = (blobs * (used == 0).float()).sum(dim=1)
        return torch.stack((4 * inside_x, 4 * inside_y, foreground, background), dim=1)
