"""The benchmark's arithmetic, its stages without middleware, and its report."""

from __future__ import annotations

import json
import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import toy_model
from drives import write_drive

from s2m_ros.audit.bench import inside, report
from s2m_ros.audit.bench.flame import WAITING, draw, spans
from s2m_ros.audit.bench.runs import Run, growth, highest
from s2m_ros.audit.bench.usage import Use, uses
from s2m_ros.audit.latency import STAGES, Latency, delays
from s2m_ros.audit.looping import LoopingBag
from s2m_ros.audit.vitals import Lives, Sample, Vitals
from s2m_ros.bags import BagReader
from s2m_ros.cli.bench import _rates
from s2m_ros.config import load
from s2m_ros.wire.cdr import header_stamp_ns

MS = 1_000_000


def a_run(rate_hz: float, kept_up: bool = True) -> Run:
    times = {name: Latency(p50, 1.5 * p50, 2 * p50, 3 * p50, 40)
             for name, p50 in zip(STAGES, (60.0, 20.0, 10.0, 95.0), strict=True)}  # fmt: skip
    inside_ms = {"camera_front encode": 40.0, "camera_front mask": 10.0,
                 "fusion processing_time": 15.0, "tracker processing_time": 30.0}  # fmt: skip
    return Run(
        rate_hz, 50, 48, 10.0, times, inside_ms, 5.0, 2.0, kept_up,
        {"camera_front": Use(0.5, 400.0), "fusion": Use(0.25, 200.0)}, {"fusion late": 3}, 4.0, 2.0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "apron", results=False)


def test_delays_begin_with_the_image_and_leave_out_what_lidar_said_before() -> None:
    found = delays(
        {1: 1, 2: 2, 3: 3},
        masks=[(1, 10 * MS), (2, 20 * MS)],
        objects=[(1, 5 * MS), (1, 15 * MS), (2, 26 * MS)],
        hazards=[(1, 17 * MS), (2, 29 * MS), (3, 30 * MS)],
        markers=[(1, 18 * MS), (1, 90 * MS)],
    )
    np.testing.assert_allclose(found["masks to objects"], [5, 6])
    np.testing.assert_allclose(found["objects to hazards"], [2, 3])
    np.testing.assert_allclose(found["camera to marker"], [18], atol=1e-5)


def test_growth_is_seen_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    assert abs(growth(100 + rng.normal(0, 5, 90))) < 4
    assert growth(100 + np.arange(90.0)) == pytest.approx(60)
    assert growth(np.array([1.0, 99.0])) == 0


def test_the_highest_rate_is_found_between_the_given_ones() -> None:
    asked: list[float] = []

    def measure(rate: float) -> Run:
        asked.append(rate)
        return a_run(rate, kept_up=rate <= 12.4)

    runs: list[Run] = []
    found = highest([1, 5, 10, 20], runs, measure)
    assert 11.4 < found <= 12.4
    assert asked[:4] == [1, 5, 10, 20]
    assert [run.rate_hz for run in runs] == sorted(asked)
    runs = []
    assert highest([1, 5, 10, 20], runs, measure, between=False) == 10
    assert highest([15, 20], [], lambda rate: a_run(rate, kept_up=False)) == 0


def test_a_looping_bag_lasts_as_long_as_wanted_and_can_be_held_in_memory(source: Path) -> None:
    with BagReader(source) as bag:
        images = ["/camera/front/image_raw"]
        drive = LoopingBag(bag, duration_ns=7_500 * MS)
        streamed = list(drive.messages(images))
        drive.hold(["/camera/front/image_raw", "/points"])
        assert list(drive.messages(images)) == streamed
        stamps = [header_stamp_ns(m.data) for m in streamed]
        assert {b - a for a, b in pairwise(stamps)} == {100 * MS}
        assert 7_400 * MS <= stamps[-1] - stamps[0] <= 7_500 * MS
        assert streamed[-1].stamp_ns - bag.start_ns <= drive.duration_ns == 7_500 * MS


