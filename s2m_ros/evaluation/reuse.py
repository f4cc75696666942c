"""Figures are measured once: a digest of all that they depend on says whether they still hold."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..config import Perception as Settings
from ..runtime.manifest import Manifest
from ..runtime.scorers import names_in
from .document import Tree
from .layouts import Sample

PACKAGE = Path(__file__).resolve().parents[1]
MEASURING = (
    "types.py",
    "perception",
    "runtime",
    *(
        f"evaluation/{name}.py"
        for name in ("boxes", "calibrate", "component", "evaluate", "found", "pixel", "s2m")
    ),
)
"""Code that figures depend on; the rest of ``evaluation`` only shows them."""

SIMULATING = ("sim", "evaluation/drives.py")


def digest(*parts: Any) -> str:
    """SHA-256 of values that JSON holds."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


@lru_cache(maxsize=4)
def code(places: tuple[str, ...] = MEASURING) -> str:
    """SHA-256 of source files of this package."""
    total = hashlib.sha256()
    for place in places:
        path = PACKAGE / place
        files = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix in (".py", ".yaml"))
        for file in files or [path]:
            total.update(file.relative_to(PACKAGE).as_posix().encode())
            total.update(file.read_bytes())
    return total.hexdigest()


def files(samples: Iterable[Sample]) -> list[tuple[str, int, int]]:
    """Names and sizes of the frames and their labels."""
    return [
        (s.image.name, s.image.stat().st_size, s.label.stat().st_size if s.label else 0)
        for s in samples
    ]


def model(manifest: Manifest) -> dict[str, Any]:
    """What the figures depend on of a model: its files and its calibration."""
    return {
        "files": {key: entry.sha256 for key, entry in manifest.files.items()},
        "calibration": manifest.calibration.model_dump(),
        "input": manifest.input.model_dump(),
        "classes": [item.model_dump() for item in manifest.classes],
    }


def outside(settings: Settings) -> list[tuple[str, int, int]]:
    """Files beside the model that the settings name: a site, a user's own scorer or decoder."""
    named = [Path(n) for n in (settings.site, settings.segmenter, *names_in(settings.scorer)) if n]
    found = [f for path in named for f in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return [(str(f), f.stat().st_size, f.stat().st_mtime_ns) for f in found if f.is_file()]


def earlier(path: Path, made_from: str) -> Tree | None:
    """The figures of ``metrics.json`` if they were made from the same, else None."""
    try:
        tree = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return tree if isinstance(tree, dict) and tree.get("made_from") == made_from else None
