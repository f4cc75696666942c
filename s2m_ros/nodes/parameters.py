"""The settings tree as ROS parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from s2m_ros.config import Config, leaves, load
from s2m_ros.nodes.graph import belongs

_LARGE = 1e300
_MANY = 2**31 - 1


def declare(node: Node, branches: Sequence[str]) -> Config:
    """Declare the settings of these branches on the node; the tree with the values it was given.

    They are read once, so they are read-only. Raises ConfigError naming a setting out of bounds.
    """
    values: dict[str, Any] = {}
    for name, default, info in leaves():
        if belongs(name, branches):
            values[name] = node.declare_parameter(name, default, _descriptor(info)).value
    return load(overrides=values)


def _descriptor(info: Any) -> ParameterDescriptor:
    unit = (info.json_schema_extra or {}).get("unit", "")
    descriptor = ParameterDescriptor(
        description=f"{info.description} [{unit}]" if unit else info.description,
        read_only=True,
        # A YAML file may say 3 where 3.0 is meant; pydantic turns it into the right type.
        dynamic_typing=info.annotation is float,
    )
    if get_origin(info.annotation) is Literal:
        descriptor.additional_constraints = f"one of {', '.join(get_args(info.annotation))}"
    bounds = {
        key: getattr(limit, key)
        for limit in info.metadata
        for key in ("ge", "gt", "le", "lt")
        if getattr(limit, key, None) is not None
    }
    if not bounds:
        return descriptor
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    if info.annotation is int:
        descriptor.integer_range = [
            IntegerRange(
                from_value=-_MANY if low is None else int(low) + ("gt" in bounds),
                to_value=_MANY if high is None else int(high) - ("lt" in bounds),
                step=1,
            )
        ]
    elif info.annotation is float:
        descriptor.floating_point_range = [
            FloatingPointRange(
                from_value=-_LARGE if low is None else float(low),
                to_value=_LARGE if high is None else float(high),
            )
        ]
        exclusive = [
            f"{sign} {bounds[key]:g}" for key, sign in (("gt", ">"), ("lt", "<")) if key in bounds
        ]
        descriptor.additional_constraints = ", ".join(exclusive)
    return descriptor
