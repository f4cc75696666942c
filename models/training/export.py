"""Write the two ONNX graphs and the manifest that names, describes and seals them."""

import hashlib
from pathlib import Path
from typing import Any

import onnx
import torch
import yaml
from torch import Tensor, nn

from .classes import CLASSES
from .decoder import MARGIN, Decoder
from .network import Encoder

OPSET = 17
INPUT_HEIGHT, INPUT_WIDTH = 544, 960


class ExportedEncoder(nn.Module):
    """uint8 (1,H,W,3) RGB in, so that a camera frame goes to the graph without a copy in Python."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.encoder(image.permute(0, 3, 1, 2).float())


class ExportedDecoder(nn.Module):
    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, image: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.decoder(image.permute(0, 3, 1, 2).float(), *rest)


ENCODER_OUTPUTS = ["anomaly", "logits", "features"]
DECODER_INPUTS = ["image", "features", "anomaly", "boxes", "points", "point_labels"]
DECODER_OUTPUTS = ["masks", "windows", "iou"]


def export_graphs(encoder: Encoder, decoder: Decoder, directory: Path) -> None:
    """Write encoder.onnx and decoder.onnx (float32) with dynamic image size and number of boxes."""
    directory.mkdir(parents=True, exist_ok=True)
    encoder, decoder = encoder.eval(), decoder.eval()
    image = torch.randint(0, 256, (1, 96, 128, 3), dtype=torch.uint8)
    map_axes = {2: "map_height", 3: "map_width"}
    image_axes = {1: "height", 2: "width"}
    torch.onnx.export(
        ExportedEncoder(encoder),
        (image,),
        str(directory / "encoder.onnx"),
        input_names=["image"],
        output_names=ENCODER_OUTPUTS,
        dynamic_axes={"image": image_axes, **dict.fromkeys(ENCODER_OUTPUTS, map_axes)},
        opset_version=OPSET,
        dynamo=False,
    )
    boxes = torch.tensor(
        [[10.0, 10.0, 40.0, 50.0], [5.0, 5.0, 20.0, 20.0], [60.0, 30.0, 90.0, 80.0]]
    )
    points = torch.zeros(3, 2, 2)
    torch.onnx.export(
        ExportedDecoder(decoder),
        (
            image,
            torch.rand(1, 64, 24, 32),
            torch.rand(1, 1, 24, 32),
            boxes,
            points,
            torch.full((3, 2), -1.0),
        ),
        str(directory / "decoder.onnx"),
        input_names=DECODER_INPUTS,
        output_names=DECODER_OUTPUTS,
        dynamic_axes={
            "image": image_axes,
            "features": map_axes,
            "anomaly": map_axes,
            "boxes": {0: "boxes"},
            "points": {0: "boxes", 1: "points"},
            "point_labels": {0: "boxes", 1: "points"},
            **{name: {0: "boxes"} for name in DECODER_OUTPUTS},
        },
        opset_version=OPSET,
        dynamo=False,
    )
    for name in ("encoder.onnx", "decoder.onnx"):
        onnx.checker.check_model(str(directory / name))


def seal(path: Path) -> dict[str, Any]:
    """Name, SHA-256 and size of a file, as the manifest records them."""
    content = path.read_bytes()
    return {"path": path.name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


def write_manifest(
    directory: Path, *, version: str, calibration: dict[str, Any], data: list[dict[str, str]]
) -> None:
    """Write model.yaml beside the two graphs."""
    manifest = {
        "name": "apron_lite0",
        "version": version,
        "description": "Anomaly score, known classes and prompted masks from one trunk pass.",
        "licence": "Apache-2.0 code; weights for research use, see MODEL_CARD.md",
        "files": {part: seal(directory / f"{part}.onnx") for part in ("encoder", "decoder")},
        "input": {
            "width": INPUT_WIDTH,
            "height": INPUT_HEIGHT,
            "multiple_of": 32,
            "color": "rgb",
            "dtype": "uint8",
        },
        "stride": 4,
        "classes": [{"name": c.name, "role": c.role} for c in CLASSES],
        "encoder": {"outputs": ENCODER_OUTPUTS},
        "decoder": {"inputs": DECODER_INPUTS, "margin": MARGIN},
        "calibration": calibration,
        "data": data,
    }
    (directory / "model.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False, width=100))
