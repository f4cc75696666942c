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
    dead, living = segment(tmp_path, "dead"), segment(tmp_path, "living")
    young = segment(tmp_path, "young", age_s=0.0)
    foreign = tmp_path / "sem.other"
    foreign.touch()
    alone = tmp_path / "fastrtps_port7411_el"  # of a port whose file is gone already
    alone.touch()
    os.utime(alone, (0, 0))
    with living[1].open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert sweep(tmp_path) == 1000
    assert not any(path.exists() for path in (*dead, alone))
    assert all(path.exists() for path in (*living, *young, foreign))
    assert sweep(tmp_path) == 1000  # its owner has ended meanwhile
    assert all(path.exists() for path in (*young, foreign))


def test_nothing_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert sweep(tmp_path / "none") == 0
