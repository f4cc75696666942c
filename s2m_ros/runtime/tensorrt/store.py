"""Engines on disk, each in a folder of its own that is named by all that it depends on.

    CACHE/MODEL/PART/KEY/    context.onnx, engine.json
    CACHE/timings/           measured times of kernels, which outlast an engine

A folder appears whole, by a rename, or not at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...config import Model
from ...types import InputError
from ..cache import user_cache
from ..manifest import sha256
from .machine import Machine
from .options import CONTEXT_MODEL, Precision

Shapes = Mapping[str, tuple[int, ...]]
"""The shape of each input of a graph, by name."""

FORMAT = 1
RECORD = "engine.json"


@dataclass(frozen=True, slots=True)
class Key:
    """All that an engine depends on. calibration: hash of the int8 table, or nothing."""

    model_sha256: str
    shapes: Shapes
    precision: Precision
    calibration: str
    optimization_level: int
    workspace_mb: int
    machine: Machine

    def fields(self) -> dict[str, Any]:
        """Flat and of plain values, as the record holds it and as differences are told."""
        plain = asdict(self)
        machine = plain.pop("machine")
        shapes = {name: list(shape) for name, shape in self.shapes.items()}
        return {**plain, "shapes": shapes, **machine, "format": FORMAT}

    def name(self) -> str:
        """The folder's name."""
        text = json.dumps(self.fields(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def key_of(
    graph: Path, shapes: Shapes, precision: Precision, config: Model, machine: Machine
) -> Key:
    """The key of a graph under these settings. InputError when the calibration is not there."""
    settings = config.tensorrt
    calibration = ""
    if precision == "int8":
        table = Path(settings.calibration)
        if not table.is_file():
            raise InputError(
                f"perception.model.tensorrt.calibration '{table}'",
                "no such file",
                "run `s2m models calibrate`, or choose another precision",
            )
        calibration = sha256(table)
    return Key(
        sha256(graph),
        shapes,
        precision,
        calibration,
        settings.optimization_level,
        settings.workspace_mb,
        machine,
    )


def cache_folder(config: Model) -> Path:
    """Where engines are kept. InputError for a temporary folder, which a restart would empty."""
    folder = Path(config.tensorrt.cache or user_cache("engines")).expanduser()
    if not config.tensorrt.cache and folder.resolve().is_relative_to(tempfile.gettempdir()):
        raise InputError(
            str(folder),
            "engines would lie in a temporary folder and be built again after each restart",
            "set perception.model.tensorrt.cache, or HOME",
        )
    return folder


def shelf(config: Model, graph: Path) -> Path:
    """The folder of all engines of a graph."""
    return cache_folder(config) / graph.resolve().parent.name / graph.stem


def find(config: Model, graph: Path, key: Key) -> Path:
    """The context model with the engine of this key.

    Raises InputError when there is none, or none that is intact: it tells in what the nearest one
    differs and how to build.
    """
    folder = shelf(config, graph) / key.name()
    remedy = _remedy(graph)
    record = _record(folder)
    if record is None:
        raise InputError(
            f"TensorRT engine of {graph}", _difference(shelf(config, graph), key), remedy
        )
    context = folder / CONTEXT_MODEL
    if not context.is_file() or sha256(context) != record.get("sha256"):
        raise InputError(
            str(context), "is not the file that was built: damaged or replaced", remedy
        )
    if record.get("key") != key.fields():
        raise InputError(str(folder / RECORD), "is another engine's", remedy)
    return context


@contextmanager
def alone(config: Model, graph: Path) -> Iterator[None]:
    """Whoever else builds for this graph waits: several cameras start at the same time."""
    folder = shelf(config, graph)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def placing(config: Model, graph: Path, key: Key) -> Iterator[Path]:
    """A folder to build in, which takes its place when the block ends well and goes otherwise."""
    place = shelf(config, graph) / key.name()
    draft = Path(tempfile.mkdtemp(prefix=".building-", dir=place.parent))
    try:
        yield draft
        record = {"key": key.fields(), "sha256": sha256(draft / CONTEXT_MODEL)}
        (draft / RECORD).write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")
        shutil.rmtree(place, ignore_errors=True)  # what is there was refused
        draft.rename(place)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _record(folder: Path) -> dict[str, Any] | None:
    try:
        record = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("key"), dict) else None


def _difference(engines: Path, key: Key) -> str:
    """Why none of the engines of a graph fits: in what the nearest one differs."""
    wanted = key.fields()
    built = [r["key"] for f in sorted(engines.glob("[!.]*")) if (r := _record(f)) is not None]
    differences = [
        {name: (have.get(name), want) for name, want in wanted.items() if have.get(name) != want}
        for have in built
    ]
    nearest = min(differences, key=len, default=None)
    if not nearest:
        return f"none has been built in {engines}"
    told = "; ".join(
        f"{name} {_short(have)}, here {_short(want)}" for name, (have, want) in nearest.items()
    )
    return f"the one in {engines} was built for another case: {told}"


def _short(value: Any) -> str:
    text = json.dumps(value) if isinstance(value, dict) else str(value) or "none"
    return f"{text[:12]}..." if len(text) == 64 else text


def _remedy(graph: Path) -> str:
    return (
        f"run `s2m models build {graph.resolve().parent}` with the same settings on this machine "
        "(minutes), or set perception.model.tensorrt.missing to build"
    )
