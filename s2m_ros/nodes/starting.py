"""What a person asks for when starting a vehicle, turned into the table of nodes.

Both the launch files and ``s2m up`` go through ``requested``; it imports no ROS package.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from s2m_ros.config import ConfigError, load
from s2m_ros.nodes.graph import NodeSpec, composed, graph
from s2m_ros.wire import topics

RESPAWN_DELAY_S = 0.5


def requested(
    config_file: str = "",
    *,
    cameras: str = "",
    namespace: str = "",
    use_sim_time: bool = False,
    remap: str = "",
    overrides: Mapping[str, Any] | None = None,
    profile: str = "",
    params_file: str = "",
    autostart: bool = True,
    together: bool = False,
) -> list[NodeSpec]:
    """The nodes to start.

    config_file: YAML of settings, empty for the defaults; cameras: names separated by commas,
    empty takes them from the settings; namespace: of the vehicle, with or without the leading
    slash; remap: pairs ``topic:=name`` separated by spaces; overrides: dotted settings that
    outweigh the file, which outweighs the profile. params_file: goes to the nodes as it is, below
    all of these. autostart false: a lifecycle manager configures and activates. together: in one
    process. Raises ConfigError.
    """
    settings = dict(overrides or {})
    if names := [name.strip() for name in cameras.split(",") if name.strip()]:
        settings["cameras"] = names
    specs = graph(
        load(Path(config_file) if config_file else None, settings, profile),
        namespace=f"/{namespace.strip('/')}" if namespace.strip("/") else "",
        use_sim_time=use_sim_time,
        remappings=remappings(remap.split()),
        parameter_files=[Path(params_file)] if params_file else [],
        autostart=autostart,
    )
    return composed(specs) if together else specs


def camera_remappings(
    cameras: str, image: str = "", image_compressed: str = "", camera_info: str = ""
) -> list[str]:
    """Pairs ``topic:=name`` for cameras whose topics follow patterns with ``{camera}`` in them.

    cameras: names separated by commas; an empty pattern leaves those topics as they are.
    Raises ConfigError for a pattern that would give all cameras one topic.
    """
    ours = (topics.image, lambda name: topics.image(name, "compressed"), topics.camera_info)
    names = [name.strip() for name in cameras.split(",") if name.strip()]
    pairs = []
    for topic, pattern in zip(ours, (image, image_compressed, camera_info), strict=True):
        if pattern and "{camera}" not in pattern and len(names) > 1:
            raise ConfigError(f"topic pattern: expected {{camera}} in it, got {pattern!r}")
        if pattern:
            pairs += [f"{topic(n)}:={pattern.replace('{camera}', n)}" for n in names]
    return pairs


def remappings(pairs: Iterable[str]) -> dict[str, str]:
    """``{topic: new name}`` of pairs written as ROS writes them, ``points:=/lidar/points``."""
    result = {}
    for pair in pairs:
        topic, found, name = pair.partition(":=")
        if not (topic and found and name):
            raise ConfigError(f"remapping: expected topic:=name, got {pair!r}")
        result[topic] = name
    return result
