"""Files that come with the package but are no code: in the repository, or where colcon put them."""

from __future__ import annotations

import os
from pathlib import Path

PROFILE_VARIABLES = ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE")


def shared(relative: str) -> Path | None:
    """The file of this name in the repository or in the share folder of a sourced workspace."""
    prefixes = [p for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    roots = [Path(__file__).resolve().parents[2]]
    roots += [Path(prefix) / "share" / "s2m_ros" for prefix in prefixes]
    return next((root / relative for root in roots if (root / relative).is_file()), None)


def use_shared_memory() -> None:
    """Give Fast DDS, here and in child processes, our profile unless a site has set its own.

    Must run before rclpy starts. Other middleware ignores it.
    """
    profile = shared("launch/config/fastdds.xml")
    if profile is not None and not any(os.environ.get(name) for name in PROFILE_VARIABLES):
        os.environ.update(dict.fromkeys(PROFILE_VARIABLES, str(profile)))
