"""What reviewers said of the tracks and masks of a store: labels.json beside its files."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from s2m_ros.store.layout import LABELS
from s2m_ros.types import InputError

TRUE, FALSE, OPEN = "true", "false", ""
VERDICTS = (TRUE, FALSE, OPEN)
LONGEST = 80


@dataclass(frozen=True, slots=True)
class Label:
    """verdict: TRUE, a real unknown object; FALSE, there is none; OPEN. name: what it is, as the
    reviewer calls it, or ''."""

    verdict: str = OPEN
    name: str = ""


class Labels:
    """The labels of a store by key. Each change is on the disk when ``set`` returns.

    Raises InputError for a file that is not one of ours.
    """

    def __init__(self, store: Path) -> None:
        self._path = store / LABELS
        self._held: dict[str, Label] = {}
        if self._path.exists():
            try:
                tree = json.loads(self._path.read_text())
                self._held = {str(k): checked(v) for k, v in tree["labels"].items()}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise InputError(
                    str(self._path), f"no labels: {error}", "mend it or move it away"
                ) from error

    def __getitem__(self, key: str) -> Label:
        return self._held.get(key, Label())

    def items(self) -> Mapping[str, Label]:
        return dict(self._held)

    def set(self, key: str, label: Label) -> None:
        if label == Label():
            self._held.pop(key, None)
        else:
            self._held[key] = label
        tree = {"format": 1, "labels": {k: asdict(v) for k, v in sorted(self._held.items())}}
        new = self._path.with_suffix(".new")
        with new.open("w") as file:
            json.dump(tree, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)


def track_key(track: int) -> str:
    return f"track:{track}"


def mask_key(camera: str, stamp_ns: int, mask: int) -> str:
    """Of a mask that no track rests on."""
    return f"mask:{camera}:{stamp_ns}:{mask}"


def checked(given: Any) -> Label:
    """A label as a page or a file gives it; ValueError when it is none."""
    verdict, name = str(given["verdict"]), str(given["name"]).strip()
    if verdict not in VERDICTS:
        raise ValueError(f"verdict {verdict!r}: expected true, false or nothing")
    if len(name) > LONGEST:
        raise ValueError(f"a name of {len(name)} letters: at most {LONGEST}")
    return Label(verdict, name)
