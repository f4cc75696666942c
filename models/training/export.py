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
from .network import MULTIPLE_OF, TwoScales
from .prompter import Prompter

OPSET = 17
INPUT_HEIGHT, INPUT_WIDTH = 544, 960


class ExportedEncoder(nn.Module):
    """uint8 (1,H,W,3) RGB in, so that a camera frame goes to the graph without a copy in Python."""

    def __init__(self, encoder: TwoScales) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.encoder(image.permute(0, 3, 1, 2).float())


class ExportedDecoder(nn.Module):
    def __init__(self, decoder: Decoder) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, patches: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor]:
        return self.decoder(patches.permute(0, 3, 1, 2).float(), *rest)


class ExportedPrompter(nn.Module):
    def __init__(self, prompter: Prompter) -> None:
        super().__init__()
        self.prompter = prompter

    def forward(self, rarity: Tensor) -> tuple[Tensor, Tensor]:
        boxes, logits = self.prompter(rarity)
        return boxes[0], logits[0].sigmoid()


ENCODER_OUTPUTS = ["anomaly", "logits", "features"]
DECODER_INPUTS = [
    "patches", "features", "anomaly", "windows", "boxes", "points", "point_labels",
]  # fmt: skip
DECODER_OUTPUTS = ["masks", "iou"]
PROMPTER_OUTPUTS = ["boxes", "confidence"]


def export_graphs(encoder: TwoScales, decoder: Decoder, directory: Path) -> None:
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
            torch.randint(0, 256, (3, GRID, GRID, 3), dtype=torch.uint8),
            torch.rand(1, 64, 24, 32),
            torch.rand(1, 1, 24, 32),
            boxes,
            boxes,
            points,
            torch.full((3, 2), -1.0),
        ),
        str(directory / "decoder.onnx"),
        input_names=DECODER_INPUTS,
        output_names=DECODER_OUTPUTS,
        dynamic_axes={
            "features": map_axes,
            "anomaly": map_axes,
            **{name: {0: "boxes"} for name in ("patches", "windows", "boxes")},
            "points": {0: "boxes", 1: "points"},
            "point_labels": {0: "boxes", 1: "points"},
            **{name: {0: "boxes"} for name in DECODER_OUTPUTS},
        },
        opset_version=OPSET,
        dynamo=False,
    )
    for name in ("encoder.onnx", "decoder.onnx"):
        onnx.checker.check_model(str(directory / name))


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
            "rarity": {2: "map_height", 3: "map_width"},
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
    """Write model.yaml beside the two graphs."""
    manifest = {
        "name": "apron_lite0",
        "version": version,
        "description": "Anomaly score, known classes and prompted masks from one encoder call.",
        "licence": "Apache-2.0 code; weights for research use, see MODEL_CARD.md",
        "files": {part: seal(directory / f"{part}.onnx") for part in ("encoder", "decoder")},
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
            "inputs": DECODER_INPUTS,
            "margin": MARGIN,
            "min_box_px": MIN_BOX_PX,
            "patch_px": GRID,
        },
        "calibration": calibration,
        "data": data,
    }
    (directory / "model.yaml").write_text(yaml.safe_dump(manifest, sort_keys=False, width=100))
