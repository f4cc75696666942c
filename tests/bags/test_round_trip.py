"""What the writer writes, the reader, the plain rosbags reader and the mcap library read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from rosbags.highlevel import AnyReader

from s2m_ros.bags import BagError, BagReader, BagWriter, load_topics
from s2m_ros.wire.factory import load_typestore

TYPES = load_typestore().types
Time = TYPES["builtin_interfaces/msg/Time"]
Header = TYPES["std_msgs/msg/Header"]
Image = TYPES["sensor_msgs/msg/Image"]
String = TYPES["std_msgs/msg/String"]


def image(stamp_ns: int, width: int = 4, height: int = 3) -> Any:
    data = np.arange(width * height * 3, dtype=np.uint8)
    header = Header(Time(stamp_ns // 10**9, stamp_ns % 10**9), "front_optical_frame")
    return Image(header, height, width, "rgb8", 0, width * 3, data)


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    path = tmp_path / "bag"
    with BagWriter(path) as writer:
        writer.add("camera/front/image_raw", "sensor_msgs/msg/Image")
        writer.add("tf_static", "tf2_msgs/msg/TFMessage")
        for i in range(5):
            writer.write("camera/front/image_raw", image(i * 100), 1000 + i * 100)
        writer.write("note", String("hello"), 1250)
    return path


def test_messages_come_back_in_order_of_recording(bag: Path) -> None:
    with BagReader(bag) as reader:
        messages = list(reader.messages())
        assert [m.stamp_ns for m in messages] == [1000, 1100, 1200, 1250, 1300, 1400]
        assert messages[3].topic == "/note"
        assert reader.decode(messages[3]).data == "hello"
        assert np.array_equal(reader.decode(messages[0]).data, image(0).data)
        assert [m.topic for m in reader.messages(["note"])] == ["/note"]


def test_topics_tell_type_count_and_latching(bag: Path) -> None:
    with BagReader(bag) as reader:
        topics = {t.name: t for t in reader.topics}
    assert topics["/camera/front/image_raw"].count == 5
    assert not topics["/camera/front/image_raw"].latched
    assert topics["/tf_static"].latched


def test_the_file_is_an_mcap_with_embedded_ros_definitions(bag: Path) -> None:
    with (bag / "bag.mcap").open("rb") as stream:
        summary = make_reader(stream).get_summary()
        messages = list(make_reader(stream).iter_messages())
    assert summary is not None
    assert len(messages) == 6
    schemas = {s.name: s for s in summary.schemas.values()}
    assert schemas["sensor_msgs/msg/Image"].encoding == "ros2msg"
    assert b"uint32 height" in schemas["sensor_msgs/msg/Image"].data
    assert all(c.message_encoding == "cdr" for c in summary.channels.values())


def test_rosbags_itself_opens_it_by_its_metadata(bag: Path) -> None:
    with AnyReader([bag]) as reader:
        assert reader.message_count == 6
        assert sum(1 for _ in reader.messages()) == 6


def test_what_is_said_about_the_bag_comes_back(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag", about={"mode": "live", "speed": "1.0"}) as writer:
        writer.write("note", String("x"), 1)
    with BagReader(tmp_path / "bag") as reader:
        assert reader.about == {"mode": "live", "speed": "1.0"}


def test_own_messages_round_trip_with_the_hash_of_the_interface_package(tmp_path: Path) -> None:
    array = TYPES["s2m_msgs/msg/HazardArray"]
    ego = TYPES["s2m_msgs/msg/Ego"]
    geometry = {k.split("/")[-1]: v for k, v in TYPES.items() if k.startswith("geometry_msgs")}
    point = geometry["Point"](1.0, 2.0, 3.0)
    pose = geometry["Pose"](point, geometry["Quaternion"](0.0, 0.0, 0.0, 1.0))
    zero = geometry["Vector3"](0.0, 0.0, 0.0)
    value = array(
        Header(Time(7, 8), "odom"),
        3,
        2,
        "no odometry",
        ego(True, pose, geometry["Twist"](zero, zero)),
        [],
    )
    with BagWriter(tmp_path / "own") as writer:
        writer.write("s2m/hazards", value, 5)
    with BagReader(tmp_path / "own") as reader:
        (message,) = reader.messages()
        decoded = reader.decode(message)
        assert decoded.reason == "no odometry"
        assert decoded.ego.pose.position.y == 2.0
        assert reader.topics[0].digest == load_typestore().hash_rihs01("s2m_msgs/msg/HazardArray")


def test_a_copy_keeps_bytes_definitions_and_digests(bag: Path, tmp_path: Path) -> None:
    with BagReader(bag) as reader, BagWriter(tmp_path / "copy", compress=False) as writer:
        for t in reader.topics:
            writer.add(t.name, t.type, latched=t.latched, definition=t.definition, digest=t.digest)
        for message in reader.messages():
            writer.write(message.topic, message.data, message.stamp_ns)
        original = (reader.topics, list(reader.messages()))
    with BagReader(tmp_path / "copy") as reader:
        assert (reader.topics, list(reader.messages())) == original


def test_a_broken_off_recording_stays_readable(tmp_path: Path) -> None:
    def record() -> None:
        with BagWriter(tmp_path / "cut") as writer:
            writer.write("note", String("kept"), 1)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record()
    with BagReader(tmp_path / "cut") as reader:
        assert [reader.decode(m).data for m in reader.messages()] == ["kept"]


def test_a_type_that_changed_since_is_read_by_the_definition_in_the_bag(tmp_path: Path) -> None:
    """A bag of an older release, whose Health had one field, stays readable."""
    old = "string node"
    with BagWriter(tmp_path / "old") as writer:
        writer.add("s2m/health", "s2m_msgs/msg/Health", definition=old, digest="RIHS01_old")
        raw = load_typestore().serialize_cdr(String("camera"), "std_msgs/msg/String")
        writer.write("s2m/health", bytes(raw), 1)
    with BagReader(tmp_path / "old") as reader:
        (message,) = reader.messages()
        assert reader.decode(message).node == "camera"


@pytest.mark.parametrize(
    ("definition", "lacking"),
    [
        ("string text", r"std_msgs/msg/String\.data"),
        ("string data\nint32 more", ""),
    ],
)
def test_a_definition_that_is_not_that_of_ros_is_named(
    tmp_path: Path, definition: str, lacking: str
) -> None:
    with BagWriter(tmp_path / "odd") as writer:
        writer.add("note", "std_msgs/msg/String", definition=definition, digest="RIHS01_odd")
        writer.write("note", b"\0\1\0\0\2\0\0\0a\0\0\0\7\0\0\0", 1)
    with BagReader(tmp_path / "odd") as reader:
        (message,) = reader.messages()
        if lacking:
            with pytest.raises(BagError, match=f"/note: its definition of .* lacks {lacking}"):
                reader.decode(message)
        else:
            assert reader.decode(message).data == "a"


def test_what_a_held_type_lacks_is_named_too(tmp_path: Path) -> None:
    with BagReader(write_bag_of_odometry(tmp_path)) as reader:
        (message,) = reader.messages()
        with pytest.raises(BagError, match=r"lacks geometry_msgs/msg/Quaternion\.y"):
            reader.decode(message)


def write_bag_of_odometry(folder: Path) -> Path:
    """Its quaternion has no y."""
    store = load_typestore()
    text, _ = store.generate_msgdef("nav_msgs/msg/Odometry", ros_version=2)
    odd = text.replace("float64 y\nfloat64 z\nfloat64 w", "float64 z\nfloat64 w")
    assert odd != text
    with BagWriter(folder / "odom") as writer:
        writer.add("odom", "nav_msgs/msg/Odometry", definition=odd, digest="RIHS01_odd")
        writer.write("odom", bytes(800), 1)
    return folder / "odom"


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.integers(0, 2**62), st.binary(max_size=64)), min_size=1, max_size=20))
def test_any_bytes_at_any_time_come_back(
    tmp_path_factory: pytest.TempPathFactory, items: list[tuple[int, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("any") / "bag"
    with BagWriter(path) as writer:
        writer.add("note", "std_msgs/msg/String")
        for stamp_ns, data in items:
            writer.write("note", data, stamp_ns)
    with BagReader(path) as reader:
        back = [(m.stamp_ns, m.data) for m in reader.messages()]
    assert sorted(back) == sorted(items)
    assert [b[0] for b in back] == sorted(i[0] for i in items)


def test_a_missing_topic_lists_what_is_there_and_how_to_map_it(bag: Path) -> None:
    with BagReader(bag) as reader, pytest.raises(BagError) as caught:
        reader.require("camera/rear/image_raw", "sensor_msgs/msg/Image")
    text = str(caught.value)
    assert "/camera/rear/image_raw" in text
    assert "/note" in text
    assert "--topics" in text
    assert "`/camera/rear/image_raw: /camera/front/image_raw`" in text


def test_a_topic_of_another_type_is_named(bag: Path) -> None:
    with BagReader(bag) as reader, pytest.raises(BagError, match=r"is a std_msgs/msg/String"):
        reader.require("note", "sensor_msgs/msg/Image")


def test_a_topic_map_renames(bag: Path, tmp_path: Path) -> None:
    table = tmp_path / "map.yaml"
    table.write_text("camera/rear/image_raw: /camera/front/image_raw\n")
    with BagReader(bag, load_topics(table)) as reader:
        assert reader.require("camera/rear/image_raw", "sensor_msgs/msg/Image").count == 5
        assert {m.topic for m in reader.messages(["camera/rear/image_raw"])} == {
            "/camera/rear/image_raw"
        }


@pytest.mark.parametrize("text", ["- a\n- b\n", "a: [1]\n", "a: b: c\n", ""])
def test_a_file_that_is_no_topic_map(tmp_path: Path, text: str) -> None:
    table = tmp_path / "map.yaml"
    table.write_text(text)
    with pytest.raises(BagError, match=r"map\.yaml"):
        load_topics(table)


def test_a_topic_map_to_an_absent_topic(bag: Path) -> None:
    with pytest.raises(BagError, match=r"/nowhere.*the bag has /camera/front/image_raw"):
        BagReader(bag, {"points": "/nowhere"}).__enter__()


def test_no_bag_at_all(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="no such file"):
        BagReader(tmp_path / "absent").__enter__()
    (tmp_path / "folder").mkdir()
    with pytest.raises(BagError, match=r"no metadata\.yaml"):
        BagReader(tmp_path / "folder").__enter__()


def test_an_empty_bag(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "empty") as writer:
        writer.add("note", "std_msgs/msg/String")
    with pytest.raises(BagError, match="no messages"):
        BagReader(tmp_path / "empty").__enter__()


@pytest.mark.parametrize("keep", [0.0, 0.3, 0.9])
def test_a_cut_bag_is_called_damaged(bag: Path, keep: float) -> None:
    storage = bag / "bag.mcap"
    data = storage.read_bytes()
    storage.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(BagError, match="damaged or cut short"):
        BagReader(bag).__enter__()


def test_damage_inside_a_chunk_is_found_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "bag"
    with BagWriter(path) as writer:
        for i in range(5):
            writer.write("camera/front/image_raw", image(i, 64, 48), i)
    storage = path / "bag.mcap"
    data = bytearray(storage.read_bytes())
    frame = data.index(b"\x28\xb5\x2f\xfd")  # where the zstd frame of the chunk begins
    data[frame : frame + 60] = bytes(60)
    storage.write_bytes(data)
    with BagReader(path) as reader, pytest.raises(BagError, match="damaged or cut short"):
        list(reader.messages())


def test_bytes_that_do_not_fit_their_type(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bad") as writer:
        writer.add("points", "sensor_msgs/msg/PointCloud2")
        writer.write("points", b"\x00\x01\x00\x00abc", 1)
    with BagReader(tmp_path / "bad") as reader, pytest.raises(BagError, match=r"/points at 1 ns"):
        reader.decode(next(reader.messages()))


def test_metadata_that_is_no_yaml(bag: Path) -> None:
    (bag / "metadata.yaml").write_text("{[")
    with pytest.raises(BagError, match="damaged"):
        BagReader(bag).__enter__()


def test_a_folder_without_metadata_is_read_by_its_only_file(bag: Path) -> None:
    (bag / "metadata.yaml").unlink()
    with BagReader(bag) as reader:
        assert sum(1 for _ in reader.messages()) == 6


def test_an_existing_folder_is_never_written_over(bag: Path, tmp_path: Path) -> None:
    with pytest.raises(BagError, match="exists already"):
        BagWriter(bag)
    keep = tmp_path / "not_a_bag"
    keep.mkdir()
    with pytest.raises(BagError, match="exists already"):
        BagWriter(keep, overwrite=True)
    with BagWriter(bag, overwrite=True) as writer:
        writer.write("note", String("new"), 1)
    with BagReader(bag) as reader:
        assert [t.name for t in reader.topics] == ["/note"]


def test_what_a_killed_recorder_left_is_replaced(bag: Path) -> None:
    (bag / "metadata.yaml").unlink()
    with BagWriter(bag, overwrite=True) as writer:
        writer.write("note", String("new"), 1)
    with BagReader(bag) as reader:
        assert [t.name for t in reader.topics] == ["/note"]


def test_an_unknown_type_and_a_second_type(tmp_path: Path) -> None:
    with BagWriter(tmp_path / "bag") as writer:
        with pytest.raises(BagError, match="unknown type"):
            writer.add("x", "nobody_msgs/msg/Thing")
        writer.add("note", "std_msgs/msg/String")
        with pytest.raises(BagError, match="is a std_msgs/msg/String"):
            writer.add("note", "sensor_msgs/msg/Image")
