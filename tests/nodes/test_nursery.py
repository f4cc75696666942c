"""Forking nodes from a process that has imported what they need. Without ROS: small programs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from s2m_ros.nodes.graph import graph
from s2m_ros.nodes.nursery import Nursery

WAITS = "import signal\nprint('up', flush=True)\nsignal.pause()\n"


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str, str], list[str]]:
    def write(name: str, code: str) -> list[str]:
        (tmp_path / f"{name}.py").write_text(code)
        return [name]

    return write


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    nursery = Nursery(["json", "no_such_module"], environment)
    yield nursery
    nursery.close()


def gone(pid: int, limit_s: float = 20.0) -> bool:
    end = time.monotonic() + limit_s
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        time.sleep(0.02)
    return not Path(f"/proc/{pid}").exists()


def test_a_program_runs_as_by_python_m(
    nursery: Nursery, program: Callable[[str, str], list[str]]
) -> None:
    command = program(
        "speaks",
        "import sys, os\n"
        "print(__name__, sys.argv[1:], open('/proc/self/comm').read().strip())\n"
        "print(os.getsid(0) == os.getpid(), len(os.listdir('/proc/self/task')))\n"
        "print('no', file=sys.stderr)\n"
        "sys.exit(3)\n",
    )
    node = nursery.start("camera_left_front", [*command, "a", "b c"])
    said = node.stdout.read().splitlines()
    assert said == ["__main__ ['a', 'b c'] camera_left_fro", "True 1", "no"]
    assert node.wait(20.0) == 3
    assert node.poll() == 3


@pytest.mark.parametrize(
    ("code", "ending", "says"),
    [
        ("pass", 0, ""),
        ("raise SystemExit('settings: wrong')", 1, "settings: wrong"),
        ("1 / 0", 1, "ZeroDivisionError"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, ""),
        ("import no_such_thing", 1, "No module named 'no_such_thing'"),
    ],
)
def test_ends_are_those_of_a_process_of_its_own(
    nursery: Nursery, program: Callable[[str, str], list[str]], code: str, ending: int, says: str
) -> None:
    node = nursery.start("ends", program("ends", code))
    assert says in node.stdout.read()
    assert node.wait(20.0) == ending


def test_many_at_once_each_with_its_own_end(
    nursery: Nursery, program: Callable[[str, str], list[str]]
) -> None:
    command = program("counts", "import sys\nsys.exit(int(sys.argv[1]))\n")
    nodes = [nursery.start(f"n{i}", [*command, str(i)]) for i in range(20)]
    assert [node.wait(20.0) for node in nodes] == list(range(20))


def test_waiting_has_a_limit(nursery: Nursery, program: Callable[[str, str], list[str]]) -> None:
    node = nursery.start("waits", program("waits", WAITS))
    with pytest.raises(subprocess.TimeoutExpired):
        node.wait(0.1)
    node.send_signal(signal.SIGKILL)
    assert node.wait(20.0) == -signal.SIGKILL


def test_a_nursery_that_dies_takes_its_nodes_along_and_is_made_anew(
    nursery: Nursery, program: Callable[[str, str], list[str]]
) -> None:
    command = program("waits", WAITS)
    node = nursery.start("waits", command)
    assert node.stdout.readline() == "up\n"
    nursery._process.kill()  # type: ignore[union-attr]
    assert node.wait(20.0) == -signal.SIGKILL
    assert gone(node.pid)
    again = nursery.start("waits", command)
    assert again.stdout.readline() == "up\n"


def test_when_the_keeper_is_gone_so_are_the_nodes(
    tmp_path: Path, program: Callable[[str, str], list[str]]
) -> None:
    program("waits", WAITS)
    keeper = subprocess.Popen(
        [
            sys.executable, "-c",
            "import os, time\n"
            "from s2m_ros.nodes.nursery import Nursery\n"
            f"n = Nursery([], {{**os.environ, 'PYTHONPATH': {str(tmp_path)!r}}})\n"
            "node = n.start('waits', ['waits'])\n"
            "print(node.pid, flush=True)\n"
            "time.sleep(60)\n",
        ],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert keeper.stdout is not None
    pid = int(keeper.stdout.readline())
    assert Path(f"/proc/{pid}").exists()
    keeper.kill()
    keeper.communicate()
    assert gone(pid)


def test_what_is_imported_before_the_fork_starts_no_thread_and_no_ros() -> None:
    modules = sorted({module for spec in graph() for module in spec.imports})
    checked = subprocess.run(
        [
            sys.executable, "-c",
            "import importlib.util, os, sys\n"
            "import s2m_ros.nodes.nursery as nursery\n"
            "os.environ.update(nursery.ONE_THREAD)\n"
            f"for module in {modules}:\n"
            "    if importlib.util.find_spec(module): __import__(module)\n"
            "print(len(os.listdir('/proc/self/task')), 'rclpy' in sys.modules)\n",
        ],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert checked.stdout.split() == ["1", "False"]
