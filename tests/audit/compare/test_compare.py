"""What differs between two stores is found, and nothing else; a run again is the same bytes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import Recorder, judged, stamp, write_store

from s2m_ros.audit.compare import diff
from s2m_ros.audit.compare.report import verdict, write
from s2m_ros.audit.compare.rerun import rerun, unpack
from s2m_ros.bags import BagReader
from s2m_ros.cli.main import main
from s2m_ros.config import Audit, Config
from s2m_ros.store import Store, StoreWriter
from s2m_ros.store.layout import about, changed_by
from s2m_ros.types import Hazards, InputError, Level


def store_of(folder: Path, objects: Sequence[tuple[int, float, float, Level, int]]) -> Path:
    """30 instants of things (track, x, y, level, first frame) that stand still."""
    rules = Audit(keep="all")
    with StoreWriter(folder, rules, about(Config()), wait=True) as writer:
        recorder = Recorder(writer, rules)
        for i in range(30):
            made = judged(stamp(i))
            items = []
            for number, x, y, level, first in objects:
                if i >= first:
                    track = replace(made.items[0].track, id=number, position=np.array([x, y, 0.2]))
                    items.append(replace(made.items[0], track=track, level=level))
            recorder.add(stamp(i), _with(made, tuple(items)))
    return folder


def _with(made: Hazards, items: tuple[object, ...]) -> Hazards:
    return replace(made, items=items)  # type: ignore[arg-type]


BASE = [(1, 10.0, 0.0, Level.WARNING, 0), (2, 20.0, 3.0, Level.CAUTION, 0)]


def told(a: Path, b: Path) -> diff.Comparison:
    with Store(a) as first, Store(b) as second:
        return diff.compare(first, second)


def test_the_same_is_identical(tmp_path: Path) -> None:
    a = store_of(tmp_path / "a", BASE)
    result = told(a, Path(shutil.copytree(a, tmp_path / "b")))
    assert result.identical
    assert result.equal["s2m/hazards"] == (30, 30)
    assert "30 instants" in verdict(result)


def test_each_kind_of_difference_is_found(tmp_path: Path) -> None:
    a = store_of(tmp_path / "a", [*BASE, (3, 5.0, -4.0, Level.INFO, 0), (4, 0, 9, Level.INFO, 0)])
    b = store_of(
        tmp_path / "b",
        [
            (11, 10.0, 0.1, Level.CRITICAL, 0),
            (12, 20.6, 3.0, Level.CAUTION, 0),
            (13, 40.0, 0.0, Level.WARNING, 5),
            (14, 0.0, 9.0, Level.INFO, 12),
        ],
    )
    result = told(a, b)
    assert [(d.kind, d.a, d.b) for d in result.differences] == [
        (diff.LOST, 3, -1),
        (diff.GAINED, -1, 13),
        (diff.LEVEL, 1, 11),
        (diff.MOVED, 2, 12),
        (diff.LATER, 4, 14),
    ]
    assert not result.identical
    with Store(a) as first, Store(b) as second:
        page = write(first, second, result, tmp_path / "out")
    tree = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert tree["counts"] == {
        "lost": 1, "gained": 1, "level": 1, "moved": 1, "later": 1, "earlier": 0,
    }  # fmt: skip
    assert "| lost | #3 INFO | none |" in (tmp_path / "out" / "compare.md").read_text()
    assert "WARNING became CRITICAL" in page.read_text()
    assert len(list((tmp_path / "out").glob("*.jpg"))) == 5


@given(st.permutations([1, 2, 3, 4, 5]), st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_other_numbers_of_tracks_are_no_difference(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    from s2m_ros.store.told import Entry

    places = np.column_stack([np.arange(5) * 4.0, rng.uniform(-3, 3, 5)])

    def entries(names: Sequence[int], noise: float) -> list[Entry]:
        return [
            Entry(
                stamp(i), names[k], 1, False, 0.5, 9.0, *(places[k] + rng.normal(0, noise, 2)),
                "", -1, (), "",
            )
            for i in range(6)
            for k in range(5)
        ]  # fmt: skip

    pairs = diff._votes(entries([1, 2, 3, 4, 5], 0.05), entries(numbers, 0.05))
    assert sorted((p.a, p.b) for p in pairs) == list(zip(range(1, 6), numbers, strict=True))


def test_behind_the_objects_a_run_again_needs_no_inputs(tmp_path: Path) -> None:
    a = write_store(tmp_path / "a")
    with Store(a) as store:
        config = changed_by(store.config, {"tracking.confirm_hits": 5})
        one = rerun(store, store.config, {}, tmp_path / "one")
        rerun(store, store.config, {}, tmp_path / "two")
        rerun(store, config, {"tracking.confirm_hits": 5}, tmp_path / "three")
        with pytest.raises(InputError, match=r"no inputs to run perception\.scorer"):
            rerun(store, store.config, {"perception.scorer": "msp"}, tmp_path / "four")
    assert "objects" in one
    assert told(tmp_path / "one", tmp_path / "two").identical
    result = told(tmp_path / "one", tmp_path / "three")
    assert result.changed == ("tracking.confirm_hits: 3 became 5",)
    assert not result.identical


def test_inputs_come_out_as_they_went_in(tmp_path: Path) -> None:
    rules = Audit(keep="all", inputs=True, segment_s=1.0)
    given_ = [(stamp(i) + 7, bytes([0, 1, 0, 0, *i.to_bytes(8, "little"), i])) for i in range(25)]
    with StoreWriter(tmp_path / "store", rules, about(Config()), wait=True) as writer:
        recorder = Recorder(writer, rules)
        for ns, data in given_:
            recorder.feed.input("/points", "sensor_msgs/msg/PointCloud2", data, ns)
            recorder.feed.input("/tf_static", "tf2_msgs/msg/TFMessage", b"\0\1\0\0same", ns)
            recorder.feed.input("/camera/front/image_raw", "sensor_msgs/msg/Image", data, ns)
    with Store(tmp_path / "store") as store:
        unpack(store, tmp_path / "bag")
    with BagReader(tmp_path / "bag") as bag:
        for topic in ("/points", "/camera/front/image_raw"):
            assert [(m.stamp_ns, m.data) for m in bag.messages([topic])] == given_
        assert len(list(bag.messages(["/tf_static"]))) == 1


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = store_of(tmp_path / "a", BASE)
    b = store_of(tmp_path / "b", BASE[:1])
    for other, code in ((a, 0), (b, 1)):
        with pytest.raises(SystemExit) as ended:
            main(["compare", str(a), str(other), "--out", str(tmp_path / "out")])
        assert ended.value.code == code
    said = capsys.readouterr().out
    assert "identical: 30 instants" in said
    assert "different: 1 lost" in said
