"""What a person asks for when starting a vehicle, turned into the table of nodes.

Both the launch files and ``s2m up`` go through ``requested``; it imports no ROS package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from s2m_ros.config import ConfigError, load
from s2m_ros.nodes.graph import NodeSpec, graph

RESPAWN_DELAY_S = 0.5


def requested(
    config_file: str = "",
    *,
    cameras: str = "",
    namespace: str = "",
    use_sim_time: bool = False,
    remap: str = "",
    overrides: Mapping[str, Any] | None = None,
) -> list[NodeSpec]:
    """The nodes to start.

    config_file: YAML of settings, empty for the defaults; cameras: names separated by commas,
    empty takes them from the settings; namespace: of the vehicle, with or without the leading
    slash; remap: pairs ``topic:=name`` separated by spaces; overrides: dotted settings that
    outweigh the file. Raises ConfigError.
    """
    settings = dict(overrides or {})
    if names := [name.strip() for name in cameras.split(",") if name.strip()]:
        settings["cameras"] = names
    return graph(
        load(Path(config_file) if config_file else None, settings),
        namespace=f"/{namespace.strip('/')}" if namespace.strip("/") else "",
        use_sim_time=use_sim_time,
        remappings=remappings(remap.split()),
    )


def remappings(pairs: Iterable[str]) -> dict[str, str]:
    """``{topic: new name}`` of pairs written as ROS writes them, ``points:=/lidar/points``."""
    result = {}
    for pair in pairs:
        topic, found, name = pair.partition(":=")
        if not (topic and found and name):
            raise ConfigError(f"remapping: expected topic:=name, got {pair!r}")
        result[topic] = name
    return result
