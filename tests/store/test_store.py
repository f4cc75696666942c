"""What goes into a store comes out of it, also when the writer was killed."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import values
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import make_reader
from stores import Recorder, judged, perceived, picture, stamp, write_store

from s2m_ros.bags import BagReader
from s2m_ros.config import Audit, Config
from s2m_ros.perception.calibration import RARITY_LIMIT, rarity
from s2m_ros.store import Store, StoreWriter
from s2m_ros.store import writer as writing
from s2m_ros.store.index import read
from s2m_ros.store.layout import INDEX, clear, segments, settings_of
from s2m_ros.store.segment import Segment, complete
from s2m_ros.store.told import Moment, Told, seen, told
from s2m_ros.store.triggers import HAZARD, NEAR_MISS, OPERATOR, Triggers
from s2m_ros.types import Hazards, InputError, Level, State
from s2m_ros.wire import topics
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.hazards import decode_hazards, encode_hazards
from s2m_ros.wire.masks import encode_masks

FACTORY = RosbagsFactory()


def serialised(message: Any, **how: Any) -> bytes:
    return bytes(FACTORY.typestore.serialize_cdr(message, message.__msgtype__, **how))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("store") / "store")


def test_a_frame_comes_back_whole(store: Path) -> None:
    with Store(store) as opened:
        frame = opened.frame("front", stamp(12))
        assert opened.frames("front") == [stamp(i) for i in range(30)]
        assert opened.cameras == ["front"]
        assert opened.span_ns == (stamp(0), stamp(29))
    assert frame is not None
    given = perceived(stamp(12))
    values.assert_same(frame.masks, given.masks)
    assert frame.score is not None
    assert frame.weighed is not None
    step = RARITY_LIMIT / 255 / 2
    assert np.abs(rarity(frame.score.scores) - rarity(given.score.scores)).max() <= step + 1e-3
    assert [v.reason for v in frame.weighed.verdicts] == ["", "low_evidence"]
    for got, made in zip(frame.weighed.verdicts, given.candidates, strict=True):
        values.assert_same(got, made, 1e-6)
    values.assert_same(frame.weighed.prompts, (given.prompts[0], given.prompts[1]), 1e-6)
    assert frame.weighed.omitted == 2
    assert frame.weighed.steps_ms == {"encode": 20.0, "total": 31.5}
    shown = frame.picture()
    assert shown is not None
    assert np.abs(shown.astype(int) - picture(12)).mean() < 12  # JPEG


def test_an_instant_comes_back_whole(store: Path) -> None:
    with Store(store) as opened:
        instant = opened.instant(stamp(3))
        assert opened.instant(stamp(3) + 1) is None
        health = opened.health(stamp(12))
    assert instant is not None
    values.assert_same(instant.hazards, judged(stamp(3)))
    values.assert_same(instant.objects, values.objects(stamp(3)), 1e-6)
    assert instant.tracks is not None
    values.assert_same(instant.tracks.items, tuple(h.track for h in judged(stamp(3)).items))
    assert instant.tracks.deleted == {"unconfirmed": 1}
    assert health["tracker"].state == State.OK


def test_the_index_tells_the_tracks(store: Path) -> None:
    with Store(store) as opened:
        (track,) = opened.tracks()
        moments = opened.moments()
        assert opened.config.audit.segment_s == 1.0
        assert opened.about["source"] == "made up"
        assert "encoder sha256" in opened.about
        assert opened.nearest_instant(stamp(7) + 20_000_000) == stamp(7)
        assert opened.nearest_frame(stamp(99), "front") == stamp(29)
    assert (track.track, track.level, track.frames) == (17, Level.WARNING, 30)
    assert [(m.level, m.hazards, m.state) for m in moments] == [(2, 1, State.OK)] * 30


def test_an_index_that_is_gone_is_made_anew(store: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(store, tmp_path / "copy")
    for path in copy.glob(INDEX + "*"):
        path.unlink()
    with Store(copy) as again, Store(store) as opened:
        assert again.tracks() == opened.tracks()
        assert again.moments() == opened.moments()
        assert again.triggers() == opened.triggers()


def test_other_tools_read_the_files(store: Path) -> None:
    path = next(iter(segments(store).values()))
    with path.open("rb") as file:
        summary = make_reader(file).get_summary()
    assert summary is not None
    assert len(summary.chunk_indexes) >= 1
    assert {s.encoding for s in summary.schemas.values()} == {"ros2msg"}
    with BagReader(path) as bag:
        kinds = {t.name: t.type for t in bag.topics}
        decoded = {m.topic: bag.decode(m) for m in bag.messages()}
    assert kinds["/s2m/front/picture/compressed"] == "sensor_msgs/msg/CompressedImage"
    assert kinds["/s2m/audit/triggers"] == "rcl_interfaces/msg/Log"
    assert decoded["/s2m/hazards"].hazards[0].track_id == 17
    assert decoded.keys() == kinds.keys()


@given(st.floats(0.02, 0.999))
@settings(max_examples=25, deadline=None)
def test_a_file_cut_anywhere_reads_up_to_its_last_whole_chunk(
    tmp_path_factory: pytest.TempPathFactory, share: float
) -> None:
    whole = _large_segment(tmp_path_factory)
    expected = [(m.topic, m.stamp_ns, m.data) for m in Segment(whole).messages()]
    cut = tmp_path_factory.mktemp("cut") / "000001.mcap"
    data = whole.read_bytes()
    cut.write_bytes(data[: int(share * len(data))])
    segment = Segment(cut)
    found = [(m.topic, m.stamp_ns, m.data) for m in segment.messages()]
    assert found == expected[: len(found)]
    if found:
        assert complete(cut)
        with cut.open("rb") as file:
            assert make_reader(file).get_summary() is not None
        assert [(m.topic, m.stamp_ns, m.data) for m in Segment(cut).messages()] == found
        assert Segment(cut).about == Segment(whole).about


_WHOLE: list[Path] = []


def _large_segment(factory: pytest.TempPathFactory) -> Path:
    """A file of several chunks."""
    if not _WHOLE:
        settings_ = Audit(keep="all", segment_s=1000, inputs=True)
        folder = factory.mktemp("large")
        rng = np.random.default_rng(3)
        with StoreWriter(folder, settings_, {"x": "y"}, wait=True) as writer:
            for i in range(20):
                noise = rng.integers(0, 256, 60_000, np.uint8).tobytes()
                writer.put("noise", "std_msgs/msg/String", noise, stamp(i))
        (path,) = segments(folder).values()
        assert len(Segment(path)._chunks) > 3
        _WHOLE.append(path)
    return _WHOLE[0]


def test_a_killed_writer_leaves_what_it_wrote(tmp_path: Path) -> None:
    support = Path(__file__).parents[1] / "support"
    code = f"""
