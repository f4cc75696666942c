"""The encoder: EfficientNet-Lite0 trunk, feature pyramid, class head and anomaly head.

The trunk follows M. Tan and Q. Le, "EfficientNet" (2019), in the Lite0 variant: ReLU6, no squeeze
and excitation. Batch normalisation is folded into the convolutions when the ImageNet weights are
loaded: batches of a few crops cannot estimate its statistics, and folded layers train faster.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .classes import CLASSES

# (expansion, channels out, repeats, stride, kernel), one row per stage.
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
TAPS = (1, 2, 4, 6)  # stages whose outputs have strides 4, 8, 16 and 32
MULTIPLE_OF = 32  # the stride of the last: sides of what the network takes
BATCH_NORM_EPS = 1e-3


class SameConv(nn.Sequential):
    """Convolution with TensorFlow's SAME padding (all extra padding below and to the right)."""

    def __init__(
        self, c_in: int, c_out: int, kernel: int, stride: int = 1, depthwise: bool = False
    ) -> None:
        total = kernel - stride if stride > 1 else kernel - 1
        before, after = total // 2, total - total // 2
        groups = c_in if depthwise else 1
        symmetric = before == after
        layers: list[nn.Module] = (
            [] if symmetric else [nn.ZeroPad2d((before, after, before, after))]
        )
        layers.append(
            nn.Conv2d(c_in, c_out, kernel, stride, before if symmetric else 0, groups=groups)
        )
        super().__init__(*layers)

    @property
    def conv(self) -> nn.Conv2d:
        return self[-1]  # type: ignore[return-value]


