"""From a bag to hazards through the nodes over DDS, at recorded speed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import toy_model

pytest.importorskip("rclpy")

from drives import FRAMES, write_drive

from s2m_ros.audit import live
from s2m_ros.audit.drive import load_drive
from s2m_ros.audit.live import ReplayError
from s2m_ros.audit.replay import Options, replay
from s2m_ros.audit.summary import summarise
from s2m_ros.bags import BagReader
from s2m_ros.config import load
from s2m_ros.nodes import ports

NODES = 4  # camera, fusion, tracker, monitor


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "apron", results=False)


def processes_of(starter: int) -> list[str]:
    """Process ids of the nursery that a process has, and of its nodes."""
    listed = subprocess.run(
        ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
    )
    found = [line.split(None, 2) for line in listed.stdout.splitlines()[1:]]
    nurseries = {
        pid for pid, ppid, command in found
        if ppid == str(starter) and "s2m_ros.nodes.nursery" in command
    }  # fmt: skip
    return [*nurseries, *(pid for pid, ppid, _ in found if ppid in nurseries)]


@pytest.mark.timeout(180)
def test_a_drive_through_the_nodes(source: Path, model: Path, tmp_path: Path) -> None:
    settings = {"perception.model.path": str(model), "intake.max_age_ms": 2000.0}
    made = replay(source, tmp_path, Options(load(overrides=settings)))
    drive = load_drive(tmp_path / "bag")
    summary = summarise(drive)
    assert drive.mode == "live"
    answered = summary.answered["front"]
    lost = sum(
        n for reason, n in summary.drops.get("camera_front", {}).items()
        if "image" in reason or "answer" in reason
    )  # fmt: skip
    assert answered >= FRAMES // 3  # how many depends on the machine ...
    assert answered + lost >= FRAMES  # ... but none is lost without a word
    assert summary.latencies["camera to marker"].count >= answered // 2
    assert 0 < summary.latencies["camera to marker"].p50 < 5000
    with BagReader(tmp_path / "bag") as bag:
        counts = {t.name: t.count for t in bag.topics}
        first_cloud = next(bag.messages(["points"])).data
    with BagReader(source) as bag:
        assert next(bag.messages(["points"])).data == first_cloud
    assert counts["/camera/front/image_raw"] == FRAMES
    for topic in ("/s2m/hazards", "/s2m/markers", "/s2m/health", "/diagnostics"):
        assert counts[topic] > 0
    for port in ports.FOR_AUDIT:  # made only for those who listen, and nobody reads it here
        assert f"/{port.topic('front')}" not in counts
    assert made.report.is_file()
    for name in ("camera_front", "fusion", "tracker"):
        assert (tmp_path / "logs" / f"{name}.log").is_file()
    assert processes_of(os.getpid()) == []


@pytest.mark.timeout(120)
def test_a_node_that_cannot_start_is_named_with_its_log(source: Path, tmp_path: Path) -> None:
    config = load(overrides={"perception.model.path": str(toy_model.write(tmp_path / "toy"))})
    broken = config.model_copy(
        update={"tracking": config.tracking.model_copy(update={"confirm_hits": 1000})}
    )
    with pytest.raises(ReplayError, match=r"node tracker ended .*confirm_hits.*tracker\.log"):
        replay(source, tmp_path / "out", Options(broken))
    assert processes_of(os.getpid()) == []


@pytest.mark.timeout(120)
def test_a_recording_that_fails_ends_the_replay(
    source: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise ValueError("cannot be read")

    monkeypatch.setattr(live, "decode_health", fails)
    config = load(overrides={"perception.model.path": str(model)})
    with pytest.raises(ReplayError, match=r"no longer recorded: ValueError.*cannot be read"):
        replay(source, tmp_path / "out", Options(config))
    assert processes_of(os.getpid()) == []


@pytest.mark.timeout(120)
def test_ending_the_command_ends_the_nodes(source: Path, model: Path, tmp_path: Path) -> None:
    arguments = ["replay", str(source), "--out", str(tmp_path / "out"), "--rate", "0.05"]
    arguments += ["--set", f"perception.model.path={model}"]
    process = subprocess.Popen([sys.executable, "-m", "s2m_ros.cli", *arguments])
    children: list[str] = []
    try:
        until = time.monotonic() + 60
        while len(children) < NODES + 1 and time.monotonic() < until:
            time.sleep(0.3)
            children = processes_of(process.pid)
        assert len(children) == NODES + 1
        process.terminate()
        assert process.wait(40) == 130
        assert not any(Path(f"/proc/{pid}").exists() for pid in children)
    finally:
        process.kill()
        process.wait(10)
