"""The calibration of a site, as ``s2m calibrate`` writes it: one ``.npz`` file, no code in it.

It holds the ID quantiles of the scorers on normal footage of the site, the statistics that
feature scores compare with, and the operating point: the least evidence of a mask at which the
footage gives no more than the stated rate of false masks.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..perception.calibration import Quantiles
from ..perception.statistics import Statistics, load_fields, save_fields
from ..types import InputError

FORMAT = 1


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """quantiles: by scorer. min_evidence: by scorer, the operating point. model: encoder hash."""

    model: str
    quantiles: Mapping[str, Quantiles]
    statistics: Statistics | None = None
    min_evidence: Mapping[str, float] = field(default_factory=dict)
    about: Mapping[str, str] = field(default_factory=dict)


def save(site: Site, path: Path) -> None:
    """Write the file; identical sites give identical bytes."""
    head = {
        "format": FORMAT,
        "model": site.model,
        "quantiles": {name: q.manifest() for name, q in site.quantiles.items()},
        "min_evidence": dict(site.min_evidence),
        "about": dict(site.about),
    }
    arrays = {} if site.statistics is None else save_fields(site.statistics)
    text = np.frombuffer(json.dumps(head, sort_keys=True).encode(), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez(stream, head=text, **arrays)  # type: ignore[arg-type]


def load(path: Path, model: str | None = None) -> Site:
    """Read the file. With ``model``, the hash of the encoder in use, refuse another model's.

    Raises InputError that says what to do.
    """
    remedy = "run `s2m calibrate` again"
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = dict(archive)
        head = json.loads(arrays.pop("head").tobytes())
        quantiles = {name: Quantiles.from_manifest(q) for name, q in head["quantiles"].items()}
        statistics = load_fields(arrays) if arrays else None
        site = Site(head["model"], quantiles, statistics, head["min_evidence"], head["about"])
    except OSError as error:
        raise InputError(str(path), f"cannot be read: {error}", remedy) from None
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(str(path), f"no site calibration: {error}", remedy) from error
    if head.get("format") != FORMAT:
        raise InputError(str(path), f"format {head.get('format')}, expected {FORMAT}", remedy)
    if model is not None and site.model != model:
        raise InputError(
            str(path), f"made for encoder {site.model[:12]}, in use is {model[:12]}", remedy
        )
    return site
