"""Faults as changes of a stream, laid over a small drive, and the verdicts on them."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
import toy_model
from drives import write_drive

from s2m_ros.audit.chaos import bench, report
from s2m_ros.audit.chaos.faults import BLIND, FAULTS, HARMLESS, NOTICED, Fault, named
from s2m_ros.audit.chaos.stream import FaultyBag, Spell
from s2m_ros.audit.chaos.verdict import Said, Verdict, judge
from s2m_ros.audit.drive import header_stamp_ns
from s2m_ros.bags import BagReader
from s2m_ros.config import Config, load
from s2m_ros.types import State

pytestmark = pytest.mark.timeout(300)
S = 1_000_000_000
POINTS, IMAGES = "/points", "/camera/front/image_raw"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "apron", results=False)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    model = toy_model.write(tmp_path_factory.mktemp("models") / "toy")
    return load(overrides={"perception.model.path": str(model), "intake.frozen_ms": 300.0,
                           "fusion.calibration_check": "off"})  # fmt: skip


def test_every_fault_changes_its_spell_alone_and_the_same_way_each_time(source: Path) -> None:
    with BagReader(source) as bag:
        whole = list(bag.messages())
        for fault in FAULTS:
            if fault.change is None:
                continue
            faulty = FaultyBag(bag, [Spell(fault, S, 2 * S)], seed=3)
            changed = list(faulty.messages())
            assert changed == list(faulty.messages()), fault.name
            assert changed != whole, fault.name
            kept = [m for m in changed if m.stamp_ns - bag.start_ns < S]
            assert kept == [m for m in whole if m.stamp_ns - bag.start_ns < S]


def test_a_loop_continues_the_clock(source: Path) -> None:
    with BagReader(source) as bag:
        stream = FaultyBag(bag, [], loops=3)
        images = list(stream.messages([IMAGES]))
        stamps = [header_stamp_ns(m.data) for m in images]
        gaps = {b - a for a, b in pairwise(stamps)}
        assert (len(images), gaps) == (90, {100_000_000})
        assert images[-1].stamp_ns - bag.start_ns <= stream.duration_ns


@pytest.fixture(scope="module")
def verdicts(source: Path, config: Config) -> dict[str, Verdict]:
    bench_times = {"BEFORE_S": 0.5, "LASTS_S": 1.1, "AFTER_S": 0.6}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in bench_times.items():
            patch.setattr(bench, name, value)
        chosen = named(["camera_loss", "lidar_loss", "corrupted", "truncated_image", "wild_points",
                        "frozen", "black"])  # fmt: skip
        return {v.fault: v for v in bench.in_lockstep(source, config, chosen)}


def test_nothing_looks_clear_while_the_camera_is_blind(verdicts: dict[str, Verdict]) -> None:
    blind = [v for v in verdicts.values() if v.effect == BLIND]
    assert len(blind) == 5
    assert {v.fault: (v.clear, v.late) for v in blind if v.clear or v.late} == {}


def test_every_fault_is_told_in_time_and_over_in_time(verdicts: dict[str, Verdict]) -> None:
    assert {v.fault: v.reason for v in verdicts.values() if not v.passed} == {}


def test_the_report_says_it(verdicts: dict[str, Verdict], tmp_path: Path) -> None:
    report.write(list(verdicts.values()), {"drive": "<b>"}, tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"metrics.json", "report.md", "report.html"}
    assert "&lt;b&gt;" in (tmp_path / "report.html").read_text()
    assert "camera_loss" in (tmp_path / "report.md").read_text()
    assert report.table(list(verdicts.values())).row_count == len(verdicts)


def said(*answers: tuple[float, State, int]) -> list[Said]:
    return [Said(int(t * S), int(t * S), state, count, "why") for t, state, count in answers]


@pytest.mark.parametrize(
    ("effect", "answers", "passed"),
    [
        (BLIND, [(1.1, State.UNKNOWN, 0), (2.1, State.OK, 1)], True),
        (BLIND, [(1.1, State.OK, 0), (1.2, State.UNKNOWN, 0), (2.1, State.OK, 1)], False),
        (BLIND, [(1.5, State.UNKNOWN, 0), (2.6, State.OK, 2), (3.1, State.OK, 1)], False),
        (NOTICED, [(1.2, State.OK, 0), (1.9, State.DEGRADED, 0), (3.2, State.OK, 0)], True),
        (NOTICED, [(1.2, State.OK, 0), (3.2, State.OK, 0)], False),
        (HARMLESS, [(1.2, State.OK, 0), (3.2, State.OK, 0)], True),
        (HARMLESS, [(1.2, State.OK, 0), (3.2, State.UNKNOWN, 0)], False),
    ],
)
def test_the_verdict(effect: str, answers: list[tuple[float, State, int]], passed: bool) -> None:
    long = effect == BLIND and len(answers) == 3 and answers[1][0] > 2
    spell = Spell(Fault("x", "y", effect), S, (3 if long or effect != BLIND else 2) * S)
    assert judge(said(*answers), spell).passed is passed


def test_an_unknown_fault_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"gremlins: expected of camera_loss"):
        named(["gremlins"])
