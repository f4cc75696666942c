"""The message definitions that bags are read and written with: ROS 2 Jazzy's and our own.

No ROS installation is needed. Jazzy's definitions come with rosbags; those of s2m_msgs are read
from the installed interface package, else from the workspace of this checkout, else from the copy
inside the Python package.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from s2m_ros.types import InputError

PACKAGE = "s2m_msgs"


@cache
def typestore() -> Typestore:
    """Jazzy's definitions and those of s2m_msgs, parsed once a process.

    Raises InputError when the definitions of s2m_msgs are nowhere to be found.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    definitions = {}
    for path in sorted(definitions_dir().glob("*.msg")):
        definitions.update(get_types_from_msg(path.read_text(), f"{PACKAGE}/msg/{path.stem}"))
    store.register(definitions)
    return store


def definitions_dir() -> Path:
    """The folder with the .msg files of s2m_msgs.

    Raises InputError naming the folders that were searched.
    """
    searched = list(_candidates())
    for folder in searched:
        if (folder / "HazardArray.msg").is_file():
            return folder
    raise InputError(
        PACKAGE,
        f"its .msg files are in none of {', '.join(map(str, searched))}",
        "build the workspace (`make setup`, or colcon build) and source it",
    )


def _candidates() -> Iterator[Path]:
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        if prefix:
            yield Path(prefix) / "share" / PACKAGE / "msg"
    package = Path(__file__).resolve().parents[1]
    yield package.parent / "ros2_ws" / "src" / PACKAGE / "msg"
    yield package / "msg"
