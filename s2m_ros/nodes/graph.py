"""The one table of nodes, parameters and remappings.

The launch files and ``s2m up`` both start what this module lists. It imports no ROS package.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from s2m_ros.config import Config, leaves, within

PACKAGE = "s2m_ros"

# Branches of the settings tree that each kind of node declares as parameters.
CAMERA_SETTINGS = ("camera", "perception", "intake")
FUSION_SETTINGS = ("cameras", "fusion", "intake")
TRACKER_SETTINGS = ("tracking", "hazards", "intake")
MONITOR_SETTINGS = ("monitor",)
AUDIT_SETTINGS = ("cameras", "intake", "audit")
COMMAND_SETTINGS = ("naming",)  # no node reads them
SETTINGS = {
    "camera": CAMERA_SETTINGS,
    "fusion": FUSION_SETTINGS,
    "tracker": TRACKER_SETTINGS,
    "monitor": MONITOR_SETTINGS,
    "audit": AUDIT_SETTINGS,
}


_IMPORTS: dict[str, tuple[str, ...]] = {
    "camera_node": ("s2m_ros.pipeline.camera", "onnxruntime", "openvino"),
    "fusion_node": ("s2m_ros.pipeline.fusion",),
    "tracker_node": ("s2m_ros.pipeline.tracking",),
    "monitor_node": ("s2m_ros.pipeline.watchdog",),
    "audit_node": ("s2m_ros.store",),
}
_IMPORTS["vehicle_node"] = sum((_IMPORTS[f"{n}_node"] for n in ("camera", "fusion", "tracker")), ())


@dataclass(frozen=True)
class NodeSpec:
    """One process. Topics in ``remappings`` are relative to the namespace, as the nodes name them.

    parameters holds what differs from the defaults; parameter_files are read before them;
    arguments come before those of ROS on the command line.
    """

    name: str
    executable: str
    namespace: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parameter_files: tuple[Path, ...] = ()
    remappings: tuple[tuple[str, str], ...] = ()
    arguments: tuple[str, ...] = ()

    @property
    def imports(self) -> tuple[str, ...]:
        """The slow ones among the modules that it needs, all of them without ROS."""
        return _IMPORTS.get(self.executable, ())

    def ros_arguments(self) -> list[str]:
        """What follows the executable on its command line."""
        arguments = ["--ros-args", "-r", f"__node:={self.name}"]
        if self.namespace:
            arguments += ["-r", f"__ns:={self.namespace}"]
        for file in self.parameter_files:
            arguments += ["--params-file", str(file)]
        for name, value in self.parameters.items():
            arguments += ["-p", f"{name}:={json.dumps(value)}"]  # JSON is YAML
        for topic, new_name in self.remappings:
            arguments += ["-r", f"{topic}:={new_name}"]
        return arguments

    def command(self, python: str = sys.executable) -> list[str]:
        """The command line of the process where no ROS tool starts it."""
        return [
            python, "-m", f"{PACKAGE}.nodes", self.executable, *self.arguments,
            *self.ros_arguments(),
        ]  # fmt: skip


def graph(
    config: Config | None = None,
    *,
    namespace: str = "",
    use_sim_time: bool = False,
    parameter_files: Sequence[Path] = (),
    remappings: Mapping[str, str] | None = None,
    autostart: bool = True,
) -> list[NodeSpec]:
    """The nodes of one vehicle: one camera node per camera, the fusion node, the tracker node,
    the monitor that watches them and, with ``audit.folder``, the audit node that stores it all.

    namespace: absolute ('/tug_7') or empty; autostart false: a lifecycle manager configures and
    activates the stage nodes; remappings: {topic: new name} of any topic that
    ``s2m_ros.wire.topics`` names.
    """
    config = config or Config()
    common: dict[str, Any] = {"use_sim_time": True} if use_sim_time else {}

    def node(name: str, kind: str, settings: tuple[str, ...], **own: Any) -> NodeSpec:
        return NodeSpec(
            name,
            kind,
            namespace,
            {**common, **_changed(config, settings), **own},
            tuple(parameter_files),
            tuple((remappings or {}).items()),
        )

    nodes = [
        *(
            node(f"camera_{camera}", "camera_node", CAMERA_SETTINGS, camera=camera)
            for camera in config.cameras
        ),
        node("fusion", "fusion_node", FUSION_SETTINGS),
        node("tracker", "tracker_node", TRACKER_SETTINGS),
    ]
    if not autostart:
        nodes = [replace(n, parameters={**n.parameters, "autostart": False}) for n in nodes]
    watched = [spec.name for spec in nodes]
    nodes.append(node("monitor", "monitor_node", MONITOR_SETTINGS, watched=watched))
    if config.audit.folder:
        said = {"described": config.model_dump_json()}  # the settings of all: the store has them
        nodes.append(node("audit", "audit_node", AUDIT_SETTINGS, **said))
    return nodes


APART = ("monitor_node", "audit_node")


def composed(specs: Sequence[NodeSpec]) -> list[NodeSpec]:
    """The same nodes in few processes: all in one, and apart the monitor and the audit node, so
    that they outlive it.

    Saves the memory of the other processes; but one that dies takes all with it, and Python's
    threads share one core for what is not inference.
    """
    together = [spec for spec in specs if spec.executable not in APART]
    arguments = tuple(json.dumps([s.executable, *s.ros_arguments()]) for s in together)
    vehicle = NodeSpec("vehicle", "vehicle_node", specs[0].namespace, arguments=arguments)
    return [vehicle, *(spec for spec in specs if spec.executable in APART)]


def _changed(config: Config, settings: tuple[str, ...]) -> dict[str, Any]:
    defaults = {name: value for name, value, _ in leaves()}
    return {
        name: value
        for name, value, _ in leaves(config)
        if within(name, settings) and value != defaults[name]
    }
