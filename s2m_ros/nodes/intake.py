"""The topics of a node: what comes, what is too old, what has fallen silent, whose QoS differs.

The executor's thread only files messages; ``accepts`` is the worker's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSCompatibility, QoSProfile, qos_check_compatible

from s2m_ros.config import Intake as Settings
from s2m_ros.nodes.factory import message_type
from s2m_ros.nodes.hearing import Hearing
from s2m_ros.nodes.inbox import Inbox
from s2m_ros.nodes.ports import Port
from s2m_ros.nodes.qos import profile
from s2m_ros.nodes.seams.qos_events import losses, no_events
from s2m_ros.pipeline.clocks import Delays
from s2m_ros.pipeline.conditions import Conditions
from s2m_ros.types import State
from s2m_ros.wire.geometry import stamp_ns

_CALM_S = 2.0
_PEERS_S = 1.0


@dataclass
class _Input:
    """One subscribed topic; ``Intake.listen`` explains the fields."""

    subscription: Any
    handle: Callable[[Any], None]
    capacity: int
    aged: bool
    silent: State | None
    arrived_s: float
    accepted_s: float
    refused_s: float = 0.0
    heard: bool = False


class Intake:
    """Subscriptions and publishers of a node; what is wrong with them goes to ``conditions``.

    errors: causes that are diagnostics of level ERROR whatever the state; delays: how late the
    messages of each topic come, by their stamps; hearing: whether anything comes at all.
    """

    def __init__(self, node: Node, inbox: Inbox, conditions: Conditions) -> None:
        self._node = node
        self._inbox = inbox
        self.hearing = Hearing(node)
        self._conditions = conditions
        self._inputs: dict[str, _Input] = {}
        self._endpoints: dict[str, tuple[Any, QoSProfile, bool]] = {}
        self._drops: Counter[str] = Counter()
        self._peers_checked_s = 0.0
        self.errors: set[str] = set()
        self.delays: dict[str, Delays] = {}

    @property
    def drops(self) -> Mapping[str, int]:
        superseded = {f"superseded {topic}": n for topic, n in dict(self._inbox.dropped).items()}
        return {**self._drops, **superseded}

    @property
    def figures(self) -> dict[str, str]:
        """Rate and least delay, by its stamps, of each input."""
        found = {}
        for topic, delays in self.delays.items():
            found[f"input.{topic}.rate_hz"] = f"{delays.rate_hz(time.monotonic()):.2f}"
            if delays.least_ms is not None:
                found[f"input.{topic}.least_delay_ms"] = f"{delays.least_ms:.1f}"
        return found

    @property
    def open(self) -> bool:
        """Whether any topic is listened to."""
        return bool(self._inputs)

    def named(self, topic: str) -> str:
        """A topic as the graph knows it, after namespace and remapping."""
        return str(self._node.resolve_topic_name(topic))

    # In the executor's thread.

    def listen(
        self,
        port: Port,
        handle: Callable[[Any], None],
        *,
        camera: str = "",
        capacity: int = 1,
        aged: bool = False,
        silent: State | None = None,
    ) -> None:
        """Subscribe; ``handle`` runs in the worker.

        camera: whose, of a port that each camera has; capacity: how many wait before the oldest
        gives way; aged: what is older than max_age_ms is dropped; silent: the state that silence
        on the topic means, None when it is normal.
        """
        topic, qos = port.topic(camera), profile(port.qos)
        now_s = time.monotonic()
        subscription = self._node.create_subscription(
            message_type(port.kind),
            topic,
            lambda message: self._arrived(topic, message),
            qos,
            event_callbacks=losses(lambda count: self._lost(topic, count)),
        )
        self._inputs[topic] = _Input(subscription, handle, capacity, aged, silent, now_s, now_s)
        self._endpoints[topic] = subscription, qos, False
        self.delays[topic] = Delays()

    def talk(self, port: Port, create: Callable[..., Any], camera: str = "") -> Any:
        """A publisher made by ``create``, with an eye on the QoS of its readers."""
        topic, qos = port.topic(camera), profile(port.qos)
        publisher = create(message_type(port.kind), topic, qos, event_callbacks=no_events())
        self._endpoints[topic] = publisher, qos, True
        return publisher

    def leave(self) -> None:
        """End all subscriptions and what was said of them."""
        for topic, entry in self._inputs.items():
            self._node.destroy_subscription(entry.subscription)
            del self._endpoints[topic]
            for cause in (f"silent {topic}", f"age {topic}", f"qos {topic}"):
                self._conditions.clear(cause)
                self.errors.discard(cause)
        self._inputs.clear()
        self.delays.clear()

    def check(self, settings: Settings) -> None:
        """What only the passing of time shows: silence, calm after refusals, peers that left."""
        now_s = time.monotonic()
        timeout_s = settings.input_timeout_ms * 1e-3
        for topic, entry in self._inputs.items():
            silence_s = now_s - entry.arrived_s
            late = silence_s > timeout_s
            if entry.silent is None or (entry.heard and not late):
                self._conditions.clear(f"silent {topic}")
            else:
                since = f"for {silence_s:.0f} s" if entry.heard else "yet"
                self._conditions.set(
                    f"silent {topic}",
                    entry.silent if late else State.BUILDING,
                    f"{self.named(topic)}: no message {since}: check its publisher, or remap the "
                    "topic",
                )
            if now_s - entry.refused_s > _CALM_S:
                self._conditions.clear(f"age {topic}")
        if now_s - self._peers_checked_s >= _PEERS_S:
            self._peers_checked_s = now_s
            for topic in self._endpoints:
                self._check_qos(topic)

    def _arrived(self, topic: str, message: Any) -> None:
        entry = self._inputs.get(topic)
        if entry is None:  # taken just before the node left the topic
            return
        entry.arrived_s, entry.heard = time.monotonic(), True
        self.hearing.heard()
        stamp = stamp_ns(message.header.stamp) if hasattr(message, "header") else None
        self.delays[topic].add(stamp, self._now_ns(), entry.arrived_s)
        self._inbox.put(topic, message, entry.capacity)

    def _lost(self, topic: str, count: int) -> None:
        self._drops[f"lost in transport {topic}"] += count

    def _check_qos(self, topic: str) -> None:
        """Whether each peer in the graph can talk to this end of the topic."""
        endpoint, qos, publishes = self._endpoints[topic]
        # Both as the graph tells them: what a profile leaves open is settled there.
        readers = self._node.get_subscriptions_info_by_topic(endpoint.topic_name)
        writers = self._node.get_publishers_info_by_topic(endpoint.topic_name)
        pairs = (
            (writer.qos_profile, reader.qos_profile)
            for writer, reader in product(writers, readers)
            if self._is_own(writer if publishes else reader)
        )
        if all(qos_check_compatible(*pair)[0] != QoSCompatibility.ERROR for pair in pairs):
            self.errors.discard(f"qos {topic}")
            self._conditions.clear(f"qos {topic}")
            return
        self.errors.add(f"qos {topic}")
        self._conditions.set(
            f"qos {topic}",
            State.DEGRADED,
            f"{self.named(topic)}: a peer's QoS is incompatible, so no message passes between the "
            f"two: this node {'publishes' if publishes else 'subscribes'} {qos.reliability.name} "
            f"{qos.durability.name}: match the peer to it",
        )

    def _is_own(self, end: Any) -> bool:
        """Whether a reader or writer in the graph belongs to this node."""
        node = self._node
        return (end.node_name, end.node_namespace) == (node.get_name(), node.get_namespace())

    # In the worker.

    def work(self, topic: str, message: Any, settings: Settings) -> None:
        """Handle a message, unless it is too old or its topic was left."""
        entry = self._inputs.get(topic)
        if entry is None or (entry.aged and self._too_old(topic, entry, message, settings)):
            return
        entry.accepted_s = time.monotonic()
        entry.handle(message)

    def _too_old(self, topic: str, entry: _Input, message: Any, settings: Settings) -> bool:
        now_ns = self._now_ns()
        age_ms = (now_ns - stamp_ns(message.header.stamp)) * 1e-6
        limit_ms = settings.max_age_ms
        if now_ns == 0 or abs(age_ms) <= limit_ms:  # 0: simulated time that has not begun
            return False
        self._drops[f"{'too old' if age_ms > 0 else 'from the future'} {topic}"] += 1
        entry.refused_s = time.monotonic()
        gone = entry.refused_s - entry.accepted_s > settings.input_timeout_ms * 1e-3
        relation = "older than" if age_ms > 0 else "ahead of"
        self._conditions.set(
            f"age {topic}",
            State.UNKNOWN if gone else State.DEGRADED,
            f"{self.named(topic)}: stamp is {abs(age_ms) * 1e-3:.3g} s {relation} the clock of this"
            f" node, at most {limit_ms:g} ms allowed: synchronise the clocks, set use_sim_time for "
            "a replay, or lighten the load",
        )
        return True

    def _now_ns(self) -> int:
        return int(self._node.get_clock().now().nanoseconds)
