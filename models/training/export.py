"""Write the ONNX graphs and the manifest that names, describes and seals them."""

import hashlib
from pathlib import Path
from typing import Any

import onnx
import torch
import yaml
from torch import Tensor, nn

from .classes import CLASSES
from .decoder import GRID, MARGIN, MIN_BOX_PX, Decoder
from .network import MULTIPLE_OF, TwoScales, normalised
from .prompter import Prompter

OPSET = 17
MAP_AXES = {2: "map_height", 3: "map_width"}
INPUT_HEIGHT, INPUT_WIDTH = 544, 960


class ExportedEncoder(nn.Module):
    """uint8 (1,H,W,3) RGB in, so that a camera frame goes to the graph without a copy in Python."""

    def __init__(self, encoder: TwoScales) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # Turned last: then OpenVINO need not turn it at all, channels last is its own order.
        return self.encoder.look(normalised(image.float()).permute(0, 3, 1, 2))


class ExportedSampler(nn.Module):
    def forward(self, patches: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return Decoder.sampled(patches.permute(0, 3, 1, 2).float(), *rest)


class ExportedDecoder(nn.Module):
    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, *sampled: Tensor) -> tuple[Tensor, Tensor]:
        return self.decoder.outlined(*sampled)


class ExportedPrompter(nn.Module):
    def __init__(self, prompter: Prompter) -> None:
        super().__init__()
        self.prompter = prompter

    def forward(self, rarity: Tensor) -> tuple[Tensor, Tensor]:
        boxes, logits = self.prompter(rarity)
        return boxes[0], logits[0].sigmoid()


ENCODER_OUTPUTS = ["anomaly", "logits", "features"]
SAMPLER_INPUTS = [
    "patches", "features", "anomaly", "windows", "boxes", "points", "point_labels",
]  # fmt: skip
SAMPLER_OUTPUTS = ["pixels", "strangeness", "meaning"]
DECODER_OUTPUTS = ["masks", "iou"]
PROMPTER_OUTPUTS = ["boxes", "confidence"]
GRAPHS = ("encoder", "sampler", "decoder")


def export_graphs(encoder: TwoScales, decoder: Decoder, directory: Path) -> None:
    """Write encoder.onnx, then ``export_decoder``; the size of the image is dynamic."""
    directory.mkdir(parents=True, exist_ok=True)
    image = torch.randint(0, 256, (1, 96, 128, 3), dtype=torch.uint8)
    torch.onnx.export(
        ExportedEncoder(encoder.eval()),
        (image,),
        str(directory / "encoder.onnx"),
        input_names=["image"],
        output_names=ENCODER_OUTPUTS,
        dynamic_axes={
            "image": {1: "height", 2: "width"},
            **dict.fromkeys(ENCODER_OUTPUTS, MAP_AXES),
        },
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.checker.check_model(str(directory / "encoder.onnx"))
    export_decoder(decoder, directory)


def export_decoder(decoder: Decoder, directory: Path) -> None:
    """Write the decoder with a dynamic number of boxes, in two graphs (float32).

    sampler.onnx computes with coordinates and needs the full precision; decoder.onnx has all the
    weights, nearly all the work, and may run in half precision.
    """
    boxes = torch.tensor(
        [[10.0, 10.0, 40.0, 50.0], [5.0, 5.0, 20.0, 20.0], [60.0, 30.0, 90.0, 80.0]]
    )
    asked = (
        torch.randint(0, 256, (3, GRID, GRID, 3), dtype=torch.uint8),
        torch.rand(1, 64, 24, 32),
        torch.rand(1, 1, 24, 32),
        boxes,
        boxes,
        torch.zeros(3, 2, 2),
        torch.full((3, 2), -1.0),
    )
    per_box, per_point = {0: "boxes"}, {0: "boxes", 1: "points"}
    sampled_axes = dict.fromkeys(SAMPLER_OUTPUTS, per_box)
    torch.onnx.export(
        ExportedSampler(),
        asked,
        str(directory / "sampler.onnx"),
        input_names=SAMPLER_INPUTS,
        output_names=SAMPLER_OUTPUTS,
        dynamic_axes={
            "features": MAP_AXES,
            "anomaly": MAP_AXES,
            **dict.fromkeys(("patches", "windows", "boxes"), per_box),
            **dict.fromkeys(("points", "point_labels"), per_point),
            **sampled_axes,
        },
        opset_version=OPSET,
        dynamo=False,
    )
    torch.onnx.export(
        ExportedDecoder(decoder.eval()),
        ExportedSampler()(*asked),
        str(directory / "decoder.onnx"),
        input_names=SAMPLER_OUTPUTS,
        output_names=DECODER_OUTPUTS,
        dynamic_axes={**sampled_axes, **dict.fromkeys(DECODER_OUTPUTS, per_box)},
        opset_version=OPSET,
        dynamo=False,
    )
    for part in ("sampler", "decoder"):
        onnx.checker.check_model(str(directory / f"{part}.onnx"))


def add_prompter(directory: Path, prompter: Prompter) -> None:
    """Write prompter.onnx beside the model.yaml that is there, and seal it in its files."""
    path = directory / "prompter.onnx"
    torch.onnx.export(
        ExportedPrompter(prompter.eval()),
        (torch.rand(1, 1, 24, 40),),
        str(path),
        input_names=["rarity"],
        output_names=PROMPTER_OUTPUTS,
        dynamic_axes={
            "rarity": MAP_AXES,
            **{name: {0: "places"} for name in PROMPTER_OUTPUTS},
        },
        opset_version=OPSET,
        dynamo=False,
    )
    onnx.checker.check_model(str(path))
    manifest = yaml.safe_load((directory / "model.yaml").read_text())
    manifest["files"]["prompter"] = seal(path)
    (directory / "model.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False, width=100))


def seal(path: Path) -> dict[str, Any]:
    """Name, SHA-256 and size of a file, as the manifest records them."""
    content = path.read_bytes()
    return {"path": path.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def write_manifest(
    directory: Path, *, version: str, calibration: dict[str, Any], data: list[dict[str, str]]
) -> None:
    """Write model.yaml beside the graphs."""
    manifest = {
        "name": "apron_lite0",
        "version": version,
        "description": "Anomaly score, known classes and prompted masks from one encoder call.",
        "licence": "Apache-2.0 code; weights for research use, see MODEL_CARD.md",
        "files": {part: seal(directory / f"{part}.onnx") for part in GRAPHS},
        "input": {
            "width": INPUT_WIDTH,
            "height": INPUT_HEIGHT,
            "multiple_of": MULTIPLE_OF,
            "color": "rgb",
            "dtype": "uint8",
        },
        "stride": 4,
        "classes": [{"name": c.name, "role": c.role} for c in CLASSES],
        "encoder": {"outputs": ENCODER_OUTPUTS},
        "decoder": {
            "margin": MARGIN,
            "min_box_px": MIN_BOX_PX,
            "patch_px": GRID,
        },
        "calibration": calibration,
        "data": data,
    }
    (directory / "model.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False, width=100))
