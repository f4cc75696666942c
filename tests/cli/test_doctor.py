"""The doctor's findings: each gap has a remedy, and the exit code tells."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from s2m_ros.cli import machine
from s2m_ros.cli import main as cli
from s2m_ros.cli.machine import Finding, Level, examine
from s2m_ros.cli.share import PROFILE_VARIABLES, shared, use_shared_memory


def doctor(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["doctor", *arguments])
    return int(left.value.code or 0)


def test_each_gap_says_what_to_do() -> None:
    for finding in examine():
        if finding.level in (Level.WARN, Level.FAIL):
            assert finding.remedy, finding


def test_json_holds_every_finding(capsys: pytest.CaptureFixture[str]) -> None:
    doctor("--json")
    shown = json.loads(capsys.readouterr().out)
    assert [f["name"] for f in shown] == [f.name for f in examine()]
    assert {f["section"] for f in shown} == {section for section, _ in machine.CHECKS}


@pytest.mark.parametrize(
    ("levels", "code"),
    [([Level.OK, Level.NOTE, Level.WARN], 0), ([Level.OK, Level.FAIL], 1)],
    ids=["gaps that cost little", "something is missing"],
)
def test_the_exit_code(
    levels: list[Level],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = [Finding("machine", f"thing {i}", level, "", "do") for i, level in enumerate(levels)]
    monkeypatch.setattr(machine, "examine", lambda: found)
    assert doctor() == code
    shown = capsys.readouterr().out
    assert all(f"thing {i}" in shown for i in range(len(levels)))


def test_a_check_that_breaks_does_not_silence_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list[Finding]:
        raise RuntimeError("no such luck")

    ours = (("machine", broken), *machine.CHECKS[1:])
    monkeypatch.setattr(machine, "CHECKS", ours)
    first, *others = examine()
    assert first.level is Level.FAIL
    assert "no such luck" in first.value
    assert others


def profile(monkeypatch: pytest.MonkeyPatch, path: str) -> Finding:
    for variable in PROFILE_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    if path:
        monkeypatch.setenv(PROFILE_VARIABLES[0], path)
    return machine._profile("ROS 2")


def test_the_shipped_profile_is_good(monkeypatch: pytest.MonkeyPatch, repository: Path) -> None:
    found = profile(monkeypatch, str(repository / "launch" / "config" / "fastdds.xml"))
    assert found.level is Level.OK
    assert "64 MiB" in found.value


def test_no_profile_small_profile_broken_profile(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert profile(monkeypatch, "").level is Level.WARN
    small = tmp_path / "small.xml"
    small.write_text("<dds><segment_size>524288</segment_size></dds>")
    assert profile(monkeypatch, str(small)).level is Level.WARN
    assert profile(monkeypatch, str(tmp_path / "gone.xml")).level is Level.FAIL
    small.write_text("<dds>")
    assert profile(monkeypatch, str(small)).level is Level.FAIL


def test_kernel_gaps_matter_when_other_machines_are_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "KERNEL", {"net.core.rmem_max": 1 << 60})
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    assert [f.level for f in machine._kernel()] == [Level.NOTE]
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "SUBNET")
    assert [f.level for f in machine._kernel()] == [Level.WARN]


def test_the_profile_is_set_unless_a_site_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = PROFILE_VARIABLES
    monkeypatch.setenv(first, "")  # so that monkeypatch restores both
    monkeypatch.setenv(second, "site.xml")
    use_shared_memory()
    assert os.environ[first] == ""
    monkeypatch.setenv(second, "")
    use_shared_memory()
    assert os.environ[first] == os.environ[second] == str(shared("launch/config/fastdds.xml"))


def test_shared_files_are_found_in_a_sourced_workspace(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "share" / "s2m_ros" / "launch" / "only_there.yaml"
    file.parent.mkdir(parents=True)
    file.touch()
    monkeypatch.setenv("AMENT_PREFIX_PATH", f"/nowhere:{tmp_path}")
    assert shared("launch/only_there.yaml") == file
    assert shared("launch/nowhere.yaml") is None
