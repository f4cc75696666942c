"""Real data that several tests of fusion look at."""

from __future__ import annotations

from pathlib import Path

import nuscenes
import pytest


@pytest.fixture(scope="session")
def frame(data_dir: Path) -> nuscenes.Frame:
    """A sweep of 32 beams and six cameras."""
    folder = data_dir / "lidar" / "nuscenes_frame"
    if not (folder / "info.json").is_file():
        pytest.skip(f"no {folder}")
    return nuscenes.load(folder)
