"""What the three nodes share: settings, intake, one worker thread, health, a clean end.

The executor's thread only files messages; everything else happens in the worker, so a stage needs
no lock and a long inference never delays intake, parameters or health.
"""

from __future__ import annotations

import math
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import rclpy
from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.duration import Duration
from rclpy.exceptions import ParameterException
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible
from std_srvs.srv import Trigger

from s2m_ros.config import ConfigError
from s2m_ros.nodes.factory import RclpyFactory, message_type
from s2m_ros.nodes.inbox import Inbox
from s2m_ros.nodes.parameters import declare
from s2m_ros.nodes.reporting import Reporter
from s2m_ros.nodes.seams.qos_events import PublisherEventCallbacks, SubscriptionEventCallbacks
from s2m_ros.pipeline.conditions import Conditions
from s2m_ros.types import State
from s2m_ros.wire.geometry import stamp_ns

_TICK_S = 0.05
_RESET = "clock jump"
_CALM_S = 2.0


class Stage(Protocol):
    conditions: Conditions

    @property
    def drops(self) -> Mapping[str, int]: ...
    def reset(self) -> None: ...


@dataclass
class _Input:
    """One subscribed topic. silent: the state when nothing comes, or None when that is normal."""

    handle: Callable[[Any], None]
    capacity: int
    aged: bool
    silent: State | None
    arrived_s: float
    accepted_s: float
    refused_s: float = 0.0
    heard: bool = False


