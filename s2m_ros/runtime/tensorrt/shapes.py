"""The shapes that the graphs of a model are fixed to, by the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...config import Model
from ...types import InputError
from ..graph import declared
from ..manifest import Manifest
from .options import Precision
from .store import Shapes

Template = Mapping[str, tuple[int | None, ...]]
"""Shapes by the name of the input, '*' for all others; None, and what is lacking at the end, is
left to what the graph declares."""

PARTS = ("encoder", "sampler", "decoder")
"""The graphs of a model that TensorRT may run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What an engine of a graph is to be: input shapes as far as known, and arithmetic."""

    template: Template
    precision: Precision


def plan(manifest: Manifest, part: str, config: Model) -> Plan:
    """The plan for one of a model's graphs. int8 is calibrated for the encoder alone."""
    wanted = config.tensorrt.precision if reducible(manifest, part) else "fp32"
    if wanted == "int8" and part != "encoder":
        wanted = "fp16"
    return Plan(template(manifest, part, config), wanted)


def reducible(manifest: Manifest, part: str) -> bool:
    """Whether a graph may compute with fewer bits: not where it has pixel coordinates in it, which
    the sampler has, or the decoder of a model without one."""
    return part == "encoder" or (part == "decoder" and "sampler" in manifest.files)


def network_size(manifest: Manifest, config: Model) -> tuple[int, int]:
    """Width and height of the encoder's input: the settings', or else the model's own.

    Raises InputError for a size by share of the image, which is not known before an image comes.
    """
    if config.least_scale:
        raise InputError(
            "perception.model.least_scale",
            f"is {config.least_scale}: an engine has one input size",
            "set it to 0, and perception.model.width and height to the size wanted",
        )
    step = manifest.input.multiple_of
    width, height = config.width or manifest.input.width, config.height or manifest.input.height
    return max(step, width // step * step), max(step, height // step * step)


def template(manifest: Manifest, part: str, config: Model) -> Template:
    """What is known of the inputs of one of a model's graphs (models/README.md describes them)."""
    width, height = network_size(manifest, config)
    if part == "encoder":
        return {"image": (1, height, width, 3)}
    boxes, points, side = config.tensorrt.boxes, config.tensorrt.points, manifest.decoder.patch_px
    grid = (height // manifest.stride, width // manifest.stride)
    return {
        "patches": (boxes, side, side, 3),
        "features": (1, None, *grid),
        "anomaly": (1, 1, *grid),
        "logits": (1, None, *grid),
        "windows": (boxes, 4),
        "boxes": (boxes, 4),
        "points": (boxes, points, 2),
        "point_labels": (boxes, points),
        "*": (boxes,),
    }


def fixed_shapes(graph: Path, given: Template) -> Shapes:
    """The shape of each input of a graph. InputError when a dimension stays free."""
    shapes = {}
    for name, known in declared(graph).items():
        wanted = given.get(name, given.get("*", ()))
        wanted = (*wanted, *(None,) * len(known))[: len(known)]
        shape = [k if isinstance(k, int) else w for k, w in zip(known, wanted, strict=True)]
        sizes = tuple(size for size in shape if size is not None)
        if len(sizes) != len(shape):
            raise InputError(
                str(graph),
                f"input '{name}' {list(known)} has dimensions that no setting fixes",
                "export it with fixed shapes, or leave it to another provider",
            )
        shapes[name] = sizes
    return shapes