import sys, time
sys.path.insert(0, {str(support)!r})
from pathlib import Path
from stores import *
settings = Audit(keep="all", segment_s=1000)
with StoreWriter(Path({str(tmp_path / "store")!r}), settings, {{}}, wait=True) as writer:
    recorder = Recorder(writer, settings)
    for i in range(10**6):
        recorder.add(stamp(i), judged(stamp(i)), i)
        if i == 200:
            print("go", flush=True)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"go\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    with Store(tmp_path / "store") as opened:  # as it was left
        before = [m.stamp_ns for m in opened.moments()]
        assert len(before) > 20
        assert opened.instant(before[-1]) is not None
    with StoreWriter(tmp_path / "store", Audit(keep="all"), {}, wait=True) as writer:
        Recorder(writer, Audit()).add(stamp(10**7), judged(stamp(10**7)))
    assert all(Segment(path).complete for path in segments(tmp_path / "store").values())
    with Store(tmp_path / "store") as opened:
        assert [m.stamp_ns for m in opened.moments()] == [*before, stamp(10**7)]


def test_what_is_not_worth_keeping_leaves_the_ring(tmp_path: Path) -> None:
    rules = Audit(segment_s=1.0, ring_s=3.0, before_s=1.0, after_s=1.0)
    with StoreWriter(tmp_path, rules, {}, wait=True) as writer:
        recorder = Recorder(writer, rules)
        for i in range(200):
            level = Level.CRITICAL if 80 <= i < 90 else Level.INFO
            recorder.add(stamp(i), judged(stamp(i), level))
    kept = _stamps(tmp_path / "kept")
    ring = _stamps(tmp_path / "ring")
    assert min(kept) <= stamp(70)
    assert stamp(99) <= max(kept) <= stamp(120)
    assert set(range(stamp(70), stamp(100), 100_000_000)) <= kept
    assert not kept & ring
    assert min(ring) >= stamp(150)
    with Store(tmp_path) as opened:
        assert [kind for _, kind, _ in opened.triggers()] == [HAZARD]
        assert {m.stamp_ns for m in opened.moments()} == kept | ring


def test_the_operators_button_keeps(tmp_path: Path) -> None:
    rules = Audit(segment_s=1.0, before_s=2.0, after_s=1.0, keep_level="critical")
    with StoreWriter(tmp_path, rules, {}, wait=True) as writer:
        recorder = Recorder(writer, rules)
        for i in range(100):
            recorder.add(stamp(i), judged(stamp(i)))
            if i == 50:
                writer.keep(stamp(i), "a strange thing on the left")
    kept = _stamps(tmp_path / "kept")
    assert set(range(stamp(30), stamp(61), 100_000_000)) <= kept
    assert len(kept) < 60
    with Store(tmp_path) as opened:
        assert opened.triggers() == [(stamp(50), OPERATOR, "a strange thing on the left")]


