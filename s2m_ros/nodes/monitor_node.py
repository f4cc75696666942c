"""Watches the other nodes from a process of its own: hung or dead ones, the state of the vehicle.

Its Health on s2m/health is that of the whole vehicle. While the tracker gives no sign of life, it
publishes UNKNOWN on the tracker's topics, and takes the markers away that were left there.
"""

from __future__ import annotations

import time
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.node import Node

from s2m_ros.config import Config
from s2m_ros.nodes import ports
from s2m_ros.nodes.executing import run
from s2m_ros.nodes.factory import RclpyFactory, message_type
from s2m_ros.nodes.graph import MONITOR_SETTINGS
from s2m_ros.nodes.hearing import PULSE_S
from s2m_ros.nodes.parameters import Settings
from s2m_ros.nodes.qos import profile
from s2m_ros.nodes.reporting import BEAT_S, Reporter
from s2m_ros.nodes.seams.qos_events import losses, no_events
from s2m_ros.pipeline.conditions import Condition
from s2m_ros.pipeline.watchdog import StandIn, Watchdog, overall
from s2m_ros.types import State
from s2m_ros.wire.health import decode_health

_TICK_S = 0.1
_STAND_IN_S = 0.5
_BASE_FRAME = "base_link"
TRACKER = "tracker"


class MonitorNode(Node):
    def __init__(self, **options: Any) -> None:
        super().__init__("monitor", **options)
        settings = Settings(self, MONITOR_SETTINGS, lambda: True, self._adjust)
        watched = self.declare_parameter(
            "watched",
            ["camera_front", "fusion", TRACKER],
            ParameterDescriptor(description="Nodes of this namespace to watch", read_only=True),
        ).value
        space = self.get_namespace().rstrip("/")
        self._tracker = f"{space}/{TRACKER}"
        names = [f"{space}/{name}" for name in watched or ()]
        self._watchdog = Watchdog(names, settings.config.monitor, time.monotonic())
        self._watches_tracker = self._tracker in names
        self._verdict = Condition(State.BUILDING, "starting")
        self._factory = RclpyFactory()
        self._stand_in = StandIn(self._factory, _BASE_FRAME)
        self._stood_in_s = 0.0
        health = ports.HEALTH
        self.create_subscription(
            message_type(health.kind),
            health.topic(),
            self._heard,
            profile(health.qos),
            event_callbacks=losses(),
        )
        self._hazards, self._markers, self._pulse = (
            self.create_publisher(
                message_type(port.kind),
                port.topic(),
                profile(port.qos),
                event_callbacks=no_events(),
            )
            for port in (ports.HAZARDS, ports.MARKERS, ports.PULSE)
        )
        self._report = Reporter(self, lambda: self._verdict)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(_TICK_S, self._judge, clock=steady)
        self.create_timer(BEAT_S, lambda: self._report.beat({}), clock=steady)
        beat = message_type(ports.PULSE.kind)()
        self.create_timer(PULSE_S, lambda: self._pulse.publish(beat), clock=steady)

    def close(self) -> None:
        """There is nothing to end."""

    def _adjust(self, config: Config) -> None:
        self._watchdog.settings = config.monitor

    def _heard(self, message: Any) -> None:
        self._watchdog.heard(decode_health(message), time.monotonic())

    def _judge(self) -> None:
        now_s = time.monotonic()
        conditions = self._watchdog.judge(now_s)
        self._verdict = overall(conditions)
        for name, condition in conditions.items():
            self._report.values[f"node.{name}"] = condition.state.name
        for name, count in self._watchdog.restarts.items():
            self._report.values[f"restarts.{name}"] = str(count)
        self._report.update({})
        if not self._watches_tracker or not self._watchdog.silent(self._tracker, now_s):
            self._stand_in.hush()
            self._stood_in_s = 0.0
        elif now_s - self._stood_in_s > _STAND_IN_S:
            self._stood_in_s = now_s
            stamp_ns = int(self.get_clock().now().nanoseconds)
            hazards, markers = self._stand_in.speak(stamp_ns, conditions[self._tracker].reason)
            self._hazards.publish(hazards)
            self._markers.publish(markers)


def main(args: list[str] | None = None) -> None:
    run([MonitorNode], args)


if __name__ == "__main__":
    main()