def test_usage_of_a_process_is_its_share_of_a_core() -> None:
    lives, pids = Lives(), {"me": os.getpid(), "gone": 2**22 + 1}
    lives.take(pids, 0.0)
    busy_s = os.times().user
    while os.times().user - busy_s < 0.2:
        sum(range(10_000))
    lives.take(pids, 1.0)
    used = uses(lives)
    assert used.keys() == {"me"}
    assert 0.15 < used["me"].cores < 0.6
    assert used["me"].memory_mb > 10


def test_of_a_node_that_was_started_again_the_newest_process_counts() -> None:
    def sample(at_s: float, pid: int, processor_s: float, memory_mb: float) -> Sample:
        return Sample(at_s, pid, Vitals(processor_s, memory_mb, 0.0, 0))

    node = [sample(0.0, 1, 5.0, 900.0), sample(1.0, 2, 0.5, 70.0), sample(3.0, 2, 1.5, 60.0)]
    assert uses(Lives({"node": node})) == {"node": Use(0.5, 70.0)}


def test_the_parts_of_a_span_fill_it() -> None:
    root = spans(a_run(10.0), "front")
    assert root.ms == 95.0
    camera, fusion, tracking = root.parts
    assert {part.name: part.ms for part in camera.parts} == pytest.approx(
        {"encode": 40.0, "mask": 10.0, WAITING: 10.0}
    )
    assert sum(part.ms for part in fusion.parts) == pytest.approx(fusion.ms)
    assert [part.ms for part in tracking.parts] == [10.0], "a node's own time is cut to its stage"
    assert draw(root).count("<rect") == 1 + 3 + 3 + 2 + 1


def test_stages_without_middleware_add_up(source: Path, tmp_path: Path) -> None:
    config = load(overrides={"perception.model.path": str(toy_model.write(tmp_path / "toy"))})
    said: list[float] = []
    found = inside.measure(source, config, 8, lambda what, share: said.append(share))
    assert found.frames == 8
    assert found.stages.keys() == {"read", "camera", "fusion", "tracking", inside.SUM}
    parts = sum(v.p50 for name, v in found.stages.items() if name != inside.SUM)
    assert parts == pytest.approx(found.stages[inside.SUM].p50, rel=0.3)
    assert {"encode", "prompt", "mask", "select"} <= found.camera.keys()
    assert said == sorted(said)
    functions = inside.profile(source, config, 4, lambda what, share: None, most=10)
    assert len(functions) == 10
    assert all(f.all_ms >= f.own_ms > 0 for f in functions)


def test_the_report_tells_it_to_people_and_machines(tmp_path: Path) -> None:
    found = inside.Inside(20, {inside.SUM: Latency(50, 60, 70, 80, 20)}, {})
    functions = [inside.Function("<built-in run>", 3.0, 3.0, 1.0)]
    runs = [a_run(5.0), a_run(10.0, kept_up=False)]
    bench = report.Bench({"drive": "apron"}, "front", runs, 5.0, found, functions)
    report.write(bench, tmp_path)
    tree = json.loads((tmp_path / "metrics.json").read_text())
    assert tree["highest_sustained_hz"] == 5.0
    assert tree["runs"][0]["BasicPerformanceMetrics.NUM_MISSED_FRAMES"] == 2
    assert tree["runs"][0]["end_to_end_ms"]["p95"] == 142.5
    page, text = (tmp_path / "report.html").read_text(), (tmp_path / "report.md").read_text()
    headline = "5 Hz kept up: camera to marker p50 95 ms, p95 142 ms, 0.75 cores, 600 MB"
    assert headline in page
    assert headline in text
    assert "&lt;built-in run&gt;" in page
    assert report.Bench({}, "front", [a_run(20, False)], 0.0).headline.startswith("none of 20 Hz")
    assert "50 ms a frame" in report.Bench({}, "front", inside=found).headline


def test_rates_are_read_or_refused() -> None:
    assert _rates("1,5, 10") == [1, 5, 10]
    for text in ("", "fast", "0", "5;10", "1000"):
        with pytest.raises(Exception, match=r"expected rates of 0\.1 to 200 Hz"):
            _rates(text)
