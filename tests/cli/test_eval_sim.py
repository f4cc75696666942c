"""``s2m eval-sim``: what it refuses, and how it ends. The loop has tests of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2m_ros.audit.closed_loop import suite
from s2m_ros.audit.closed_loop.suite import Options, Outcome
from s2m_ros.cli import main as cli
from s2m_ros.sim.scenario import names

Install = Callable[[Callable[[list[str]], Outcome]], list[Options]]


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(["eval-sim", *map(str, arguments)])
    return int(left.value.code or 0)


@pytest.fixture
def suite_gives(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Replace the run by an outcome; returns the options that it was asked with."""

    def install(outcome: Callable[[list[str]], Outcome]) -> list[Options]:
        asked: list[Options] = []

        def run_suite(scenarios: Any, options: Options, advance: Any) -> Outcome:
            asked.append(options)
            return outcome([s.name for s in scenarios])

        monkeypatch.setattr(suite, "run_suite", run_suite)
        return asked

    return install


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "no such scenario"),
        (["fod", "--without", "radar"], "expected scorer or lidar"),
        (["fod", "fod"], "more than one scenario"),
        (["fod", "--set", "nonsense=1"], "nonsense"),
    ],
)
def test_what_cannot_be_run_is_refused_in_a_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(*arguments, "--out", tmp_path / "out") == 2
    said = capsys.readouterr()
    assert message in " ".join((said.err + said.out).split())
    assert not (tmp_path / "out").exists()


def test_all_scenarios_are_run_unless_some_are_named(
    suite_gives: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = suite_gives(lambda wanted: Outcome(wanted, done=[], interrupted=True))
    code = run("--out", tmp_path / "out", "--artifacts", 7, "--frames", 3, "--without", "lidar",
               "--jobs", 2)  # fmt: skip
    assert code == 130
    tree = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert (tree["scenarios"], tree["complete"]) == (names(), False)
    (options,) = asked
    assert (options.artifacts, options.frames, options.jobs) == (7, 3, 2)
    assert options.without == {"lidar"}
    assert options.cache == tmp_path / "cache"
    assert options.config.perception.model.threads == 1  # the processes have the cores
    said = capsys.readouterr().out
    assert "stopped before the end" in " ".join(said.split())
    assert "no object was visible" in said


def test_a_scenario_that_failed_is_the_exit_code(
    suite_gives: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suite_gives(lambda wanted: Outcome(wanted, failed={"fod": "ValueError: no light"}))
    assert run("fod", "--out", tmp_path / "out") == 1
    assert "failed: fod: ValueError: no light" in capsys.readouterr().out
