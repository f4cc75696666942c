"""What nodes that were killed leave behind in /dev/shm, some 64 MB each: nobody else removes it.

Fast DDS keeps a segment ``fastrtps_ID`` of shared memory for each participant, and beside it a file
``fastrtps_ID_el`` on which the living participant holds a lock (flock); ``fastdds shm clean`` goes
by the same rule. Ports (``fastrtps_port7411``) look alike and must stay, even those that nobody
holds: who takes the place of a dead node takes its port, which its peers have open; were it made
anew, they would go on writing into the old one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from pathlib import Path

FOLDER = Path("/dev/shm")
_LOCK = re.compile(r"fastrtps_[0-9a-f]{16}_el")
_YOUNG_S = 5.0
"""One that was just made may not be locked yet."""


def sweep(folder: Path = FOLDER) -> int:
    """Remove the segments whose owner is dead; the bytes that were freed."""
    freed = 0
    for lock in [path for path in folder.glob("fastrtps_*_el") if _LOCK.fullmatch(path.name)]:
        with contextlib.suppress(OSError):  # locked: its owner lives; or another user's
            if time.time() - lock.stat().st_mtime < _YOUNG_S:
                continue
            descriptor = os.open(lock, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                segment = lock.with_name(lock.name.removesuffix("_el"))
                if segment.exists():
                    freed += segment.stat().st_size
                    segment.unlink()
                lock.unlink()
            finally:
                os.close(descriptor)
    return freed
