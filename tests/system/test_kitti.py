"""Real sensor data through the stages: every frame, the same bytes, ranges that LiDAR confirms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from s2m_ros.audit.drive import Drive, load_drive, sweeps
from s2m_ros.audit.inputs import find_inputs
from s2m_ros.audit.lockstep import run_lockstep
from s2m_ros.audit.merge import merge
from s2m_ros.audit.scene import to_base
from s2m_ros.audit.summary import summarise
from s2m_ros.bags import BagReader, kitti
from s2m_ros.config import load
from s2m_ros.fusion.transforms import apply, invert
from s2m_ros.types import Hazard, Hazards, ObjectMasks, TrackState
from s2m_ros.wire import topics

pytestmark = [pytest.mark.data, pytest.mark.slow]
FRAMES = 40


@pytest.fixture(scope="module")
def source(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kitti") / "kitti"
    kitti.convert(data_dir / "lidar" / "kitti_sequence", path)
    return path


def run(source: Path, out: Path) -> Path:
    with BagReader(source) as bag:
        run_lockstep(bag, find_inputs(bag, load()), out)
    return out


@pytest.fixture(scope="module")
def outputs(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(source, tmp_path_factory.mktemp("outputs") / "outputs")


@pytest.fixture(scope="module")
def drive(source: Path, outputs: Path, tmp_path_factory: pytest.TempPathFactory) -> Drive:
    path = tmp_path_factory.mktemp("both") / "bag"
    with BagReader(source) as inputs, BagReader(outputs) as results:
        merge(inputs, results, path, about={"mode": "lockstep"})
    return load_drive(path)


@pytest.mark.timeout(600)
def test_every_frame_is_processed(drive: Drive) -> None:
    summary = summarise(drive)
    assert summary.answered == summary.frames == {"front": FRAMES}
    assert len(drive.hazards) == FRAMES
    assert all(m.value.state == 0 for m in drive.masks)


@pytest.mark.timeout(600)
def test_again_is_the_same_bytes(source: Path, outputs: Path, tmp_path: Path) -> None:
    names = (topics.OBJECTS, topics.HAZARDS, topics.MARKERS, topics.masks("front"))
    with BagReader(outputs) as first, BagReader(run(source, tmp_path / "again")) as second:
        assert list(first.messages(names)) == list(second.messages(names))


@pytest.mark.timeout(600)
def test_confirmed_hazards_lie_where_lidar_sees_their_masks(drive: Drive) -> None:
    """Within 1.5 m of the median range of the LiDAR points inside the mask, measured as the
    hazard is: horizontally from base_link, to the nearest part of its box and to its centre."""
    seen = 0
    for hazard, array, masks, ranges in in_mask_ranges(drive):
        seen += 1
        track = hazard.track
        position = to_base(array, track.position[None])[0]
        corners = to_base(array, np.column_stack([track.footprint, np.zeros(len(track.footprint))]))
        near = float(np.hypot(*corners[:, :2].T).min())
        far = float(np.hypot(*position[:2]))
        median = float(np.median(ranges))
        assert near - 1.5 <= median <= far + 1.5, (array.stamp_ns, track.id, masks.camera)
    if not seen:
        pytest.skip("no confirmed hazard with a mask in this sequence")


def in_mask_ranges(
    drive: Drive,
) -> Iterator[tuple[Hazard, Hazards, ObjectMasks, np.ndarray]]:
    """Confirmed hazards seen in their own frame, and the ranges of the points inside the mask."""
    by_stamp = {m.value.stamp_ns: m.value for m in drive.masks}
    clouds = {s.stamp_ns: s for s in sweeps(drive.bag)}
    camera = drive.rig.cameras["front"]
    optical = drive.rig.base_from(drive.rig.camera_frames["front"])
    for array in (h.value for h in drive.hazards):
        masks, sweep = by_stamp[array.stamp_ns], clouds[array.stamp_ns]
        base = apply(drive.rig.base_from(sweep.frame_id), sweep.points.astype(np.float64))
        pixels, held = camera.project(apply(invert(optical), base))
        for hazard in array.items:
            item = next((m for m in masks.items if m.id == hazard.track.mask_id), None)
            fresh = hazard.track.last_ns == array.stamp_ns
            if hazard.track.state != TrackState.CONFIRMED or not fresh or item is None:
                continue
            mask = cv2.resize(
                masks.dense(item).astype(np.uint8), camera.size, interpolation=cv2.INTER_NEAREST
            )
            at = pixels[held].astype(int)
            inside = mask[at[:, 1], at[:, 0]] > 0
            if inside.sum() >= 5:
                yield hazard, array, masks, np.hypot(*base[held][inside, :2].T)