class StageNode(Node):
    """A node around one stage. Subclasses call ``listen`` and ``talk``, then ``start``."""

    def __init__(self, name: str, branches: Sequence[str]) -> None:
        super().__init__(name)
        self.config = declare(self, branches)
        self.factory = RclpyFactory()
        self._drops: Counter[str] = Counter()
        self._inbox = Inbox()
        self._inputs: dict[str, _Input] = {}
        self._endpoints: dict[str, tuple[Any, QoSProfile, bool]] = {}
        self._prepared_s = math.inf
        self._worker = threading.Thread(target=self._work, name=f"{name}_worker", daemon=True)

    # What a subclass offers beside its handlers.

    stage: Stage

    def prepare(self) -> None:
        """Runs in the worker before the first message."""

    def tick(self) -> None:
        """Runs in the worker after each message, and about 20 times a second."""

    def fault(self, message: Any, reason: str) -> None:
        """Runs when something failed unexpectedly: the output that says so.

        message: the one being handled, or None when it was no handler that failed.
        """

    # Set-up.

    def listen(
        self,
        kind: str,
        topic: str,
        handle: Callable[[Any], None],
        qos: QoSProfile,
        *,
        capacity: int = 1,
        aged: bool = False,
        silent: State | None = None,
    ) -> None:
        """Subscribe; ``handle`` runs in the worker.

        capacity: how many wait before the oldest gives way; aged: what is older than max_age_ms
        is dropped; silent: the state that silence on the topic means.
        """
        now_s = time.monotonic()
        self._inputs[topic] = _Input(handle, capacity, aged, silent, now_s, now_s)
        events = SubscriptionEventCallbacks(
            incompatible_qos=lambda event: self._incompatible(topic),
            message_lost=lambda event: self._lost(topic, event.total_count_change),
        )
        subscription = self.create_subscription(
            message_type(kind),
            topic,
            lambda message: self._arrived(topic, message),
            qos,
            event_callbacks=events,
        )
        self._endpoints[topic] = subscription, qos, False

    def talk(self, kind: str, topic: str, qos: QoSProfile) -> Any:
        """A publisher."""
        events = PublisherEventCallbacks(incompatible_qos=lambda event: self._incompatible(topic))
        publisher = self.create_publisher(message_type(kind), topic, qos, event_callbacks=events)
        self._endpoints[topic] = publisher, qos, True
        return publisher

    def start(self, stage: Stage) -> None:
        self.stage = stage
        self.report = Reporter(self, stage.conditions)
        self._jump = self.get_clock().create_jump_callback(
            JumpThreshold(
                min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False
            ),
            post_callback=lambda jump: self._jumped(),
        )
        self.create_timer(1.0, self._each_second, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.create_service(Trigger, "~/clear_fault", self._clear_fault)
        self._each_second()
        self._worker.start()

    def close(self) -> None:
        """End the worker; afterwards nothing is published."""
        self._inbox.close()
        if self._worker.is_alive():
            self._worker.join(timeout=5.0)

    def now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    @property
    def drops(self) -> Mapping[str, int]:
        waiting = {f"superseded {topic}": n for topic, n in self._inbox.dropped.items()}
        return {**self.stage.drops, **self._drops, **waiting}

    # In the executor's thread.

    def _arrived(self, topic: str, message: Any) -> None:
        entry = self._inputs[topic]
        entry.arrived_s, entry.heard = time.monotonic(), True
        self._inbox.put(topic, message, entry.capacity)

    def _jumped(self) -> None:
        self._inbox.flush()
        self._inbox.put(_RESET, None)

    def _each_second(self) -> None:
        now_s = time.monotonic()
        timeout_s = self.config.intake.input_timeout_ms * 1e-3
        for topic, entry in self._inputs.items():
            silence_s = now_s - entry.arrived_s
            late = min(silence_s, now_s - self._prepared_s) > timeout_s
            if entry.silent is None or (entry.heard and not late):
                self.stage.conditions.clear(f"silent {topic}")
            else:
                since = f"for {silence_s:.0f} s" if entry.heard else "yet"
                self.stage.conditions.set(
                    f"silent {topic}",
                    entry.silent if late else State.BUILDING,
                    f"{topic}: no message {since}: check its publisher, or remap the topic",
                )
            if now_s - entry.refused_s > _CALM_S:
                self.stage.conditions.clear(f"age {topic}")
        self._check_qos()
        self.report.publish(self.drops)

    def _lost(self, topic: str, count: int) -> None:
        self._drops[f"lost in transport {topic}"] += count

    def _incompatible(self, topic: str) -> None:
        cause = f"qos {topic}"
        self.report.errors.add(cause)
        own = "subscribes" if not self._endpoints[topic][2] else "publishes"
        qos = self._endpoints[topic][1]
        self.stage.conditions.set(
            cause,
            State.DEGRADED,
            f"{topic}: a peer's QoS is incompatible, so no message passes between the two: this "
            f"node {own} {qos.reliability.name} {qos.durability.name}: match the peer to it",
        )
        self.report.publish(self.drops)

    def _check_qos(self) -> None:
        """Take back what ``_incompatible`` said, once no such peer is left."""
        for topic, (endpoint, qos, publishes) in self._endpoints.items():
            cause = f"qos {topic}"
            if cause not in self.report.errors:
                continue
            name = endpoint.topic_name
            peers = (
                self.get_subscriptions_info_by_topic(name)
                if publishes
                else self.get_publishers_info_by_topic(name)
            )
            pairs = [
                (qos, peer.qos_profile) if publishes else (peer.qos_profile, qos) for peer in peers
            ]
            if all(qos_check_compatible(*pair)[0] != QoSCompatibility.ERROR for pair in pairs):
                self.report.errors.discard(cause)
                self.stage.conditions.clear(cause)

    def _clear_fault(self, request: Any, response: Any) -> Any:
        self.stage.conditions.clear_latched()
        verdict = self.stage.conditions.worst()
        response.success, response.message = True, verdict.reason or verdict.state.name
        return response

    # In the worker.

    def _work(self) -> None:
        self._guarded(self.prepare, None)
        self._prepared_s = time.monotonic()
        while not self._inbox.closed:
            item = self._inbox.get(_TICK_S)
            if item is not None and item.key == _RESET:
                self._guarded(self.stage.reset, None)
            elif item is not None:
                self._guarded(lambda: self._handle(item.key, item.message), item.message)  # noqa: B023
            self._guarded(self._after, None)

    def _after(self) -> None:
        self.tick()
        self.report.update(self.drops)

    def _handle(self, topic: str, message: Any) -> None:
        entry = self._inputs[topic]
        if entry.aged and self._too_old(topic, entry, message):
            return
        entry.accepted_s = time.monotonic()
        entry.handle(message)

    def _too_old(self, topic: str, entry: _Input, message: Any) -> bool:
        now_ns = self.now_ns()
        age_ms = (now_ns - stamp_ns(message.header.stamp)) * 1e-6
        limit_ms = self.config.intake.max_age_ms
        if now_ns == 0 or abs(age_ms) <= limit_ms:  # 0: simulated time that has not begun
            return False
        self._drops[f"{'too old' if age_ms > 0 else 'from the future'} {topic}"] += 1
        entry.refused_s = time.monotonic()
        quiet_s = entry.refused_s - entry.accepted_s
        gone = quiet_s > self.config.intake.input_timeout_ms * 1e-3
        relation = "older than" if age_ms > 0 else "ahead of"
        self.stage.conditions.set(
            f"age {topic}",
            State.UNKNOWN if gone else State.DEGRADED,
            f"{topic}: stamp is {abs(age_ms) * 1e-3:.3g} s {relation} the clock of this node, at "
            f"most {limit_ms:g} ms allowed: synchronise the clocks, set use_sim_time for a "
            "replay, or lighten the load",
        )
        return True

    def _guarded(self, action: Callable[[], None], message: Any) -> None:
        """A defect of ours must not end the node, nor pass unseen: it is latched as FAULT."""
        try:
            action()
        except Exception as error:
            if not self.context.ok():
                self._inbox.close()  # the process is ending: publishing is over
                return
            reason = f"{type(error).__name__}: {error}: report it with the log; ~/clear_fault"
            self.get_logger().error(traceback.format_exc())
            self._drops["faults"] += 1
            self.stage.conditions.latch("fault", State.FAULT, reason)
            try:
                self.fault(message, reason)
            except Exception:
                self.get_logger().error(traceback.format_exc())


def run(make: Callable[[], StageNode], args: Sequence[str] | None = None) -> None:
    """The life of a node's process: until SIGINT or SIGTERM."""
    rclpy.init(args=args)
    node: StageNode | None = None
    try:
        node = make()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except (ConfigError, ParameterException) as error:
        raise SystemExit(f"settings: {error}") from error
    except Exception:
        if rclpy.ok():  # else a callback published while the signal arrived
            raise
    finally:
        if node is not None:
            node.close()
        if rclpy.ok():
            rclpy.shutdown()
