"""Whether what others publish still reaches this process.

After a process has stood still for seconds, stopped or starved of processor time, the middleware's
shared memory may fail it for good: it talks, and its peers are there, but nothing arrives any more.
Only a new process helps. A pulse that the monitor publishes tells this from sensors that are
silent. (The monitor has nobody to listen to; deaf, it takes all nodes for dead, and says so.)
"""

from __future__ import annotations

import time

from rclpy.node import Node

from s2m_ros.nodes import ports
from s2m_ros.nodes.factory import message_type
from s2m_ros.nodes.qos import profile
from s2m_ros.nodes.seams.qos_events import losses

DEAF_S = 3.0
PULSE_S = 0.5
_OVERSLEPT_S = 1.0


class Deaf(RuntimeError):
    """Nothing reaches this process any more: it ends, to be started again."""


class Hearing:
    """Listens to the pulse. Call ``heard`` for each other message that comes from elsewhere, and
    ``require`` several times a second."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._heard_s: float | None = None
        self._asked_s = time.monotonic()
        node.create_subscription(
            message_type(ports.PULSE.kind),
            ports.PULSE.topic(),
            lambda message: self.heard(),
            profile(ports.PULSE.qos),
            event_callbacks=losses(),
        )

    def heard(self) -> None:
        self._heard_s = time.monotonic()

    def require(self) -> None:
        """Raises Deaf when nothing came for so long, though it did before, and the monitor is
        still there."""
        now_s = time.monotonic()
        slept_s, self._asked_s = now_s - self._asked_s, now_s
        if self._heard_s is None:
            return
        if slept_s > _OVERSLEPT_S:  # what was said meanwhile may still wait
            self._heard_s += slept_s
        silent_s = now_s - self._heard_s
        if silent_s > DEAF_S and self._node.count_publishers(ports.PULSE.topic()):
            raise Deaf(
                f"{self._node.get_fully_qualified_name()}: nothing reaches this process any more: "
                f"no message on any topic for {silent_s:.1f} s, though the monitor publishes: it "
                "ends, and is to be started again (respawn)"
            )
