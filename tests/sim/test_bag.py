"""A drive as a bag reads back as it was simulated."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from s2m_ros.bags.reader import BagReader
from s2m_ros.fusion.calibration import Rig
from s2m_ros.sim.bag import write_bag
from s2m_ros.sim.drive import SimFrame
from s2m_ros.sim.preview import write_preview
from s2m_ros.sim.scenario import Scenario, load
from s2m_ros.wire.image import decode_image
from s2m_ros.wire.pointcloud import decode_sweep
from s2m_ros.wire.truth import TRUTH, decode_instances, decode_truth


def test_round_trip(tmp_path: Path, small: Scenario, frame: SimFrame) -> None:
    out, seen = tmp_path / "drive", []
    write_bag(
        out,
        small,
        duration_s=0.6,
        workers=1,
        advance=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(i + 1, 6) for i in range(6)]
    with BagReader(out) as bag:
        by_topic: dict[str, list[object]] = {}
        for message in bag.messages():
            by_topic.setdefault(message.topic, []).append(bag.decode(message))
        assert bag.about["scenario"] == "small"
    pictures = next(v for k, v in by_topic.items() if k.endswith("image_raw"))
    np.testing.assert_array_equal(decode_image(pictures[5], "image"), frame.views[0].image)
    points = next(v for k, v in by_topic.items() if k.endswith("points"))
    sweep, _ = decode_sweep(points[5], "points")
    np.testing.assert_array_equal(sweep.points, frame.sweep.points)
    assert sweep.offset_ns is not None
    assert frame.sweep.offset_ns is not None
    assert np.abs(sweep.offset_ns - frame.sweep.offset_ns).max() < 1000
    truth = decode_truth(next(v for k, v in by_topic.items() if k.endswith(TRUTH))[5])
    shown = next(v for k, v in by_topic.items() if k.endswith("front/instances"))
    np.testing.assert_array_equal(decode_instances(shown[5]), frame.views[0].instances)
    box = next(t for t in truth.items if t.name == "box")
    assert (box.category, box.first_ns) == ("baggage", frame.stamp_ns - 500_000_000)
    assert box.views["front"].pixels == box.pixels
    assert load(out / "scenario.yaml") == small
    assert [t.name for t in truth.items] == [t.name for t in frame.truth[0].items]
    assert len(next(v for k, v in by_topic.items() if k.endswith("odom"))) == 31
    assert set(Rig.load(out / "calibration.yaml").frames) >= {"lidar", "camera_front_optical_frame"}


def test_a_drive_cut_short_is_a_bag_of_the_frames_so_far(tmp_path: Path, small: Scenario) -> None:
    def stop(done: int, total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_bag(tmp_path / "drive", small, workers=1, advance=stop)
    with BagReader(tmp_path / "drive") as bag:
        assert {t.name: t.count for t in bag.topics}["/camera/front/image_raw"] == 2
    assert (tmp_path / "drive" / "calibration.yaml").is_file()


def test_preview_is_a_sheet_of_six(tmp_path: Path, small: Scenario) -> None:
    path = tmp_path / "sheet.png"
    write_preview(small, path, 0.6)
    assert cv2.imread(str(path)).shape == (3 * 192, 2 * 320, 3)
