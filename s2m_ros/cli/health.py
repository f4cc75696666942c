"""``s2m health``: ask the running nodes how they are, for people and for HEALTHCHECK."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from s2m_ros.pipeline.conditions import Condition


def health(
    namespace: Annotated[
        str, typer.Option(envvar="S2M_NAMESPACE", help="Namespace of the vehicle.")
    ] = "",
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for the monitor.")] = 5.0,
) -> None:
    """Ask the monitor of the running graph for the state of the vehicle.

    Ends with 0 when it is OK, BUILDING or DEGRADED, and with 1 when it is UNKNOWN or FAULT, or when
    the monitor is silent.
    """
    from s2m_ros.types import State

    found = ask(namespace, timeout)
    if found is None:
        typer.echo(f"no Health from {_monitor(namespace)} in {timeout:g} s: are the nodes running?")
        raise typer.Exit(1)
    typer.echo(f"{found.state.name} {found.reason}".rstrip())
    if found.state in (State.UNKNOWN, State.FAULT):
        raise typer.Exit(1)


def ask(namespace: str, timeout_s: float) -> Condition | None:
    """The monitor's next word, or None when there is none in time."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    from s2m_ros.nodes import ports
    from s2m_ros.nodes.factory import message_type
    from s2m_ros.nodes.qos import profile
    from s2m_ros.pipeline.conditions import Condition
    from s2m_ros.wire.health import decode_health

    wanted = _monitor(namespace)
    heard: list[Condition] = []

    def hear(message: Any) -> None:
        if message.node == wanted:
            word = decode_health(message)
            heard.append(Condition(word.state, word.reason))

    context = rclpy.Context()
    rclpy.init(context=context)
    executor = SingleThreadedExecutor(context=context)
    node = rclpy.create_node(
        f"health_{os.getpid()}",
        context=context,
        namespace=namespace,
        start_parameter_services=False,
    )
    try:
        port = ports.HEALTH
        node.create_subscription(message_type(port.kind), port.topic(), hear, profile(port.qos))
        executor.add_node(node)
        end_s = time.monotonic() + timeout_s
        while not heard and time.monotonic() < end_s:
            executor.spin_once(timeout_sec=0.1)
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.shutdown(context=context)
    return heard[0] if heard else None


def _monitor(namespace: str) -> str:
    space = namespace.strip("/")
    return f"/{space}/monitor" if space else "/monitor"
