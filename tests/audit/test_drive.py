"""A bag of results is read back as values, counted and put together by frame."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from s2m_ros.audit.drive import Logged, load_drive, pictures, sweeps
from s2m_ros.audit.frames import frame_views
from s2m_ros.audit.summary import NO_ANSWER, latencies_ms, reasons_of_states, summarise
from s2m_ros.bags import BagError, BagReader, BagWriter

FRAMES = 30  # of the drive in conftest.py, one of them without an answer


def test_everything_in_the_bag_is_there(drive_bag: Path) -> None:
    drive = load_drive(drive_bag)
    assert drive.mode == "live"
    assert drive.cameras == ("front",)
    assert len(drive.images["front"]) == FRAMES
    assert len(drive.masks) == len(drive.hazards) == len(drive.markers) == FRAMES - 1
    assert len(drive.truth) == len(drive.path) == FRAMES
    assert {"optical", "lidar"} <= drive.rig.frames.keys()
    assert drive.problems == ()


def test_images_and_sweeps_come_one_by_one(drive_bag: Path) -> None:
    stamps, images = zip(*pictures(drive_bag, "front"), strict=True)
    assert len(stamps) == FRAMES
    assert images[0].shape == (192, 320, 3)
    assert images[0][5, 5].tolist() == [176, 200, 224]
    assert len(list(sweeps(drive_bag))) == FRAMES


def test_the_summary(drive_bag: Path) -> None:
    summary = summarise(load_drive(drive_bag))
    assert summary.frames == {"front": FRAMES}
    assert summary.answered == {"front": FRAMES - 1}
    assert summary.drops["camera_front"][NO_ANSWER] == 1
    assert summary.latencies["camera to marker"].p50 == pytest.approx(96)
    assert summary.latencies["camera to masks"].p95 == pytest.approx(80)
    assert summary.score is not None
    assert (summary.score.found, summary.score.missed, summary.score.false) == (2, 0, 0)
    assert summary.states["DEGRADED"] == pytest.approx(4 / (FRAMES - 1))
    assert "2 found, 0 missed, 0 false" in summary.lines()[0]
    assert "p50 96 ms, p95 96 ms" in summary.lines()[-1]
    json.dumps(summary.as_dict(), allow_nan=False)


def test_a_missed_object_and_a_lockstep_run(make_drive: Callable[..., Path]) -> None:
    drive = load_drive(make_drive(mode="lockstep", seen=(1,)))
    summary = summarise(drive)
    assert latencies_ms(drive) == {}
    assert summary.latencies == {}
    assert summary.score is not None
    assert [v.name for v in summary.score.objects if v.missed] == ["chock"]
    assert json.dumps(summary.as_dict(), allow_nan=False)


def test_what_came_without_masks_is_no_answer_to_the_image(drive_bag: Path) -> None:
    drive = load_drive(drive_bag)
    early = [Logged(m.logged_ns - 90_000_000, m.value) for m in drive.markers]
    alone = Logged(drive.start_ns, sorted(drive.images["front"])[20])  # that one has no masks
    mixed = sorted([*early, alone, *drive.markers], key=lambda m: m.logged_ns)
    delays = latencies_ms(replace(drive, markers=tuple(mixed)))["camera to marker"]
    assert delays == pytest.approx([96.0] * (FRAMES - 1))


def test_reasons_are_counted(drive_bag: Path) -> None:
    assert reasons_of_states(load_drive(drive_bag).hazards) == {("DEGRADED", "no LiDAR <sweep>"): 4}


def test_a_frame_holds_what_belongs_together(drive_bag: Path) -> None:
    views = list(frame_views(load_drive(drive_bag), "front"))
    assert len(views) == FRAMES
    assert all(v.hazards is not None and v.points is not None for v in views)
    assert [i for i, v in enumerate(views) if not v.answered] == [20]
    held = views[20].hazards
    assert held is not None
    assert held.stamp_ns == views[19].stamp_ns  # the newest before it stays ...
    assert held.ego is not None
    assert held.ego.odom_from_base[0, 3] == pytest.approx(10.0)  # ... seen from where we are now
    assert len(views[5].trails[11]) == 6
    points = views[3].points
    assert points is not None
    assert np.abs(points[:1500, 2]).max() < 1e-4  # the ground, in base_link


def test_messages_that_cannot_be_read_are_told_of(drive_bag: Path, tmp_path: Path) -> None:
    with BagReader(drive_bag) as source, BagWriter(tmp_path / "bag") as bag:
        for message in source.messages():
            data = message.data[:9] if message.topic == "/s2m/front/masks" else message.data
            bag.write(message.topic, data, message.stamp_ns, message.type)
    drive = load_drive(tmp_path / "bag")
    assert len(drive.masks) == 0
    assert len(drive.problems) == FRAMES - 1
    assert "/s2m/front/masks" in drive.problems[0]


def test_a_bag_without_results_says_so(drive_bag: Path, tmp_path: Path) -> None:
    with BagReader(drive_bag) as source, BagWriter(tmp_path / "bag") as bag:
        for message in source.messages(["odom"]):
            bag.write(message.topic, message.data, message.stamp_ns, message.type)
    with pytest.raises(BagError, match=r"no topic /s2m/hazards"):
        load_drive(tmp_path / "bag")
