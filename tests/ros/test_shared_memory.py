"""The rule by which dead participants are told from living ones holds for the real Fast DDS."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from s2m_ros.nodes.shared_memory import FOLDER, sweep

if TYPE_CHECKING:
    from bench import Bench

LOCK = re.compile(r"fastrtps_[0-9a-f]{16}_el")
NODE = "import rclpy, time; rclpy.init(); n = rclpy.create_node('dies'); time.sleep(60)"


def held(pid: int) -> set[Path]:
    """The locks in shared memory that a process has open."""
    files = (fd.readlink() for fd in Path(f"/proc/{pid}/fd").iterdir() if fd.is_symlink())
    return {file for file in files if file.parent == FOLDER and LOCK.fullmatch(file.name)}


def test_a_killed_node_leaves_its_memory_until_the_next_one_starts(bench: Bench) -> None:
    dies = bench.run([sys.executable, "-c", NODE])
    bench.until(lambda: "dies" in bench.node.get_node_names(), "a node")
    its, ours = held(dies.pid), held(os.getpid())
    if not its:
        pytest.skip("the middleware uses no shared memory here")
    sweep()
    assert all(lock.exists() for lock in its | ours)
    bench.lose(dies)
    assert any(lock.exists() for lock in its)
    for lock in its:
        if lock.exists():
            os.utime(lock, (0, 0))  # what was made just now is left alone
    assert sweep() > 1 << 16
    assert not any(lock.exists() for lock in its)
    assert all(lock.exists() for lock in ours)
