"""From settings to a running perception: the one place that knows which class serves which name."""

from __future__ import annotations

from pathlib import Path

from ..config import Perception as Settings
from ..perception.boxes import BoxPrompter, JointPrompter
from ..perception.interfaces import Prompter, Segmenter
from ..perception.outline import OutlineSegmenter
from ..perception.pipeline import Perception
from ..perception.prompts import TopologyPrompter
from ..types import InputError
from . import site as sites
from . import torch_sam
from .manifest import Manifest, find, read
from .promptable import PromptableSegmenter
from .prompter import LearnedBoxes
from .scorers import build_scorer
from .trunk import TrunkEncoder, TrunkSegmenter

UNCALIBRATED_EVIDENCE = 0.5
"""Least evidence of a mask where neither the site nor the model has an operating point."""


def build_perception(config: Settings, models_dir: Path | None = None) -> Perception:
    """Load the model that the settings name. InputError says which file or setting is wrong.

    The operating point is the settings' own when they state one, else the site's, else the
    model's.
    """
    manifest = read(find(config.model.path, models_dir))
    site = None
    if config.site:
        site = sites.load(Path(config.site), manifest.files["encoder"].sha256)
    least = {"min_evidence": _least_evidence(config, manifest, site)}
    selection = config.selection.model_copy(update=least)
    config = config.model_copy(update={"selection": selection})
    return Perception(
        TrunkEncoder(manifest, config.model),
        build_scorer(config.scorer, manifest, config.model, site),
        build_prompter(config, manifest),
        build_segmenter(config, manifest),
        config,
    )


def operating_point(config: Settings, models_dir: Path | None = None) -> float:
    """The least evidence of a mask that ``build_perception`` goes by, without loading a model."""
    manifest = read(find(config.model.path, models_dir))
    site = sites.load(Path(config.site)) if config.site else None
    return _least_evidence(config, manifest, site)


def _least_evidence(config: Settings, manifest: Manifest, site: sites.Site | None) -> float:
    points = {**manifest.calibration.min_evidence, **(site.min_evidence if site else {})}
    return config.selection.min_evidence or points.get(config.scorer, UNCALIBRATED_EVIDENCE)


def build_prompter(config: Settings, manifest: Manifest) -> Prompter:
    least = config.selection.min_evidence
    topology = TopologyPrompter(config.prompting, least)
    if config.prompting.kind == "topology":
        return topology
    learned = BoxPrompter(LearnedBoxes(manifest, config.model), config.prompting, least)
    if config.prompting.kind == "learned":
        return learned
    return JointPrompter((topology, learned), config.prompting)


def build_segmenter(config: Settings, manifest: Manifest) -> Segmenter:
    if config.segmenter == "trunk":
        return TrunkSegmenter(manifest, config.model)
    if config.segmenter == "outline":
        return OutlineSegmenter()
    if torch_sam.is_checkpoint(config.segmenter):
        return torch_sam.load(config.segmenter)
    folder = Path(config.segmenter)
    if folder.is_dir():
        return PromptableSegmenter(folder, config.model)
    raise InputError(
        f"segmenter '{config.segmenter}'",
        "no such segmenter and no such folder",
        "use trunk, outline, a folder with encoder and decoder .onnx, or vit_b:CHECKPOINT",
    )
