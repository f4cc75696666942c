"""Segments of dead participants go, those of living ones stay."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from s2m_ros.nodes.shared_memory import sweep


def segment(folder: Path, name: str, age_s: float = 60.0) -> tuple[Path, Path]:
    data, lock = folder / f"fastrtps_{name}", folder / f"fastrtps_{name}_el"
    data.write_bytes(bytes(1000))
    lock.touch()
    then = time.time() - age_s
    os.utime(lock, (then, then))
    return data, lock


def test_only_what_nobody_holds_is_removed(tmp_path: Path) -> None:
    dead, living = segment(tmp_path, 16 * "d"), segment(tmp_path, 16 * "a")
    young = segment(tmp_path, 16 * "0", age_s=0.0)
    port = segment(tmp_path, "port7411")  # its peers have it open, and its successor takes it
    foreign = tmp_path / "sem.other"
    foreign.touch()
    alone = tmp_path / "fastrtps_0123456789abcdef_el"  # whose segment is gone already
    alone.touch()
    os.utime(alone, (0, 0))
    with living[1].open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert sweep(tmp_path) == 1000
    assert not any(path.exists() for path in (*dead, alone))
    assert all(path.exists() for path in (*living, *young, *port, foreign))
    assert sweep(tmp_path) == 1000  # its owner has ended meanwhile
    assert all(path.exists() for path in (*young, *port, foreign))


def test_nothing_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none") == 0