def test_triggers_say_each_cause_once() -> None:
    triggers = Triggers(Audit(near_miss_m=1.0, keep_level="critical", after_s=1.0))

    def said_by(hazards: Hazards) -> Told:
        return told(serialised(encode_hazards(FACTORY, hazards)), "hazards")

    said = []
    for i in range(30):
        near = 0.5 if 10 <= i < 20 else 5.0
        lasts, new = triggers.judge(said_by(judged(stamp(i), Level.CAUTION, distance_m=near)))
        assert lasts == (near < 1)
        said += [(t.kind, t.stamp_ns) for t in new]
    assert said == [(NEAR_MISS, stamp(10))]
    blind = judged(stamp(99), state=State.DEGRADED, reason="no LiDAR")
    lasts, (degraded,) = triggers.judge(said_by(blind))
    assert lasts
    assert degraded.text == "DEGRADED: no LiDAR"


@pytest.mark.parametrize("little", [True, False])
def test_what_is_told_is_what_decoding_says(little: bool) -> None:
    message = encode_hazards(FACTORY, judged(stamp(3), distance_m=0.25))
    hazards = decode_hazards(message, "hazards")
    (item,) = hazards.items
    found = told(serialised(message, little_endian=little), "hazards")
    (entry,) = found.entries
    track = item.track
    assert (entry.track, entry.level, entry.text) == (track.id, item.level, item.text)
    assert (entry.x, entry.y, entry.distance_m) == (*track.position[:2], item.distance_m)
    assert entry.size_m == pytest.approx(max(*track.size[:2], track.height))
    assert entry.reasons == item.reasons
    assert found.moment == Moment(stamp(3), State.OK, "", int(item.level), 1)
    assert hazards.ego is not None
    assert found.speed == pytest.approx(float(np.linalg.norm(hazards.ego.velocity[:2])))
    message.hazards[0].distance = float("nan")
    with pytest.raises(InputError, match="track 17"):
        told(serialised(message), "hazards")


@given(st.integers(0, 300))
def test_half_a_message_is_told_as_one(length: int) -> None:
    whole = serialised(encode_hazards(FACTORY, judged(stamp(3))))
    with pytest.raises(InputError, match="no HazardArray"):
        told(whole[: 8 + length % (len(whole) - 8)], "hazards")
    masks = serialised(encode_masks(FACTORY, perceived(stamp(3)).masks))
    with pytest.raises(InputError, match="no ObjectMaskArray"):
        seen(masks[: 8 + length % 50], "masks")


def test_what_an_image_showed_is_what_decoding_says() -> None:
    masks = perceived(stamp(3), state=State.DEGRADED).masks
    data = serialised(encode_masks(FACTORY, masks))
    assert seen(data, "masks") == (stamp(3), "front", State.DEGRADED, 1)


def test_a_broken_message_is_in_no_table_and_stops_no_reader(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, Audit(keep="all"), {}, wait=True) as writer:
        writer.put(topics.HAZARDS, "s2m_msgs/msg/HazardArray", b"\0\1\0\0torn", stamp(0))
        Recorder(writer, Audit()).add(stamp(1), judged(stamp(1)))
    assert sum(writer.drops.values()) == 1
    (tmp_path / INDEX).unlink()
    with Store(tmp_path) as opened:
        assert [m.stamp_ns for m in opened.moments()] == [stamp(1)]
        assert len(list(opened.messages([topics.HAZARDS]))) == 2


def test_a_full_queue_drops_and_counts_and_never_waits(tmp_path: Path) -> None:
    held, let_go = threading.Event(), threading.Event()

    def slow() -> bytes:
        held.set()
        let_go.wait(20)
        return b""

    with StoreWriter(tmp_path, Audit(queue=2), {}) as writer:
        assert writer.put("slow", "std_msgs/msg/String", slow, stamp(0))
        held.wait(20)
        taken = [writer.put("next", "std_msgs/msg/String", b"", stamp(1)) for _ in range(5)]
        assert taken == [True, True, False, False, False]
        assert writer.condition.state == State.DEGRADED
        assert "queue of 2 messages is full" in writer.condition.reason
        let_go.set()
    assert writer.drops == {"queue_full: next": 3}


