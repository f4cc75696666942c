"""From a bag to hazards in lockstep: every frame, the same bytes each time, no ROS."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import toy_model
from drives import FRAMES, OBJECTS, write_drive

from s2m_ros.audit.drive import load_drive
from s2m_ros.audit.replay import Options, replay
from s2m_ros.audit.summary import summarise
from s2m_ros.bags import BagError, BagReader
from s2m_ros.config import load
from s2m_ros.types import Level

RESULTS = ("s2m/front/masks", "s2m/objects", "s2m/hazards", "s2m/markers")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "apron", results=False)


@pytest.fixture(scope="module")
def out(source: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    replay(source, folder, Options(load(overrides=settings(model)), lockstep=True))
    return folder


def settings(model: Path) -> dict[str, str]:
    return {"perception.model.path": str(model)}


def test_every_frame_is_processed_and_inputs_are_kept(out: Path, source: Path) -> None:
    summary = summarise(load_drive(out / "bag"))
    assert summary.answered == summary.frames == {"front": FRAMES}
    with BagReader(out / "bag") as bag, BagReader(source) as inputs:
        counts = {t.name: t.count for t in bag.topics}
        assert {t.name: counts[t.name] for t in inputs.topics} == {
            t.name: t.count for t in inputs.topics
        }
    for topic in RESULTS:
        assert counts[f"/{topic}"] == FRAMES


def test_again_is_the_same_bytes_and_replaces_results_only(
    out: Path, source: Path, model: Path, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    shutil.copytree(out, again)
    (again / "mine.txt").write_text("keep")
    (again / "report.html").write_text("old")
    replay(source, again, Options(load(overrides=settings(model)), lockstep=True))
    with BagReader(out / "bag") as first, BagReader(again / "bag") as second:
        assert list(first.messages()) == list(second.messages())
        assert first.about == second.about
    assert (again / "mine.txt").read_text() == "keep"
    assert (again / "report.html").read_text() != "old"


def test_the_objects_are_found_where_they_are(out: Path) -> None:
    summary = summarise(load_drive(out / "bag"))
    assert summary.score is not None
    assert summary.score.missed == 0
    assert summary.score.found == 2
    near = [v for v in summary.score.objects if v.name == OBJECTS[0].name]
    assert near[0].error_m < 0.6
    assert Level.CRITICAL.name in summary.tracks


def test_results_lie_where_they_should(out: Path) -> None:
    names = {p.name for p in out.iterdir()}
    assert {"bag", "report.html", "recording.rrd", "summary.json", "calibration.yaml"} <= names
    assert not {n for n in names if n.startswith(".")}


def test_the_source_is_never_replaced(out: Path, model: Path) -> None:
    with pytest.raises(BagError, match="another --out"):
        replay(out / "bag", out, Options(load(overrides=settings(model)), lockstep=True))


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "s2m_ros.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_command_names_a_missing_topic_and_the_remedy(source: Path, tmp_path: Path) -> None:
    table = tmp_path / "map.yaml"
    table.write_text("nothing_of_ours: /camera/front/image_raw\n")
    result = command("replay", source, "--lockstep", "--topics", table, "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "no topic /camera/front/image_raw" in result.stderr
    assert "/points" in result.stderr
    assert "--topics" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_command_names_a_corrupt_and_an_absent_bag(source: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mcap"
    broken.write_bytes((source / "apron.mcap").read_bytes()[:5000])
    for path, words in ((broken, "damaged or cut short"), (tmp_path / "no", "no such file")):
        result = command("replay", path, "--lockstep", "--out", tmp_path / "out")
        assert result.returncode == 2
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_a_model_with_a_wrong_hash_is_named(source: Path, model: Path, tmp_path: Path) -> None:
    copy = toy_model.write(tmp_path / "toy")
    with (copy / "encoder.onnx").open("ab") as stream:
        stream.write(b"x")
    setting = f"perception.model.path={copy}"
    result = command("replay", source, "--lockstep", "--out", tmp_path / "out", "--set", setting)
    assert result.returncode == 2
    assert "encoder.onnx" in result.stderr
    assert "Traceback" not in result.stderr


def test_bag_info_lists_topics_and_what_is_used(source: Path) -> None:
    result = command("bag", "info", source)
    assert result.returncode == 0
    for word in ("truth/objects", "std_msgs", "yes"):
        assert word in result.stdout
