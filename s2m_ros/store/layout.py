"""Where the files of a store lie, and what each of them says of how it was made.

    STORE/kept/000007.mcap    kept for good
    STORE/ring/000012.mcap    goes when the ring is full or old
    STORE/index.sqlite        where to find what; made anew from the files when it is missing
    STORE/labels.json         what reviewers said

Files are numbered in the order they were begun, over both folders.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2m_ros import __version__
from s2m_ros.config import Config, leaves, load
from s2m_ros.hazards.rulebook import load_rulebook
from s2m_ros.runtime.build import operating_point
from s2m_ros.runtime.manifest import find, read
from s2m_ros.types import InputError

FORMAT = "2"
"""1: the score map as a PNG. Still read."""
KEPT, RING = "kept", "ring"
INDEX, LABELS = "index.sqlite", "labels.json"
SETTINGS = "settings"
"""Key of the whole tree of settings, JSON."""


OPERATING_POINT = "operating_point"
"""Key of the least evidence of a mask that was gone by."""
POLICY = "policy"
"""Key of the rules that levels come from, JSON as ``hazards.rulebook`` reads it."""


def segments(store: Path) -> dict[str, Path]:
    """The files of a store by name ('000012'), in order."""
    found = [path for folder in (KEPT, RING) for path in (store / folder).glob("*.mcap")]
    return {path.stem: path for path in sorted(found, key=lambda path: path.stem)}


def clear(store: Path) -> None:
    """Remove an older store of that name, and nothing else.

    Raises InputError when other things lie in the folder.
    """
    if not store.exists():
        return
    ours = {KEPT, RING, LABELS, INDEX, f"{INDEX}-wal", f"{INDEX}-shm"}
    other = sorted(path.name for path in store.iterdir() if path.name not in ours)
    if other:
        raise InputError(
            str(store), f"is no audit store: it holds {', '.join(other[:3])}", "give a new folder"
        )
    shutil.rmtree(store)


def about(config: Config, **more: str) -> dict[str, str]:
    """What must be known to run it again: versions, hashes of all files that decide, settings."""
    return {
        "format": FORMAT,
        "s2m_ros": __version__,
        **model_of(config),
        **_files_of(config),
        OPERATING_POINT: repr(operating_point(config.perception)),
        POLICY: load_rulebook(config.hazards.policy_file).model_dump_json(),
        SETTINGS: json.dumps(config.model_dump(), sort_keys=True),
        **more,
    }


def settings_of(about: Mapping[str, str]) -> Config:
    """The settings that a store was made with; those that are gone since are left out."""
    tree: dict[str, Any] = json.loads(about.get(SETTINGS, "{}"))
    return Config.model_validate(_known(tree, Config().model_dump()))


def changed_by(config: Config, changed: Mapping[str, Any]) -> Config:
    """The settings with dotted ones laid over them. Raises ConfigError for one that cannot be."""
    tree = {name: value for name, value, _ in leaves(config)}
    return load(None, {**tree, **changed})


def model_of(config: Config) -> dict[str, str]:
    """Name, version and hashes of the model. Raises InputError when there is none."""
    manifest = read(find(config.perception.model.path))
    hashes = {f"{name} sha256": entry.sha256 for name, entry in sorted(manifest.files.items())}
    return {"model": f"{manifest.name} {manifest.version}", **hashes}


def _files_of(config: Config) -> dict[str, str]:
    """Hashes of the files that settings name: policy, zones, site, calibration."""
    named = {
        name: Path(value)
        for name, value, _ in leaves(config)
        if value and (name.endswith("_file") or name == "perception.site")
    }
    return {
        f"{name} sha256": hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in named.items()
        if path.is_file()
    }


def _known(tree: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key: _known(value, defaults[key]) if isinstance(value, dict) else value
        for key, value in tree.items()
        if key in defaults
    }
