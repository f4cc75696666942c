"""A scenario at a glance: frames spread over the drive on one sheet."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from s2m_ros.sim.drive import SimView, Stage, frame_count
from s2m_ros.sim.scenario import Scenario

COLUMNS, ROWS = 2, 3


def write_preview(scenario: Scenario, path: Path, duration_s: float | None = None) -> None:
    """Write six frames from the first to the last as one picture."""
    stage = Stage(scenario, scenario.seed)
    last = frame_count(scenario, duration_s) - 1
    numbers = np.linspace(0, last, COLUMNS * ROWS).round().astype(int)
    images = [np.hstack([v.image for v in _from_left(stage, int(n))]) for n in numbers]
    rows = [np.hstack(images[i : i + COLUMNS]) for i in range(0, len(images), COLUMNS)]
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)):
        raise OSError(f"{path}: cannot be written; expected a name that ends in .png or .jpg")


def _from_left(stage: Stage, number: int) -> list[SimView]:
    """The views of a frame, from the one that looks farthest to the left."""
    yaw = {sensor.name: sensor.yaw_deg for sensor in stage.scenario.views}
    return sorted(stage.frame(number).views, key=lambda view: -yaw[view.name])
