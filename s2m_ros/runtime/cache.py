"""Where what was built for this machine is kept between runs."""

from __future__ import annotations

import os
from pathlib import Path


def user_cache(name: str) -> Path:
    """s2m_ros/NAME in $XDG_CACHE_HOME or ~/.cache; it may not be there yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "s2m_ros" / name
