"""Fit a site calibration on footage of the site (``runtime/site.py``).

Three passes: statistics of logits and features; quantiles of each scorer; the evidence of the
masks that the footage gives although nothing unknown is there. What labels call unknown, or leave
open, is no part of what is normal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ..config import Perception as Settings
from ..perception.calibration import Quantiles
from ..perception.interfaces import Encoding
from ..perception.pipeline import Perception
from ..perception.scorers import LOGIT_SCORES
from ..perception.statistics import Statistics, fit
from ..runtime.build import build_prompter, build_segmenter
from ..runtime.manifest import Manifest, find, read
from ..runtime.scorers import SCORERS, build_scorer, names_in, raw_function
from ..runtime.site import Site
from ..runtime.trunk import TrunkEncoder
from ..types import Float32, InputError
from .footage import Footage, Shot
from .operating import Evidence

CELLS_PER_FRAME = 2000
MOST_MASKS = 500
KEEP = 0.95
PASSES = 3
"""Over the footage; one when only the operating point is fitted."""


def calibrate(
    settings: Settings,
    footage: Footage,
    false_masks_per_minute: float,
    scorers: Sequence[str] | None = None,
    advance: Callable[[], None] = lambda: None,
    keep: float = KEEP,
) -> Site:
    """The site calibration of the settings' model. ``advance`` is called once a frame and pass.

    scorers: those to calibrate; all that the model can run by default; with none at all only the
    operating point is fitted, on the model's own quantiles. The operating point is that of
    ``settings.scorer``. keep: share of the labelled objects that it must not lose. Raises
    InputError when the footage holds no frame, and when no mask could reach the operating point.
    """
    manifest = read(find(settings.model.path))
    encoder = TrunkEncoder(manifest, settings.model)
    site = Site(manifest.files["encoder"].sha256, {})
    if scorers is None or len(scorers):
        site = fit_scorers(settings, footage, scorers, advance)
    elif not len(footage):
        raise _nothing()
    found = _evidence(settings, footage, encoder, manifest, site, advance)
    allowed = false_masks_per_minute * footage.seconds / 60.0
    point = found.point(allowed, keep)
    if point >= 1.0:
        raise InputError(
            "operating point",
            f"would be 1, so that nothing is ever found: {footage.seconds:.0f} s of footage with "
            f"{len(found.false)} false masks cannot show {false_masks_per_minute:g} a minute",
            "give more footage, labelled objects (images/ with labels/), or a higher "
            "--false-masks-per-minute",
        )
    return replace(
        site,
        min_evidence={settings.scorer: point},
        about={
            **site.about,
            "frames": str(len(footage)),
            "seconds": f"{footage.seconds:.1f}",
            "false_masks_per_minute": f"{false_masks_per_minute:g}",
            "false_masks_on_footage": str(found.passing(point)),
            "masks_seen": str(len(found.false)),
            "objects": str(len(found.objects)),
            "objects_kept": f"{found.kept(point):.3f}",
            "extrapolated": str(allowed < 1),
            "model": manifest.name,
        },
    )


def fit_scorers(
    settings: Settings,
    footage: Footage,
    scorers: Sequence[str] | None = None,
    advance: Callable[[], None] = lambda: None,
) -> Site:
    """Statistics and quantiles alone, without an operating point: two passes over the footage.

    A scorer that tells nothing apart on the footage is left out, and ``about`` says so; InputError
    when it was asked for by name.
    """
    if not len(footage):
        raise _nothing()
    manifest = read(find(settings.model.path))
    encodings = _Encodings(TrunkEncoder(manifest, settings.model), footage, advance)
    site = Site(manifest.files["encoder"].sha256, {}, _statistics(encodings, manifest))
    names = list(scorers) if scorers is not None else runnable(manifest, site.statistics)
    names += [name for name in names_in(settings.scorer) if name not in names]
    found = _quantiles(encodings, names, manifest, settings, site)
    flat = [name for name in names if name not in found]
    wanted = [name for name in flat if scorers is not None or name in names_in(settings.scorer)]
    if wanted:
        raise InputError(
            f"scorer '{wanted[0]}'", "gives one value on all of the footage", "give more of it"
        )
    return replace(site, quantiles=found, about={"left_out": ", ".join(flat)} if flat else {})


def _nothing() -> InputError:
    return InputError("footage", "no frame in it", "give folders of images or bags")


def _evidence(
    settings: Settings,
    footage: Footage,
    encoder: TrunkEncoder,
    manifest: Manifest,
    site: Site,
    advance: Callable[[], None],
) -> Evidence:
    """Of every mask that the footage gives, whatever its evidence is."""
    open_ended = settings.selection.model_copy(
        update={"min_evidence": 0.0, "max_masks": MOST_MASKS}
    )
    settings = settings.model_copy(update={"selection": open_ended})
    perception = Perception(
        encoder,
        build_scorer(settings.scorer, manifest, settings.model, site),
        build_prompter(settings, manifest),
        build_segmenter(settings, manifest),
        settings,
    )
    found = Evidence()
    for shot in footage:
        found.add(perception.perceive(shot.image).masks, shot.label)
        advance()
    return found


def runnable(manifest: Manifest, statistics: Statistics | None) -> list[str]:
    """Names of the scorers that a model can run."""
    outputs = set(manifest.encoder.outputs)
    names = []
    for name, (needs, _) in SCORERS.items():
        wanted = {"logits" if n == "logits" else n for n in needs.split(", ")}
        has = {*outputs, "anomaly head"} if "anomaly" in outputs else set(outputs)
        has |= {"site"} if statistics is not None else set()
        if wanted <= has:
            names.append(name)
    return names


class _Encodings:
    """The encodings of the footage, each time computed anew: they are too large to keep."""

    def __init__(
        self, encoder: TrunkEncoder, footage: Footage, advance: Callable[[], None]
    ) -> None:
        self._encoder, self._footage, self._advance = encoder, footage, advance

    def __iter__(self) -> Iterator[tuple[Encoding, Shot]]:
        for shot in self._footage:
            yield self._encoder.encode(shot.image), shot
            self._advance()


def _statistics(encodings: _Encodings, manifest: Manifest) -> Statistics | None:
    logits: list[Float32] = []
    features: list[Float32] = []
    for number, (encoding, shot) in enumerate(encodings):
        if encoding.logits is None or not encoding.features:
            continue
        maps = next(iter(encoding.features.values()))[0]
        if maps.shape[1:] != encoding.logits.shape[1:]:
            continue
        cells = _normal(shot, maps.shape[1:])
        chosen = cells[_sample(len(cells), number)]
        logits.append(encoding.logits.reshape(len(encoding.logits), -1)[:, chosen].T)
        features.append(maps.reshape(len(maps), -1)[:, chosen].T)
    if sum(map(len, logits)) < 100:
        return None
    return fit(np.concatenate(logits), np.concatenate(features))


def _quantiles(
    encodings: _Encodings,
    names: Sequence[str],
    manifest: Manifest,
    settings: Settings,
    site: Site,
) -> dict[str, Quantiles]:
    functions = {name: raw_function(name, manifest, settings.model, site) for name in names}
    samples: dict[str, list[Float32]] = {name: [] for name in names}
    for number, (encoding, shot) in enumerate(encodings):
        for name, function in functions.items():
            raw = function(encoding)
            normal = raw.ravel()[_normal(shot, raw.shape)]
            every = _is_cheap(name) or not len(normal)
            samples[name].append(
                normal if every else normal[_sample(len(normal), ~number & 0xFFFF)]
            )
    fitted = {name: _fitted(np.concatenate(parts)) for name, parts in samples.items()}
    return {name: table for name, table in fitted.items() if table is not None}


def _normal(shot: Shot, shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Which cells of a map (h, w) show nothing that the label calls unknown or leaves open."""
    height, width = shape
    if shot.label is None:
        return np.arange(height * width)
    other = (shot.label.anomaly | shot.label.ignore).astype(np.float32)
    touched = cv2.resize(other, (width, height), interpolation=cv2.INTER_AREA) > 0
    return np.flatnonzero(~touched)


def _fitted(raw: Float32) -> Quantiles | None:
    """None where (nearly) all values are the same."""
    try:
        return Quantiles.fit(raw)
    except ValueError:
        if not np.isfinite(raw).all():
            raise
        return None


def _is_cheap(name: str) -> bool:
    """Whether every cell is kept: the tail of the main scorers should be as long as it can be."""
    return name == "learned" or name in LOGIT_SCORES


def _sample(cells: int, seed: int) -> NDArray[np.intp]:
    rng = np.random.default_rng(seed)
    return rng.choice(cells, min(cells, CELLS_PER_FRAME), replace=False)
