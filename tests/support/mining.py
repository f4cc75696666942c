"""Tasks for the tests of jobs: they run in other processes, which import them by name."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import stores

from s2m_ros.audit.mining.jobs import Task
from s2m_ros.audit.mining.meeting import Options
from s2m_ros.audit.mining.specimen import Met, Specimen, View, pack
from s2m_ros.runtime.embedding import unit


def specimen(source: str = "drive", track: int = 1, **changes: object) -> Specimen:
    """One object with one view; it lies at x = track."""
    vector = np.zeros(4, np.float32)
    vector[track % 4] = 1
    values = {
        "source": source,
        "tracks": (track,),
        "first_ns": stores.stamp(0),
        "last_ns": stores.stamp(9),
        "first_position": np.array([track, 0.0, 0.1]),
        "position": np.array([track, 0.0, 0.1]),
        "size": np.array([0.4, 0.3, 0.2]),
        "level": 2,
        "text": "unknown object <b>",
        "reasons": ("distance",),
        "looks": (("front", stores.stamp(track)),),
        "views": (view(track),),
        "embedding": vector,
    }
    return Specimen(**{**values, **changes})  # type: ignore[arg-type]


def view(track: int = 1) -> View:
    import cv2

    fine, jpeg = cv2.imencode(".jpg", stores.picture(track))
    assert fine
    box = np.array([16, 12, 32, 28], np.float32)
    return View(
        "front", stores.stamp(track), jpeg.tobytes(), stores.SIZE, box, (16, 12), 4, 3,
        np.ones((4, 4), np.bool_), unit(np.ones((1, 4)))[0],
    )  # fmt: skip


def task(source: str, options: Options) -> bytes:
    """Does what the name of the source says, and notes in the folder that it was done."""
    path = Path(source)
    with (path.parent / "log.txt").open("a") as log:
        log.write(f"{path.name}\n")
    if path.name.startswith("poisoned"):
        raise ValueError(f"{path.name} cannot be read")
    if path.name.startswith("deadly"):
        os._exit(9)
    return pack(Met(source, "made up", (specimen(source),), {}, 0.1))


class Here:
    """Runs tasks in this process, one at a time: for what is the same wherever they run."""

    workers = 1

    def __init__(self) -> None:
        self._given: list[tuple[Task, Options]] = []

    def __enter__(self) -> Here:
        return self

    def __exit__(self, *_: object) -> None:
        self._given.clear()

    def submit(self, given: Task, options: Options) -> None:
        self._given.append((given, options))

    def wait(self) -> list[tuple[Task, bytes | Exception]]:
        given, options = self._given.pop(0)
        try:
            return [(given, task(str(given.source), options))]
        except ValueError as error:
            return [(given, error)]
