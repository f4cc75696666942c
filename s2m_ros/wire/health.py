"""s2m_msgs/Health <-> Health, and diagnostic_msgs/DiagnosticArray from it."""

from __future__ import annotations

from typing import Any

from s2m_ros.types import Health, State
from s2m_ros.wire import topics
from s2m_ros.wire.enums import member
from s2m_ros.wire.geometry import header, stamp_ns
from s2m_ros.wire.protocol import MessageFactory

# diagnostic_msgs/DiagnosticStatus levels.
OK, WARN, ERROR = 0, 1, 2
_LEVELS = {
    State.OK: OK,
    State.BUILDING: WARN,
    State.DEGRADED: WARN,
    State.UNKNOWN: ERROR,
    State.FAULT: ERROR,
}


def encode_health(factory: MessageFactory, health: Health, age_s: float = -1.0) -> Any:
    """age_s: of the node's newest output; negative before the first."""
    return factory.make(
        "s2m_msgs/msg/Health",
        header=header(factory, health.stamp_ns, ""),
        sequence=health.sequence,
        node=health.node,
        state=int(health.state),
        reason=health.reason,
        latched=health.latched,
        age=float(age_s),
    )


def decode_health(message: Any) -> Health:
    """Raises InputError for a state that has no meaning."""
    return Health(
        message.node,
        member(State, message.state, topics.HEALTH),
        message.reason,
        stamp_ns(message.header.stamp),
        int(message.sequence),
        bool(message.latched),
    )


def encode_diagnostics(
    factory: MessageFactory, health: Health, hardware_id: str, level: int | None = None
) -> Any:
    """One status, its values sorted by name. ``level`` overrides what the state implies."""
    values = [
        factory.make("diagnostic_msgs/msg/KeyValue", key=key, value=health.values[key])
        for key in sorted(health.values)
    ]
    status = factory.make(
        "diagnostic_msgs/msg/DiagnosticStatus",
        level=_LEVELS[health.state] if level is None else level,
        name=health.node,
        message=health.reason or health.state.name,
        hardware_id=hardware_id,
        values=values,
    )
    return factory.make(
        "diagnostic_msgs/msg/DiagnosticArray",
        header=header(factory, health.stamp_ns, ""),
        status=[status],
    )
