"""What of a bag is played, what it lacks, and the bag that holds inputs and outputs."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2m_ros.audit.inputs import find_inputs
from s2m_ros.audit.merge import merge
from s2m_ros.bags import BagError, BagReader, BagWriter
from s2m_ros.config import load
from s2m_ros.fusion.calibration import Rig
from s2m_ros.wire.tf import decode_transforms


def part(source: Path, target: Path, topics: list[str], **renamed: str) -> Path:
    with BagReader(source) as bag, BagWriter(target) as out:
        for message in bag.messages(topics):
            name = renamed.get("to", message.topic)
            out.write(name, message.data, message.stamp_ns, message.type)
    return target


def test_all_inputs_and_no_results_are_played(drive_bag: Path) -> None:
    with BagReader(drive_bag) as bag:
        inputs = find_inputs(bag, load())
    assert inputs.topics == {
        "/camera/front/image_raw",
        "/camera/front/camera_info",
        "/points",
        "/odom",
        "/tf_static",
    }
    assert inputs.notes == ()
    assert inputs.images == {"front": "/camera/front/image_raw"}


def test_what_is_missing_is_noted_with_its_consequence(drive_bag: Path, tmp_path: Path) -> None:
    part(drive_bag, tmp_path / "bag", ["camera/front/image_raw"])
    with BagReader(tmp_path / "bag") as bag:
        notes = "\n".join(find_inputs(bag, load()).notes)
    for expected in ("no points", "no odom", "no camera/front/camera_info", "no /tf_static"):
        assert expected in notes


def test_a_bag_without_images_lists_its_topics(drive_bag: Path, tmp_path: Path) -> None:
    part(drive_bag, tmp_path / "bag", ["odom", "points"])
    with BagReader(tmp_path / "bag") as bag, pytest.raises(BagError) as caught:
        find_inputs(bag, load())
    for expected in ("no topic /camera/front/image_raw", "/odom", "/points", "--topics"):
        assert expected in str(caught.value)


def test_compressed_images_are_taken_when_there_are_no_others(
    drive_bag: Path, tmp_path: Path
) -> None:
    with BagReader(drive_bag) as bag, BagWriter(tmp_path / "bag") as out:
        message = next(bag.messages(["camera/front/image_raw"]))
        kind = "sensor_msgs/msg/CompressedImage"
        out.write("camera/front/image_raw/compressed", message.data, 1, kind)
    with BagReader(tmp_path / "bag") as bag:
        inputs = find_inputs(bag, load())
    assert inputs.config.intake.transport == "compressed"
    assert any("compressed" in note for note in inputs.notes)


def test_the_calibration_of_the_bag_becomes_a_file_unless_one_was_asked_for(
    drive_bag: Path, tmp_path: Path
) -> None:
    path = tmp_path / "calibration.yaml"
    with BagReader(drive_bag) as bag:
        inputs = find_inputs(bag, load()).with_calibration(path)
        own = load(overrides={"fusion.calibration_file": "mine.yaml"})
        kept = find_inputs(bag, own).with_calibration(tmp_path / "other.yaml")
    assert inputs.config.fusion.calibration_file == str(path)
    assert "lidar" in Rig.load(path)
    assert kept.config.fusion.calibration_file == "mine.yaml"
    assert not (tmp_path / "other.yaml").exists()


def test_merging_keeps_time_order_and_replaces_earlier_results(
    drive_bag: Path, tmp_path: Path
) -> None:
    part(drive_bag, tmp_path / "new", ["s2m/hazards"])
    with BagReader(drive_bag) as inputs, BagReader(tmp_path / "new") as outputs:
        counts = merge(inputs, outputs, tmp_path / "both", about={"mode": "live"})
        before = {t.name: t.count for t in inputs.topics}
    with BagReader(tmp_path / "both") as both:
        stamps = [m.stamp_ns for m in both.messages()]
        assert stamps == sorted(stamps)
        assert both.about == {"mode": "live"}
        assert {t.name: t.count for t in both.topics} == counts
        assert counts == {**before, "/tf": before["/odom"]}
        assert next(t for t in both.topics if t.name == "/tf_static").latched


def test_odometry_becomes_the_transform_that_viewers_want(drive_bag: Path, tmp_path: Path) -> None:
    with BagReader(drive_bag) as inputs:
        merge(inputs, None, tmp_path / "with_tf", about={})
    with BagReader(tmp_path / "with_tf") as bag:
        last = [bag.decode(m) for m in bag.messages(["tf"])][-1]
        (transform,) = decode_transforms(last, "/tf")
        assert (transform.parent, transform.child) == ("odom", "base_link")
        assert transform.parent_from_child[0, 3] == pytest.approx(0.5 * 29)
        merge(bag, None, tmp_path / "again", about={})
    with BagReader(tmp_path / "again") as bag:
        assert {t.name: t.count for t in bag.topics}["/tf"] == 30
