"""What `s2m eval-suite` measures: sets of unknown objects, clean sets, sets with masks.

Folders are relative to the folder of data sets. None of these frames is trained on but where a
title says so, and no threshold is fitted to them.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from ..types import InputError
from .decoder import SPLIT
from .layouts import Sample, clean, plain


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A set of labelled frames. The least components are those of SegmentMeIfYouCan's anomaly and
    obstacle tracks."""

    key: str
    title: str
    min_pred_px: int
    min_gt_px: int

    def samples(self, data: Path) -> list[Sample]:
        folder = data / "ood" / self.key
        return plain(folder / "images", folder / "labels")


SETS = (
    Benchmark("road_anomaly", "RoadAnomaly", 500, 100),
    Benchmark("smiyc_anomaly21", "RoadAnomaly21", 500, 100),
    Benchmark("smiyc_obstacle21", "RoadObstacle21", 50, 10),
    Benchmark("fishyscapes_lost_found", "Fishyscapes Lost & Found", 50, 10),
    Benchmark("fishyscapes_static", "Fishyscapes Static", 50, 10),
)


@dataclass(frozen=True, slots=True)
class CleanSet:
    """Frames without anything unknown. held_out: name in the split file of the part of them that
    the default model was not trained on, '' for all."""

    key: str
    title: str
    folder: str
    held_out: str = ""

    def samples(self, data: Path) -> list[Sample]:
        every = clean(data / self.folder)
        if not self.held_out:
            return every
        names = set(json.loads(SPLIT.read_text())["held_out"][self.held_out])
        chosen = [s for s in every if s.image.relative_to(data).as_posix() in names]
        if not chosen:
            raise InputError(
                str(data / self.folder), f"no frame of {SPLIT} here", "split the data anew"
            )
        return chosen


RUNWAY = CleanSet(
    "runway", "Simulated runway, 3 of 4 frames also trained on", "airside/runway_simulated"
)
CLEAN_SETS = (
    RUNWAY,
    CleanSet("runway_held_out", "Simulated runway, held out", RUNWAY.folder, "runway"),
    CleanSet("camvid_test", "CamVid test", "camvid/test"),
)

FOLDERS = {"davis": "davis", "coco": "coco_instances"}
"""Sets with masks of objects."""

DRIVES = (
    "apron",
    "dense",
    "fod",
    "hose",
    "low_sun",
    "night",
    "rain",
    "service_road",
    "stand",
    "towbar",
    "wet",
)
CLEAN_DRIVES = ("clean", "clean_asphalt", "clean_shadows", "clean_wet")
"""Simulated drives with objects of labelled categories, and without any."""

DRIVE_HZ = 0.5
"""Frames a second that are measured of a drive: those in between look much the same."""

SMALL = "small"
"""The profile that has rows of its own."""

NORMAL = ("camvid/test", "airside/runway_simulated")
"""Footage that scorers which need it are fitted on: normal, and not among the sets."""


def data_folder() -> Path:
    """Where data sets lie unless said: S2M_DATA, or shared/data beside the repository."""
    repository = Path(__file__).resolve().parents[2]
    return Path(os.environ.get("S2M_DATA") or repository.parent / "shared" / "data")


SENSITIVITY_SETS = ("road_anomaly", "smiyc_obstacle21")
CLUSTERS = (8, 16, 24, 48)
SHARES = (0.0, 0.5, 0.7, 1.0)
QUANTILES = (0.9, 0.95, 0.99, 0.995, 0.999)
"""Of the training-free clustering: K, the share a of the cluster's mean, and the ID quantile over
which a cell counts as anomalous."""

COMBINATION = "0.7*learned+0.3*energy"
