#!/usr/bin/env python3
"""Write docs/parameters.md and launch/config/s2m.yaml from the leaves of s2m_ros/config.py."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, get_args

from s2m_ros.config import leaves
from s2m_ros.nodes.graph import SETTINGS, belongs

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "parameters.md"
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
    ]
    branch = None
    for name, value, info in leaves():
        top = name.rpartition(".")[0] or "general"
        if top != branch:
            branch = top
            users = [node for node, settings in SETTINGS.items() if belongs(name, settings)]
            lines += ["", f"## {branch}", ""]
            if users and branch != "general":
                lines += [f"Read by: {', '.join(users)} node{'s' * (len(users) > 1)}.", ""]
            lines += ["| name | default | unit | accepts | meaning |", "|---|---|---|---|---|"]
        default = "(empty)" if value == "" else f"`{json.dumps(value)}`"
        lines.append(
            f"| `{name}` | {default} | {unit(info)} | {accepts(info) or kind(value)} "
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


def main() -> None:
    for path, text in ((TABLE, table()), (FILE, file())):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
