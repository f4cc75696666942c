"""From settings to a running perception: the one place that knows which class serves which name."""

from __future__ import annotations

from pathlib import Path

from ..config import Perception as Settings
from ..perception.calibration import Quantiles
from ..perception.interfaces import Scorer, Segmenter
from ..perception.pipeline import Perception
from ..perception.prompts import TopologyPrompter
from ..perception.scorers import LOGIT_SCORES, CalibratedScorer, learned, of_logits
from ..types import InputError
from .manifest import Manifest, find, read
from .trunk import TrunkEncoder, TrunkSegmenter

SCORERS: dict[str, str] = {
    "learned": "anomaly head of the model, trained with pasted objects",
    "msp": "1 - max softmax of the class logits",
    "max_logit": "- max logit",
    "entropy": "entropy of the softmax",
    "energy": "- log sum exp of the logits",
    "rejection": "- sum of tanh logits: rejected by all classes",
}


def build_perception(config: Settings, models_dir: Path | None = None) -> Perception:
    """Load the model that the settings name. InputError says which file or setting is wrong."""
    manifest = read(find(config.model.path, models_dir))
    return Perception(
        TrunkEncoder(manifest, config.model),
        build_scorer(config.scorer, manifest),
        TopologyPrompter(config.prompting),
        build_segmenter(config, manifest, models_dir),
        config,
    )


def build_scorer(name: str, manifest: Manifest) -> Scorer:
    if name not in SCORERS:
        raise InputError(
            f"scorer '{name}'", "no such scorer", f"choose one of {', '.join(SCORERS)}"
        )
    if name == "learned" and "anomaly" not in manifest.encoder.outputs:
        raise InputError(
            f"scorer '{name}'",
            f"model '{manifest.name}' has no output 'anomaly'",
            f"choose one of {', '.join(LOGIT_SCORES)}",
        )
    function = learned if name == "learned" else of_logits(name)
    return CalibratedScorer(name, function, _quantiles(name, manifest))


def build_segmenter(
    config: Settings, manifest: Manifest, models_dir: Path | None = None
) -> Segmenter:
    if config.segmenter == "trunk":
        return TrunkSegmenter(manifest, config.model)
    raise InputError(
        f"segmenter '{config.segmenter}'", "no such segmenter", "set perception.segmenter to trunk"
    )


def _quantiles(name: str, manifest: Manifest) -> Quantiles:
    table = manifest.calibration.of(name)
    source = str(manifest.folder / "model.yaml")
    if table is None:
        raise InputError(
            source,
            f"no ID quantiles for scorer '{name}'",
            "run `s2m calibrate` for it, or choose one of "
            + ", ".join(manifest.calibration.quantiles),
        )
    try:
        return Quantiles.of(table.probabilities, table.values)
    except ValueError as error:
        raise InputError(
            source, f"calibration of '{name}': {error}", "correct the table"
        ) from error
