"""Graphs as OpenVINO compiled them, kept between runs: a node that died is back a second sooner.

One file each, named by all that it depends on, in s2m_ros/openvino of $XDG_CACHE_HOME or ~/.cache:
the hash of what follows, then what OpenVINO exported. A file appears whole, by a rename, or not at
all. Nothing here is needed: what cannot be read, or written, is compiled again.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .cache import user_cache

log = logging.getLogger(__name__)

MOST_FILES = 16
_DIGEST_BYTES = hashlib.sha256().digest_size


def folder() -> Path:
    """Where they are kept."""
    return user_cache("openvino")


def key(**parts: Any) -> str:
    """A name for all that a compiled graph depends on; parts: plain values."""
    text = json.dumps(parts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def load(core: Any, name: str, options: Mapping[str, Any]) -> Any | None:
    """The compiled model of this name; None when it is not there, damaged or refused."""
    path = folder() / name
    try:
        data = path.read_bytes()
    except OSError:
        return None
    digest, blob = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    if hashlib.sha256(blob).digest() != digest:
        log.warning("%s: damaged, compiling again", path)
        return None
    try:
        model = core.import_model(io.BytesIO(blob), "CPU", dict(options))
    except RuntimeError as error:
        log.warning("%s: refused, compiling again: %s", path, error)
        return None
    with contextlib.suppress(OSError):
        path.touch()  # the oldest goes first
    return model


def keep(model: Any, name: str) -> None:
    """Keep a compiled model under this name, and of all only the newest."""
    try:
        folder().mkdir(parents=True, exist_ok=True)
        exported = model.export_model()
        blob = exported if isinstance(exported, bytes) else exported.getvalue()
        with tempfile.NamedTemporaryFile(dir=folder(), prefix=".draft-", delete=False) as draft:
            try:
                draft.write(hashlib.sha256(blob).digest() + blob)
                draft.close()
                Path(draft.name).replace(folder() / name)
            finally:
                Path(draft.name).unlink(missing_ok=True)
        files = sorted(folder().glob("[!.]*"), key=lambda file: file.stat().st_mtime)
        for file in files[:-MOST_FILES]:
            file.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        log.info("%s: not kept: %s", name, error)
