"""What a node says of itself: Health, diagnostics, latencies. Safe to call from both threads."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping

from rclpy.node import Node

from s2m_ros.nodes import ports
from s2m_ros.nodes.factory import RclpyFactory, message_type
from s2m_ros.nodes.qos import profile
from s2m_ros.nodes.seams.qos_events import no_events
from s2m_ros.pipeline.conditions import Condition
from s2m_ros.types import Health, State
from s2m_ros.wire.health import ERROR, encode_diagnostics, encode_health

BEAT_S = 0.2
"""Period of Health: the monitor takes a node for hung or dead after a few missing ones."""
_DIAGNOSTICS_S = 1.0
_WINDOW = 50
_LOG_PERIOD_S = 5.0


class Reporter:
    """Publishes s2m/health, /diagnostics and ~/debug/*.

    ``beat`` goes out at BEAT_S, with diagnostics each second; ``update`` at once when the state has
    changed. verdict, latched: what the node is worth now, and whether a fault is held; errors:
    conditions that are diagnostics of level ERROR whatever the state.
    """

    def __init__(
        self,
        node: Node,
        verdict: Callable[[], Condition],
        latched: Callable[[], bool] = lambda: False,
        errors: Collection[str] = (),
    ) -> None:
        self._node = node
        self._verdict = verdict
        self._latched = latched
        self._errors = errors
        self._factory = RclpyFactory()
        self._lock = threading.Lock()
        self._sequence = 0
        self._state: State | None = None
        self._logged: tuple[str, float] = ("", 0.0)
        self._diagnosed_s = -math.inf
        self._output_ns: int | None = None
        self._cycles: deque[float] = deque(maxlen=_WINDOW)
        self._last_cycle_s: float | None = None
        self._timings: dict[str, float] = {}
        self.values: dict[str, str] = {}
        self._health, self._diagnostics, *self._debug = (
            node.create_publisher(
                message_type(port.kind),
                port.topic(),
                profile(port.qos),
                event_callbacks=no_events(),
            )
            for port in ports.STAGE_OUT
        )

    def output(self, stamp_ns: int, processing_ms: float, timings: Mapping[str, float]) -> None:
        """An output for this stamp went out: its latencies."""
        now_s = time.monotonic()
        cycle_ms = None if self._last_cycle_s is None else (now_s - self._last_cycle_s) * 1e3
        self._last_cycle_s, self._output_ns = now_s, stamp_ns
        latency_ms = (self._now_ns() - stamp_ns) * 1e-6
        if cycle_ms is not None:
            self._cycles.append(cycle_ms)
        self._timings = {
            **{f"{name}_ms": value for name, value in timings.items()},
            "processing_time_ms": processing_ms,
            "pipeline_latency_ms": latency_ms,
        }
        values = (processing_ms, latency_ms, cycle_ms)
        for publisher, value in zip(self._debug, values, strict=True):
            if value is not None:
                publisher.publish(self._factory.make("std_msgs/msg/Float64", data=value))

    def update(self, drops: Mapping[str, int]) -> None:
        """Publish when the state is not the one published last."""
        if self._verdict().state != self._state:
            self.publish(drops)

    def beat(self, drops: Mapping[str, int]) -> None:
        """Health; and diagnostics when a second has passed or the state has changed."""
        due = time.monotonic() - self._diagnosed_s >= _DIAGNOSTICS_S - BEAT_S / 2
        self.publish(drops, diagnostics=due or self._verdict().state != self._state)

    def publish(self, drops: Mapping[str, int], *, diagnostics: bool = True) -> None:
        with self._lock:
            health = self._compose(drops)
            self._log(health)
            self._state = health.state
            self._health.publish(encode_health(self._factory, health, self._age_s(health.stamp_ns)))
            if not diagnostics:
                return
            self._diagnosed_s = time.monotonic()
            level = ERROR if self._errors else None
            self._diagnostics.publish(
                encode_diagnostics(self._factory, health, self._node.get_namespace(), level)
            )

    def _age_s(self, now_ns: int) -> float:
        """Age of the newest output; negative before the first."""
        return -1.0 if self._output_ns is None else (now_ns - self._output_ns) * 1e-9

    def _compose(self, drops: Mapping[str, int]) -> Health:
        self._sequence += 1
        verdict, now_ns = self._verdict(), self._now_ns()
        cycles = self._cycles.copy()  # the worker adds to it meanwhile, see pipeline/clocks.py
        mean_ms = sum(cycles) / len(cycles) if cycles else 0.0
        values = {
            "state": verdict.state.name,
            "age_s": f"{self._age_s(now_ns):.2f}",
            "rate_hz": f"{1e3 / mean_ms:.2f}" if mean_ms else "0",
            "jitter_ms": f"{max(cycles) - min(cycles):.1f}" if cycles else "0",
            **{name: f"{value:.1f}" for name, value in self._timings.items()},
            **{f"drops.{name}": str(count) for name, count in drops.items()},
            **self.values,
        }
        return Health(
            self._node.get_fully_qualified_name(),
            verdict.state,
            verdict.reason,
            now_ns,
            self._sequence,
            self._latched(),
            values,
        )

    def _log(self, health: Health) -> None:
        reason, logged_s = self._logged
        now_s = time.monotonic()
        changed = health.state != self._state
        if not changed and (health.reason == reason or now_s - logged_s < _LOG_PERIOD_S):
            return
        self._logged = health.reason, now_s
        logger, line = self._node.get_logger(), f"{health.state.name}: {health.reason}"
        if health.state == State.OK:
            logger.info("OK")
        elif health.state == State.BUILDING:
            logger.info(line)
        elif health.state == State.DEGRADED:
            logger.warning(line)
        else:
            logger.error(line)

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