class InvertedResidual(nn.Module):
    """Expand 1x1, depthwise kxk, project 1x1; the skip where shapes allow (MobileNetV2)."""

    def __init__(self, c_in: int, c_out: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        hidden = c_in * expansion
        self.expand = SameConv(c_in, hidden, 1) if expansion > 1 else None
        self.depthwise = SameConv(hidden, hidden, kernel, stride, depthwise=True)
        self.project = SameConv(hidden, c_out, 1)
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


class Trunk(nn.Module):
    """Image (B,3,H,W) -> features at strides 4, 8, 16 and 32 with 24, 40, 112 and 320 channels."""

    channels = tuple(STAGES[tap][1] for tap in TAPS)

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        self.stages = nn.ModuleList()
        c_in = 32
        for expansion, c_out, repeats, stride, kernel in STAGES:
            blocks = [InvertedResidual(c_in, c_out, expansion, stride, kernel)]
            blocks += [
                InvertedResidual(c_out, c_out, expansion, 1, kernel) for _ in range(repeats - 1)
            ]
            self.stages.append(nn.Sequential(*blocks))
            c_in = c_out

    def shallow(self, x: Tensor) -> Tensor:
        """Up to stride 4. Edges and colours are the same everywhere: this part is never trained."""
        return self.stages[1](self.stages[0](F.relu6(self.stem(x))))

    def deep(self, x: Tensor) -> list[Tensor]:
        outputs = [x]
        for index, stage in enumerate(self.stages[2:], start=2):
            x = stage(x)
            if index in TAPS:
                outputs.append(x)
        return outputs

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.deep(self.shallow(x))

    def load_imagenet(self, state: Mapping[str, Tensor]) -> None:
        """Fill from the published state dict (`_conv_stem`, `_blocks.N...`), folding batch norm."""

        def fold(target: SameConv, conv: str, norm: str) -> None:
            scale = state[f"{norm}.weight"] / torch.sqrt(
                state[f"{norm}.running_var"] + BATCH_NORM_EPS
            )
            target.conv.weight.data.copy_(state[f"{conv}.weight"] * scale[:, None, None, None])
            target.conv.bias.data.copy_(
                state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale
            )

        fold(self.stem, "_conv_stem", "_bn0")
        for number, block in enumerate(block for stage in self.stages for block in stage):
            name = f"_blocks.{number}."
            if block.expand is not None:
                fold(block.expand, name + "_expand_conv", name + "_bn0")
            fold(block.depthwise, name + "_depthwise_conv", name + "_bn1")
            fold(block.project, name + "_project_conv", name + "_bn2")


class Separable(nn.Module):
    """Residual depthwise 5x5 and pointwise 1x1: a wide view for an eighth of a 3x3's cost."""

    def __init__(self, channels: int, kernel: int = 5) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.pointwise = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + F.relu(self.pointwise(F.relu(self.depthwise(x))))


class Pyramid(nn.Module):
    """Top-down feature pyramid (Lin et al., 2017) to one map (B,D,H/4,W/4)."""

    def __init__(self, channels: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.smooth = nn.ModuleList(
            nn.Sequential(*(Separable(width) for _ in range(depth))) for depth in (2, 1, 2, 3)
        )

    def forward(self, maps: list[Tensor]) -> Tensor:
        x = self.smooth[-1](self.lateral[-1](maps[-1]))
        for level in reversed(range(len(maps) - 1)):
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = self.smooth[level](x + self.lateral[level](maps[level]))
        return x


SURFACES = tuple(i for i, c in enumerate(CLASSES) if c.role == "surface")
ON_SURFACE = 1.5  # added to the anomaly logit of what lies wholly on ground to drive on
REACH = 10  # cells of 16 px: holes in the ground up to twice as wide are taken for objects on it


def on_surface(logits: Tensor) -> Tensor:
    """How surely each cell is ground to drive on, or something that such ground surrounds, in 0..1.

    A morphological closing of the probability of the surface classes, at a quarter of the
    resolution of logits (B,C,h,w); nothing is ground beyond the border of the image. (B,1,h,w).
    """
    ground = F.avg_pool2d(logits.softmax(1)[:, SURFACES].sum(1, keepdim=True), 4)
    closed = -_greatest(-_greatest(ground))
    return F.interpolate(closed, scale_factor=4, mode="bilinear", align_corners=False)


def _greatest(maps: Tensor) -> Tensor:
    """The greatest value in the square window around each cell, 0 beyond the border: rows, then
    columns, for a tenth of the work."""
    window = 2 * REACH + 1
    rows = F.max_pool2d(F.pad(maps, (REACH,) * 4), (1, window), 1)
    return F.max_pool2d(rows, (window, 1), 1)


def normalised(image: Tensor) -> Tensor:
    """0..255 as the ImageNet weights expect it; in whatever order the axes are."""
    return (image - 127.0) / 128.0


class Encoder(nn.Module):
    """Image (B,3,H,W) float 0..255 RGB -> anomaly (B,1,h,w), logits (B,C,h,w), features (B,D,h,w).

    h = H/4 and w = W/4; H and W are multiples of 32. What lies on the ground to drive on is held to
    be stranger than what stands beside it: that is where an object endangers somebody, and where
    hedges, facades and windows are not.
    """

    def __init__(self, classes: int = len(CLASSES), width: int = 64) -> None:
        super().__init__()
        self.trunk = Trunk()
        self.pyramid = Pyramid(Trunk.channels, width)
        self.class_head = nn.Conv2d(width, classes, 1)
        self.anomaly_head = nn.Sequential(Separable(width), nn.Conv2d(width, 1, 1))
        nn.init.constant_(self.anomaly_head[-1].bias, -3.0)  # anomalies are rare: start there

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.look(normalised(image))

    def look(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same of a normalised image."""
        with torch.no_grad():
            x = self.trunk.shallow(x)
        features = self.pyramid(self.trunk.deep(x))
        logits = self.class_head(features)
        anomaly = self.anomaly_head(features) + ON_SURFACE * on_surface(logits.detach())
        return anomaly, logits, features


class TwoScales(nn.Module):
    """The encoder on the picture and on half of it: as `Encoder`, with the anomaly lowered by half
    of what the second look doubts.

    What is strange only from near by is mostly the grain of the ground, a hedge or a window. The
    second look never raises a score: its cells are twice as large, and would blur small objects.
    It costs a quarter more.
    """

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.look(normalised(image))

    def look(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same of a normalised image."""
        anomaly, logits, features = self.encoder.look(x)
        # Of two by two pixels each, or a little more: the network takes whole multiples.
        size = [side // (2 * MULTIPLE_OF) * MULTIPLE_OF for side in x.shape[-2:]]
        half = F.interpolate(x, size=size, mode="bilinear", align_corners=False)
        wide = self.encoder.look(half)[0]
        wide = F.interpolate(wide, size=anomaly.shape[-2:], mode="bilinear", align_corners=False)
        return anomaly - 0.5 * F.relu(anomaly - wide), logits, features