def test_a_full_disk_empties_the_ring_then_stops_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "LOOK_S", 0.0)
    rules = Audit(segment_s=0.5, min_free_mb=1.0, keep_level="critical")
    left = [10_000_000]
    with StoreWriter(tmp_path, rules, {}, wait=True, free=lambda _: left[0]) as writer:
        recorder = Recorder(writer, rules)
        for i in range(40):
            recorder.add(stamp(i), judged(stamp(i), Level.INFO))
        writer.flush()
        assert writer.condition.state == State.OK
        left[0] = 500_000
        for i in range(40, 60):
            recorder.add(stamp(i), judged(stamp(i), Level.INFO))
        writer.flush()
        assert writer.condition.state == State.DEGRADED
        assert "0 MB left on the disk" in writer.condition.reason
        left[0] = 10_000_000
        later = time.monotonic() + writing.RETRY_S
        monkeypatch.setattr(writing.time, "monotonic", lambda: later)
        recorder.add(stamp(60), judged(stamp(60), Level.INFO))
        writer.flush()
        assert writer.condition.state == State.OK
    assert writer.drops["disk_full: s2m/hazards"] > 10
    with Store(tmp_path) as opened:
        assert opened.moments()[-1].stamp_ns == stamp(60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_disk_that_refuses_does_not_end_the_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = Path.open

    def full(self: Path, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if self.suffix == ".mcap" and "w" in mode:
            return plain(Path("/dev/full"), mode, *rest, **named)
        return plain(self, mode, *rest, **named)

    monkeypatch.setattr(Path, "open", full)
    with StoreWriter(tmp_path, Audit(), {}, wait=True) as writer:
        recorder = Recorder(writer, Audit())
        recorder.add(stamp(0), judged(stamp(0)))
        writer.flush()
        assert writer.condition.state == State.DEGRADED
        assert "No space left" in writer.condition.reason
    assert sum(n for name, n in writer.drops.items() if name.startswith("disk_full")) >= 8


def test_a_bad_message_is_counted_and_the_rest_is_stored(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, Audit(keep="all"), {}, wait=True) as writer:
        writer.put("bad", "std_msgs/msg/String", lambda: 1 / 0, stamp(0))
        Recorder(writer, Audit()).add(stamp(1), judged(stamp(1)))
    assert writer.drops == {"ZeroDivisionError: bad": 1}
    with Store(tmp_path) as opened:
        assert opened.instant(stamp(1)) is not None


def test_calibration_begins_each_file(tmp_path: Path) -> None:
    rules = Audit(keep="all", segment_s=1.0)
    with StoreWriter(tmp_path, rules, {}, wait=True) as writer:
        recorder = Recorder(writer, rules)
        for i in range(30):
            header = bytes([0, 1, 0, 0]) + i.to_bytes(8, "little")
            recorder.feed.input(
                "/camera/front/camera_info", "sensor_msgs/msg/CameraInfo", header + b"K", stamp(i)
            )
            recorder.add(stamp(i), judged(stamp(i)))
    for path in segments(tmp_path).values():
        first = next(iter(Segment(path).messages()))
        assert first.topic == "/" + topics.camera_info("front")
        assert first.data.endswith(b"K")
        count = sum(m.topic == first.topic for m in Segment(path).messages())
        assert count == 1


def test_what_is_no_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no audit store"), Store(tmp_path):
        pass
    (tmp_path / "thesis.txt").write_text("all of it")
    with pytest.raises(InputError, match=r"it holds thesis\.txt"):
        clear(tmp_path)
    assert (tmp_path / "thesis.txt").exists()


def test_reading_while_it_is_written(tmp_path: Path) -> None:
    rules = Audit(keep="all", segment_s=1.0)
    with StoreWriter(tmp_path, rules, {}, wait=True) as writer:
        recorder = Recorder(writer, rules)
        for i in range(15):
            recorder.add(stamp(i), judged(stamp(i)))
        writer.flush()
        with Store(tmp_path) as opened:
            assert len(opened.moments()) >= 10
            for i in range(15, 40):
                recorder.add(stamp(i), judged(stamp(i)))
            writer.flush()
            opened.refresh()
            assert len(opened.moments()) >= 30
            newest = opened.moments()[-1].stamp_ns
            assert opened.instant(newest) is not None


def test_settings_of_another_version_are_read_as_far_as_they_are_known() -> None:
    said = '{"camera": "left", "tracking": {"gate": 0.9, "gone_since": 3}, "gone": {"x": 1}}'
    config = settings_of({"settings": said})
    assert (config.camera, config.tracking.gate) == ("left", 0.9)
    assert settings_of({}) == Config()


def _stamps(folder: Path) -> set[int]:
    found = set()
    for path in sorted(folder.glob("*.mcap")):
        for message in Segment(path).messages([topics.HAZARDS]):
            assert read(message).header.stamp.sec > 0
            found.add(message.stamp_ns)
    return found
