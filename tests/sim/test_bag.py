"""A drive as a bag reads back as it was simulated."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from s2m_ros.bags.reader import BagReader
from s2m_ros.fusion.calibration import Rig
from s2m_ros.sim.bag import write_bag
from s2m_ros.sim.drive import SimFrame
from s2m_ros.sim.preview import write_preview
from s2m_ros.sim.scenario import Scenario
from s2m_ros.wire.image import decode_image
from s2m_ros.wire.pointcloud import decode_sweep
from s2m_ros.wire.truth import decode_truth


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
    truth = decode_truth(next(v for k, v in by_topic.items() if "truth" in k)[5])
    assert [t.name for t in truth.items] == [t.name for t in frame.truth[0].items]
    assert len(next(v for k, v in by_topic.items() if k.endswith("odom"))) == 31
    assert set(Rig.load(out / "calibration.yaml").frames) >= {"lidar", "camera_front_optical_frame"}


def test_preview_is_a_sheet_of_six(tmp_path: Path, small: Scenario) -> None:
    path = tmp_path / "sheet.png"
    write_preview(small, path, 0.6)
    assert cv2.imread(str(path)).shape == (3 * 192, 2 * 320, 3)
