"""From the name of a scorer to the scorer.

A name is one of ``SCORERS``, or the folder of a user's own scorer (``external.py``); parameters
follow a colon: ``clustering:k=8,a=0.5``, ``energy:t=2``. A weighted combination adds the rarities
of several: ``0.7*learned+0.3*energy``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..config import Model
from ..perception.calibration import Quantiles, unrarity
from ..perception.feature_scores import FEATURE_SCORES, WithStatistics, clustering
from ..perception.interfaces import Encoding, Scorer
from ..perception.scorers import LOGIT_SCORES, CalibratedScorer, energy, learned, of_logits
from ..types import Float32, InputError, ScoreMap
from .external import ExternalScore
from .manifest import Manifest, read
from .site import Site

SCORERS: dict[str, tuple[str, str]] = {
    "learned": ("anomaly head", "trained with pasted objects (outlier exposure)"),
    "msp": ("logits", "1 - max softmax"),
    "max_logit": ("logits", "- max logit"),
    "entropy": ("logits", "entropy of the softmax"),
    "energy": ("logits", "- log sum exp of the logits; t= temperature"),
    "rejection": ("logits", "- sum of tanh logits: rejected by all classes (RbA)"),
    "clustering": ("logits, features", "training-free K-Means of the frame's features; k=, a="),
    "sml": ("logits, site", "standardised max logit with boundary suppression"),
    "mahalanobis": ("logits, features, site", "distance to the nearest class of features"),
    "knn": ("logits, features, site", "distance to the nearest normal features, with energy"),
    "reconstruction": ("features, site", "what the normal subspace cannot rebuild"),
}
"""Name -> (what it needs, what it is)."""

Function = Callable[[Encoding], Float32]


@dataclass(frozen=True, slots=True, eq=False)
class Combination:
    """Weighted mean of the rarities of several scorers; weights add up to 1.

    Its raw score is itself a rarity, so it needs no quantiles of its own; a site may give them.
    """

    name: str
    parts: tuple[tuple[float, CalibratedScorer], ...]
    quantiles: Quantiles | None = None

    def raw(self, encoding: Encoding) -> Float32:
        total: Float32 | None = None
        for weight, scorer in self.parts:
            rarity = np.float32(weight) * scorer.quantiles.rarity(scorer.raw(encoding))
            if total is None:
                total = rarity
            elif rarity.shape == total.shape:
                total = total + rarity
            else:
                size = (total.shape[1], total.shape[0])
                total = total + cv2.resize(rarity, size, interpolation=cv2.INTER_LINEAR)
        assert total is not None
        return np.asarray(total, np.float32)

    def calibrate(self, raw: Float32, image_size: tuple[int, int]) -> ScoreMap:
        scores = unrarity(raw) if self.quantiles is None else self.quantiles(raw)
        return ScoreMap(scores, image_size, self.name)


def build_scorer(name: str, manifest: Manifest, config: Model, site: Site | None = None) -> Scorer:
    """The scorer of that name on that model; InputError when something it needs is missing."""
    terms = [_term(text, name) for text in name.split("+")]
    if len(terms) == 1 and terms[0][0] is None:
        return _single(terms[0][1], manifest, config, site)
    weights = [1.0 if weight is None else weight for weight, _ in terms]
    total = sum(weights)
    parts = tuple(
        (weight / total, _single(part, manifest, config, site))
        for weight, (_, part) in zip(weights, terms, strict=True)
    )
    return Combination(name, parts, None if site is None else site.quantiles.get(name))


def raw_function(name: str, manifest: Manifest, config: Model, site: Site | None) -> Function:
    """The uncalibrated score alone: what calibration itself needs."""
    base, _, options = name.partition(":")
    given = _options(options, name)
    if base == "learned":
        _need("anomaly" in manifest.encoder.outputs, name, manifest, "output 'anomaly'")
        function: Function = learned
    elif base == "energy" and given:
        temperature = given.pop("t", 1.0)
        _need("logits" in manifest.encoder.outputs, name, manifest, "output 'logits'")
        function = _Energy(temperature)
    elif base in LOGIT_SCORES:
        _need("logits" in manifest.encoder.outputs, name, manifest, "output 'logits'")
        function = of_logits(base)
    elif base == "clustering":
        _need("features" in manifest.encoder.outputs, name, manifest, "output 'features'")
        function = _Clustering(int(given.pop("k", 24)), given.pop("a", 0.7))
    elif base in FEATURE_SCORES:
        if site is None or site.statistics is None:
            raise InputError(
                f"scorer '{base}'",
                "needs statistics of normal footage, and no site calibration is set",
                "run `s2m calibrate` and set perception.site to its file",
            )
        function = WithStatistics(base, site.statistics)
    elif (Path(base) / "model.yaml").is_file():
        function = ExternalScore(read(Path(base)), config)
    else:
        raise InputError(
            f"scorer '{base}'",
            "no such scorer",
            f"choose one of {', '.join(SCORERS)}, or the folder of a scorer's manifest",
        )
    if given:
        raise InputError(f"scorer '{name}'", f"does not know {sorted(given)}", "leave it out")
    return function


@dataclass(frozen=True, slots=True)
class _Energy:
    temperature: float

    def __call__(self, encoding: Encoding) -> Float32:
        assert encoding.logits is not None
        return energy(encoding.logits, self.temperature)


@dataclass(frozen=True, slots=True)
class _Clustering:
    k: int
    a: float

    def __call__(self, encoding: Encoding) -> Float32:
        return clustering(encoding, self.k, self.a)


def _single(name: str, manifest: Manifest, config: Model, site: Site | None) -> CalibratedScorer:
    function = raw_function(name, manifest, config, site)
    return CalibratedScorer(name, function, _quantiles(name, manifest, site))


def _quantiles(name: str, manifest: Manifest, site: Site | None) -> Quantiles:
    if site is not None and name in site.quantiles:
        return site.quantiles[name]
    owner = manifest
    if name not in SCORERS and (Path(name) / "model.yaml").is_file():
        owner = read(Path(name))
        table = owner.calibration.of("score") or owner.calibration.id_quantiles
    else:
        table = manifest.calibration.of(name)
    source = str(owner.folder / "model.yaml")
    if table is None:
        raise InputError(
            source,
            f"no ID quantiles for scorer '{name}'",
            "run `s2m calibrate` for it, or choose one of " + ", ".join(calibrated(manifest, site)),
        )
    try:
        return Quantiles.of(table.probabilities, table.values)
    except ValueError as error:
        raise InputError(source, f"calibration of '{name}': {error}", "correct it") from error


def calibrated(manifest: Manifest, site: Site | None = None) -> list[str]:
    """Names of the scorers that can run on a model as it is."""
    own = {manifest.calibration.scorer} if manifest.calibration.id_quantiles else set()
    return sorted({*own, *manifest.calibration.quantiles, *(site.quantiles if site else ())})


def _need(there: bool, name: str, manifest: Manifest, what: str) -> None:
    if not there:
        raise InputError(
            f"scorer '{name}'", f"model '{manifest.name}' has no {what}", "choose another scorer"
        )


def _term(text: str, whole: str) -> tuple[float | None, str]:
    weight, star, name = text.strip().rpartition("*")
    if not star:
        return None, name
    try:
        value = float(weight)
    except ValueError:
        value = -1.0
    if not value > 0:
        raise InputError(
            f"scorer '{whole}'", f"weight '{weight}' is no positive number", "0.7*learned+0.3*msp"
        )
    return value, name.strip()


def _options(text: str, whole: str) -> dict[str, float]:
    values: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        key, _, value = part.partition("=")
        try:
            values[key.strip()] = float(value)
        except ValueError:
            raise InputError(
                f"scorer '{whole}'", f"'{part}' is no NAME=NUMBER", "clustering:k=8,a=0.5"
            ) from None
    return values


def names_in(name: str) -> Sequence[str]:
    """The single scorers that a name is made of."""
    return [_term(text, name)[1] for text in name.split("+")]
