"""Keeping processes up: real ones, of a few lines each instead of nodes."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from s2m_ros.nodes.graph import NodeSpec
from s2m_ros.nodes.nursery import Nursery, Nursling
from s2m_ros.nodes.processes import Processes

WAITS = "import signal, sys\nprint('up', flush=True)\nsignal.pause()\n"
DIES = "import sys\nprint('last words')\nsys.exit(3)\n"
IGNORES_INT = (
    "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('up', flush=True)\n"
    "while True: signal.pause()\n"
)


class Program(NodeSpec):
    """A module of the test in place of a node."""

    def command(self, python: str = sys.executable) -> list[str]:
        return [python, "-m", self.name]


class Said:
    """Collects the lines of all nodes."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self._lock = threading.Lock()

    def __call__(self, name: str, line: str) -> None:
        with self._lock:
            self.lines.append((name, line))

    def has(self, name: str, text: str) -> bool:
        with self._lock:
            return any(name == n and text in line for n, line in self.lines)


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], NodeSpec]:
    def write(name: str, code: str) -> NodeSpec:
        (tmp_path / f"{name}.py").write_text(code)
        return Program(name, f"{name}_node", "")

    return write


def until(condition: Callable[[], bool], processes: Processes, limit_s: float = 30.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "did not come about"
        processes.poll()
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_all_are_started_and_all_are_ended(
    program: Callable[[str, str], NodeSpec], tmp_path: Path
) -> None:
    said = Said()
    specs = [program("one", WAITS), program("two", WAITS)]
    with Processes(specs, said, environment={"PYTHONPATH": str(tmp_path)}) as processes:
        until(lambda: said.has("one", "up") and said.has("two", "up"), processes)
        pids = processes.running
        assert set(pids) == {"one", "two"}
        assert all(os.getsid(pid) == pid for pid in pids.values()), "Ctrl-C must not reach them"
    assert processes.running == {}
    assert not any(alive(pid) for pid in pids.values())


def one_dies_twice_beside_another(
    program: Callable[[str, str], NodeSpec], tmp_path: Path, said: Said
) -> list[int]:
    """The exit codes of the one that dies; the other one must stay."""
    specs = [program("stays", WAITS), program("dies", DIES)]
    with Processes(
        specs, said, respawn_delay_s=0.05, environment={"PYTHONPATH": str(tmp_path)}
    ) as processes:
        first = processes.running["stays"]
        until(lambda: len(processes.exits["dies"]) >= 2, processes)
        assert processes.running["stays"] == first
    return processes.exits["dies"]


def test_one_that_ends_is_started_again_and_the_others_stay(
    program: Callable[[str, str], NodeSpec], tmp_path: Path
) -> None:
    said = Said()
    assert set(one_dies_twice_beside_another(program, tmp_path, said)) == {3}
    assert said.has("dies", "last words")
    assert said.has("dies", "ended with exit code 3, starting again in 0.05 s")


def test_one_that_cannot_be_started_again_is_tried_later_and_the_others_stay(
    program: Callable[[str, str], NodeSpec], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, refused = Said(), []
    true_start = Nursery.start

    def start(nursery: Nursery, name: str, command: Sequence[str]) -> Nursling:
        if said.has("dies", "ended with") and len(refused) < 2:
            refused.append(name)
            raise OSError("no process left")
        return true_start(nursery, name, command)

    monkeypatch.setattr(Nursery, "start", start)
    one_dies_twice_beside_another(program, tmp_path, said)
    assert refused == ["dies", "dies"]
    assert said.has("dies", "no process left; trying again in 0.05 s")


def test_without_respawn_the_end_is_told_once(
    program: Callable[[str, str], NodeSpec], tmp_path: Path
) -> None:
    said = Said()
    with Processes(
        [program("dies", DIES)],
        said,
        respawn_delay_s=None,
        environment={"PYTHONPATH": str(tmp_path)},
    ) as processes:
        until(lambda: processes.exits["dies"] == [3], processes)
        processes.poll()
        assert processes.running == {}
    assert [line for _, line in said.lines] == ["last words", "ended with exit code 3"]


def test_one_that_ignores_the_interrupt_is_ended_all_the_same(
    program: Callable[[str, str], NodeSpec], tmp_path: Path
) -> None:
    said = Said()
    processes = Processes(
        [program("deaf", IGNORES_INT)], said, environment={"PYTHONPATH": str(tmp_path)}
    )
    processes.start()
    until(lambda: said.has("deaf", "up"), processes)
    pid = processes.running["deaf"]
    processes.stop(patience_s=0.2)
    assert not alive(pid)
    assert said.has("deaf", "did not end on SIGINT")
