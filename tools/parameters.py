#!/usr/bin/env python3
"""Write what the docs say of settings and topics from what the nodes use.

docs/parameters.md, docs/parameters.schema.json and launch/config/s2m.yaml come from the leaves of
s2m_ros/config.py; docs/topics.md and launch/security/policy.xml from s2m_ros/nodes/ports.py.
"""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

from s2m_ros.config import Config, applies, leaves, within
from s2m_ros.nodes.graph import SETTINGS
from s2m_ros.nodes.ports import PORTS, Port

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "parameters.md"
SCHEMA = ROOT / "docs" / "parameters.schema.json"
TOPICS = ROOT / "docs" / "topics.md"
POLICY = ROOT / "launch" / "security" / "policy.xml"
FILE = ROOT / "launch" / "config" / "s2m.yaml"
BOUNDS = {"Ge": "≥", "Gt": ">", "Le": "≤", "Lt": "<"}


def accepts(info: Any) -> str:
    """Bounds or choices of a setting, as a person writes them."""
    choices = get_args(info.annotation)
    if choices and all(isinstance(choice, str) for choice in choices):
        return ", ".join(choices)
    return ", ".join(
        f"{sign} {getattr(bound, kind.lower()):g}"
        for kind, sign in BOUNDS.items()
        for bound in info.metadata
        if type(bound).__name__ == kind
    )


def unit(info: Any) -> str:
    return str((info.json_schema_extra or {}).get("unit", ""))


def kind(value: Any) -> str:
    if isinstance(value, list):
        return f"list of {kind(value[0])}" if value else "list"
    return {str: "text", bool: "true/false", float: "number", int: "whole number"}[type(value)]


def table() -> str:
    """The reference of all settings, one table a branch."""
    lines = [
        "# Settings",
        "",
        "Made by `make docs` from `s2m_ros/config.py`. The names are ROS parameter names as well.",
        "Set them in a YAML file (`s2m up --config FILE`, `ros2 launch s2m_ros s2m.launch.py",
        "config:=FILE`; `launch/config/s2m.yaml` lists all defaults) or one by one (`--set",
        "fusion.base_frame=body`). A node refuses a value outside its bounds and says why.",
        "`parameters.schema.json` beside this file is the JSON schema of such a YAML file.",
        "",
        "A running node takes a changed setting over (`ros2 param set`) *at once*, between two",
        "messages; when it is *configured* the next time (deactivate, cleanup, set, configure,",
        "activate); or at its *start*. Until it can, it refuses the change and says what to do.",
        "Beside these: `use_sim_time` of every node, `autostart` of all but the monitor, whose own",
        "is `watched`.",
    ]
    branch = None
    for name, value, info in leaves():
        top = name.rpartition(".")[0] or "general"
        if top != branch:
            branch = top
            users = [node for node, settings in SETTINGS.items() if within(name, settings)]
            lines += ["", f"## {branch}", ""]
            if users and branch != "general":
                lines += [f"Read by: {', '.join(users)} node{'s' * (len(users) > 1)}.", ""]
            lines += [
                "| name | default | unit | accepts | applies | meaning |",
                "|---|---|---|---|---|---|",
            ]
        default = "(empty)" if value == "" else f"`{json.dumps(value)}`"
        lines.append(
            f"| `{name}` | {default} | {unit(info)} | {accepts(info) or kind(value)} "
            f"| {applies(name)} "
            f"| {info.description.replace('|', chr(92) + '|')} |"
        )
    return "\n".join(lines) + "\n"


def file() -> str:
    """All settings with their defaults, as a ROS parameter file."""
    lines = [
        "# All settings with their defaults. Made by `make docs` from s2m_ros/config.py.",
        "# Copy what you change into a file of your own: s2m up --config FILE, or",
        "# ros2 launch s2m_ros s2m.launch.py config:=FILE",
        "/**:",
        "  ros__parameters:",
    ]
    open_branches: list[str] = []
    for name, value, info in leaves():
        *branches, last = name.split(".")
        if branches != open_branches:
            common = 0
            while branches[: common + 1] == open_branches[: common + 1] and common < min(
                len(branches), len(open_branches)
            ):
                common += 1
            for depth in range(common, len(branches)):
                lines.append(f"{'  ' * (depth + 2)}{branches[depth]}:")
            open_branches = branches
        indent = "  " * (len(branches) + 2)
        notes = "; ".join(filter(None, [unit(info), accepts(info)]))
        text = f"{info.description} ({notes})" if notes else info.description
        lines += textwrap.wrap(
            text, 99, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        lines.append(f"{indent}{last}: {json.dumps(value)}")
    return "\n".join(lines) + "\n"


def schema() -> str:
    """JSON schema of a file of settings: the tree itself, or wrapped as ROS parameters."""
    tree = Config.model_json_schema()
    definitions = tree.pop("$defs")
    for name, _, _ in leaves():
        place = tree
        *branches, last = name.split(".")
        for branch in branches:
            place = definitions[place["properties"][branch]["$ref"].rpartition("/")[2]]
        place["properties"][last]["applies"] = applies(name)
    parameters = {
        "type": "object",
        "properties": {"ros__parameters": {"$ref": "#/$defs/Config"}},
        "required": ["ros__parameters"],
        "additionalProperties": False,
    }
    whole = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Settings of s2m_ros",
        "anyOf": [
            {"$ref": "#/$defs/Config"},
            {
                "type": "object",
                "properties": {"/**": parameters},
                "required": ["/**"],
                "additionalProperties": False,
            },
        ],
        "$defs": {"Config": tree, **definitions},
    }
    return json.dumps(whole, indent=2) + "\n"


