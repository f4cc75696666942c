"""The settings tree as ROS parameters: declared, validated, changed at run time or refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, get_args, get_origin

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node

from s2m_ros.config import Config, ConfigError, applies, leaves, load, within

_LARGE = 1e300
_MANY = 2**31 - 1
_REMEDIES = {
    "at start": "end the node and start it with the new value",
    "at configure": "deactivate and clean up the node, set it, then configure and activate",
}


class Settings:
    """The settings of these branches on a node; ``config`` is the tree with their values.

    A change is validated as a whole. What applies at once is handed to ``adjust``; what is read
    when the node is configured is refused while ``configured()``, with the remedy. Raises
    ConfigError naming a setting out of bounds.
    """

    def __init__(
        self,
        node: Node,
        branches: Sequence[str],
        configured: Callable[[], bool],
        adjust: Callable[[Config], None],
    ) -> None:
        self._configured = configured
        self._adjust = adjust
        self._values: dict[str, Any] = {}
        for name, default, info in leaves():
            if within(name, branches):
                given = node.declare_parameter(name, default, _descriptor(name, info)).value
                self._values[name] = given
        self.config = load(overrides=self._values)
        node.add_on_set_parameters_callback(self._set)

    def _set(self, parameters: Sequence[Any]) -> SetParametersResult:
        changed = {p.name: p.value for p in parameters if p.name in self._values}
        values = {**self._values, **changed}
        try:
            config = load(overrides=values)
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        before, after = ({n: v for n, v, _ in leaves(c)} for c in (self.config, config))
        for name in changed:
            when = applies(name)
            late = when == "at start" or (when == "at configure" and self._configured())
            if late and before[name] != after[name]:
                reason = f"{name}: applies {when}: {_REMEDIES[when]}"
                return SetParametersResult(successful=False, reason=reason)
        self._values, self.config = values, config
        if any(applies(name) == "at once" for name in changed):
            self._adjust(config)
        return SetParametersResult(successful=True)


def _descriptor(name: str, info: Any) -> ParameterDescriptor:
    unit = (info.json_schema_extra or {}).get("unit", "")
    descriptor = ParameterDescriptor(
        description=f"{info.description} [{unit}]" if unit else info.description,
        # A YAML file may say 3 where 3.0 is meant; pydantic turns it into the right type.
        dynamic_typing=info.annotation is float,
    )
    constraints = [f"applies {applies(name)}"]
    if get_origin(info.annotation) is Literal:
        constraints.insert(0, f"one of {', '.join(get_args(info.annotation))}")
    bounds = {
        key: getattr(limit, key)
        for limit in info.metadata
        for key in ("ge", "gt", "le", "lt")
        if getattr(limit, key, None) is not None
    }
    low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
    if bounds and info.annotation is int:
        descriptor.integer_range = [
            IntegerRange(
                from_value=-_MANY if low is None else int(low) + ("gt" in bounds),
                to_value=_MANY if high is None else int(high) - ("lt" in bounds),
                step=1,
            )
        ]
    elif bounds and info.annotation is float:
        descriptor.floating_point_range = [
            FloatingPointRange(
                from_value=-_LARGE if low is None else float(low),
                to_value=_LARGE if high is None else float(high),
            )
        ]
        constraints[:0] = [
            f"{sign} {bounds[key]:g}" for key, sign in (("gt", ">"), ("lt", "<")) if key in bounds
        ]
    descriptor.additional_constraints = ", ".join(constraints)
    return descriptor