def topics() -> str:
    """The reference of all topics, one table a node."""
    lines = [
        "# Topics",
        "",
        "Made by `make docs` from `s2m_ros/nodes/ports.py`. Names are relative to the namespace of",
        "the vehicle unless they start with a slash; `CAMERA` is the name of a camera. Remap them",
        "with `s2m up --remap points:=/lidar/points`, or `remap:=` of the launch files. History is",
        "always KEEP_LAST; towards sensors best effort, which matches every publisher.",
    ]
    for node, ports in PORTS.items():
        name = "camera_CAMERA" if node == "camera" else node
        lines += [
            "",
            f"## {name}",
            "",
            "| | topic | type | QoS | what it is |",
            "|---|---|---|---|---|",
        ]
        for direction, group in (("in", ports.inputs), ("out", ports.outputs)):
            lines += [
                f"| {direction} | `{port.topic('CAMERA')}` | `{port.kind}` | {qos(port)} "
                f"| {port.meaning} |"
                for port in group
            ]
    return "\n".join(lines) + "\n"


COMMON_OUT = ("/rosout", "/parameter_events")
COMMON_IN = ("/clock", "/parameter_events")
PARAMETERS = (
    "describe_parameters",
    "get_parameter_types",
    "get_parameters",
    "list_parameters",
    "set_parameters",
    "set_parameters_atomically",
    "get_type_description",
)
LIFE = (
    "change_state",
    "get_state",
    "get_available_states",
    "get_available_transitions",
    "get_transition_graph",
    "clear_fault",
)
SERVICES = {"monitor": PARAMETERS, "audit": (*PARAMETERS, "keep")}
"""Of the nodes that are not managed; the others have a life as well."""


def policy() -> str:
    """What each node may do, for SROS 2."""
    root = ElementTree.Element("policy", version="0.2.0")
    enclaves = ElementTree.SubElement(root, "enclaves")
    for node, ports in PORTS.items():
        name = "camera_front" if node == "camera" else node
        managed = node not in SERVICES
        enclave = ElementTree.SubElement(enclaves, "enclave", path=f"/{name}")
        profiles = ElementTree.SubElement(enclave, "profiles")
        profile = ElementTree.SubElement(profiles, "profile", ns="/", node=name)
        out = [port.topic("front") for port in ports.outputs] + ["~/transition_event"] * managed
        into = [port.topic("front") for port in ports.inputs]
        served = [f"~/{s}" for s in SERVICES.get(node, (*LIFE, *PARAMETERS))]
        for kind, verb, allowed in (
            ("topic", "publish", [*out, *COMMON_OUT]),
            ("topic", "subscribe", [*into, *COMMON_IN]),
            ("service", "reply", served),
        ):
            group = ElementTree.SubElement(profile, f"{kind}s", {verb: "ALLOW"})
            for text in allowed:
                ElementTree.SubElement(group, kind).text = text
    ElementTree.indent(root)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- What each node may do, for SROS 2 (docs/security.md). Made by `make docs`. One camera, called
     front: copy its profile for more. A namespace goes into ns. -->
{ElementTree.tostring(root, encoding="unicode")}
"""


def qos(port: Port) -> str:
    words = ["reliable" if port.qos.reliable else "best effort", f"depth {port.qos.depth}"]
    return ", ".join(words + ["transient local"] * port.qos.latched)


def main() -> None:
    made = (
        (TABLE, table()),
        (SCHEMA, schema()),
        (TOPICS, topics()),
        (POLICY, policy()),
        (FILE, file()),
    )
    for path, text in made:
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
